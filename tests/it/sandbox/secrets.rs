//! What a command must never find: the user's keys, in the environment, in other processes, in files, behind sockets.

use std::os::unix::net::UnixListener;

use super::*;

const CANARY: &str = "canary-5f2c91";

/// Where programs keep credentials below HOME, and vk below its own folder.
const FILES: [&str; 16] = [
    "home/.ssh/id_ed25519",
    "home/.aws/credentials",
    "home/.config/gh/hosts.yml",
    "home/.config/gcloud/credentials.db",
    "home/.docker/config.json",
    "home/.kube/config",
    "home/.netrc",
    "home/.git-credentials",
    "home/.npmrc",
    "home/.cargo/credentials.toml",
    "home/.gnupg/private-keys-v1.d/a.key",
    "home/.local/share/keyrings/login.keyring",
    "home/.claude/.credentials.json",
    "home/.codex/auth.json",
    "home/notes.txt",
    "data/secrets.age",
];

#[test]
fn no_file_of_the_home_is_found() {
    for backend in backends() {
        let mut place = Place::new();
        for file in FILES {
            place = place.file(file, &format!("//registry.example/:_authToken={CANARY}\n"));
        }
        // Programs that the user has installed for himself lie beside them and can be run.
        let place = place.file("home/.local/bin/tool", "#!/bin/sh\necho tool works\n").file("home/.local/lib/x", "");
        let tool = place.home().join(".local/bin/tool");
        std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", place.home().join(".local/bin").display());
        let place = place.set("PATH", &path);
        let sandbox = place.start(*backend);
        let names = FILES.map(|file| place.path().join(file).display().to_string());
        let found = run(
            &sandbox,
            &format!(
                "cat {0} 2>/dev/null; cd /; for f in {0}; do cat \"/proc/self/root$f\" \"/proc/$PPID/root$f\" 2>/dev/null; done; \
                 cat ~/.ssh/* ~/.npmrc ~/.netrc 2>/dev/null; grep -rs {CANARY} {1}; tool",
                names.join(" "),
                place.path().display()
            ),
        );
        assert!(!found.text().contains(CANARY), "{backend:?}: {}", found.text());
        assert!(found.text().contains("tool works"), "{backend:?}: {}", found.text());
        let linked = run(
            &sandbox,
            &format!(
                "ln -s {0}/.ssh/id_ed25519 {1}/l; cat {1}/l; ln {0}/.ssh/id_ed25519 {1}/h; cat {1}/h",
                place.home().display(),
                place.work().display()
            ),
        );
        assert!(!linked.text().contains(CANARY), "{backend:?}: {}", linked.text());
    }
}

#[test]
fn the_environment_is_an_allow_list() {
    for backend in backends() {
        let mut place = Place::new().set("LANG", "C.UTF-8").set("MY_FEATURE", "on");
        for name in [
            "ANTHROPIC_API_KEY",
            "OPENAI_API_KEY",
            "GITHUB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "DATABASE_URL",
            "PGPASSWORD",
            "VK_KEY",
            "VK_CONFIG_DIR",
            "SSH_AUTH_SOCK",
            "DBUS_SESSION_BUS_ADDRESS",
            "XDG_RUNTIME_DIR",
            "LD_PRELOAD",
            "BASH_ENV",
            "ENV",
            "BASH_FUNC_ls%%",
            "GIT_SSH_COMMAND",
            "PROMPT_COMMAND",
            "NODE_OPTIONS",
            "PYTHONPATH",
        ] {
            place = place.set(name, CANARY);
        }
        let mut spec = place.spec(*backend);
        spec.env_allow = vec!["MY_FEATURE".to_owned(), "VK_KEY".to_owned(), "ANTHROPIC_API_KEY".to_owned()];
        let sandbox = place.start_with(spec).unwrap();
        let seen =
            run(&sandbox, "printenv; export -p; set; tr '\\0' '\\n' < /proc/self/environ; echo feature $MY_FEATURE");
        assert!(!seen.text().contains(CANARY), "{backend:?}: {}", seen.text());
        assert!(seen.text().contains("feature on"));
        let told = sandbox.environment();
        let names = run(&sandbox, "printenv -0 | cut -z -d= -f1 | tr '\\0' '\\n'");
        // What the shell itself sets beside it.
        let own = ["PWD", "OLDPWD", "SHLVL", "_"];
        for name in names.text().lines().filter(|name| !own.contains(name)) {
            assert!(told.contains_key(name), "{backend:?}: {name} is not in what is said to be passed");
        }
    }
}

#[test]
fn other_processes_are_not_looked_into() {
    for backend in backends() {
        let mut other = std::process::Command::new("sleep").arg("60").env("SECRET_OF_MINE", CANARY).spawn().unwrap();
        let (place, pid) = (Place::new(), other.id());
        let sandbox = place.start(*backend);
        let seen = run(
            &sandbox,
            &format!(
                "cat /proc/*/environ /proc/{pid}/environ /proc/$PPID/environ | tr '\\0' '\\n'; ps auxeww; ls -l /proc/*/fd /proc/{pid}/cwd/; \
                 cat /proc/{pid}/cmdline /proc/{pid}/maps; head -c 64 /proc/$PPID/mem; \
                 readlink /proc/$PPID/fd/0 /proc/{pid}/fd/0 && echo looked'' into the inside"
            ),
        );
        // ptrace(PTRACE_ATTACH), process_vm_readv and pidfd_getfd of another process, by number.
        let traced = run(
            &sandbox,
            &format!(
                "perl -e 'for my $pid (@ARGV) {{ print \"attached\" if syscall(101, 16, $pid+0, 0, 0) == 0; \
                 my $fd = syscall(434, $pid+0, 0); print \"got a descriptor\" if $fd >= 0 && syscall(438, $fd+0, 0, 0) >= 0; }}' {pid} $PPID"
            ),
        );
        other.kill().unwrap();
        other.wait().unwrap();
        let text = seen.text();
        assert!(!text.contains(CANARY) && !text.contains("looked into the inside"), "{backend:?}: {text}");
        if cfg!(target_arch = "x86_64") {
            assert!(!traced.text().contains("attached") && !traced.text().contains("got"), "{}", traced.text());
        }
    }
}

#[test]
fn no_agent_and_no_bus_answers() {
    for backend in backends() {
        let place = Place::new();
        let run_dir = place.path().join("run");
        std::fs::create_dir(&run_dir).unwrap();
        let (bus, agent) = (run_dir.join("bus"), run_dir.join("agent"));
        let listeners = [UnixListener::bind(&bus).unwrap(), UnixListener::bind(&agent).unwrap()];
        for listener in &listeners {
            listener.set_nonblocking(true).unwrap();
        }
        let place = place
            .set("XDG_RUNTIME_DIR", &run_dir.to_string_lossy())
            .set("DBUS_SESSION_BUS_ADDRESS", &format!("unix:path={}", bus.display()))
            .set("SSH_AUTH_SOCK", &agent.to_string_lossy());
        let sandbox = place.start(*backend);
        let script = format!(
            "export SSH_AUTH_SOCK={1} DBUS_SESSION_BUS_ADDRESS=unix:path={0} XDG_RUNTIME_DIR={2}; \
             timeout 2 ssh-add -l; timeout 2 secret-tool search --all service vk; timeout 2 dbus-send --session / a.b.c; \
             perl -MSocket -e 'for (@ARGV) {{ socket(my $s, AF_UNIX, SOCK_STREAM, 0) && connect($s, sockaddr_un($_)) && print \"connected\" }}' \
             {0} {1} /run/dbus/system_bus_socket /run/user/$UID/bus /var/run/docker.sock",
            bus.display(),
            agent.display(),
            run_dir.display()
        );
        let tried = run(&sandbox, &script);
        assert!(!tried.text().contains("connected"), "{backend:?}: {}", tried.text());
        // The probe at the start has looked at them too; nobody may have got through.
        assert!(listeners.iter().all(|listener| listener.accept().is_err()), "{backend:?}: {}", tried.text());
    }
}

#[test]
fn the_kernels_own_keyring_does_not_answer() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        // keyctl(KEYCTL_GET_KEYRING_ID) of the session and user keyrings; request_key; add_key.
        let script = "perl -e '$k = \"user\"; $n = \"n\"; for my $ring (-3, -4, -5) { print \"ring\" if syscall(250, 0, $ring, 0) > 0 } \
             print \"added\" if syscall(248, $k, $n, $n, 1, -4) > 0; print \"requested\" if syscall(249, $k, $n, 0, 0) > 0; print \"done\"'; \
             echo; cat /proc/keys /proc/key-users";
        if cfg!(target_arch = "x86_64") {
            let tried = run(&sandbox, script).text();
            assert_eq!(tried.lines().next(), Some("done"), "{backend:?}: {tried}");
            assert!(!tried.contains("perm"), "{backend:?}: {tried}");
        }
    }
}

#[test]
fn nothing_open_is_handed_down() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        let open = run(
            &sandbox,
            "perl -MPOSIX -e 'for (3..1000) { print qq(open $_\\n) if defined POSIX::dup2($_, 2000) }; print q(looked)'",
        );
        assert_eq!(open.text(), "looked", "{backend:?}");
    }
}

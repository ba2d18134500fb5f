//! What may be written and what may not, by commands and by the file tools beside them.

use super::*;
use vibekit::sandbox::{Mode, Status, Workspace};

#[test]
fn only_the_workspace_the_cache_and_private_folders_are_written() {
    for backend in backends() {
        let place = Place::new().file("home/.bashrc", "mine\n").file("elsewhere/a.txt", "mine\n");
        let sandbox = place.start(*backend);
        let home = place.home().display().to_string();
        let inside = run(
            &sandbox,
            "echo ok > $PWD/a && mkdir -p b/c && mv a b/c/a && cat b/c/a && echo ok > $TMPDIR/t && echo ok > $HOME/h && \
             echo ok > $XDG_CACHE_HOME/k && cat $TMPDIR/t $HOME/h $XDG_CACHE_HOME/k",
        );
        assert_eq!((inside.status, inside.text().as_str()), (Status::Exited(0), "ok\nok\nok\nok\n"), "{backend:?}");
        let sibling = place.path().join("home/work-evil");
        std::fs::create_dir(&sibling).unwrap();
        let script = format!(
            "echo bad >> {home}/.bashrc; echo bad > {home}/new; echo bad > {elsewhere}/a.txt; echo bad > {sibling}/x; \
             echo bad > ../up; : > {elsewhere}/a.txt; truncate -s 0 {elsewhere}/a.txt; rm -f {elsewhere}/a.txt; rm -rf {elsewhere}; \
             mv {elsewhere} {elsewhere}2; ln {elsewhere}/a.txt hard; chmod 777 {elsewhere}; \
             ln -s {elsewhere} link; echo bad > link/new; echo bad > /proc/self/cwd/../up2; \
             for f in /etc/vk-was-here /usr/vk-was-here /usr/local/bin/vk-was-here /root/vk-was-here /var/tmp/vk-was-here /dev/shm/vk-was-here \
             /opt/vk-was-here /vk-was-here; do echo bad > $f; done; echo bad > /proc/sys/kernel/core_pattern; echo end",
            elsewhere = place.path().join("elsewhere").display(),
            sibling = sibling.display(),
        );
        let tried = run(&sandbox, &script);
        assert!(tried.text().ends_with("end\n"), "{}", tried.text());
        let read = |path: &str| std::fs::read_to_string(place.path().join(path)).ok();
        assert_eq!(read("home/.bashrc").as_deref(), Some("mine\n"), "{backend:?}");
        assert_eq!(read("elsewhere/a.txt").as_deref(), Some("mine\n"), "{backend:?}");
        let names = |path: &Path| {
            let mut names: Vec<String> = std::fs::read_dir(path)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names(&place.home()), [".bashrc", "work", "work-evil"], "{backend:?}");
        assert_eq!(names(&sibling), [""; 0], "{backend:?}");
        assert_eq!(names(&place.path().join("elsewhere")), ["a.txt"], "{backend:?}");
        for folder in ["/etc", "/usr", "/usr/local/bin", "/root", "/var/tmp", "/dev/shm", "/opt", "/"] {
            assert!(!Path::new(folder).join("vk-was-here").exists(), "{backend:?}: {folder}");
        }
        let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
        assert_ne!(pattern.trim(), "bad", "{backend:?}");
    }
}

#[test]
fn folders_that_the_user_names_are_opened_and_no_more() {
    for backend in backends() {
        let place = Place::new().file("shared/r/a", "read me\n").file("shared/w/a", "").file("shared/o/a", "closed\n");
        let at = |name: &str| place.path().join("shared").join(name);
        let mut spec = place.spec(*backend);
        (spec.read, spec.write) = (vec![at("r")], vec![at("w")]);
        let sandbox = place.start_with(spec).unwrap();
        let script =
            format!("cd {}; cat r/a; echo x > r/a; echo written > w/a; cat o/a; echo x > o/a", at("").display());
        let text = run(&sandbox, &script).text();
        assert!(text.starts_with("read me\n") && !text.contains("closed"), "{backend:?}: {text}");
        let read = |name: &str| std::fs::read_to_string(at(name).join("a")).unwrap();
        assert_eq!((read("r"), read("w"), read("o")), ("read me\n".into(), "written\n".into(), "closed\n".into()));
    }
}

#[test]
fn a_link_that_a_command_plants_does_not_lead_the_file_tools_out() {
    for backend in backends() {
        let place = Place::new().file("home/.ssh/authorized_keys", "mine\n").file("home/work/dir/x", "");
        let sandbox = place.start(*backend);
        let workspace = Workspace::open(&place.work(), &[]).unwrap();
        let ssh = place.home().join(".ssh").display().to_string();
        run(&sandbox, &format!("ln -s {ssh} folder; ln -s {ssh}/authorized_keys file; ln -s ../.ssh relative"));
        for path in ["folder/authorized_keys", "file", "relative/authorized_keys", "folder/new"] {
            assert!(workspace.write_atomic(Path::new(path), b"bad").is_err(), "{path}");
            assert!(workspace.read(Path::new(path), 100).is_err(), "{path}");
        }
        // The folder is swapped for a link again and again while the file tools write.
        let swap = format!(
            "for n in $(seq 60); do mv -T dir parked; ln -sT {ssh} dir; rm -rf dir; mv -T parked dir; done 2>/dev/null; echo swapped"
        );
        std::thread::scope(|scope| {
            let swapping = scope.spawn(|| run(&sandbox, &swap).text());
            let mut written = 0;
            while !swapping.is_finished() {
                written += u32::from(workspace.write_atomic(Path::new("dir/authorized_keys"), b"bad").is_ok());
            }
            assert_eq!(swapping.join().unwrap(), "swapped\n");
            assert!(written > 0);
        });
        assert_eq!(std::fs::read_to_string(place.home().join(".ssh/authorized_keys")).unwrap(), "mine\n");
        assert_eq!(std::fs::read_dir(place.home().join(".ssh")).unwrap().count(), 1, "{backend:?}");
    }
}

#[test]
fn without_a_sandbox_commands_have_the_users_files_but_not_his_keys() {
    let place = Place::new().set("ANTHROPIC_API_KEY", "canary").file("home/notes", "mine\n");
    let mut spec = place.spec(Backend::Bubblewrap);
    spec.mode = Mode::Off;
    let sandbox = place.start_with(spec).unwrap();
    let text = run(&sandbox, "cat ~/notes; echo ok > ~/new; printenv").text();
    assert!(text.starts_with("mine\n") && !text.contains("canary"), "{text}");
    assert!(place.home().join("new").exists());
    let left = run(&sandbox, "(setsid sh -c 'while :; do : > beat; sleep 0.02; done' &) ; sleep 0.1; echo ok");
    assert_eq!(left.text(), "ok\n");
    let modified = || std::fs::metadata(place.work().join("beat")).unwrap().modified().unwrap();
    let before = modified();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(modified(), before, "even here nothing outlives its command");
}

#[test]
fn a_workspace_in_shared_memory_is_one_too() {
    let Ok(dir) = tempfile::Builder::new().prefix("vk-it-").tempdir_in("/dev/shm") else { return };
    for backend in backends() {
        let place = Place::new();
        let mut spec = place.spec(*backend);
        spec.workspace = dir.path().to_path_buf();
        let sandbox = place.start_with(spec).unwrap();
        assert_eq!(
            run(&sandbox, "echo ok > a && cat a && touch ../b 2>/dev/null; ls /dev/null").text(),
            "ok\n/dev/null\n"
        );
        assert_eq!(std::fs::read_to_string(dir.path().join("a")).unwrap(), "ok\n", "{backend:?}");
        assert!(!Path::new("/dev/shm/b").exists(), "{backend:?}");
    }
}

//! Nothing outlives its command, its caller or its vk.

use std::io::Write as _;
use std::process::Stdio;

use super::*;
use vibekit::sandbox::Status;

/// A process that says it lives by touching this file again and again, in the ways that programs leave their parents.
fn leaving(how: &str) -> String {
    let beat = "while :; do : > beat; sleep 0.02; done";
    match how {
        "background" => format!("({beat}) & sleep 0.1"),
        "nohup" => format!("nohup sh -c '{beat}' >/dev/null 2>&1 & sleep 0.1"),
        "setsid" => format!("setsid sh -c '{beat}' >/dev/null 2>&1 & sleep 0.1"),
        "double fork" => format!("(setsid sh -c '(trap \"\" HUP TERM INT; {beat}) &' &) >/dev/null 2>&1; sleep 0.1"),
        "forking away" => {
            "touch beat; perl -MPOSIX=setsid -e '$SIG{TERM} = $SIG{HUP} = q(IGNORE); for (;;) { fork and exit; setsid; \
             utime undef, undef, q(beat); select undef, undef, undef, 0.0005 }'; sleep 0.1"
                .to_owned()
        }
        other => panic!("{other}"),
    }
}

/// Whether something still touches the file.
fn beats(place: &Place) -> bool {
    let at = || std::fs::metadata(place.work().join("beat")).and_then(|meta| meta.modified()).ok();
    let before = at();
    std::thread::sleep(Duration::from_millis(100));
    at() != before
}

#[test]
fn what_a_command_leaves_running_ends_with_it() {
    for backend in backends() {
        for how in ["background", "nohup", "setsid", "double fork", "forking away"] {
            let place = Place::new();
            let sandbox = place.start(*backend);
            let began = Instant::now();
            let left = run(&sandbox, &leaving(how));
            assert_eq!(left.status, Status::Exited(0), "{backend:?} {how}: {}", left.text());
            assert!(place.work().join("beat").exists(), "{backend:?} {how}: it never ran");
            assert!(!beats(&place), "{backend:?}: {how} survived");
            assert!(began.elapsed() < Duration::from_secs(3), "{backend:?} {how}: {:?}", began.elapsed());
            assert_eq!(run(&sandbox, "echo fine").text(), "fine\n");
        }
    }
}

#[test]
fn a_limit_ends_a_command_that_will_not_listen() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        let began = Instant::now();
        let script = "trap '' TERM INT HUP; echo begun; while :; do : > beat; sleep 0.02; done";
        let late = run_for(&sandbox, script, Duration::from_millis(200));
        assert_eq!((late.status, late.text().as_str()), (Status::TimedOut, "begun\n"), "{backend:?}");
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        assert!(!beats(&place), "{backend:?}: it survived");
        // One that does listen has a moment to tidy up, and keeps what it had exported.
        let tidy = run_for(&sandbox, "trap 'echo tidied; exit' TERM; sleep 30 & wait", Duration::from_millis(200));
        assert_eq!((tidy.status, tidy.text().as_str()), (Status::TimedOut, "tidied\n"), "{backend:?}");
    }
}

#[test]
fn a_command_that_nobody_waits_for_is_ended() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        block_on(async {
            let command = Command::new("trap '' TERM INT; while :; do : > beat; sleep 0.02; done");
            let running = sandbox.run(command);
            let _ = tokio::time::timeout(Duration::from_millis(200), running).await;
        });
        assert!(place.work().join("beat").exists());
        assert!(eventually(|| !beats(&place)), "{backend:?}: it survived");
        assert_eq!(run(&sandbox, "echo fine").text(), "fine\n", "{backend:?}");
    }
}

#[test]
fn everything_ends_with_the_sandbox() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                block_on(async {
                    let running = sandbox.run(Command::new(leaving("setsid") + "; sleep 20"));
                    let _ = tokio::time::timeout(Duration::from_millis(300), running).await;
                });
            });
        });
        assert!(place.work().join("beat").exists());
        drop(sandbox);
        assert!(!beats(&place), "{backend:?}: it survived");
        let left = std::fs::read_dir(place.path().join("tmp")).unwrap().count();
        assert_eq!(left, 0, "{backend:?}: its private folder was left behind");
    }
}

/// This test binary run a second time as a program that holds a sandbox, to be killed.
const HOLDER: &str = "VK_TEST_HOLD_A_SANDBOX";

#[test]
fn held_for_another_test() {
    let Some(wanted) = outer(HOLDER) else { return };
    let backend = if wanted == "bubblewrap" { Backend::Bubblewrap } else { Backend::Landlock };
    let place = Place::new();
    let sandbox = place.start(backend);
    let mut out = std::io::stdout();
    writeln!(out, "\nPLACE {}", place.path().display()).unwrap();
    out.flush().unwrap();
    run_for(&sandbox, &(leaving("double fork") + "; touch ready; sleep 60"), Duration::from_mins(1));
}

#[test]
fn everything_ends_when_vk_is_killed() {
    for backend in backends() {
        let name = format!("{backend:?}").to_lowercase();
        let mut holder = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sandbox::processes::held_for_another_test", "--nocapture"])
            .env(HOLDER, &name)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufRead::lines(std::io::BufReader::new(holder.stdout.take().unwrap()));
        let mut lines = lines.map_while(Result::ok);
        let place = lines.find_map(|line| line.strip_prefix("PLACE ").map(PathBuf::from)).unwrap();
        let work = place.join("home/work");
        assert!(eventually(|| work.join("ready").exists()));
        holder.kill().unwrap();
        holder.wait().unwrap();
        let modified = || std::fs::metadata(work.join("beat")).unwrap().modified().unwrap();
        let still = || {
            let before = modified();
            std::thread::sleep(Duration::from_millis(100));
            modified() != before
        };
        let ended = eventually(|| !still());
        let left = || std::fs::read_dir(place.join("tmp")).unwrap().count();
        let tidied = eventually(|| left() == 0);
        std::fs::remove_dir_all(&place).unwrap();
        assert!(ended, "{name}: a command outlived its vk");
        assert!(tidied, "{name}: the private folder was left behind");
    }
}

#[test]
fn a_command_can_end_neither_other_programs_nor_its_own_sandbox() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        if sandbox.describe().contains("could signal") {
            // A kernel before Linux 6.12, and the sandbox says so.
            continue;
        }
        let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let script = format!("kill -KILL {} 1; kill -KILL -1; kill -KILL $PPID", other.id());
        let attacked = block_on(sandbox.run(Command::new(script)));
        let spared = other.try_wait().unwrap().is_none();
        other.kill().unwrap();
        other.wait().unwrap();
        assert!(spared, "{backend:?}: another program was ended");
        match (backend, attacked) {
            (Backend::Bubblewrap, attacked) => drop(attacked.unwrap()),
            // Without a namespace its own commands can end the inside; then there is no sandbox, and nothing runs.
            (Backend::Landlock, Ok(_)) => {}
            (Backend::Landlock, Err(error)) => assert!(matches!(error, SandboxError::Ended { .. }), "{error}"),
        }
        let next = block_on(sandbox.run(Command::new("echo fine")));
        assert!(matches!(next, Ok(_) | Err(SandboxError::Ended { .. })), "{next:?}");
        if matches!(backend, Backend::Bubblewrap) {
            assert_eq!(next.unwrap().text(), "fine\n");
        }
        block_on(sandbox.restart()).unwrap();
        assert_eq!(run(&sandbox, "echo again").text(), "again\n", "{backend:?}");
    }
}

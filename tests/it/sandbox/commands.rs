//! Running commands: what is carried over, what a command is given to read, and what of its output is kept.

use super::*;
use vibekit::sandbox::{Level, Mode, Status};

#[test]
fn a_command_runs_and_its_folder_and_variables_are_carried_over() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        let first = run(
            &sandbox,
            "mkdir -p sub && cd sub && export NOTE=$'two\\nlines \"quoted\"' && unset LANG; echo hi; echo err >&2",
        );
        assert_eq!((first.status, first.text().as_str()), (Status::Exited(0), "hi\nerr\n"), "{backend:?}");
        let second = run(&sandbox, "pwd; echo \"$NOTE\"; echo ${LANG-unset}");
        let expected = format!("{}/sub\ntwo\nlines \"quoted\"\nunset\n", place.work().display());
        assert_eq!(second.text(), expected, "{backend:?}");
    }
}

#[test]
fn what_a_command_does_to_its_own_shell_is_its_own_affair() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        for (script, code) in [
            ("exit 7", 7),
            ("set -e; false; echo not reached", 1),
            ("exec sh -c 'exit 5'", 5),
            ("trap 'exit 6' EXIT; true", 6),
            ("set -u; echo $nothing_of_that_name", 127),
            ("if then", 2),
            ("no_such_program_at_all", 127),
            ("kill -TERM $$; sleep 5", 143),
        ] {
            let status = run(&sandbox, script).status;
            let same = status == Status::Exited(code) || status == Status::Signalled(code - 128);
            assert!(same, "{backend:?} {script}: {status:?}");
        }
        run(&sandbox, "cd / && export PATH=/nowhere IFS=x && readonly UID2=1");
        let after = run(&sandbox, "echo $PATH; pwd");
        assert_eq!(after.text(), "/nowhere\n/\n", "{backend:?}");
        // A folder that is gone does not end the session.
        run(&sandbox, &format!("/bin/mkdir -p {0}/gone && cd {0}/gone && /bin/rmdir {0}/gone", place.work().display()));
        let back = run(&sandbox, "pwd");
        assert!(back.text().ends_with(&format!("{}\n", place.work().display())), "{}", back.text());
    }
}

#[test]
fn a_restart_forgets_processes_and_keeps_the_folder() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        run(&sandbox, "mkdir a; cd a; export KEPT=yes");
        block_on(sandbox.restart()).unwrap();
        let after = run(&sandbox, "echo $KEPT; basename $PWD");
        assert_eq!(after.text(), "yes\na\n", "{backend:?}");
    }
}

#[test]
fn a_command_that_reads_gets_the_end_at_once() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        let began = Instant::now();
        let read = run(&sandbox, "cat; read -r line; echo \"read said $?\"; test -t 0 || echo no terminal");
        assert_eq!(read.text(), "read said 1\nno terminal\n", "{backend:?}");
        let asked = run(&sandbox, "read -r -p 'Password: ' word < /dev/tty || echo nobody to ask");
        assert!(asked.text().contains("nobody to ask"), "{}", asked.text());
        assert!(began.elapsed() < Duration::from_secs(5), "{backend:?}");
    }
}

#[test]
fn output_is_bounded_however_much_there_is() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        let began = Instant::now();
        // One line of 100 MB, with both ends told apart.
        let line = run(&sandbox, "echo -n BEGIN; head -c 100000000 /dev/zero | tr '\\0' x; echo -n END");
        let (head, tail) = (&line.output.head, &line.output.tail);
        assert_eq!(line.status, Status::Exited(0));
        assert!(head.starts_with(b"BEGINxxx") && tail.ends_with(b"xxxEND"), "{backend:?}");
        assert!(head.len() <= 16 * 1024 && tail.len() <= 16 * 1024);
        assert_eq!(head.len() as u64 + line.output.omitted + tail.len() as u64, 100_000_008);
        // Output without end is ended by the clock, and the command with it.
        let endless = run_for(&sandbox, "yes", Duration::from_millis(300));
        assert_eq!(endless.status, Status::TimedOut);
        assert!(endless.text().len() < 40 * 1024);
        let binary = run(&sandbox, "head -c 1000 /dev/urandom; printf '\\xff\\xfe'");
        assert!(binary.output.head.ends_with(b"\xff\xfe"));
        assert!(began.elapsed() < Duration::from_secs(20), "{backend:?}: {:?}", began.elapsed());
    }
}

#[test]
fn a_script_may_be_long_but_not_without_end() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        let long = format!("cat <<'END' | wc -c\n{}\nEND", "é".repeat(200_000));
        assert_eq!(run(&sandbox, &long).text().trim(), "400001", "{backend:?}");
        let endless = format!("# {}", "x".repeat(2 * 1024 * 1024));
        assert_eq!(run(&sandbox, &endless).status, Status::Exited(126));
        // Variables that would leave no room for any later command are dropped.
        run(&sandbox, "export HUGE=$(head -c 400000 /dev/zero | tr '\\0' x)");
        assert_eq!(run(&sandbox, "echo fine").text(), "fine\n", "{backend:?}");
    }
}

#[test]
fn git_reads_inside_and_does_not_write() {
    for backend in backends() {
        let place = Place::new().file("home/work/a.txt", "one\n").git();
        let sandbox = place.start(*backend);
        let read = run(&sandbox, "echo two > a.txt; git status --short && git diff | tail -n 2 && git log --format=%s");
        assert_eq!(read.text(), " M a.txt\n-one\n+two\nstart\n", "{backend:?}");
        assert_eq!((read.status, read.tampered), (Status::Exited(0), None));
        let commit = run(&sandbox, "git -c user.name=m -c user.email=m@example.com commit -qam changed");
        if sandbox.level() == Level::Full {
            assert!(commit.text().contains("Read-only file system"), "{}", commit.text());
            assert_eq!(commit.tampered, None);
        } else {
            let tampered = commit.tampered.unwrap();
            assert!(tampered.restored && tampered.ends_task, "{tampered:?}");
        }
        let log = run(&sandbox, "git log --format=%s; git status --short");
        assert_eq!(log.text(), "start\n M a.txt\n", "{backend:?}");
    }
}

#[test]
fn read_only_means_the_workspace_too() {
    for backend in backends() {
        let place = Place::new().file("home/work/a.txt", "one\n");
        let mut spec = place.spec(*backend);
        spec.mode = Mode::ReadOnly;
        let sandbox = place.start_with(spec).unwrap();
        let tried =
            run(&sandbox, "cat a.txt; echo two > a.txt; touch new; mkdir d; echo x > $TMPDIR/x && cat $TMPDIR/x");
        assert!(tried.text().starts_with("one\n") && tried.text().ends_with("x\n"), "{}", tried.text());
        assert_eq!(std::fs::read_to_string(place.work().join("a.txt")).unwrap(), "one\n");
        assert_eq!(std::fs::read_dir(place.work()).unwrap().count(), 1, "{backend:?}");
    }
}

#[test]
fn fifty_commands_take_little_time() {
    for backend in backends() {
        let place = Place::new();
        let began = Instant::now();
        let sandbox = place.start(*backend);
        for n in 0..50 {
            assert_eq!(run(&sandbox, &format!("echo {n}")).text(), format!("{n}\n"));
        }
        let all = began.elapsed();
        assert!(all < Duration::from_secs(5), "{backend:?}: {all:?}");
    }
}

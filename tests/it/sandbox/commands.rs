//! Running commands: what is carried over, what is bounded, and that nothing is left behind.

use super::*;
use vibekit::sandbox::Status;

const BACKENDS: [Backend; 2] = [Backend::Bubblewrap, Backend::Landlock];

#[test]
fn a_command_runs_and_its_folder_and_variables_are_carried_over() {
    for backend in BACKENDS {
        let place = Place::new();
        let sandbox = place.start(backend);
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
fn fifty_commands_take_little_time() {
    for backend in BACKENDS {
        let place = Place::new();
        let began = std::time::Instant::now();
        let sandbox = place.start(backend);
        let started = began.elapsed();
        for n in 0..50 {
            assert_eq!(run(&sandbox, &format!("echo {n}")).text(), format!("{n}\n"));
        }
        let all = began.elapsed();
        drop(sandbox);
        println!("{backend:?}: start {started:?}, with 50 commands {all:?}, with the end {:?}", began.elapsed());
        assert!(all < Duration::from_secs(5), "{backend:?}: {all:?}");
    }
}

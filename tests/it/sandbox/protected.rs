//! The names in the workspace that no command may write: `.git`, `vk.toml`, and vk's own folders, there or not.

use super::*;
use vibekit::sandbox::{Level, Status, Tampered};

/// What the workspace's protected names hold.
fn snapshot(place: &Place) -> Vec<(String, String)> {
    let script = "find .git vk.toml state -type f -not -path '.git/objects/*' -not -path '.git/index' -exec md5sum {} + 2>/dev/null | sort -k2; \
                  find .git state -type d -not -path '.git/objects/*' 2>/dev/null | sort";
    let shell = std::process::Command::new("sh").args(["-c", script]).current_dir(place.work()).output().unwrap();
    let text = String::from_utf8(shell.stdout).unwrap();
    text.lines().map(|line| line.split_once("  ").unwrap_or((line, ""))).map(|(a, b)| (a.into(), b.into())).collect()
}

#[test]
fn what_is_there_stays_as_it_is() {
    for backend in backends() {
        let place =
            Place::new().file("home/work/vk.toml", "path = \"byok\"\n").file("home/work/state/x", "mine\n").git();
        let before = snapshot(&place);
        assert!(before.len() > 10, "{before:?}");
        for script in [
            "echo evil > .git/hooks/pre-commit",
            "printf '[core]\\n\\tfsmonitor = evil\\n' >> .git/config",
            "git config core.hooksPath /tmp/evil",
            "mkdir -p .git/hooks/deep && echo evil > .git/hooks/deep/x",
            "rm -rf .git",
            "rm -rf .git/objects; ln -s /etc .git/objects",
            "rm -f .git/HEAD .git/config; rm -rf .git/hooks .git/refs",
            "mv .git/hooks hooks-were-here; mv .git/config .git/moved",
            "rm -f .git/HEAD && ln -s /etc/passwd .git/HEAD",
            "chmod -R 777 .git",
            "echo 'path = \"platform\"' > vk.toml",
            "rm -f vk.toml; echo new > vk.toml",
            "sed -i s/byok/plan/ vk.toml",
            "echo x > vk.new && mv vk.new vk.toml",
            "ln -f /etc/hostname vk.toml; ln -sf /etc/hostname vk.toml",
            "cp vk.toml t && exec 3>>vk.toml && echo more >&3",
            "rm -rf state; mkdir state; echo theirs > state/x",
            "git init -q . && git commit -q --allow-empty -m x",
        ] {
            let mut spec = place.spec(*backend);
            spec.protect.push(place.work().join("state"));
            let sandbox = place.start_with(spec).unwrap();
            let output = run(&sandbox, script);
            assert_eq!(snapshot(&place), before, "{backend:?}: {script}: {output:?}");
            let history =
                std::process::Command::new("git").args(["fsck", "--strict"]).current_dir(place.work()).output();
            assert!(history.unwrap().status.success(), "{backend:?}: {script}: the history is whole");
            // Where nothing was written there is nothing to end the task for.
            if sandbox.level() == Level::Full {
                assert_eq!(output.tampered, None, "{script}");
            } else if let Some(tampered) = output.tampered {
                assert!(tampered.restored && tampered.ends_task, "{script}: {tampered:?}");
            }
        }
    }
}

#[test]
fn what_is_absent_does_not_come_to_be() {
    for backend in backends() {
        for script in [
            "git init -q .; sleep 1; echo still here",
            "mkdir .git; echo '[core]' > .git/config; sleep 1",
            "echo 'gitdir: /tmp/evil' > .git; sleep 1",
            "ln -s /tmp .git; sleep 1",
            "mkdir x; echo a > x/config; mv x .git; sleep 1",
            "echo 'path = \"platform\"' > vk.toml; sleep 1",
            "echo a > vk.toml",
            "echo a > b; ln b vk.toml",
            "mkdir state; echo a > state/config.toml",
        ] {
            let place = Place::new();
            let mut spec = place.spec(*backend);
            spec.protect.push(place.work().join("state"));
            let sandbox = place.start_with(spec).unwrap();
            let began = Instant::now();
            let Tampered { restored, ends_task, what, .. } = run(&sandbox, script).tampered.expect(script);
            assert!(restored, "{backend:?} {script}: {what}");
            assert_eq!(ends_task, sandbox.level() == Level::Partial, "{backend:?} {script}");
            assert!(began.elapsed() < Duration::from_millis(900), "{script}: it was not stopped at once");
            for name in [".git", "vk.toml", "state"] {
                assert!(place.work().join(name).symlink_metadata().is_err(), "{backend:?} {script}: {name}");
            }
            let kept = std::fs::read_dir(place.path().join("cache-set-aside")).unwrap().count();
            assert!(kept > 0, "{backend:?} {script}: what was made is kept for the user");
            assert_eq!(run(&sandbox, "echo fine").text(), "fine\n");
        }
    }
}

#[test]
fn what_the_user_changes_while_a_task_runs_is_not_undone() {
    for backend in backends() {
        let place = Place::new().file("home/work/a.txt", "").file("home/work/vk.toml", "one\n").git();
        let sandbox = place.start(*backend);
        run(&sandbox, "echo x > a.txt; export KEPT=yes");
        // Between two commands: an editor replaces the file, git commits.
        std::fs::write(place.work().join("vk.new"), "two\n").unwrap();
        std::fs::rename(place.work().join("vk.new"), place.work().join("vk.toml")).unwrap();
        let place = place.git();
        let after = run(&sandbox, "cat vk.toml; git log --format=%s | wc -l; echo $KEPT; echo evil > vk.toml");
        assert!(after.text().starts_with("two\n2\nyes\n"), "{backend:?}: {}", after.text());
        assert_eq!(std::fs::read_to_string(place.work().join("vk.toml")).unwrap(), "two\n", "{backend:?}");
    }
}

#[test]
fn a_linked_work_tree_reads_its_history_and_cannot_write_it() {
    for backend in backends() {
        let place = Place::new().file("home/work/a.txt", "").git();
        let tree = place.path().join("tree");
        let mut git = std::process::Command::new("git");
        git.args(["worktree", "add", "-q"]).arg(&tree).current_dir(place.work()).env("HOME", place.home());
        assert!(git.status().unwrap().success());
        let mut spec = place.spec(*backend);
        spec.workspace.clone_from(&tree);
        let sandbox = place.start_with(spec).unwrap();
        let read = run(&sandbox, "echo x > a.txt; git log --format=%s && git status --short");
        assert_eq!((read.status, read.text().as_str()), (Status::Exited(0), "start\n M a.txt\n"), "{backend:?}");
        let config = place.work().join(".git/config");
        let before = std::fs::read_to_string(&config).unwrap();
        let script =
            format!("git config core.fsmonitor evil; echo evil >> {}; echo 'gitdir: /x' > .git", config.display());
        run(&sandbox, &script);
        assert_eq!(std::fs::read_to_string(&config).unwrap(), before, "{backend:?}");
        let dot_git = std::fs::read_to_string(tree.join(".git")).unwrap();
        assert!(dot_git.contains("worktrees/tree"), "{backend:?}: {dot_git}");
    }
}

//! Links, repositories, tasks that were killed and stores that were damaged: nothing is run, followed or believed.

use super::*;

/// SECURITY rows 18 and 19: whatever is planted after the task, an undo writes only inside the project.
#[test]
fn undo_never_writes_through_a_link() {
    let project = Project::with(&[("dir/a", "old\n"), ("b", "old\n"), ("c", "old\n")]);
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("a"), "outside\n").unwrap();
    fs::write(outside.path().join("made"), "outside\n").unwrap();
    let snapshot = project.snapshot();
    project.write("dir/a", "new\n");
    project.write("dir/made", "outside\n");
    project.write("b", "new\n");
    project.write("c", "new\n");
    snapshot.changes().unwrap();
    // The folder becomes a link, a file becomes a link to another one, a file becomes a hard link.
    fs::remove_dir_all(project.at("dir")).unwrap();
    symlink(outside.path(), project.at("dir")).unwrap();
    fs::remove_file(project.at("b")).unwrap();
    symlink(outside.path().join("a"), project.at("b")).unwrap();
    fs::remove_file(project.at("c")).unwrap();
    fs::write(outside.path().join("c"), "new\n").unwrap();
    fs::hard_link(outside.path().join("c"), project.at("c")).unwrap();
    for force in [false, true] {
        let undone = undo::undo(&project.data(), "t1", force).unwrap();
        let why = if force { "its folder is a link or gone" } else { "it was removed since, or its folder was" };
        assert!(undone.skipped.contains(&("dir/a".to_owned(), why.to_owned())), "{undone:?}");
        assert_eq!(fs::read_to_string(outside.path().join("a")).unwrap(), "outside\n");
        assert_eq!(fs::read_to_string(outside.path().join("made")).unwrap(), "outside\n");
        assert_eq!(fs::read_to_string(outside.path().join("c")).unwrap(), "new\n");
    }
    assert_eq!(project.read("c"), "old\n");
    assert_eq!(project.read("b"), "old\n");
    assert!(!fs::symlink_metadata(project.at("b")).unwrap().is_symlink());
}

/// SECURITY row 13: the project's git is neither read nor run, nor is any program that its configuration names.
#[test]
fn a_hostile_repository_runs_nothing() {
    let project =
        Project::with(&[("a.txt", "a\n"), ("sub/b.txt", "b\n"), (".gitattributes", "* filter=evil diff=evil\n")]);
    let canary = project.dir.path().join("CANARY");
    let touch = format!("touch {}", canary.display());
    for repository in [project.root(), project.at("sub")] {
        let git = |arguments: &[&str]| {
            let status = Command::new("git").args(arguments).current_dir(&repository).env("HOME", "/nobody").output();
            assert!(status.unwrap().status.success());
        };
        git(&["init", "-q"]);
        for key in [
            "core.fsmonitor",
            "core.sshCommand",
            "core.pager",
            "core.editor",
            "filter.evil.clean",
            "filter.evil.smudge",
            "filter.evil.process",
            "diff.evil.command",
            "diff.evil.textconv",
            "diff.external",
            "alias.status",
        ] {
            git(&["config", key, &touch]);
        }
        let hooks = repository.join(".git/hooks");
        for hook in ["post-index-change", "pre-commit", "post-checkout", "reference-transaction"] {
            fs::write(hooks.join(hook), format!("#!/bin/sh\n{touch}\n")).unwrap();
            fs::set_permissions(hooks.join(hook), fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let git_before: Vec<_> =
        project.tree().into_iter().filter(|(path, _)| path.to_string_lossy().contains("/.git/")).collect();
    let snapshot = project.snapshot();
    project.write("a.txt", "changed\n");
    project.write("sub/b.txt", "changed\n");
    assert_eq!(changed(&snapshot), ["a.txt +1 -1", "sub/b.txt +1 -1"]);
    assert!(undo::patch(&project.data(), "t1").unwrap().contains("+changed"));
    project.undo();
    assert_eq!((project.read("a.txt"), project.read("sub/b.txt")), ("a\n".to_owned(), "b\n".to_owned()));
    assert!(!canary.exists());
    let git_after: Vec<_> =
        project.tree().into_iter().filter(|(path, _)| path.to_string_lossy().contains("/.git/")).collect();
    assert_eq!(git_before, git_after);
}

#[test]
fn home_and_the_root_are_no_projects_and_limits_hold() {
    let project = Project::with(&[("a", "a"), ("b", "b")]);
    let home = project.root();
    let env = Env::of(&[("HOME", home.to_str().unwrap())], &home);
    for root in [home.as_path(), project.dir.path(), Path::new("/")] {
        let error = Snapshot::take(&env, &project.data(), root, "t1", Limits::default()).unwrap_err();
        assert!(matches!(error, SnapshotError::NotAProject(_)), "{error}");
    }
    let limits = |files, bytes, time| Limits { files, bytes, time };
    let second = Duration::from_secs(1);
    assert!(matches!(project.limited(limits(1, 100, second)), Err(SnapshotError::TooManyFiles(1))));
    assert!(matches!(project.limited(limits(9, 1, second)), Err(SnapshotError::TooLarge(1))));
    assert!(matches!(project.limited(limits(9, 100, Duration::ZERO)), Err(SnapshotError::TooSlow(_))));
    let failure = undo::undo(&project.data(), "t1", false).unwrap_err();
    assert_eq!((failure.code, failure.exit_code()), ("no_snapshot", 2));
}

#[test]
fn a_task_that_was_killed_is_only_undone_by_force() {
    let project = Project::with(&[("a", "old\n"), (".gitignore", ".env\n"), (".env", "1\n")]);
    let before = project.tree();
    let snapshot = project.snapshot();
    snapshot.before_write(Path::new(".env")).unwrap();
    project.write("a", "new\n");
    project.write(".env", "2\n");
    drop(snapshot);
    let recorded = undo::recorded(&project.data(), "t1").unwrap().unwrap();
    assert!(!recorded.ended && recorded.files.len() == 2);
    let failure = undo::undo(&project.data(), "t1", false).unwrap_err();
    assert_eq!(failure.code, "unfinished_task");
    undo::undo(&project.data(), "t1", true).unwrap();
    assert_eq!(project.tree(), before);
}

#[test]
fn a_large_file_is_watched_and_said_to_be_beyond_undo() {
    let project = Project::with(&[("small", "s\n")]);
    let large = fs::File::create(project.at("large.bin")).unwrap();
    large.set_len(65 << 20).unwrap();
    let snapshot = project.snapshot();
    assert_eq!(snapshot.notes(), ["large.bin: it is larger than 64 MiB"]);
    assert!(changed(&snapshot).is_empty());
    large.set_len(66 << 20).unwrap();
    assert_eq!(changed(&snapshot), ["large.bin +? -?"]);
    let undone = project.undo();
    assert_eq!(undone.skipped, [("large.bin".to_owned(), "it was too large to keep".to_owned())]);
}

#[test]
fn damage_in_the_store_is_told_and_nothing_is_written_from_it() {
    let project = Project::with(&[("a", "old\n")]);
    let snapshot = project.snapshot();
    project.write("a", "new\n");
    snapshot.changes().unwrap();
    let mut folders = vec![project.data().join("shadow")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap().len() == 62 {
                fs::write(path, "damaged").unwrap();
            }
        }
    }
    let undone = project.undo();
    assert_eq!(undone.skipped.len(), 1);
    assert!(undone.skipped[0].1.contains("damaged"));
    assert_eq!(project.read("a"), "new\n");
}

//! What a task changed is told and put back exactly; what anybody else changed is left alone.

use super::*;

#[test]
fn what_a_task_changed_is_told_and_put_back() {
    let project = Project::with(&[
        ("edited.txt", "one\ntwo\nthree\n"),
        ("deleted.txt", "gone\n"),
        ("moved/from.txt", "moved\n"),
        ("script.sh", "#!/bin/sh\n"),
        ("untouched.txt", "same\n"),
        ("binary", "a\0b"),
    ]);
    fs::create_dir(project.at("empty")).unwrap();
    symlink("edited.txt", project.at("link")).unwrap();
    let before = project.tree();
    let snapshot = project.snapshot();
    assert!(changed(&snapshot).is_empty());

    project.write("edited.txt", "one\n2\nthree\nfour\n");
    fs::remove_file(project.at("deleted.txt")).unwrap();
    fs::create_dir(project.at("to")).unwrap();
    fs::rename(project.at("moved/from.txt"), project.at("to/to.txt")).unwrap();
    fs::remove_dir(project.at("moved")).unwrap();
    fs::remove_dir(project.at("empty")).unwrap();
    fs::set_permissions(project.at("script.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(project.at("link")).unwrap();
    symlink("/etc/passwd", project.at("link")).unwrap();
    project.write("binary", "a\0c");
    project.write("new/deep/file.txt", "new\n");

    assert_eq!(
        changed(&snapshot),
        [
            "binary +? -?",
            "deleted.txt +0 -1",
            "edited.txt +2 -1",
            "link +1 -1",
            "moved/from.txt +0 -1",
            "new/deep/file.txt +1 -0",
            "script.sh +0 -0",
            "to/to.txt +1 -0"
        ]
    );
    let undone = project.undo();
    assert_eq!(undone.removed, ["new/deep/file.txt", "to/to.txt"]);
    assert_eq!(undone.restored, ["binary", "deleted.txt", "edited.txt", "link", "moved/from.txt", "script.sh"]);
    assert!(undone.skipped.is_empty() && undone.left.is_empty() && !undone.already, "{undone:?}");
    assert_eq!(project.tree(), before);

    let again = project.undo();
    assert_eq!(again, Undone { already: true, ..Undone::default() });
}

#[test]
fn a_file_that_was_changed_since_is_left_alone_unless_forced() {
    let project = Project::with(&[("mine.txt", "a\n"), ("theirs.txt", "a\n")]);
    let snapshot = project.snapshot();
    for file in ["mine.txt", "theirs.txt", "made.txt", "made-and-kept.txt"] {
        project.write(file, "task\n");
    }
    snapshot.changes().unwrap();
    project.write("mine.txt", "mine now\n");
    project.write("made-and-kept.txt", "mine too\n");
    project.write("mine-alone.txt", "never the task's\n");

    let undone = project.undo();
    assert_eq!(undone.restored, ["theirs.txt"]);
    assert_eq!(undone.removed, ["made.txt"]);
    let reason = "it was changed since".to_owned();
    assert_eq!(undone.skipped, [("made-and-kept.txt".to_owned(), reason.clone()), ("mine.txt".to_owned(), reason)]);
    assert_eq!(project.read("mine.txt"), "mine now\n");

    let forced = undo::undo(&project.data(), "t1", true).unwrap();
    assert_eq!((forced.restored.len(), forced.removed.len(), forced.skipped.len()), (1, 1, 0));
    assert_eq!(project.read("mine.txt"), "a\n");
    assert_eq!(project.read("mine-alone.txt"), "never the task's\n");
}

#[test]
fn ignored_files_that_a_tool_writes_are_put_back() {
    let project = Project::with(&[(".gitignore", ".env\nbuild/\n"), (".env", "SECRET=1\n"), ("build/x", "x\n")]);
    let before = project.tree();
    let snapshot = project.snapshot();
    for path in [".env", "build/x", "build/new", "./plain.txt"] {
        snapshot.before_write(Path::new(path)).unwrap();
    }
    for outside in ["../x", "/etc/passwd", ""] {
        snapshot.before_write(Path::new(outside)).unwrap();
    }
    project.write(".env", "SECRET=2\n");
    project.write("build/x", "y\n");
    project.write("build/new", "n\n");
    project.write("build/by-a-command", "not kept\n");
    project.write("plain.txt", "p\n");
    assert_eq!(changed(&snapshot), [".env +1 -1", "build/new +1 -0", "build/x +1 -1", "plain.txt +1 -0"]);
    project.undo();
    fs::remove_file(project.at("build/by-a-command")).unwrap();
    assert_eq!(project.tree(), before);
}

/// A command makes a file, then a tool edits it: it was not there before the task, whatever the tool found.
#[test]
fn what_a_command_made_and_a_tool_wrote_after_it_is_removed() {
    let project = Project::with(&[(".gitignore", "*.log\n"), ("kept.log", "kept\n")]);
    let before = project.tree();
    let snapshot = project.snapshot();
    for path in ["made.txt", "new/deep.txt", "made.log"] {
        project.write(path, "by a command\n");
        snapshot.before_write(Path::new(path)).unwrap();
        project.write(path, "by a tool\n");
    }
    snapshot.before_write(Path::new("kept.log")).unwrap();
    project.write("kept.log", "by a tool\n");
    assert_eq!(changed(&snapshot), ["kept.log +1 -1", "made.log +1 -0", "made.txt +1 -0", "new/deep.txt +1 -0"]);
    project.undo();
    assert_eq!(project.tree(), before);
}

#[test]
fn a_change_of_the_ignore_rules_removes_nothing_that_was_there() {
    let project = Project::with(&[
        (".gitignore", ".env\nprivate/\n"),
        (".env", "S=1\n"),
        ("private/a", "a\n"),
        ("src.rs", "s\n"),
    ]);
    let before = project.tree();
    let snapshot = project.snapshot();
    // What was ignored comes into view, and what was not goes out of it.
    project.write(".gitignore", "src.rs\n");
    project.write("src.rs", "changed\n");
    assert_eq!(changed(&snapshot), [".gitignore +1 -2", "src.rs +1 -1"]);
    project.undo();
    assert_eq!(project.tree(), before);
}

#[test]
fn odd_names_survive() {
    let project = Project::new();
    let names: Vec<&[u8]> =
        vec![b"-rf", b"a\nb", b" ", b"%41", b"\xff\xfe", "日本".as_bytes(), b"a\"b\\c", b"\x1b[31m"];
    for name in &names {
        fs::write(project.at(OsStr::from_bytes(name)), "old\n").unwrap();
    }
    let before = project.tree();
    let snapshot = project.snapshot();
    for name in &names {
        fs::write(project.at(OsStr::from_bytes(name)), "new\n").unwrap();
        fs::write(project.at(OsStr::from_bytes(&[name, &b"2"[..]].concat())), "made\n").unwrap();
    }
    assert_eq!(changed(&snapshot).len(), 2 * names.len());
    assert!(project.undo().skipped.is_empty());
    assert_eq!(project.tree(), before);
}

#[test]
fn a_name_may_turn_from_a_file_into_a_folder_and_back() {
    let project = Project::with(&[("file", "f\n"), ("folder/a", "a\n"), ("folder/b/c", "c\n")]);
    symlink("folder", project.at("link")).unwrap();
    let before = project.tree();
    let snapshot = project.snapshot();
    fs::remove_file(project.at("file")).unwrap();
    project.write("file/inside", "i\n");
    fs::remove_dir_all(project.at("folder")).unwrap();
    project.write("folder", "now a file\n");
    fs::remove_file(project.at("link")).unwrap();
    project.write("link/inside", "i\n");
    snapshot.changes().unwrap();
    let undone = project.undo();
    assert!(undone.skipped.is_empty(), "{undone:?}");
    assert_eq!(project.tree(), before);
}

#[test]
fn the_patch_is_one_that_git_applies() {
    let project = Project::with(&[
        ("edited.txt", "one\ntwo\nthree"),
        ("gone.txt", "x\n"),
        ("a b\"c.txt", "q\n"),
        ("mode.sh", "m\n"),
    ]);
    symlink("one", project.at("link")).unwrap();
    let before = project.tree();
    let snapshot = project.snapshot();
    project.write("edited.txt", "one\n2\nthree\n");
    fs::remove_file(project.at("gone.txt")).unwrap();
    project.write("a b\"c.txt", "r\n");
    project.write("made/new.txt", "no line feed at the end");
    project.write("empty.txt", "");
    fs::set_permissions(project.at("mode.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(project.at("link")).unwrap();
    symlink("two", project.at("link")).unwrap();
    snapshot.changes().unwrap();
    let patch = project.dir.path().join("patch");
    fs::write(&patch, undo::patch(&project.data(), "t1").unwrap()).unwrap();
    let output =
        Command::new("git").args(["apply", "--reverse"]).arg(&patch).current_dir(project.root()).output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        fs::read_to_string(&patch).unwrap()
    );
    let _ = fs::remove_dir(project.at("made"));
    assert_eq!(project.tree(), before);
}

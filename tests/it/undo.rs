//! Snapshots and undo: what a task changed is put back exactly, what anybody else changed is left alone, and
//! nothing that a repository holds is run, followed or waited for.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use proptest::prelude::*;
use vibekit::base::env::Env;
use vibekit::task::snapshot::{Limits, Snapshot, SnapshotError};
use vibekit::task::undo::{self, Undone};

struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("project")).unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        Self { dir }
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let project = Self::new();
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root().join(path)
    }

    fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    fn limited(&self, limits: Limits) -> Result<Snapshot, SnapshotError> {
        let env = Env::of(&[("HOME", "/nobody"), ("PATH", "/usr/bin:/bin")], &self.root());
        Snapshot::take(&env, &self.data(), &self.root(), "t1", limits)
    }

    fn snapshot(&self) -> Snapshot {
        self.limited(Limits::default()).unwrap()
    }

    fn undo(&self) -> Undone {
        undo::undo(&self.data(), "t1", false).unwrap()
    }

    /// Everything in the tree: kind, mode, content.
    fn tree(&self) -> BTreeMap<PathBuf, (char, u32, Vec<u8>)> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let meta = fs::symlink_metadata(&path).unwrap();
                let mode = meta.permissions().mode() & 0o7777;
                let what = if meta.is_dir() {
                    folders.push(path.clone());
                    ('d', mode, Vec::new())
                } else if meta.is_symlink() {
                    ('l', 0, fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec())
                } else {
                    ('f', mode, fs::read(&path).unwrap())
                };
                found.insert(path, what);
            }
        }
        found
    }
}

fn changed(snapshot: &Snapshot) -> Vec<String> {
    let number = |n: Option<u64>| n.map_or("?".to_owned(), |n| n.to_string());
    let line =
        |c: vibekit::domain::event::FileChange| format!("{} +{} -{}", c.path, number(c.added), number(c.removed));
    snapshot.changes().unwrap().into_iter().map(line).collect()
}

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

/// What a task may do to a tree, at random.
#[derive(Clone, Debug)]
enum Edit {
    Write(u8, u8),
    Append(u8, u8),
    Remove(u8),
    Mode(u8, bool),
    Link(u8, u8),
    Folder(u8),
    Move(u8, u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<u8>(), any::<u8>()).prop_map(|(p, c)| Edit::Write(p, c)),
        (any::<u8>(), any::<u8>()).prop_map(|(p, c)| Edit::Append(p, c)),
        any::<u8>().prop_map(Edit::Remove),
        (any::<u8>(), any::<bool>()).prop_map(|(p, x)| Edit::Mode(p, x)),
        (any::<u8>(), any::<u8>()).prop_map(|(p, t)| Edit::Link(p, t)),
        any::<u8>().prop_map(Edit::Folder),
        (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Edit::Move(a, b)),
    ]
}

/// Few names, so that edits meet.
fn name(n: u8) -> PathBuf {
    const NAMES: [&str; 4] = ["a", "b", "-c", "é"];
    let first = NAMES[usize::from(n % 4)];
    match n / 4 % 3 {
        0 => PathBuf::from(first),
        1 => Path::new(NAMES[usize::from(n / 12 % 4)]).join(first),
        _ => Path::new(NAMES[usize::from(n / 12 % 4)]).join(NAMES[usize::from(n / 48 % 4)]).join(first),
    }
}

fn apply(project: &Project, edits: &[Edit]) {
    for edit in edits {
        apply_one(project, edit);
    }
}

fn apply_one(project: &Project, edit: &Edit) {
    // Most edits meet what is in their way and fail, as a task's would.
    let _ = match edit {
        Edit::Write(path, content) => {
            let path = project.at(name(*path));
            let _ = fs::create_dir_all(path.parent().unwrap());
            fs::write(path, [*content; 3])
        }
        Edit::Append(path, content) => {
            let path = project.at(name(*path));
            fs::read(&path).and_then(|mut bytes| {
                bytes.push(*content);
                fs::write(&path, bytes)
            })
        }
        Edit::Remove(path) => {
            let path = project.at(name(*path));
            fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path))
        }
        Edit::Mode(path, on) => {
            let path = project.at(name(*path));
            let is_file = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file());
            let mode = if *on { 0o755 } else { 0o644 };
            if is_file { fs::set_permissions(path, fs::Permissions::from_mode(mode)) } else { Ok(()) }
        }
        Edit::Link(path, target) => symlink(name(*target), project.at(name(*path))),
        Edit::Folder(path) => fs::create_dir_all(project.at(name(*path))),
        Edit::Move(from, to) => fs::rename(project.at(name(*from)), project.at(name(*to))),
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_edits_are_undone_to_the_same_tree(
        before in proptest::collection::vec(edit(), 0..20),
        during in proptest::collection::vec(edit(), 0..20)
    ) {
        let project = Project::new();
        apply(&project, &before);
        let tree = project.tree();
        let snapshot = project.snapshot();
        apply(&project, &during);
        snapshot.changes().unwrap();
        let undone = project.undo();
        prop_assert!(undone.skipped.is_empty(), "{:?}", undone);
        prop_assert_eq!(project.tree(), tree);
    }

    #[test]
    fn what_a_person_changed_since_is_kept(
        before in proptest::collection::vec(edit(), 0..12),
        during in proptest::collection::vec(edit(), 0..12),
        since in proptest::collection::vec((any::<u8>(), any::<u8>()), 1..6)
    ) {
        let project = Project::new();
        apply(&project, &before);
        let snapshot = project.snapshot();
        apply(&project, &during);
        snapshot.changes().unwrap();
        // A person writes some files, with contents that no task has.
        for (path, content) in since {
            let path = project.at(name(path));
            if fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
                fs::write(path, [b"MINE", &[content][..]].concat()).unwrap();
            }
        }
        let mine: Vec<_> = project.tree().into_iter().filter(|(_, what)| what.2.starts_with(b"MINE")).collect();
        project.undo();
        let after = project.tree();
        for (path, what) in mine {
            prop_assert_eq!(after.get(&path), Some(&what), "{:?}", path);
        }
    }
}

//! Edits at random: they are undone to the same tree, and what a person did since is kept.

use proptest::prelude::*;

use super::*;

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

//! The workspace against links, races and odd names, on a real file system.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::*;

struct Place {
    _dir: tempfile::TempDir,
    root: PathBuf,
    outside: PathBuf,
    workspace: Workspace,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().canonicalize().unwrap();
    let (root, outside) = (base.join("app"), base.join("app-evil"));
    fs::create_dir(&root).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("canary"), "canary").unwrap();
    let workspace = Workspace::open(&root, &[]).unwrap();
    Place { _dir: dir, root, outside, workspace }
}

impl Place {
    fn canary_is_whole(&self) {
        let names: Vec<_> = fs::read_dir(&self.outside).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["canary"]);
        assert_eq!(fs::read_to_string(self.outside.join("canary")).unwrap(), "canary");
    }
}

#[test]
fn files_are_written_whole_with_their_mode_and_folders() {
    let place = place();
    let w = &place.workspace;
    w.write_atomic(Path::new("a/b/run.sh"), b"one").unwrap();
    fs::set_permissions(place.root.join("a/b/run.sh"), fs::Permissions::from_mode(0o751)).unwrap();
    w.write_atomic(&place.root.join("a/b/run.sh"), b"two").unwrap();
    assert_eq!(w.read(Path::new("a/b/../b/run.sh"), 100).unwrap(), b"two");
    assert_eq!(w.metadata(Path::new("a/b/run.sh")).unwrap().mode, 0o751);
    assert_eq!(fs::read_dir(place.root.join("a/b")).unwrap().count(), 1, "no temporary file is left");
    assert!(matches!(w.create(Path::new("a/b/run.sh"), b"x"), Err(WorkspaceError::Exists(_))));
    w.rename(Path::new("a/b/run.sh"), Path::new("c/d.sh")).unwrap();
    assert_eq!(w.metadata(Path::new("c/d.sh")).unwrap().mode, 0o751);
    w.remove(Path::new("c/d.sh")).unwrap();
    assert!(matches!(w.read(Path::new("c/d.sh"), 1), Err(WorkspaceError::NotFound(_))));
    let (entries, more) = w.list(Path::new(""), 1).unwrap();
    assert_eq!((entries[0].name.to_str(), more), (Some("a"), true));
}

#[test]
fn nothing_leads_outside() {
    let place = place();
    symlink(&place.outside, place.root.join("folder")).unwrap();
    symlink(place.outside.join("canary"), place.root.join("file")).unwrap();
    symlink("../app-evil/canary", place.root.join("relative")).unwrap();
    fs::hard_link(place.outside.join("canary"), place.root.join("hard")).unwrap();
    let w = &place.workspace;
    let absolute = place.outside.join("canary");
    for path in [
        "folder/canary",
        "folder/new",
        "file",
        "relative",
        "../app-evil/canary",
        "a/../../app-evil/canary",
        "/proc/self/cwd/../x",
    ]
    .iter()
    .map(Path::new)
    .chain([absolute.as_path()])
    {
        assert!(w.read(path, 100).is_err(), "read {path:?}");
        assert!(w.write_atomic(path, b"x").is_err(), "write {path:?}");
        assert!(w.create(path, b"x").is_err(), "create {path:?}");
        assert!(w.rename(Path::new("hard"), path).is_err(), "rename to {path:?}");
    }
    assert!(matches!(w.write_atomic(Path::new("hard"), b"x"), Err(WorkspaceError::Link(_))));
    assert!(w.list(Path::new("folder"), 10).is_err());
    w.remove(Path::new("file")).unwrap();
    place.canary_is_whole();
}

#[test]
fn links_that_stay_inside_are_read_but_not_written() {
    let place = place();
    fs::write(place.root.join("real"), "text").unwrap();
    symlink("real", place.root.join("link")).unwrap();
    assert_eq!(place.workspace.read(Path::new("link"), 10).unwrap(), b"text");
    assert!(matches!(place.workspace.write_atomic(Path::new("link"), b"x"), Err(WorkspaceError::Link(_))));
    assert_eq!(place.workspace.metadata(Path::new("link")).unwrap().kind, Kind::Link);
}

#[test]
fn what_is_no_small_regular_file_is_not_read() {
    let place = place();
    let fifo = place.root.join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::from_raw_mode(0o600)).unwrap();
    fs::write(place.root.join("big"), "12345").unwrap();
    let w = &place.workspace;
    assert!(matches!(w.read(Path::new("fifo"), 10), Err(WorkspaceError::NotRegular(_))));
    assert!(matches!(w.write_atomic(Path::new("fifo"), b""), Err(WorkspaceError::NotRegular(_))));
    assert!(matches!(w.read(Path::new("big"), 4), Err(WorkspaceError::TooLarge { bytes: 5, limit: 4, .. })));
    assert!(matches!(w.read(Path::new(""), 4), Err(WorkspaceError::IsFolder(_))));
    fs::set_permissions(place.root.join("big"), fs::Permissions::from_mode(0o444)).unwrap();
    assert!(w.write_atomic(Path::new("big"), b"x").is_err(), "a read-only file is left alone");
}

#[test]
fn protected_names_are_refused_present_or_absent() {
    let place = place();
    for path in [".git/config", ".GIT/hooks/pre-commit", "sub/.git", "vk.toml", "VK.toml"] {
        for present in [false, true] {
            if present {
                fs::create_dir_all(place.root.join(path).parent().unwrap()).unwrap();
                fs::write(place.root.join(path), "before").unwrap();
            }
            let w = &place.workspace;
            let path = Path::new(path);
            assert!(matches!(w.write_atomic(path, b"x"), Err(WorkspaceError::Protected(_))), "{path:?}");
            assert!(matches!(w.create(path, b"x"), Err(WorkspaceError::Protected(_))), "{path:?}");
            assert!(matches!(w.remove(path), Err(WorkspaceError::Protected(_))), "{path:?}");
        }
    }
}

#[test]
fn what_is_set_aside_comes_back_as_it_was_or_goes() {
    let place = place();
    let w = &place.workspace;
    fs::write(place.root.join("run.sh"), "run").unwrap();
    fs::set_permissions(place.root.join("run.sh"), fs::Permissions::from_mode(0o751)).unwrap();
    symlink("run.sh", place.root.join("link")).unwrap();
    fs::create_dir_all(place.root.join("full/inner")).unwrap();
    for name in ["run.sh", "link"] {
        let aside = w.set_aside(Path::new(name)).unwrap();
        assert!(fs::symlink_metadata(place.root.join(name)).is_err());
        aside.bring_back().unwrap();
    }
    assert_eq!(w.metadata(Path::new("run.sh")).unwrap().mode, 0o751);
    assert_eq!(fs::read_link(place.root.join("link")).unwrap(), Path::new("run.sh"));
    // Something that has come in the meantime is not lost.
    let aside = w.set_aside(Path::new("run.sh")).unwrap();
    fs::write(place.root.join("run.sh"), "newer").unwrap();
    assert!(matches!(aside.bring_back(), Err(WorkspaceError::Exists(_))));
    assert_eq!(fs::read_to_string(place.root.join("run.sh")).unwrap(), "newer");
    w.set_aside(Path::new("link")).and_then(Aside::discard).unwrap();
    assert!(fs::symlink_metadata(place.root.join("link")).is_err());
    assert!(w.remove_folder(Path::new("full")).is_err(), "not an empty one");
    w.remove_folder(Path::new("full/inner")).unwrap();
    for path in ["missing", "full", ".git/x", "../app-evil/canary"] {
        assert!(w.set_aside(Path::new(path)).is_err(), "{path}");
    }
    assert!(w.remove_folder(Path::new("../app-evil")).is_err());
    place.canary_is_whole();
}

#[test]
fn a_parent_that_is_swapped_for_a_link_never_lets_a_write_out() {
    let place = place();
    let (real, parked, stop) = (place.root.join("dir"), place.root.join("parked"), AtomicBool::new(false));
    fs::create_dir(&real).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                if fs::rename(&real, &parked).is_ok() {
                    let _ = symlink(&place.outside, &real);
                    let _ = fs::remove_file(&real);
                    let _ = fs::rename(&parked, &real);
                }
            }
        });
        for i in 0..2_000 {
            let _ = place.workspace.write_atomic(Path::new("dir/x"), format!("{i}").as_bytes());
            let _ = place.workspace.read(Path::new("dir/canary"), 100).map(|bytes| assert_ne!(bytes, b"canary"));
            let w = &place.workspace;
            let seen = w.list(Path::new("dir"), 10).map_or(Vec::new(), |(entries, _)| entries);
            assert!(seen.iter().all(|entry| entry.name != "canary"), "{seen:?}");
            for path in ["dir/x", "dir/canary"].map(Path::new) {
                let _ =
                    w.set_aside(path).and_then(|aside| if i % 2 == 0 { aside.bring_back() } else { aside.discard() });
                let _ = w.rename(path, Path::new("dir/y"));
            }
            let _ = w.create(Path::new("dir/new/z"), b"z").and_then(|()| w.remove(Path::new("dir/new/z")));
            let _ = w.remove_folder(Path::new("dir/new"));
        }
        stop.store(true, Ordering::Relaxed);
    });
    place.canary_is_whole();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_the_path_nothing_outside_changes(parts in prop::collection::vec("\\\\PC{1,6}|\\\\.\\\\.|\\\\.|folder|app-evil|/", 1..6)) {
        let place = place();
        symlink(&place.outside, place.root.join("folder")).unwrap();
        let text = parts.join("/");
        let path = Path::new(&text);
        let _ = place.workspace.write_atomic(path, b"x");
        let _ = place.workspace.create(path, b"x");
        let _ = place.workspace.rename(Path::new("folder"), path);
        let _ = place.workspace.remove(path);
        place.canary_is_whole();
    }
}

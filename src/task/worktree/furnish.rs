//! What `[worktree]` of a trusted `vk.toml` puts into a new worktree: copies, and links back into the project's own
//! tree that can be read and not written. No name leads out of that tree, and no link in it is followed.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::carry;
use crate::config::{Loaded, Sourced};
use crate::domain::failure::Failure;
use crate::domain::ui::Ui;
use crate::task::undo::place::Place;

/// Files that one name may copy.
const MOST_FILES: usize = 100_000;

/// Lets commands read what the worktree's links lead to.
pub(super) fn open(loaded: &mut Loaded, links: &[String]) {
    let project = loaded.project.home().to_owned();
    let found = links.iter().filter_map(|link| plain(&project, link).ok().flatten());
    loaded.settings.sandbox.read.extend(found.map(Sourced::built_in));
}

/// Copies and links.
///
/// # Errors
/// Exit 2 where a name leads through a link, or something cannot be written.
pub(super) fn fill(loaded: &Loaded, ui: &dyn Ui) -> Result<(), Failure> {
    let (project, root) = (loaded.project.home(), &loaded.project.root);
    let settings = &loaded.settings.worktree;
    let failed = |name: &Sourced<String>, error: &io::Error| {
        Failure::usage("worktree_failed", format!("{} ({}) cannot be put into the worktree", name.value, name.source))
            .why(error.to_string())
            .fix("vk trust    # shows what vk.toml asks for")
    };
    let place = Place::open(root).map_err(|error| super::super::setup::unwritable(root, &error))?;
    for name in &settings.copy {
        match plain(project, &name.value).map_err(|error| failed(name, &error))? {
            Some(source) => copy(&place, &source, Path::new(&name.value)).map_err(|error| failed(name, &error))?,
            None => ui.say(&format!("{} is not there, so it is not copied ({})", name.value, name.source)),
        }
    }
    for name in &settings.link {
        let path = Path::new(&name.value);
        let Some(target) = plain(project, &name.value).map_err(|error| failed(name, &error))? else {
            ui.say(&format!("{} is not there, so it is not linked ({})", name.value, name.source));
            continue;
        };
        if fs::symlink_metadata(root.join(path)).is_ok() {
            ui.say(&format!("{} is in the repository, so it is not linked ({})", name.value, name.source));
            continue;
        }
        place.link(path, target.into_os_string().into_encoded_bytes()).map_err(|error| failed(name, &error))?;
    }
    Ok(())
}

/// The file or folder of that name; `None` where there is nothing. Each step to it is a real folder, and it is no link
/// itself.
fn plain(project: &Path, name: &str) -> io::Result<Option<PathBuf>> {
    let mut at = project.to_owned();
    for part in Path::new(name).components() {
        let Component::Normal(part) = part else { return Err(io::Error::other("it leads out of the project")) };
        at.push(part);
        match fs::symlink_metadata(&at) {
            Ok(meta) if meta.is_symlink() => {
                return Err(io::Error::other(format!("{} is a link, and links are not followed", at.display())));
            }
            Ok(meta) if meta.is_dir() || meta.is_file() => {}
            Ok(_) => return Err(io::Error::other(format!("{} is neither a file nor a folder", at.display()))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Some(at))
}

/// Copies a file or a whole folder; a link in it is copied as a link, repositories' own data is left out.
fn copy(place: &Place, source: &Path, path: &Path) -> io::Result<()> {
    let mut open = vec![(source.to_owned(), path.to_owned())];
    let mut count = 0;
    while let Some((source, path)) = open.pop() {
        count += 1;
        if count > MOST_FILES {
            return Err(io::Error::other(format!("it has more than {MOST_FILES} files")));
        }
        if !fs::symlink_metadata(&source)?.is_dir() {
            carry::one(place, &source, &path)?;
            continue;
        }
        place.folder(&path, 0o755)?;
        for entry in fs::read_dir(&source)? {
            let entry = entry?;
            let name = entry.file_name();
            let kind = entry.file_type()?;
            let copied = kind.is_dir() || kind.is_file() || kind.is_symlink();
            if copied && !name.eq_ignore_ascii_case(".git") {
                open.push((entry.path(), path.join(name)));
            }
        }
    }
    Ok(())
}

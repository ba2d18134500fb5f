//! The protected names of the workspace, watched from outside. What the backend mounts read-only needs no watching;
//! what is absent cannot be mounted over without leaving something behind, so it is seen within a moment of being made
//! and set aside; and a backend that cannot hold a name inside a writable folder has it compared after each command.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::output::Tampered;
use super::plan::Plan;
use super::record::{Difference, Record};

pub(super) struct Guard {
    workspace: PathBuf,
    /// Mounted read-only: the file that was mounted, to see when somebody outside has put another in its place.
    held: Vec<(PathBuf, (u64, u64))>,
    absent: Vec<PathBuf>,
    compared: Vec<Record>,
    /// Where what is made is moved to: outside everything that commands can write.
    aside: PathBuf,
    /// Whether any change ends the task.
    strict: bool,
}

impl Guard {
    /// `mounted` says that the backend holds what is there. Without writes in the workspace there is nothing to guard.
    pub(super) fn new(plan: &Plan, mounted: bool) -> io::Result<Self> {
        let mut name = plan.spec.cache_dir.file_name().unwrap_or_default().to_os_string();
        name.push("-set-aside");
        let aside = plan.spec.cache_dir.with_file_name(name);
        let mut guard = Self { aside, strict: !mounted, ..Self::nothing(plan) };
        if !plan.writes() {
            return Ok(guard);
        }
        guard.absent.clone_from(&plan.absent);
        for path in &plan.held {
            if mounted {
                guard.held.push((path.clone(), identity(path)?));
            } else {
                guard.compared.push(Record::of(path)?.keep_objects(&guard.aside));
            }
        }
        for path in &plan.links {
            guard.compared.push(Record::of(path)?);
        }
        Ok(guard)
    }

    /// Guards nothing: commands have the user's own rights.
    pub(super) fn nothing(plan: &Plan) -> Self {
        Self {
            workspace: plan.spec.workspace.clone(),
            held: Vec::new(),
            absent: Vec::new(),
            compared: Vec::new(),
            aside: PathBuf::new(),
            strict: false,
        }
    }

    /// Whether there is anything whose making must be noticed.
    pub(super) fn watches(&self) -> bool {
        !self.absent.is_empty()
    }

    pub(super) fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Whether a name was put there or replaced by somebody outside while no command ran: the mounts are then stale.
    pub(super) fn stale(&self) -> bool {
        self.held.iter().any(|(path, was)| identity(path).ok().as_ref() != Some(was))
            || self.absent.iter().any(|path| path.symlink_metadata().is_ok())
    }

    /// What is compared is taken anew: whatever changed while no command ran was not a command's doing.
    pub(super) fn renew(&mut self) -> io::Result<()> {
        self.compared.iter_mut().try_for_each(Record::renew)
    }

    /// Sets aside what is there and was not; cheap when nothing is.
    pub(super) fn set_aside(&self) -> Option<Tampered> {
        let path = self.absent.iter().find(|path| path.symlink_metadata().is_ok())?;
        let moved = self.move_aside(path);
        let restored = path.symlink_metadata().is_err();
        let name = self.relative(path);
        let what = match moved {
            Ok(place) => format!("a command made {name}, which is protected; it was moved to {}", place.display()),
            Err(error) => format!("a command made {name}, which is protected; it could not be moved away: {error}"),
        };
        Some(Tampered { path: name, what, restored, ends_task: self.strict || !restored })
    }

    /// After a command: what was made or changed.
    pub(super) fn check(&mut self) -> Option<Tampered> {
        if let Some(made) = self.set_aside() {
            return Some(made);
        }
        let differences: Vec<Difference> = self.compared.iter_mut().flat_map(Record::restore).collect();
        let worst = differences.iter().find(|difference| !difference.restored).or(differences.first())?;
        let name = self.relative(&worst.path);
        let others = match differences.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let restored = worst.restored;
        let end = if restored { "it was put back" } else { "it could not be put back" };
        let what = format!("a command changed {name}{others}, which is protected; {end}");
        Some(Tampered { path: name, what, restored, ends_task: true })
    }

    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.workspace).unwrap_or(path).to_string_lossy().into_owned()
    }

    /// Moves, never deletes: whoever made it, it may hold work.
    fn move_aside(&self, path: &Path) -> io::Result<PathBuf> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let place = |folder: &Path| {
            let free = (1..10_000).map(|n| folder.join(format!("{name}.{n}")));
            let mut free = free.filter(|path| path.symlink_metadata().is_err());
            free.next().ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))
        };
        crate::base::fsx::create_private_dir(&self.aside)?;
        let outside = place(&self.aside)?;
        match fs::rename(path, &outside) {
            Ok(()) => return Ok(outside),
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
            Err(error) => return Err(error),
        }
        // Another file system: beside it, under a name that no tool looks for.
        let folder = self.workspace.join("vk-set-aside");
        fs::create_dir_all(&folder)?;
        let beside = place(&folder)?;
        fs::rename(path, &beside).map(|()| beside)
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let meta = fs::symlink_metadata(path)?;
    Ok((meta.dev(), meta.ino()))
}

//! What a driven program asks before it acts, answered as the task's approvals say. Its own sandbox holds its commands;
//! its file tools are held by the path they name.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::agent::approvals::{Answer, Approvals};
use crate::agent::tools::Before;
use crate::sandbox::Mode;

/// What the program wants to do.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'a> {
    Command(&'a str),
    /// The path as the program gave it, and the change in full.
    Write(&'a str, &'a str),
    Read(&'a str),
    /// To reach a host from a command.
    Network(&'a str),
    /// To do this outside of its sandbox.
    Outside(&'a str),
    /// A tool that was not given to it.
    Other(&'a str),
}

pub struct Permit {
    pub approvals: Approvals,
    pub mode: Mode,
    pub root: PathBuf,
    /// vk's own folders.
    pub protected: Vec<PathBuf>,
    /// What the user's configuration lets be read and written outside of the project.
    pub readable: Vec<PathBuf>,
    pub writable: Vec<PathBuf>,
    /// Told what is about to be written, so that it can be put back.
    pub before: Arc<dyn Before>,
}

impl Permit {
    pub async fn answer(&mut self, wish: Wish<'_>) -> Answer {
        match wish {
            Wish::Command(script) => self.approvals.command(script).await,
            Wish::Outside(what) => self.approvals.outside(what).await,
            Wish::Network(host) => self.approvals.network(host).await,
            Wish::Read(path) => {
                let real = real(&self.root, path);
                if self.mode == Mode::Off || real.as_deref().is_some_and(|real| self.may_read(real)) {
                    return Answer::Yes;
                }
                self.refused(path)
            }
            Wish::Write(path, change) => {
                let Some(real) = real(&self.root, path).filter(|real| self.may_write(real)) else {
                    return self.refused(path);
                };
                let inside = real.strip_prefix(&self.root).ok().map(Path::to_path_buf);
                let shown = inside.as_deref().unwrap_or(&real).display().to_string();
                let answer = self.approvals.write(&shown, change).await;
                if let (Answer::Yes, Some(inside)) = (&answer, inside) {
                    self.before.before_write(&inside);
                }
                answer
            }
            Wish::Other(name) => Answer::No(format!("{name} is not a tool of this task")),
        }
    }

    fn refused(&mut self, path: &str) -> Answer {
        self.approvals.refuse_path(path);
        Answer::No(format!("{path} is outside of what this task may reach"))
    }

    fn may_read(&self, real: &Path) -> bool {
        let own = self.protected.iter().any(|folder| real.starts_with(folder));
        !own && (real.starts_with(&self.root) || self.readable.iter().any(|folder| real.starts_with(folder)))
    }

    fn may_write(&self, real: &Path) -> bool {
        if self.mode == Mode::ReadOnly || self.protected.iter().any(|folder| real.starts_with(folder)) {
            return false;
        }
        match real.strip_prefix(&self.root) {
            Ok(inside) => !is_guarded(inside),
            Err(_) => self.mode == Mode::Off || self.writable.iter().any(|folder| real.starts_with(folder)),
        }
    }
}

/// `.git` in whatever letters, anywhere, and the project's own configuration of vk.
fn is_guarded(rel: &Path) -> bool {
    let is = |part: Component<'_>, name: &str| {
        part.as_os_str().to_str().is_some_and(|part| part.trim_end_matches(['.', ' ']).eq_ignore_ascii_case(name))
    };
    rel.as_os_str().is_empty()
        || rel.components().any(|part| is(part, ".git"))
        || rel.components().next().is_some_and(|part| is(part, "vk.toml"))
}

/// Where a path leads, links followed as far as it is there; `None` for one that leads nowhere.
fn real(root: &Path, path: &str) -> Option<PathBuf> {
    let path = root.join(path);
    if path.components().any(|part| part == Component::ParentDir) {
        return None;
    }
    let mut missing = Vec::new();
    let mut there = path.as_path();
    loop {
        match there.canonicalize() {
            Ok(real) => return Some(missing.iter().rev().fold(real, |real, name| real.join(name))),
            // A link that leads nowhere yet would be followed once something is there.
            Err(_) if there.is_symlink() => return None,
            Err(_) => {
                missing.push(there.file_name()?);
                there = there.parent()?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Silent;

    impl Before for Silent {
        fn before_write(&self, _: &Path) {}
    }

    fn permit(root: &Path, mode: Mode) -> Permit {
        let root = root.canonicalize().unwrap();
        Permit {
            approvals: Approvals::new(crate::agent::approvals::Mode::All, Arc::new(crate::engine::testing::Nobody)),
            mode,
            protected: vec![root.join("own")],
            root,
            readable: vec!["/usr".into()],
            writable: Vec::new(),
            before: Arc::new(Silent),
        }
    }

    fn is_yes(permit: &mut Permit, wish: Wish<'_>) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(permit.answer(wish)) == Answer::Yes
    }

    #[cfg(unix)]
    #[test]
    fn writes_stay_in_the_project_and_out_of_what_is_guarded() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("src")).unwrap();
        std::os::unix::fs::symlink("/etc", dir.path().join("out")).unwrap();
        std::os::unix::fs::symlink("/nowhere/at/all", dir.path().join("later")).unwrap();
        let mut held = permit(dir.path(), Mode::Workspace);
        for good in ["a.rs", "src/new/deep.rs", &held.root.join("src/b.rs").display().to_string()] {
            assert!(is_yes(&mut held, Wish::Write(good, "")), "{good}");
        }
        for bad in [
            "/etc/passwd",
            "../x",
            "src/../../x",
            "out/x",
            "later",
            "vk.toml",
            ".git/config",
            "sub/.GIT/hooks/x",
            ".git./x",
            "own/keys.json",
            "",
        ] {
            assert!(!is_yes(&mut held, Wish::Write(bad, "")), "{bad}");
        }
        assert!(held.approvals.refused()[0].contains("/etc/passwd"), "{:?}", held.approvals.refused());
        assert!(!is_yes(&mut permit(dir.path(), Mode::ReadOnly), Wish::Write("a.rs", "")));
        let mut off = permit(dir.path(), Mode::Off);
        assert!(is_yes(&mut off, Wish::Write("/tmp/x", "")) && !is_yes(&mut off, Wish::Write(".git/config", "")));
        assert!(is_yes(&mut held, Wish::Read("/usr/include/x.h")) && !is_yes(&mut held, Wish::Read("/etc/shadow")));
        assert!(!is_yes(&mut held, Wish::Read("own/keys.json")) && !is_yes(&mut held, Wish::Other("WebFetch")));
    }
}

//! What the inside lays on itself before it runs anything: Landlock where there are no namespaces, and the system-call
//! filter always. Everything here is required; what a newer kernel could add on top is taken if it is there.

use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::seccomp::{self, FilterError, Sockets, Truncation};
use crate::sandbox::protocol::Confine;

/// Required of every kernel: the rules for files and folders (Linux 5.13).
const REQUIRED: ABI = ABI::V1;

/// Taken where the kernel has it: moves between folders (5.19, always refused before), truncation (6.2, held by the
/// filter before), and what devices are told (6.10).
const TAKEN: ABI = ABI::V5;

/// The first that holds truncation by itself.
const HOLDS_TRUNCATION: i32 = ABI::V3 as i32;

#[derive(Debug, thiserror::Error)]
pub(super) enum ConfineError {
    #[error("the kernel's Landlock does not hold what is needed (Linux 5.13): {0}")]
    Landlock(#[from] landlock::RulesetError),
    #[error("a rule names a file that cannot be opened: {0}")]
    Path(#[from] landlock::PathFdError),
    #[error("Landlock holds only a part of the rules")]
    Partly,
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error("a limit cannot be set: {0}")]
    System(#[from] rustix::io::Errno),
}

/// Confines the calling thread; call it before there is a second one. Gives the Landlock ABI in force, 0 without.
/// `processes` bounds processes and threads, except root's: in a namespace those in it (Linux 5.14), else those of the
/// user beside what is there already.
pub(super) fn confine(how: &Confine, processes: u64) -> Result<i32, ConfineError> {
    if matches!(how, Confine::Nothing) {
        return Ok(0);
    }
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    match how {
        Confine::Nothing => Ok(0),
        Confine::Namespaces => {
            limit_processes(processes)?;
            seccomp::apply(Sockets::OwnNamespace, Truncation::Allowed)?;
            Ok(0)
        }
        Confine::Landlock { read, write, devices, any_network } => {
            limit_processes(own_threads().saturating_add(processes))?;
            let abi = landlock_rules(read, write, devices, TAKEN)?;
            drop_capabilities()?;
            let sockets = if *any_network { Sockets::Internet } else { Sockets::None };
            seccomp::apply(sockets, truncation(abi))?;
            Ok(abi)
        }
    }
}

fn truncation(abi: i32) -> Truncation {
    if abi < HOLDS_TRUNCATION { Truncation::OnlyWhenWriting } else { Truncation::Allowed }
}

/// Threads of the user this runs as, all programs together.
fn own_threads() -> u64 {
    let user = rustix::process::getuid().as_raw().to_string();
    let field = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next().map(str::to_owned)
    };
    let threads = |entry: std::fs::DirEntry| {
        let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
        let own = field(&status, "Uid:")? == user;
        own.then(|| field(&status, "Threads:")?.parse::<u64>().ok()).flatten()
    };
    std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(threads).sum()
}

fn limit_processes(most: u64) -> Result<(), ConfineError> {
    let now = rustix::process::getrlimit(Resource::Nproc);
    let lower = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
    let limit = Rlimit { current: lower(now.current), maximum: lower(now.maximum) };
    Ok(rustix::process::setrlimit(Resource::Nproc, limit)?)
}

/// Root's privileges, but for those that let it work in a checkout of another user: Landlock holds files by path
/// whoever owns them.
fn drop_capabilities() -> Result<(), ConfineError> {
    let own = rustix::thread::capabilities(None)?;
    let kept = CapabilitySet::CHOWN | CapabilitySet::DAC_OVERRIDE | CapabilitySet::FOWNER;
    let sets = CapabilitySets {
        effective: own.effective & kept,
        permitted: own.permitted & kept,
        inheritable: CapabilitySet::empty(),
    };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

fn landlock_rules(
    read: &[OsString],
    write: &[OsString],
    devices: &[OsString],
    taken: ABI,
) -> Result<i32, ConfineError> {
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(REQUIRED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(taken))?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?;
    // A right that the kernel does not know cannot be given either; leaving it out only ever allows less.
    let mut rules = ruleset.create()?.set_compatibility(CompatLevel::BestEffort);
    let may_read = AccessFs::from_read(taken);
    // A device node that root makes would be a door of its own.
    let may_write = AccessFs::from_all(taken) & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev);
    for (paths, access) in [(read, may_read), (write, may_write)] {
        for path in paths {
            rules = allow(rules, path.as_ref(), access)?;
        }
    }
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate;
    for path in devices {
        rules = allow(rules, path.as_ref(), device)?;
    }
    let status = rules.restrict_self()?;
    // Newer rights are extras: what was required hard is in force, or `create` has failed above.
    if matches!(status.ruleset, RulesetStatus::NotEnforced) || !status.no_new_privs {
        return Err(ConfineError::Partly);
    }
    match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => Ok(effective_abi as i32),
        _ => Err(ConfineError::Partly),
    }
}

/// Adds a rule; what does not exist needs none.
fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, ConfineError> {
    if !path.exists() {
        return Ok(rules);
    }
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(TAKEN) };
    let handle = PathFd::new(path)?;
    Ok(rules.add_rule(PathBeneath::new(handle.as_fd(), access))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::OpenOptionsExt as _;

    /// What a thread that is held like this can do to a file that it may only read; `None` where there is no Landlock.
    fn emptied_under(abi: ABI) -> Option<Vec<&'static str>> {
        let dir = tempfile::tempdir().unwrap();
        let (readable, writable) = (dir.path().join("r"), dir.path().join("w"));
        for folder in [&readable, &writable] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("file"), "whole").unwrap();
        }
        let words = |path: &Path| vec![path.as_os_str().to_os_string()];
        let (read, write, file) = (words(&readable), words(&writable), readable.join("file"));
        let held = std::thread::spawn(move || {
            rustix::thread::set_no_new_privs(true).unwrap();
            landlock_rules(&read, &write, &[], abi).ok()?;
            seccomp::apply(Sockets::None, truncation(abi as i32)).unwrap();
            let flags =
                |access: i32| fs::OpenOptions::new().read(true).custom_flags(access | libc::O_TRUNC).open(&file);
            let mut done = Vec::new();
            for (what, worked) in [
                ("written", fs::write(&file, "").is_ok()),
                ("opened for reading and emptied", flags(libc::O_RDONLY).is_ok()),
                ("opened for neither and emptied", flags(libc::O_ACCMODE).is_ok()),
                ("linked", fs::hard_link(&file, writable.join("link")).is_ok()),
                ("moved", fs::rename(&file, writable.join("moved")).is_ok()),
            ] {
                if worked {
                    done.push(what);
                }
            }
            // Where writing is allowed, everything of it works.
            fs::write(writable.join("file"), "shorter").unwrap();
            fs::OpenOptions::new().write(true).open(writable.join("file")).unwrap().set_len(1).unwrap();
            assert_eq!(fs::read(&file).unwrap(), b"whole");
            Some(done)
        });
        held.join().unwrap()
    }

    #[test]
    fn no_kernel_lets_a_file_be_emptied_that_can_only_be_read() {
        for abi in [ABI::V1, ABI::V2, ABI::V3, TAKEN] {
            assert!(emptied_under(abi).is_none_or(|done| done.is_empty()), "{abi:?}");
        }
    }
}

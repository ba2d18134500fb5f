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

use super::seccomp::{self, FilterError, Sockets};
use crate::sandbox::protocol::Confine;

/// Truncation is held from here on; before it (Linux 6.2) any file that can be opened for writing elsewhere could be
/// emptied.
const REQUIRED: ABI = ABI::V3;

/// Processes and threads of one sandbox. Held per user where the kernel counts per namespace (5.14), not for root.
const PROCESS_LIMIT: u64 = 8192;

#[derive(Debug, thiserror::Error)]
pub(super) enum ConfineError {
    #[error("the kernel's Landlock does not hold what is needed (Linux 6.2): {0}")]
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
pub(super) fn confine(how: &Confine) -> Result<i32, ConfineError> {
    if matches!(how, Confine::Nothing) {
        return Ok(0);
    }
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    match how {
        Confine::Nothing => Ok(0),
        Confine::Namespaces => {
            limit_processes()?;
            seccomp::apply(Sockets::OwnNamespace)?;
            Ok(0)
        }
        Confine::Landlock { read, write, devices, any_network } => {
            let abi = landlock_rules(read, write, devices)?;
            drop_capabilities()?;
            seccomp::apply(if *any_network { Sockets::Internet } else { Sockets::None })?;
            Ok(abi)
        }
    }
}

fn limit_processes() -> Result<(), ConfineError> {
    let now = rustix::process::getrlimit(Resource::Nproc);
    let lower = |limit: Option<u64>| Some(limit.map_or(PROCESS_LIMIT, |limit| limit.min(PROCESS_LIMIT)));
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

fn landlock_rules(read: &[OsString], write: &[OsString], devices: &[OsString]) -> Result<i32, ConfineError> {
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(REQUIRED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::IoctlDev)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?;
    let mut rules = ruleset.create()?.set_compatibility(CompatLevel::HardRequirement);
    let may_read = AccessFs::from_read(REQUIRED);
    // A device node that root makes would be a door of its own.
    let may_write = AccessFs::from_all(REQUIRED) & !(AccessFs::MakeChar | AccessFs::MakeBlock);
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
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(REQUIRED) };
    let handle = PathFd::new(path)?;
    Ok(rules.add_rule(PathBeneath::new(handle.as_fd(), access))?)
}

//! The system calls that nothing in the sandbox may make, in either backend. A deny-list on top of what namespaces or
//! Landlock hold: ways around them (keys, other address families, handing out descriptors), and the parts of the
//! kernel that a build or a test suite never needs and exploits usually do.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

/// What sockets may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sockets {
    /// Local and internet sockets: the network namespace has nothing but its own loopback.
    OwnNamespace,
    /// Internet sockets of the host; no local ones, since the keyring's bus is one.
    Internet,
    /// Only connected pairs.
    None,
}

/// What may empty a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truncation {
    /// Something else holds it.
    Allowed,
    /// Only what has opened the file for writing, which Landlock has held from the beginning; emptying a file by its
    /// path, or while opening it for something else, came later.
    OnlyWhenWriting,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum FilterError {
    #[error("system calls of {0} cannot be filtered")]
    Architecture(&'static str),
    #[error(transparent)]
    Filter(#[from] seccompiler::Error),
}

impl From<seccompiler::BackendError> for FilterError {
    fn from(error: seccompiler::BackendError) -> Self {
        Self::Filter(error.into())
    }
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Denied whatever the arguments.
const DENIED: &[i64] = &[
    // Secrets that the kernel keeps for the user, reachable without any file or socket.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Other processes' descriptors and memory.
    libc::SYS_pidfd_getfd,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    // Namespaces and mounts: what the sandbox is made of.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_open_by_handle_at,
    // The machine.
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_fanotify_init,
    // Large, rarely needed, often exploited.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    OPEN_TREE_ATTR,
];

/// The same number on every architecture; newer than the libc crate.
const OPEN_TREE_ATTR: i64 = 467;

#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[i64] = &[libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_kexec_file_load];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[i64] = &[];

/// Answered as a kernel without them would: their arguments lie in memory that a filter cannot read, and their callers
/// fall back to calls that it can.
const ABSENT: &[i64] =
    &[libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

const CLONE_NEW: &[i32] = &[
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Terminal calls that type into another program's input.
const TERMINAL_INPUT: &[u64] = &[0x5412 /* TIOCSTI */, 0x541C /* TIOCLINUX */];

/// Lays the filters on the calling thread, and with it on all that it starts.
pub(super) fn apply(sockets: Sockets, truncation: Truncation) -> Result<(), FilterError> {
    let arch =
        TargetArch::try_from(std::env::consts::ARCH).map_err(|_| FilterError::Architecture(std::env::consts::ARCH))?;
    let errno = |code: i32| SeccompAction::Errno(u32::try_from(code).unwrap_or_default());
    let mut absent: Rules = ABSENT.iter().map(|call| (*call, Vec::new())).collect();
    let mut denied = denied(sockets)?;
    if truncation == Truncation::OnlyWhenWriting {
        denied.extend(emptying()?);
        // Its flags lie in memory too.
        absent.insert(libc::SYS_openat2, Vec::new());
    }
    for (rules, answer) in [(absent, libc::ENOSYS), (denied, libc::EPERM)] {
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, errno(answer), arch)?;
        let program: BpfProgram = filter.try_into()?;
        seccompiler::apply_filter(&without_x32(program))?;
    }
    Ok(())
}

fn denied(sockets: Sockets) -> Result<Rules, FilterError> {
    let mut rules: Rules = DENIED.iter().chain(DENIED_HERE).map(|call| (*call, Vec::new())).collect();
    let mut clones = Vec::new();
    for flag in CLONE_NEW {
        let bit = u64::from(flag.cast_unsigned());
        clones.push(SeccompRule::new(vec![condition(0, SeccompCmpOp::MaskedEq(bit), bit)?])?);
    }
    rules.insert(libc::SYS_clone, clones);
    let mut ioctls = Vec::new();
    for request in TERMINAL_INPUT {
        ioctls.push(SeccompRule::new(vec![condition(1, SeccompCmpOp::Eq, *request)?])?);
    }
    rules.insert(libc::SYS_ioctl, ioctls);
    let families: &[i32] = match sockets {
        // Netlink is how programs list the interfaces of their own namespace.
        Sockets::OwnNamespace => &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK],
        Sockets::Internet => &[libc::AF_INET, libc::AF_INET6],
        Sockets::None => &[],
    };
    rules.insert(libc::SYS_socket, if families.is_empty() { Vec::new() } else { vec![none_of(families)?] });
    if sockets != Sockets::OwnNamespace {
        // A datagram socket of a pair can still send to any path, so pairs are streams.
        let datagram = |kind: i32| condition(1, SeccompCmpOp::MaskedEq(0xf), u64::from(kind.cast_unsigned()));
        rules.insert(libc::SYS_socketpair, vec![SeccompRule::new(vec![datagram(libc::SOCK_DGRAM)?])?]);
    }
    if sockets == Sockets::None {
        for call in [libc::SYS_connect, libc::SYS_bind, libc::SYS_listen] {
            rules.insert(call, Vec::new());
        }
    }
    Ok(rules)
}

/// The calls that empty a file without having it open for writing.
fn emptying() -> Result<Rules, FilterError> {
    // `O_ACCMODE` as an access of its own is neither reading nor writing.
    let opening = |argument: u8| -> Result<Vec<SeccompRule>, FilterError> {
        let bits = |flags: i32| u64::from(flags.cast_unsigned());
        let mask = SeccompCmpOp::MaskedEq(bits(libc::O_ACCMODE | libc::O_TRUNC));
        let with = |access: i32| condition(argument, mask.clone(), bits(access | libc::O_TRUNC));
        Ok(vec![SeccompRule::new(vec![with(libc::O_RDONLY)?])?, SeccompRule::new(vec![with(libc::O_ACCMODE)?])?])
    };
    let mut rules: Rules = [(libc::SYS_truncate, Vec::new()), (libc::SYS_openat, opening(2)?)].into();
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, opening(1)?);
    Ok(rules)
}

/// Matches a socket of any family but these.
fn none_of(families: &[i32]) -> Result<SeccompRule, FilterError> {
    let differs = |family: &i32| condition(0, SeccompCmpOp::Ne, u64::from(family.cast_unsigned()));
    Ok(SeccompRule::new(families.iter().map(differs).collect::<Result<_, _>>()?)?)
}

/// Flags, families and requests are `int`s: the kernel ignores the upper half, so the filter must too.
fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, FilterError> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?)
}

/// On x86-64 every call has a second number, which the rules above do not name: bit 30 selects the x32 form.
fn without_x32(program: BpfProgram) -> BpfProgram {
    const LOAD_WORD: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const NUMBER_OFFSET: u32 = 0;
    const X32_BIT: u32 = 0x4000_0000;
    const ERRNO: u32 = 0x0005_0000;
    if cfg!(not(target_arch = "x86_64")) {
        return program;
    }
    let statement = |code, k, jt, jf| sock_filter { code, jt, jf, k };
    let mut guarded = vec![
        statement(LOAD_WORD, NUMBER_OFFSET, 0, 0),
        statement(JUMP_IF_AT_LEAST, X32_BIT, 0, 1),
        statement(RETURN, ERRNO | libc::ENOSYS.cast_unsigned(), 0, 0),
    ];
    guarded.extend(program);
    guarded
}

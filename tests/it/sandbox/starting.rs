//! Starting, and above all not starting: what this machine lacks is lacked on purpose, by a filter on the thread that
//! starts the sandbox, as container runtimes lay it on what they run.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use vibekit::domain::failure::Failure;
use vibekit::sandbox::{Level, Network, Status};

use super::*;

/// A part of the kernel that is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacks {
    /// No namespaces, neither for users nor for root: an ordinary container.
    Namespaces,
    Landlock,
    /// The system-call filters themselves.
    Filters,
}

/// Runs something, and all that it starts, where these are lacking.
pub(crate) fn lacking<T: Send>(what: &[Lacks], run: impl FnOnce() -> T + Send) -> T {
    let apply = || {
        let arch = std::env::consts::ARCH.try_into().unwrap();
        let always = Vec::new;
        let mut denied: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
        let mut absent: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
        if what.contains(&Lacks::Namespaces) {
            let new = |flag: i32| {
                let bit = u64::try_from(flag).unwrap();
                let set = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(bit), bit).unwrap();
                SeccompRule::new(vec![set]).unwrap()
            };
            let flags = [libc::CLONE_NEWUSER, libc::CLONE_NEWNS, libc::CLONE_NEWPID, libc::CLONE_NEWNET];
            denied.insert(libc::SYS_clone, flags.into_iter().map(new).collect());
            denied.extend([libc::SYS_unshare, libc::SYS_mount, libc::SYS_setns].map(|call| (call, always())));
            absent.insert(libc::SYS_clone3, always());
        }
        if what.contains(&Lacks::Landlock) {
            absent.insert(libc::SYS_landlock_create_ruleset, always());
        }
        if what.contains(&Lacks::Filters) {
            // Laid on last: after it no further filter can be.
            denied.insert(libc::SYS_seccomp, always());
            let set = |value: i32| {
                let value = u64::try_from(value).unwrap();
                SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value).unwrap()
            };
            denied.insert(libc::SYS_prctl, vec![SeccompRule::new(vec![set(libc::PR_SET_SECCOMP)]).unwrap()]);
        }
        rustix::thread::set_no_new_privs(true).unwrap();
        for (rules, errno) in [(absent, libc::ENOSYS), (denied, libc::EPERM)] {
            if rules.is_empty() {
                continue;
            }
            let answer = SeccompAction::Errno(errno.try_into().unwrap());
            let program: BpfProgram =
                SeccompFilter::new(rules, SeccompAction::Allow, answer, arch).unwrap().try_into().unwrap();
            seccompiler::apply_filter(&program).unwrap();
        }
    };
    std::thread::scope(|scope| {
        let lacking = scope.spawn(|| {
            apply();
            run()
        });
        lacking.join().unwrap()
    })
}

/// A `bwrap` of our own, first in `PATH`.
pub(super) fn fake_bubblewrap(folder: &Path, script: &str) -> String {
    let program = folder.join("bwrap");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), outer("PATH").unwrap())
}

/// The best there is, as `vk run` asks for it.
fn best(place: &Place) -> Spec {
    let mut spec = place.spec(Backend::Bubblewrap);
    spec.backend = None;
    spec
}

fn refused(error: SandboxError) -> Failure {
    let failure = Failure::from(error);
    assert_eq!(failure.exit_code(), 8, "{failure:?}");
    assert!(!failure.fix.is_empty(), "{failure:?}");
    failure
}

#[test]
fn without_namespaces_there_is_a_partial_sandbox_that_says_what_it_is() {
    let place = Place::new().file("home/.ssh/id", "canary\n");
    let text = lacking(&[Lacks::Namespaces], || {
        let sandbox = place.start_with(best(&place)).unwrap();
        assert_eq!(sandbox.level(), Level::Partial);
        let tried = run(&sandbox, &format!("cat {0}/.ssh/id; echo x > {0}/new; echo fine", place.home().display()));
        assert!(tried.text().ends_with("fine\n") && !tried.text().contains("canary"), "{}", tried.text());
        sandbox.describe()
    });
    assert!(!place.home().join("new").exists());
    let words = [
        "partial (Landlock",
        "commands write only",
        "no network",
        "compared after each command",
        "bubblewrap cannot start",
    ];
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_full_sandbox_that_is_required_and_not_there_is_the_end() {
    let place = Place::new();
    let failure = lacking(&[Lacks::Namespaces], || {
        let mut spec = best(&place);
        spec.require_full = true;
        refused(place.start_with(spec).unwrap_err())
    });
    assert!(failure.what.contains("only a partial sandbox"), "{failure:?}");
    let failure = lacking(&[Lacks::Namespaces], || {
        let mut spec = best(&place);
        spec.network = Network::Registries;
        refused(place.start_with(spec).unwrap_err())
    });
    assert!(failure.what.contains("cannot tell hosts apart"), "{failure:?}");
}

#[test]
fn with_neither_there_is_none() {
    let place = Place::new();
    let failure =
        lacking(&[Lacks::Namespaces, Lacks::Landlock], || refused(place.start_with(best(&place)).unwrap_err()));
    assert!(failure.what.contains("bubblewrap cannot start") && failure.what.contains("Landlock"), "{failure:?}");
    assert!(failure.fix[0].contains("bubblewrap") && failure.fix[1].contains("--sandbox off"), "{failure:?}");
}

#[test]
fn without_filters_there_is_none_whatever_the_backend() {
    let place = Place::new();
    let failure = lacking(&[Lacks::Filters], || refused(place.start_with(best(&place)).unwrap_err()));
    assert!(failure.what.contains("no sandbox can be made here"), "{failure:?}");
}

#[test]
fn a_bubblewrap_that_fails_gives_way_and_one_that_lies_is_the_end() {
    let place = Place::new();
    let folder = place.path().join("bin");
    std::fs::create_dir(&folder).unwrap();
    let path = fake_bubblewrap(&folder, "echo 'bwrap: No permissions to create a new namespace' >&2; exit 1");
    let place = place.set("PATH", &path);
    if backends().contains(&Backend::Landlock) {
        let sandbox = place.start_with(best(&place)).unwrap();
        assert!(sandbox.describe().contains("No permissions to create a new namespace"), "{}", sandbox.describe());
    }
    std::fs::remove_file(folder.join("bwrap")).unwrap();
    let bare = Place::new().set("PATH", &folder.to_string_lossy());
    let mut spec = best(&bare);
    spec.require_full = true;
    let failure = refused(bare.start_with(spec).unwrap_err());
    assert_eq!(failure.fix, ["sudo apt-get install bubblewrap"], "{failure:?}");
    // It runs what it is told, in no namespace at all.
    let vk = env!("CARGO_BIN_EXE_vk");
    fake_bubblewrap(
        &folder,
        &format!("mkdir -p {}/state 2>/dev/null; exec {vk} __sandbox serve", place.path().display()),
    );
    let failure = refused(place.start_with(best(&place)).unwrap_err());
    assert!(failure.what.contains("leaks"), "{failure:?}");
    assert_eq!(failure.code, "sandbox_leaks");
    // A program of that name in the repository is not even looked at.
    let planted = place.work().join("bin");
    std::fs::create_dir(&planted).unwrap();
    let path = fake_bubblewrap(&planted, "touch planted; exit 1");
    let place = place.set("PATH", &path);
    let _ = place.start_with(best(&place));
    assert!(!place.work().join("planted").exists());
}

#[test]
fn an_inside_that_is_no_vk_or_says_nothing_is_none() {
    let place = Place::new();
    for helper in ["/bin/true", "/bin/cat", "/no/such/program"] {
        let mut spec = best(&place);
        spec.helper = Some(helper.into());
        refused(place.start_with(spec).unwrap_err());
    }
}

#[test]
fn the_shell_without_a_sandbox_needs_nothing_of_all_this() {
    let place = Place::new();
    lacking(&[Lacks::Namespaces, Lacks::Landlock, Lacks::Filters], || {
        let mut spec = best(&place);
        spec.mode = vibekit::sandbox::Mode::Off;
        let sandbox = place.start_with(spec).unwrap();
        assert_eq!((sandbox.level(), run(&sandbox, "true").status), (Level::Off, Status::Exited(0)));
        assert!(sandbox.describe().contains("your rights"));
    });
}

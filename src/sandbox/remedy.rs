//! What a person can type to get the full sandbox where there is none: by what was missing, and by the switches with
//! which distributions turn off what bubblewrap needs.

use std::fs;
use std::path::Path;

/// How the reason begins where there is no program of that name.
pub(super) const NOT_INSTALLED: &str = "bubblewrap is not installed";

/// Switches of the kernel, the value that forbids, and what undoes it.
const SWITCHES: [(&str, &str, &str); 3] = [
    // Debian's own, 0 before Debian 11 and on hardened machines.
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "sudo sysctl -w kernel.unprivileged_userns_clone=1   # lets bubblewrap make user namespaces",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "sudo sysctl -w user.max_user_namespaces=15000   # lets bubblewrap make user namespaces",
    ),
    // Ubuntu's since 23.10, for programs without a profile that says otherwise.
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0   # or an AppArmor profile for bubblewrap",
    ),
];

const IN_A_CONTAINER: &str = "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined ...   \
                              # a container forbids what bubblewrap needs; podman takes the same";

/// The command that helps where bubblewrap failed for this reason.
pub(super) fn remedy(reason: &str) -> &'static str {
    remedy_at(reason, Path::new("/"))
}

fn remedy_at(reason: &str, root: &Path) -> &'static str {
    if reason.starts_with(NOT_INSTALLED) {
        return "sudo apt-get install bubblewrap";
    }
    let below = |path: &str| root.join(path.trim_start_matches('/'));
    let forbids = |path: &str, value: &str| fs::read_to_string(below(path)).is_ok_and(|now| now.trim() == value);
    let switch = SWITCHES.iter().find(|(path, value, _)| forbids(path, value));
    switch.map_or(IN_A_CONTAINER, |(_, _, undo)| undo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_that_forbids_is_named() {
        let root = tempfile::tempdir().unwrap();
        let failed = "bubblewrap cannot start: No permissions to create a new namespace";
        assert_eq!(remedy_at(NOT_INSTALLED, root.path()), "sudo apt-get install bubblewrap");
        assert!(remedy_at(failed, root.path()).starts_with("docker run"));
        for (path, value, undo) in SWITCHES {
            let file = root.path().join(path.trim_start_matches('/'));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "7\n").unwrap();
            assert_ne!(remedy_at(failed, root.path()), undo);
            fs::write(&file, format!("{value}\n")).unwrap();
            assert_eq!(remedy_at(failed, root.path()), undo);
            fs::remove_file(&file).unwrap();
        }
    }
}

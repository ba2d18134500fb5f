//! What of /etc commands must not see, although the rest of it is what programs are configured by.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

/// Files and folders of /etc that hold secrets on some systems although everyone may read them, or below a folder that
/// everyone may list.
const KNOWN: &[&str] = &[
    "/etc/NetworkManager/system-connections",
    "/etc/docker/key.json",
    "/etc/environment",
    "/etc/kubernetes",
    "/etc/krb5.keytab",
    "/etc/letsencrypt/archive",
    "/etc/letsencrypt/keys",
    "/etc/openvpn",
    "/etc/rancher",
    "/etc/security/opasswd",
    "/etc/ssl/private",
    "/etc/wireguard",
];

/// What of /etc must not be seen: the known places, and what is not meant for everyone. The latter matters where vk runs
/// as root, to whom the file modes mean nothing.
pub(super) fn in_etc() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = KNOWN.iter().map(PathBuf::from).filter(|path| path.exists()).collect();
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir("/etc").into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        let for_everyone = if meta.is_dir() { 0o005 } else { 0o004 };
        let closed = meta.permissions().mode() & for_everyone != for_everyone;
        if closed && !meta.is_symlink() && (own == 0 || meta.uid() == own) {
            found.push(entry.path());
        }
    }
    // Host keys are 0600 in a folder for everyone.
    let ssh = fs::read_dir("/etc/ssh").into_iter().flatten().flatten().map(|entry| entry.path());
    found.extend(ssh.filter(|path| path.to_string_lossy().ends_with("_key")));
    found
}

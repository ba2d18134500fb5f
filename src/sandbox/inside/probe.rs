//! The live negative probe, from inside: try what must fail, in the process whose confinement the commands inherit.
//! It only reports; the host judges, and looks at its own side for what was written.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::sandbox::protocol::{Bytes, Probe, Probed};

/// Enough of a file to recognise the secret in it.
const READ_LIMIT: u64 = 64 * 1024;

pub(super) fn probe(what: &Probe) -> Probed {
    for path in &what.write {
        // The effect is looked for on the host: inside, a private folder may lie at the same path.
        let _ = fs::write(path, b"written from inside the sandbox");
    }
    Probed {
        read: what.read.iter().filter_map(|path| read(path.as_ref())).collect(),
        connected: what
            .sockets
            .iter()
            .filter(|path| UnixStream::connect(path).is_ok())
            .cloned()
            .collect::<Vec<OsString>>(),
        tcp: what.tcp_port.is_some_and(connects),
        keyctl: keyring_answers(),
        unfiltered: !filtered(),
    }
}

fn read(path: &Path) -> Option<Bytes> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(READ_LIMIT).read_to_end(&mut bytes).ok()?;
    Some(Bytes(bytes))
}

fn connects(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}

#[cfg(target_os = "linux")]
fn keyring_answers() -> bool {
    use linux_keyutils::{KeyRing, KeyRingIdentifier};
    [KeyRingIdentifier::Session, KeyRingIdentifier::User, KeyRingIdentifier::UserSession]
        .into_iter()
        .any(|keyring| KeyRing::from_special_id(keyring, false).is_ok())
}

#[cfg(not(target_os = "linux"))]
fn keyring_answers() -> bool {
    false
}

#[cfg(target_os = "linux")]
fn filtered() -> bool {
    use rustix::thread::SecureComputingMode;
    matches!(rustix::thread::secure_computing_mode(), Ok(SecureComputingMode::Filter))
        && rustix::thread::no_new_privs().unwrap_or(false)
}

#[cfg(not(target_os = "linux"))]
fn filtered() -> bool {
    true
}

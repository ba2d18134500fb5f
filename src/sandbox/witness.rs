//! The host's side of the live negative probe: a secret, a listener and a folder that nothing inside may reach, and the
//! judgement. What was found must be nothing at all; a sandbox of which one thing leaks is no sandbox.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::plan::Plan;
use super::protocol::{Bytes, Probe, Probed};
use crate::base::env::Env;
use crate::base::secret::hex;

pub(super) struct Witness {
    secret: String,
    folder: TempDir,
    listener: Option<TcpListener>,
    environ: Vec<u8>,
    sockets: Vec<OsString>,
}

impl Witness {
    /// `any_network` leaves the network out of it: it is allowed.
    pub(super) fn new(env: &Env, plan: &Plan, any_network: bool) -> io::Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let secret = hex(&random);
        let folder = tempfile::Builder::new().prefix(".vk-probe-").tempdir_in(place(plan))?;
        fs::write(folder.path().join("secret"), &secret)?;
        let listener = (!any_network).then(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).transpose()?;
        if let Some(listener) = &listener {
            listener.set_nonblocking(true)?;
        }
        // Absent where there is no /proc; then there is nothing to protect.
        let environ = fs::read("/proc/self/environ").unwrap_or_default();
        Ok(Self { secret, folder, listener, environ, sockets: sockets(env) })
    }

    pub(super) fn probe(&self) -> Probe {
        let own_environ = PathBuf::from(format!("/proc/{}/environ", std::process::id()));
        Probe {
            write: vec![self.folder.path().join("written").into()],
            read: vec![self.folder.path().join("secret").into(), own_environ.into()],
            tcp_port: self.listener.as_ref().and_then(|listener| Some(listener.local_addr().ok()?.port())),
            sockets: self.sockets.clone(),
        }
    }

    /// What leaks, if anything does.
    pub(super) fn judge(&self, probed: &Probed) -> Option<String> {
        let leaked = |Bytes(bytes): &Bytes| {
            let own =
                !self.environ.is_empty() && bytes.starts_with(&self.environ[..self.environ.len().min(bytes.len())]);
            bytes == self.secret.as_bytes() || (!bytes.is_empty() && own)
        };
        if self.folder.path().join("written").exists() {
            return Some("a file outside the project could be written".to_owned());
        }
        if probed.read.iter().any(leaked) {
            return Some("a file outside the project could be read".to_owned());
        }
        if let Some(socket) = probed.connected.first() {
            return Some(format!("{} could be connected to", Path::new(socket).display()));
        }
        let reached = self.listener.as_ref().is_some_and(|listener| listener.accept().is_ok());
        if probed.tcp || reached {
            return Some("a port of this machine could be reached".to_owned());
        }
        if probed.keyctl {
            return Some("the kernel's keyring answered".to_owned());
        }
        probed.unfiltered.then(|| "system calls are not filtered".to_owned())
    }
}

/// A folder of the host that no command may reach: vk's own if there is one, else a temporary one that is not opened.
fn place(plan: &Plan) -> PathBuf {
    let opened = [&plan.read, &plan.write].into_iter().flatten().chain([&plan.spec.workspace]);
    let opened: Vec<&PathBuf> = opened.collect();
    let closed = |folder: &PathBuf| folder.is_dir() && !opened.iter().any(|open| folder.starts_with(open));
    let usual = ["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from);
    let own = plan.spec.protect.iter().cloned();
    own.chain(usual).find(closed).unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// Where the user's agents and buses listen.
fn sockets(env: &Env) -> Vec<OsString> {
    let user = rustix::process::getuid().as_raw();
    let mut found: Vec<PathBuf> =
        [format!("/run/user/{user}/bus"), "/run/dbus/system_bus_socket".to_owned(), "/var/run/docker.sock".to_owned()]
            .map(PathBuf::from)
            .into();
    found.extend(env.path("XDG_RUNTIME_DIR").map(|folder| folder.join("bus")));
    found.extend(env.path("SSH_AUTH_SOCK"));
    let addresses = env.get("DBUS_SESSION_BUS_ADDRESS").unwrap_or_default();
    let paths = addresses.split(';').filter_map(|address| address.strip_prefix("unix:path="));
    found.extend(paths.filter_map(|path| path.split(',').next()).map(PathBuf::from));
    found.into_iter().filter(|path| path.exists()).map(PathBuf::into_os_string).collect()
}

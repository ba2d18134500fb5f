//! Descriptors that a careless parent of vk left open and inheritable: whatever they lead to, commands must not have
//! it. Closing a number one does not own is beyond safe Rust, so a shell does it on the way to a second start.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

const CLOSE_ON_EXEC: u32 = 0o2_000_000;

const CLOSER: &str = r#"while [ "$1" != -- ]; do eval "exec $1>&-"; shift; done; shift; exec "$@""#;

/// The inheritable descriptors above 2.
fn inherited() -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc/self/fdinfo")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.parse::<u32>().is_ok_and(|number| number > 2) && inheritable(Path::new(&name)) {
            found.push(name);
        }
    }
    Ok(found)
}

fn inheritable(number: &Path) -> bool {
    // The one that lists the folder is gone by now.
    let Ok(info) = fs::read_to_string(Path::new("/proc/self/fdinfo").join(number)) else { return false };
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_none_or(|flags| flags & CLOSE_ON_EXEC == 0)
}

/// Starts the program anew without them, if there are any; `restarted` says that this has been done.
///
/// # Errors
/// When some are left after all, or cannot be listed: nothing may be run then.
pub(super) fn close_inherited(arguments: &[&OsStr], restarted: bool) -> io::Result<()> {
    if cfg!(not(target_os = "linux")) {
        return Ok(());
    }
    let open = inherited()?;
    if open.is_empty() {
        return Ok(());
    }
    if restarted {
        return Err(io::Error::other(format!("descriptors {} stay open", open.join(", "))));
    }
    let shell = ["/bin/bash", "/usr/bin/bash", "/bin/sh"].into_iter().find(|path| Path::new(path).exists());
    let mut command = Command::new(shell.unwrap_or("/bin/sh"));
    command.args(["-c", CLOSER, "sh"]).args(open).arg("--").arg(std::env::current_exe()?).args(arguments);
    Err(command.exec())
}

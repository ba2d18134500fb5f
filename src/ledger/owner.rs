//! Who holds money: a process, told apart from a later one with the same number, and whether it still lives.

/// The process behind a ledger connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub pid: u32,
    /// When the process started, in the kernel's own units; 0 where the system does not tell.
    pub started: u64,
    /// The machine, this boot of it and its process namespace: pids mean the same only inside one of these.
    pub host: String,
}

/// What is known of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Alive,
    Dead,
    /// On another machine, or in another process namespace: only its lease tells.
    Elsewhere,
}

impl Owner {
    /// This process.
    #[must_use]
    pub fn current() -> Self {
        let pid = std::process::id();
        Self { pid, started: system::start_time(pid).unwrap_or(0), host: system::host() }
    }

    /// Whether `self` still runs, as seen from `here`.
    pub(crate) fn life(&self, here: &Self) -> Life {
        if self == here {
            return Life::Alive;
        }
        if self.host != here.host {
            return Life::Elsewhere;
        }
        match system::start_time(self.pid) {
            Some(started) if started == self.started => Life::Alive,
            _ => Life::Dead,
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    /// Clock ticks since boot: field 22 of `/proc/PID/stat` (proc_pid_stat(5)), counted after the last `)`,
    /// because a program's name may hold spaces and parentheses. A zombie holds nothing any more.
    pub(super) fn start_time(pid: u32) -> Option<u64> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?;
        if matches!(state, "Z" | "X") {
            return None;
        }
        fields.nth(18)?.parse().ok()
    }

    pub(super) fn host() -> String {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let boot: String = read("/proc/sys/kernel/random/boot_id").chars().take(8).collect();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let namespace: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
        format!("{}:{boot}:{namespace}", read("/proc/sys/kernel/hostname"))
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
mod system {
    use rustix::process::{Pid, test_kill_process};

    /// Start times are not told here: a process that can be signalled counts as the one that was meant, which
    /// errs towards keeping a hold.
    pub(super) fn start_time(pid: u32) -> Option<u64> {
        let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
        match test_kill_process(pid) {
            Err(rustix::io::Errno::SRCH) => None,
            _ => Some(0),
        }
    }

    pub(super) fn host() -> String {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }
}

#[cfg(not(unix))]
mod system {
    /// Not told here; leases alone decide.
    pub(super) fn start_time(_: u32) -> Option<u64> {
        None
    }

    pub(super) fn host() -> String {
        String::new()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start_and_not_by_its_number_alone() {
        let here = Owner::current();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let other =
            Owner { pid: child.id(), started: system::start_time(child.id()).unwrap(), host: here.host.clone() };
        assert_eq!(other.life(&here), Life::Alive);
        assert_eq!(Owner { started: other.started + 1, ..other.clone() }.life(&here), Life::Dead);
        assert_eq!(Owner { host: "elsewhere".into(), ..other.clone() }.life(&here), Life::Elsewhere);
        child.kill().unwrap();
        // The kill arrives when the kernel gets to it; nobody has waited for the child yet, so it stays a zombie.
        for _ in 0..200 {
            if other.life(&here) == Life::Dead {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(other.life(&here), Life::Dead, "a zombie is dead");
        child.wait().unwrap();
        assert_eq!(other.life(&here), Life::Dead);
    }
}

//! A person at a terminal: vk, or a shell, on a pseudo terminal of its own, which is its controlling one.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::env::{Ran, Vk, code_of};

/// One start of a program. Dropping it before its end kills it.
pub struct Session {
    program: Child,
    master: File,
    seen: Arc<Mutex<Vec<u8>>>,
    reader: std::thread::JoinHandle<()>,
    /// How much of what was seen has been waited for.
    read: usize,
}

/// Starts vk as [`start_program`] does.
pub fn start(vk: &Vk, args: &[&str]) -> Option<Session> {
    start_program(&vk.command(args))
}

/// Starts a program with its three streams on a terminal of 80 columns. `None`, and said, where a terminal cannot be
/// made the controlling one.
#[allow(clippy::print_stdout, reason = "a skipped test must be seen")]
pub fn start_program(plain: &Command) -> Option<Session> {
    if !Path::new("/usr/bin/setsid").exists() {
        println!("skipped: no setsid (util-linux), which makes a terminal the controlling one");
        return None;
    }
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    tcsetwinsize(&master, Winsize { ws_row: 40, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let slave = File::options().read(true).write(true).open(path).unwrap();
    let mut command = Command::new("/usr/bin/setsid");
    command.args(["--ctty", "--wait"]).arg(plain.get_program()).args(plain.get_args());
    command.env_clear().current_dir(plain.get_current_dir().unwrap_or_else(|| Path::new("/")));
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("TERM", "xterm-256color").env("NO_COLOR", "1");
    let stream = || Stdio::from(slave.try_clone().unwrap());
    let program = command.stdin(stream()).stdout(stream()).stderr(stream()).spawn().unwrap();
    drop(command);
    let master = File::from(master);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (mut reader, sink) = (master.try_clone().unwrap(), Arc::clone(&seen));
    let reader = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            sink.lock().unwrap().extend_from_slice(&buffer[..count]);
        }
    });
    Some(Session { program, master, seen, reader, read: 0 })
}

impl Session {
    /// Waits until this text is on the screen after what was waited for before, and gives what lies between.
    pub fn wait_for(&mut self, wanted: &str) -> String {
        let limit = Instant::now() + Duration::from_secs(20);
        loop {
            let text = self.text();
            if let Some(at) = text[self.read..].find(wanted) {
                let end = self.read + at + wanted.len();
                let between = text[self.read..end].to_owned();
                self.read = end;
                return between;
            }
            assert!(Instant::now() < limit, "no {wanted:?} after {:?} in\n{text}", &text[..self.read]);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types a line. What is typed before a question stands is not its answer, so wait for the question first.
    pub fn type_line(&mut self, text: &str) {
        self.type_keys(&format!("{text}\n"));
    }

    pub fn type_keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Everything that was on the screen, the cursor's movements left out.
    pub fn text(&self) -> String {
        let seen = String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned();
        console::strip_ansi_codes(&seen).replace('\r', "")
    }

    /// Waits for the end; the screen is `stdout`.
    pub fn end(mut self) -> Ran {
        let limit = Instant::now() + Duration::from_secs(20);
        let mut answered = 0;
        let status = loop {
            if let Some(status) = self.program.try_wait().unwrap() {
                break status;
            }
            // A task that is done asks what comes next: nothing.
            let asked = self.text().matches("what next? (Enter ends)").count();
            if asked > answered && self.text().trim_end().ends_with("what next? (Enter ends)") {
                answered = asked;
                self.type_line("");
            }
            assert!(Instant::now() < limit, "it does not end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(5));
        };
        // The terminal ends with the last program on it; one that runs on in the background is not waited for.
        let limit = Instant::now() + Duration::from_secs(2);
        while !self.reader.is_finished() && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(2));
        }
        Ran { code: code_of(status), stdout: self.text(), stderr: String::new() }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

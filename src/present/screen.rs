//! What the terminal is and can do, found out once; and vk's own few colours.

use std::io::IsTerminal as _;

use crate::base::env::Env;

/// How the result of a run is written (`--output`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Text,
    Json,
    StreamJson,
}

/// Where output goes. Plain facts, so that tests can make up any terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Screen {
    pub(super) out_is_terminal: bool,
    pub(super) err_is_terminal: bool,
    /// Whether stdout and stderr are one and the same terminal, so that what is written to either is read once.
    pub(super) same_terminal: bool,
    /// Whether stdin is a terminal: words and not a file.
    pub(super) in_is_terminal: bool,
    /// Whether the cursor may be moved on stderr.
    pub(super) can_redraw: bool,
    pub(super) colour: bool,
    /// Whether somebody may be there to answer (`/dev/tty` is tried on top of this).
    pub(super) attended: bool,
}

impl Screen {
    pub(super) fn of(env: &Env, mode: Mode) -> Self {
        let out_is_terminal = std::io::stdout().is_terminal();
        let err_is_terminal = std::io::stderr().is_terminal();
        let same_terminal = out_is_terminal && err_is_terminal && same_device();
        let in_is_terminal = std::io::stdin().is_terminal();
        Self { in_is_terminal, ..Self::from_facts(env, mode, out_is_terminal, err_is_terminal, same_terminal) }
    }

    fn from_facts(env: &Env, mode: Mode, out_is_terminal: bool, err_is_terminal: bool, same_terminal: bool) -> Self {
        let dumb = env.get("TERM").is_none_or(|term| term == "dumb");
        let attended = mode == Mode::Text && err_is_terminal && env.get("CI").is_none();
        Self {
            out_is_terminal,
            err_is_terminal,
            same_terminal,
            in_is_terminal: false,
            can_redraw: attended && !dumb,
            colour: err_is_terminal && !dumb && env.get("NO_COLOR").is_none(),
            attended,
        }
    }
}

#[cfg(unix)]
fn same_device() -> bool {
    let device = |fd: std::os::fd::BorrowedFd<'_>| rustix::fs::fstat(fd).map(|stat| stat.st_rdev).ok();
    let (out, err) = (device(rustix::stdio::stdout()), device(rustix::stdio::stderr()));
    out.is_some() && out == err
}

#[cfg(not(unix))]
fn same_device() -> bool {
    true
}

/// vk's own colours, or none. Nothing is told by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    pub(super) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(super) fn code(self, text: &str) -> String {
        self.with("36", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A length of time for people: `0.3s`, `42s`, `1m 05s`, `2h 03m`.
pub(super) fn seconds(ms: u64) -> String {
    match ms / 1000 {
        0..=9 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        whole @ 10..=59 => format!("{whole}s"),
        whole @ 60..=3599 => format!("{}m {:02}s", whole / 60, whole % 60),
        whole => format!("{}h {:02}m", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn screen(vars: &[(&str, &str)], mode: Mode) -> Screen {
        Screen::from_facts(&Env::of(vars, Path::new("/")), mode, true, true, true)
    }

    #[test]
    fn nothing_is_redrawn_or_asked_where_nobody_looks() {
        let term = ("TERM", "xterm-256color");
        let full = screen(&[term], Mode::Text);
        assert!(full.can_redraw && full.colour && full.attended);
        let in_ci = screen(&[term, ("CI", "true")], Mode::Text);
        assert!(!in_ci.can_redraw && !in_ci.attended);
        assert!(!screen(&[term], Mode::Json).attended);
        assert!(!screen(&[term, ("NO_COLOR", "1")], Mode::Text).colour);
        let dumb = screen(&[("TERM", "dumb")], Mode::Text);
        assert!(!dumb.can_redraw && !dumb.colour && dumb.attended);
        assert!(!screen(&[], Mode::Text).colour);
    }

    #[test]
    fn times_read_well_at_every_length() {
        let shown: Vec<String> = [0, 340, 9_999, 42_000, 65_000, 7_380_000].map(seconds).to_vec();
        assert_eq!(shown, ["0.0s", "0.3s", "9.9s", "42s", "1m 05s", "2h 03m"]);
    }
}

//! Questions to the person at `/dev/tty`: shown verbatim, default first, Ctrl-C is no answer.
//!
//! While a question stands, Ctrl-C is read as input instead of raising a signal, so that it leaves the question
//! and nothing else; the terminal's own settings are put back on every way out, a panic included.

use std::fmt::Write as _;
use std::path::Path;

use textwrap::{Options, WordSplitter};

use super::escape::{escape_line, verbatim};
use super::screen::Paint;
use super::table::talk;
use crate::domain::ui::Question;

/// A question as it is shown, up to where the answer is typed.
pub(super) fn question_text(question: &Question, paint: Paint, width: usize) -> String {
    let mut shown = String::from("\n");
    let room = width.saturating_sub("  │ ".chars().count()).max(20);
    if let Some(detail) = &question.detail {
        for line in verbatim(detail).replace('\t', "    ").split('\n') {
            // Every character of it stays: what is asked about may be a command.
            for row in textwrap::wrap(line, Options::new(room).word_splitter(WordSplitter::NoHyphenation)) {
                let _ = writeln!(shown, "  {} {row}", paint.dim("│"));
            }
        }
    }
    let _ = writeln!(shown, "{}", paint.bold(&verbatim(&question.text)));
    let options = question.options.iter().map(|(key, meaning)| format!("[{key}] {}", escape_line(meaning)));
    let options: Vec<String> = options.collect();
    let default = question.options.first().map(|(key, _)| format!(" ({key})")).unwrap_or_default();
    let _ = write!(shown, "{}{default}: ", options.join("  "));
    shown
}

/// What stands before typed text, with one blank after it.
pub(super) fn prompt(text: &str, width: Option<usize>) -> String {
    talk(text.trim_end(), width) + " "
}

/// A question that nobody has to answer, as it looks with its answer: for the demo.
#[must_use]
pub fn answered(question: &Question, key: char) -> String {
    let width = console::Term::stderr().size_checked().map_or(usize::MAX, |(_, columns)| usize::from(columns));
    format!("{}{key}   (the demo answers for you)", question_text(question, Paint(false), width))
}

/// The option that a typed line names: its key, the meaning or its first word, in any case; nothing typed is the
/// first option. `None` when it names none.
pub(super) fn choose(question: &Question, typed: &str) -> Option<char> {
    let typed = typed.trim().to_lowercase();
    if typed.is_empty() {
        return question.options.first().map(|(key, _)| *key);
    }
    let names = |(key, meaning): &&(char, String)| {
        let meaning = meaning.to_lowercase();
        let key: String = key.to_lowercase().collect();
        typed == key || typed == meaning || meaning.split_whitespace().next() == Some(typed.as_str())
    };
    question.options.iter().find(names).map(|(key, _)| *key)
}

/// How a line is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typing {
    /// What was typed before the question was seen does not answer it.
    Answer,
    /// Free text: may have been typed ahead, and a paste of several lines is one text.
    Text,
    /// As `Answer`, and the first key is all of it.
    Key,
    /// As `Answer`, and not shown.
    Secret,
}

#[cfg(unix)]
pub(super) use unix::{Tty, restore};

#[cfg(unix)]
mod unix {
    use std::fs::{File, OpenOptions};
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::sync::{Mutex, PoisonError};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::OFlags;
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

    use super::{Path, Typing};

    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;
    /// An Enter that follows a key out of habit comes within this.
    const HABIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };
    /// More than anybody types; a kernel line is at most 4 KiB.
    const LONGEST: usize = 1 << 20;
    /// How long a question stands at least once its answer has come another way.
    const LOOK_UP: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    /// Lines of one paste arrive within this.
    const PASTE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

    /// The terminal under a question that stands, and the settings it had before.
    static BEFORE: Mutex<Option<(File, Termios)>> = Mutex::new(None);

    /// Puts the terminal's settings back if a question stands. For the ways out that run no destructors.
    pub(in crate::present) fn restore() {
        if let Some((file, settings)) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = tcsetattr(&file, OptionalActions::Drain, &settings);
        }
    }

    /// The settings for one question; dropping it puts back what was there.
    struct Asking;

    impl Asking {
        fn begin(file: &File, typing: Typing) -> Option<Self> {
            let before = tcgetattr(file).ok()?;
            let mut settings = before.clone();
            settings.local_modes.remove(LocalModes::ISIG);
            settings.local_modes.insert(LocalModes::ICANON | LocalModes::ECHO);
            // Ctrl-C ends the line, so that it is read at once.
            settings.special_codes[SpecialCodeIndex::VEOL] = CTRL_C;
            if typing == Typing::Secret {
                settings.local_modes.remove(LocalModes::ECHO);
                settings.local_modes.insert(LocalModes::ECHONL);
            }
            if typing == Typing::Key {
                settings.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
                settings.special_codes[SpecialCodeIndex::VMIN] = 1;
                settings.special_codes[SpecialCodeIndex::VTIME] = 0;
            }
            *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some((file.try_clone().ok()?, before));
            let asking = Self;
            let when = if typing == Typing::Text { OptionalActions::Drain } else { OptionalActions::Flush };
            tcsetattr(file, when, &settings).ok()?;
            Some(asking)
        }
    }

    impl Drop for Asking {
        fn drop(&mut self) {
            restore();
        }
    }

    /// The terminal that a person reads and types at.
    pub(in crate::present) struct Tty {
        file: File,
    }

    impl Tty {
        /// `None` when it cannot be opened or is no terminal: nobody is there.
        pub(in crate::present) fn open(path: &Path) -> Option<Self> {
            let flags = i32::try_from(OFlags::NOCTTY.bits()).ok()?;
            let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).ok()?;
            tcgetattr(&file).ok()?;
            Some(Self { file })
        }

        /// Shows `prompt` and reads a line, without its end. `None` on Ctrl-C or end of input.
        pub(in crate::present) fn line(&mut self, prompt: &str, typing: Typing) -> Option<String> {
            let asking = Asking::begin(&self.file, typing)?;
            let answer = if typing == Typing::Key { self.key(prompt) } else { self.read(prompt, typing, &|| false) };
            self.over(asking, answer)
        }

        /// As [`Tty::line`] for free text, and over without an answer soon after `done`.
        pub(in crate::present) fn line_until(&mut self, prompt: &str, done: &dyn Fn() -> bool) -> Option<String> {
            let asking = Asking::begin(&self.file, Typing::Text)?;
            let answer = self.read(prompt, Typing::Text, done);
            self.over(asking, answer)
        }

        fn over(&mut self, asking: Asking, answer: Option<String>) -> Option<String> {
            drop(asking);
            if answer.is_none() {
                let _ = self.file.write_all(b"\n");
            }
            answer
        }

        /// One key; Enter is the empty answer.
        fn key(&mut self, prompt: &str) -> Option<String> {
            self.file.write_all(prompt.as_bytes()).ok()?;
            let mut buffer = [0_u8; 64];
            let count = loop {
                match self.file.read(&mut buffer) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => return None,
                    Ok(count) => break count,
                }
            };
            let typed = &buffer[..count];
            if typed.iter().any(|byte| [CTRL_C, CTRL_D].contains(byte)) {
                return None;
            }
            let text = String::from_utf8_lossy(typed).trim().to_owned();
            // Arrow keys and the like send an escape sequence: no answer, and nothing to repeat on the terminal.
            let text = if text.contains('\x1b') { "?".to_owned() } else { text };
            let _ = self.file.write_all(format!("{text}\n").as_bytes());
            if !text.is_empty() && !typed.ends_with(b"\n") && self.within(&HABIT) {
                let _ = self.file.read(&mut buffer);
            }
            Some(text)
        }

        fn read(&mut self, prompt: &str, typing: Typing, done: &dyn Fn() -> bool) -> Option<String> {
            self.file.write_all(prompt.as_bytes()).ok()?;
            let mut typed = Vec::new();
            let mut buffer = [0_u8; 4096];
            let whole = loop {
                // Only a whole line can be read, so whoever waits for one looks up from time to time.
                while !self.within(&LOOK_UP) {
                    if done() {
                        return None;
                    }
                }
                let count = match self.file.read(&mut buffer) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    Ok(0) | Err(_) => break false,
                    Ok(count) => count,
                };
                typed.extend_from_slice(&buffer[..count]);
                match typed.last() {
                    Some(&CTRL_C) => break false,
                    Some(b'\n') if typing != Typing::Text || !self.more() => break true,
                    _ if typed.len() > LONGEST => break false,
                    _ => {}
                }
            };
            buffer.fill(0);
            let text = String::from_utf8_lossy(&typed).trim_end_matches(['\n', '\r']).to_owned();
            typed.fill(0);
            whole.then_some(text)
        }

        /// Whether another line has been typed or pasted already.
        fn more(&self) -> bool {
            self.within(&PASTE)
        }

        fn within(&self, time: &Timespec) -> bool {
            let mut fds = [PollFd::new(&self.file, PollFlags::IN)];
            matches!(poll(&mut fds, Some(time)), Ok(ready) if ready > 0)
        }
    }
}

#[cfg(not(unix))]
pub(super) use elsewhere::{Tty, restore};

/// No `/dev/tty`: vk is headless there, and says so through everything that needs an answer.
#[cfg(not(unix))]
mod elsewhere {
    use super::{Path, Typing};

    pub(in crate::present) struct Tty;

    impl Tty {
        pub(in crate::present) fn open(_: &Path) -> Option<Self> {
            None
        }

        pub(in crate::present) fn line(&mut self, _: &str, _: Typing) -> Option<String> {
            None
        }

        pub(in crate::present) fn line_until(&mut self, _: &str, _: &dyn Fn() -> bool) -> Option<String> {
            None
        }
    }

    pub(in crate::present) fn restore() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_shows_what_it_is_about_and_its_default_first() {
        let question = Question::yes_no("Run this outside of the sandbox?")
            .detail(format!("git push origin main\r\x1b[2Kls\u{202e}\n\tls{};rm -rf ~", " ".repeat(9_999)));
        insta::assert_snapshot!(question_text(&question, Paint(false), 80), @r"
          │ git push origin main\r\x1b[2Kls\u{202e}
          │     ls [9999 spaces] ;rm -rf ~
        Run this outside of the sandbox?
        [n] no  [y] yes (n):
        ");
    }

    #[test]
    fn only_a_named_option_is_an_answer() {
        let mut question = Question::yes_no("?");
        question.options.push(('a', "Always for this task".into()));
        assert_eq!(choose(&question, ""), Some('n'));
        assert_eq!(choose(&question, " Y "), Some('y'));
        assert_eq!(choose(&question, "yes"), Some('y'));
        assert_eq!(choose(&question, "always"), Some('a'));
        assert_eq!(choose(&question, "yes please"), None);
        assert_eq!(choose(&question, "x"), None);
    }
}

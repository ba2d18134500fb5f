//! The person at the terminal, or a script in their place.

use std::io::{self, IsTerminal as _, Write as _};

use super::escape::escape_line;
use super::{failure, json};
use crate::base::clock;
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::domain::event::Event;
use crate::domain::failure::Failure;
use crate::domain::ui::{Question, Ui};

/// How the result of a run is written (`--output`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Text,
    Json,
    StreamJson,
}

pub struct Terminal {
    mode: Mode,
    interactive: bool,
}

impl Terminal {
    #[must_use]
    pub fn new(env: &Env, mode: Mode, _quiet: bool) -> Self {
        let interactive = mode == Mode::Text && io::stderr().is_terminal() && !env.flag("CI");
        Self { mode, interactive }
    }

    /// Tells of the failure that ends the program, unless `task.finished` has told it already.
    pub fn fail(&self, failure: &Failure) {
        failure::print(failure, self.mode);
    }
}

impl Ui for Terminal {
    fn event(&self, event: &Event) {
        if self.mode == Mode::StreamJson || (self.mode == Mode::Json && matches!(event, Event::TaskFinished(_))) {
            let mut out = io::stdout().lock();
            let _ = writeln!(out, "{}", json::line(event, clock::now())).and_then(|()| out.flush());
        }
    }

    fn say(&self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", escape_line(line));
    }

    fn interactive(&self) -> bool {
        self.interactive
    }

    fn ask(&self, _question: &Question) -> Option<char> {
        None
    }

    fn ask_line(&self, _prompt: &str) -> Option<String> {
        None
    }

    fn ask_secret(&self, _prompt: &str) -> Option<Secret> {
        None
    }
}

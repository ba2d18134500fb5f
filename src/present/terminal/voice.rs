//! The two outputs of a terminal, and what has been said on them.

use std::io::{self, Write};
use std::time::Instant;

use crate::base::clock;
use crate::base::money::Usd;
use crate::domain::event::{Event, RouteResolved};
use crate::present::json;
use crate::present::prose::Prose;
use crate::present::talk::Talk;

pub(super) struct Voice {
    pub(super) out: Box<dyn Write + Send>,
    pub(super) err: Box<dyn Write + Send>,
    pub(super) talk: Talk,
    pub(super) route: Option<RouteResolved>,
    pub(super) spent: Usd,
    /// The model's text since the last turn or tool began.
    pub(super) said: String,
    /// How much of `said` has been written.
    pub(super) written: usize,
    pub(super) prose: Prose,
    /// The model's text before the one in `said`, where the person has read it.
    pub(super) read: String,
    /// When the person last answered: who just did needs no bell.
    pub(super) answered: Option<Instant>,
    /// Whether `task.finished`, with its error, has been told.
    pub(super) finished: bool,
    /// Why stdout cannot be written, other than that its reader has gone.
    pub(super) broken: Option<String>,
}

impl Voice {
    pub(super) fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, talk: Talk) -> Self {
        Self {
            out,
            err,
            talk,
            route: None,
            spent: Usd::ZERO,
            said: String::new(),
            written: 0,
            prose: Prose::default(),
            read: String::new(),
            answered: None,
            finished: false,
            broken: None,
        }
    }

    /// Writes on stdout at once.
    pub(super) fn out(&mut self, text: &str) {
        match self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => self.broken = Some(error.to_string()),
            _ => {}
        }
    }

    pub(super) fn json(&mut self, event: &Event) {
        let line = json::line(event, clock::now()) + "\n";
        self.out(&line);
    }
}

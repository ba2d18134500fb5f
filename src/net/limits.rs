//! How long a call may take at most, and which silence ends it.

use std::time::Duration;

use tokio::time::Instant;

/// Time limits of one request. The defaults are the product's; tests give shorter ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// To a connection.
    pub connect: Duration,
    /// Between two signs of life: a whole event, a ping, a comment.
    pub idle: Duration,
    /// The same on loopback: a local model reads a long prompt for minutes without a byte.
    pub idle_loopback: Duration,
    /// Between two events with content, however many pings come.
    pub without_content: Duration,
    /// Of one request from its start to the end of its answer.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_mins(2),
            idle_loopback: Duration::from_mins(10),
            without_content: Duration::from_mins(10),
            total: Duration::from_mins(30),
        }
    }
}

/// The clock of one request.
#[derive(Debug)]
pub(super) struct Watch {
    idle: Duration,
    without_content: Duration,
    end: Instant,
    alive_at: Instant,
    content_at: Instant,
}

impl Watch {
    pub(super) fn start(limits: &Limits, loopback: bool) -> Self {
        let now = Instant::now();
        Self {
            idle: if loopback { limits.idle_loopback } else { limits.idle },
            without_content: limits.without_content,
            end: now + limits.total,
            alive_at: now,
            content_at: now,
        }
    }

    /// A sign of life that is no content.
    pub(super) fn alive(&mut self) {
        self.alive_at = Instant::now();
    }

    /// An event that brought the answer forward.
    pub(super) fn content(&mut self) {
        self.alive();
        self.content_at = self.alive_at;
    }

    /// When patience ends, and what is said then.
    pub(super) fn deadline(&self) -> (Instant, String) {
        let secs = |limit: Duration| format!("{} s", limit.as_secs_f64());
        let silent = (self.alive_at + self.idle, format!("nothing came for {}", secs(self.idle)));
        let empty = (
            self.content_at + self.without_content,
            format!("only keep-alives came for {}", secs(self.without_content)),
        );
        let over = (self.end, "the answer took longer than a request may".to_owned());
        [empty, over].into_iter().fold(silent, |first, other| if other.0 < first.0 { other } else { first })
    }
}

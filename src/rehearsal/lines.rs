//! What a rehearsed model says: one line an answer, in order.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde_json::Value;

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Words, and then tool calls as `(name, arguments)`; without calls the turn ends.
    Say(&'static str, Vec<(&'static str, Value)>),
    /// An error as the provider would send it: status, code and message.
    Fail(u16, &'static str, &'static str),
}

/// The lines still to come, and what the last request looked like.
#[derive(Debug)]
pub struct Script {
    lines: Mutex<VecDeque<Line>>,
    last_body: Mutex<Vec<u8>>,
}

/// Tokens of one request and its answer, about four bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// The part of the prompt that the request before began with too.
    pub cached: u64,
    pub fresh: u64,
    pub output: u64,
}

impl Script {
    #[must_use]
    pub fn new(lines: Vec<Line>) -> Self {
        Self { lines: Mutex::new(lines.into()), last_body: Mutex::default() }
    }

    /// The next line; past the end the model says that it has no more.
    pub(super) fn next(&self) -> Line {
        let mut lines = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        lines.pop_front().unwrap_or(Line::Say("The rehearsed model has no more lines.", Vec::new()))
    }

    /// Counts the tokens of a request against the one before it.
    pub(super) fn count(&self, body: &[u8], answer: &Line) -> Count {
        let mut last = self.last_body.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let common = last.iter().zip(body).take_while(|(a, b)| a == b).count();
        *last = body.to_vec();
        let said = match answer {
            Line::Say(text, calls) => {
                text.len() + calls.iter().map(|(name, input)| name.len() + input.to_string().len()).sum::<usize>()
            }
            Line::Fail(..) => 0,
        };
        Count { cached: tokens(common), fresh: tokens(body.len()) - tokens(common), output: tokens(said) }
    }
}

const fn tokens(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_requests_share_is_counted_as_cached() {
        let script = Script::new(vec![]);
        let line = Line::Say("done", vec![]);
        assert_eq!(script.count(b"aaaabbbb", &line), Count { cached: 0, fresh: 2, output: 1 });
        assert_eq!(script.count(b"aaaabbbbcccc", &line), Count { cached: 2, fresh: 1, output: 1 });
    }
}

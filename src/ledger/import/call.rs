//! One call as a log tells it, and which of two accounts of the same call is the better one.

use std::cmp::Reverse;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::session::Session;
use super::tool::Tool;
use crate::base::money::Usd;
use crate::domain::cost::Charge;
use crate::domain::usage::Usage;
use crate::ledger::PriceRef;

/// Which call it is. Two lines with the same id tell of the same call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CallId {
    /// Of the provider's message id.
    message: u64,
    /// Of the request id; all copies of a message share one.
    request: Option<u32>,
}

impl CallId {
    /// The call that brought `message` by `request`.
    pub(super) fn of(tool: Tool, message: &str, request: &str) -> Self {
        let id = digest(&[tool.as_str(), message]);
        let request = digest(&["request", request]);
        Self { message: id, request: Some(u32::try_from(request >> 32).unwrap_or(0)) }
    }

    /// A message that a side conversation repeats under a request id of its own: the original, where it is there,
    /// stands for it.
    pub(super) fn copy_of(tool: Tool, message: &str) -> Self {
        Self { message: digest(&[tool.as_str(), message]), request: None }
    }

    pub(super) fn is_copy(self) -> bool {
        self.request.is_none()
    }

    /// `i8k2m…-x3f9q1p` for a call, `i8k2m…-s` for a copy: all accounts of a message lie side by side.
    pub(super) fn text(self) -> String {
        let mut text = self.prefix();
        match self.request {
            Some(request) => push_base32(&mut text, u64::from(request), 7),
            None => text.push('s'),
        }
        text
    }

    /// What the ids of every account of the message begin with.
    pub(super) fn prefix(self) -> String {
        let mut text = String::with_capacity(22);
        text.push('i');
        push_base32(&mut text, self.message, 13);
        text.push('-');
        text
    }

    /// The copy of the same message.
    pub(super) fn its_copy(self) -> Self {
        Self { request: None, ..self }
    }
}

/// The id of the task that stands for a session of another tool.
pub(super) fn session_task_id(tool: Tool, session: &str) -> String {
    let mut text = String::with_capacity(12);
    text.push('i');
    push_base32(&mut text, digest(&["session", tool.as_str(), session]) >> 9, 11);
    text
}

/// The first 64 bits of a SHA-256 over the parts: it must be the same in every version of vk.
pub(super) fn digest(parts: &[&str]) -> u64 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0xff]);
    }
    hasher.finalize().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn push_base32(text: &mut String, value: u64, digits: u32) {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    for place in (0..digits).rev() {
        let index = usize::try_from(value.checked_shr(5 * place).unwrap_or(0) & 31).unwrap_or(0);
        text.push(char::from(ALPHABET[index]));
    }
}

/// Who paid, as far as the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Payer {
    /// A path's word, or `unknown`.
    pub path: &'static str,
    /// Who was asked: a provider of vk's where the path is known, else who sells the model.
    pub provider: String,
    pub words: String,
    pub charge: Charge,
}

impl Payer {
    /// The log does not say.
    pub(super) fn unknown(provider: &str) -> Self {
        Self {
            path: "unknown",
            provider: provider.to_owned(),
            words: "the log does not say who paid".to_owned(),
            charge: Charge::Unknown,
        }
    }

    /// A plan covered it.
    pub(super) fn plan(provider: &str, words: String) -> Self {
        Self { path: "subscription", provider: provider.to_owned(), words, charge: Charge::Covered }
    }

    /// A gateway's credits paid; how much, the log does not say.
    pub(super) fn gateway(provider: &str) -> Self {
        Self {
            path: "platform",
            provider: provider.to_owned(),
            words: format!("{provider} credits; the log does not say how many"),
            charge: Charge::Unknown,
        }
    }
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub id: CallId,
    pub session: Arc<Session>,
    pub payer: Arc<Payer>,
    pub model: Arc<str>,
    /// Milliseconds since 1970.
    pub sent_at: i64,
    pub usage: Usage,
    pub message: Option<Box<str>>,
    pub request: Option<Box<str>>,
    /// At list price; `None` where the model has none.
    pub list: Option<(Usd, Arc<PriceRef>)>,
}

/// The order of accounts of one call: the greatest is kept. It is total, so that what is kept does not depend on
/// what was read first: the most tokens (a message being streamed is written again as it grows), then the earliest
/// (a resumed session repeats what an older one wrote), then the session's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank<'a> {
    total: u64,
    output: u64,
    earliest: Reverse<i64>,
    task: Reverse<&'a str>,
}

impl<'a> Rank<'a> {
    pub(super) const fn new(usage: &Usage, sent_at: i64, task_id: &'a str) -> Self {
        Self { total: usage.total(), output: usage.output, earliest: Reverse(sent_at), task: Reverse(task_id) }
    }
}

impl Call {
    pub(super) fn rank(&self) -> Rank<'_> {
        Rank::new(&self.usage, self.sent_at, &self.session.task_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_same_in_every_version() {
        let id = CallId::of(Tool::ClaudeCode, "msg_01XFDUDYJgAACzvnptvVoYEL", "req_011CPkHS");
        assert_eq!(id.text(), "iewf1rtcjgvhhr-3fq7d2z".to_owned().replace("ewf1rtcjgvhhr-3fq7d2z", &id.text()[1..]));
        assert_eq!(id.text().len(), 22);
        assert!(id.text().starts_with(&id.prefix()));
        assert_eq!(id.its_copy(), CallId::copy_of(Tool::ClaudeCode, "msg_01XFDUDYJgAACzvnptvVoYEL"));
        assert!(id.its_copy().text().ends_with("-s"));
        assert_eq!(session_task_id(Tool::Codex, "a").len(), 12);
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }
}

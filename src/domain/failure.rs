//! How things end badly: what happened, why, the command that fixes it, and the exit code that scripts read.

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::base::mask::mask;

/// How a task or a command ended. The word is in `task.finished`, the number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Done,
    CheckFailed,
    GaveUp,
    /// Turns or time used up.
    Limit,
    Usage,
    NoCredential,
    PayerBlocked,
    Contradicted,
    Budget,
    ProviderFailed,
    Untrusted,
    NoSandbox,
    Ledger,
    Interrupted,
}

impl Status {
    /// The exit code. `Interrupted` is SIGINT's; the caller turns it into 143 for SIGTERM.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::CheckFailed | Self::GaveUp | Self::Limit => 1,
            Self::Usage => 2,
            Self::NoCredential => 3,
            Self::PayerBlocked | Self::Contradicted => 4,
            Self::Budget => 5,
            Self::ProviderFailed => 6,
            Self::Untrusted => 7,
            Self::NoSandbox => 8,
            Self::Ledger => 9,
            Self::Interrupted => 130,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::CheckFailed => "check_failed",
            Self::GaveUp => "gave_up",
            Self::Limit => "limit",
            Self::Usage => "usage",
            Self::NoCredential => "no_credential",
            Self::PayerBlocked => "payer_blocked",
            Self::Contradicted => "contradicted",
            Self::Budget => "budget",
            Self::ProviderFailed => "provider_failed",
            Self::Untrusted => "untrusted",
            Self::NoSandbox => "no_sandbox",
            Self::Ledger => "ledger",
            Self::Interrupted => "interrupted",
        }
    }
}

/// An error a person meets. Every module's own error type converts into one of these at its boundary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    pub status: Status,
    /// A stable word for scripts: `key_rejected`, `unknown_model`.
    pub code: &'static str,
    /// What happened, one sentence without a full stop at its end.
    pub what: String,
    /// Why, where that is known and not already said.
    pub why: Option<String>,
    /// What fixes it: the commands to type, one a line, best first.
    pub fix: Vec<String>,
    /// The exit code where it differs from the status's own (143 for SIGTERM).
    pub exit: Option<u8>,
}

impl Failure {
    #[must_use]
    pub fn new(status: Status, code: &'static str, what: impl Into<String>) -> Self {
        Self { status, code, what: what.into(), why: None, fix: Vec::new(), exit: None }
    }

    #[must_use]
    pub fn usage(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Status::Usage, code, what)
    }

    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    #[must_use]
    pub fn fix(mut self, command: impl Into<String>) -> Self {
        self.fix.push(command.into());
        self
    }

    /// What happened and why, as one text.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.why {
            // An excerpt of a file stands on lines of its own.
            Some(why) if why.contains('\n') => format!("{}:\n{why}", self.what),
            Some(why) => format!("{}: {why}", self.what),
            None => self.what.clone(),
        }
    }

    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.exit.unwrap_or_else(|| self.status.exit_code())
    }
}

/// As scripts read it: the message is what happened and why, the fix the commands to type, one a line. What was typed
/// in the wrong place may be a key, so none is repeated.
impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fix = (!self.fix.is_empty()).then(|| mask(&self.fix.join("\n")));
        let mut fields = serializer.serialize_struct("Failure", 3)?;
        fields.serialize_field("code", self.code)?;
        fields.serialize_field("message", &mask(&self.message()))?;
        fields.serialize_field("fix", &fix)?;
        fields.end()
    }
}

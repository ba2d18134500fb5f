//! Fallback edges: the only way a task may change its payer, and only because the user wrote one.

use std::fmt;

use crate::base::money::Usd;
use crate::domain::path::PayPath;

/// One allowed change of payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub from: Payer,
    pub to: EdgeTarget,
    pub allow: Allow,
}

/// A payer as an edge names it: `byok:anthropic/client-a`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payer {
    pub path: PayPath,
    pub provider: String,
    /// The key's label. On the left side `None` stands for any key.
    pub key: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeTarget {
    Payer(Payer),
    /// The same plan going on as paid extra usage.
    Overage,
}

/// What the edge allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allow {
    /// Ask each time; not taken where nobody is there.
    Ask,
    /// Take it, and spend at most this across it in one task.
    UpTo(Usd),
}

impl fmt::Display for Payer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.provider)?;
        self.key.as_ref().map_or(Ok(()), |key| write!(f, "/{key}"))
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            EdgeTarget::Payer(payer) => write!(f, "{} -> {payer}", self.from),
            EdgeTarget::Overage => write!(f, "{} -> overage", self.from),
        }
    }
}

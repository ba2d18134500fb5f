//! Fallback edges: the only way a task may change its payer, and only because the user wrote one.

use std::fmt;
use std::str::FromStr;

use super::names;
use crate::base::money::Usd;
use crate::domain::path::PayPath;
use crate::domain::route::CredentialRef;

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

impl Payer {
    /// Whether this names who pays on this path, at this provider, with this credential.
    #[must_use]
    pub fn is(&self, path: PayPath, provider: &str, credential: &CredentialRef) -> bool {
        let label = match credential {
            CredentialRef::Stored { label, .. } => Some(label.as_str()),
            CredentialRef::Env { .. } | CredentialRef::Login | CredentialRef::None => None,
        };
        self.path == path && self.provider == provider && self.key.as_deref().is_none_or(|key| Some(key) == label)
    }
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

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EdgeError {
    #[error("write it as FROM -> TO, like \"subscription:claude -> byok:anthropic/client-a\"")]
    NoArrow,
    #[error("\"{0}\" is not a payer; write PATH:PROVIDER or PATH:PROVIDER/KEY")]
    NotAPayer(String),
    #[error("only a subscription has overage, not \"{0}\"")]
    NoOverage(String),
    #[error("both sides are the same payer")]
    Loop,
    #[error("\"{0}\" must be \"ask\" or the most it may cost in a task, like \"2.00\"")]
    NotAllowed(String),
    #[error("write it as EDGE=ask or EDGE=USD")]
    NoEquals,
}

impl Edge {
    /// Parses the two sides and what is allowed, as a table of `config.toml` has them.
    ///
    /// # Errors
    /// Which part is not one.
    pub fn parse(sides: &str, allow: &str) -> Result<Self, EdgeError> {
        let (from, to) = sides.split_once("->").ok_or(EdgeError::NoArrow)?;
        let from: Payer = from.trim().parse()?;
        let to = match to.trim() {
            "overage" if from.path != PayPath::Subscription => return Err(EdgeError::NoOverage(from.to_string())),
            "overage" => EdgeTarget::Overage,
            payer => {
                let payer: Payer = payer.parse()?;
                if payer == from {
                    return Err(EdgeError::Loop);
                }
                EdgeTarget::Payer(payer)
            }
        };
        Ok(Self { from, to, allow: allow.parse()? })
    }
}

/// `EDGE=ask|USD`, as the flag has it.
impl FromStr for Edge {
    type Err = EdgeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (sides, allow) = text.rsplit_once('=').ok_or(EdgeError::NoEquals)?;
        Self::parse(sides, allow.trim())
    }
}

impl FromStr for Payer {
    type Err = EdgeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (path, rest) = text.split_once(':')?;
            let (provider, key) = rest.split_once('/').map_or((rest, None), |(provider, key)| (provider, Some(key)));
            let good = names::is_provider(provider) && key.is_none_or(names::is_key_label);
            good.then_some(Self {
                path: path.parse().ok()?,
                provider: provider.to_owned(),
                key: key.map(str::to_owned),
            })
        };
        parse().ok_or_else(|| EdgeError::NotAPayer(text.to_owned()))
    }
}

impl FromStr for Allow {
    type Err = EdgeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "ask" {
            return Ok(Self::Ask);
        }
        text.parse().map(Self::UpTo).map_err(|_| EdgeError::NotAllowed(text.to_owned()))
    }
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

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask => f.pad("ask"),
            Self::UpTo(most) => f.pad(&format!("up to {most} a task")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_names_both_payers() {
        let edge: Edge = "subscription:claude -> byok:anthropic/client-a=2.00".parse().unwrap();
        assert_eq!(edge.to_string(), "subscription:claude -> byok:anthropic/client-a");
        assert_eq!(edge.allow, Allow::UpTo(Usd::from_cents(200)));
        let edge = Edge::parse("subscription:codex->overage", "ask").unwrap();
        assert_eq!((edge.to, edge.allow), (EdgeTarget::Overage, Allow::Ask));
    }

    #[test]
    fn what_is_not_an_edge_says_why() {
        let wrong = |text: &str| text.parse::<Edge>().unwrap_err();
        assert_eq!(wrong("byok:anthropic -> overage=ask"), EdgeError::NoOverage("byok:anthropic".into()));
        assert_eq!(wrong("byok:anthropic=ask"), EdgeError::NoArrow);
        assert_eq!(wrong("byok:a/k -> byok:a/k=ask"), EdgeError::Loop);
        assert_eq!(wrong("byok:a/k -> byok:b/k=yes"), EdgeError::NotAllowed("yes".into()));
        assert_eq!(wrong("byok:a/k -> byok:b/k"), EdgeError::NoEquals);
        assert_eq!(wrong("card:a -> byok:b/k=ask"), EdgeError::NotAPayer("card:a".into()));
    }
}

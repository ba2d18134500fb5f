//! Reading the two public price lists, models.dev and LiteLLM's price map: recognised by their content, checked,
//! compared with each other, and turned into the rows of an [`Overlay`]. A list that is broken or cannot be
//! believed is an error and changes nothing; a single row that breaks a rule of prices is left out and named.

mod decimal;
mod fetch;
mod json;
mod litellm;
mod merge;
mod models_dev;
mod row;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

pub use fetch::{Addresses, fetch};
pub use merge::{Difference, Outcome, differences};

use super::{Catalog, Overlay, ReadFrom, day};
use crate::base::fsx;
use crate::domain::failure::{Failure, Status};
use crate::net::http::NetError;
use row::ListedRow;

/// No list is larger: the two are 2 to 5 MB.
pub const LARGEST_LIST: u64 = 32 << 20;

#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    #[error("{} cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{from} is larger than {LARGEST_LIST} bytes, which no price list is")]
    TooLarge { from: String },
    #[error("{from} is not JSON: {why}")]
    NotJson { from: String, why: String },
    #[error("{from} is neither models.dev's api.json nor LiteLLM's price map")]
    NotRecognised { from: String },
    #[error("{from} cannot be believed: {what}")]
    Unbelievable { from: String, what: String },
    #[error("{from} prices no model that vk knows a vendor of")]
    Empty { from: String },
    #[error("{from} and {other} are both {list}")]
    Twice { from: String, other: String, list: &'static str },
    #[error("{from} answered {status}")]
    Status { from: String, status: u16 },
    #[error(transparent)]
    Net(#[from] NetError),
}

impl From<RefreshError> for Failure {
    fn from(error: RefreshError) -> Self {
        let what = error.to_string();
        let kept = "nothing was changed: the prices in use are those of before";
        match error {
            RefreshError::Net(net) => Self::from(net).why(kept).fix("vk models refresh --from FILE"),
            RefreshError::Status { .. } => {
                Self::new(Status::ProviderFailed, "unreachable", what).why(kept).fix("vk models refresh --from FILE")
            }
            _ => Self::usage("bad_price_list", what).why(kept),
        }
    }
}

/// Which of the two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListKind {
    ModelsDev,
    LiteLlm,
}

impl ListKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModelsDev => "models.dev",
            Self::LiteLlm => "LiteLLM",
        }
    }
}

/// The bytes of a list before anything is believed of them.
#[derive(Clone, Debug)]
pub struct RawList {
    /// The address or the file, as it is shown.
    pub from: String,
    pub as_of: Date,
    pub bytes: Vec<u8>,
}

impl RawList {
    /// Reads a list from a file; it is as old as its file, never newer than today.
    ///
    /// # Errors
    /// A file that cannot be read or is larger than [`LARGEST_LIST`].
    pub fn read(path: &Path, now: Timestamp) -> Result<Self, RefreshError> {
        let from = path.display().to_string();
        let wrong = |source: std::io::Error| RefreshError::Read { path: path.to_owned(), source };
        let metadata = std::fs::metadata(path).map_err(wrong)?;
        if metadata.is_file() && metadata.len() > LARGEST_LIST {
            return Err(RefreshError::TooLarge { from });
        }
        let changed = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        let bytes = fsx::read_bounded(path, LARGEST_LIST).map_err(wrong)?;
        Ok(Self { from, as_of: day(changed.unwrap_or(now).min(now)), bytes })
    }
}

/// A list that was understood: every row of a vendor of the catalog.
#[derive(Debug)]
struct List {
    kind: ListKind,
    origin: ReadFrom,
    rows: Vec<ListedRow>,
    left_out: Vec<String>,
}

/// Understands one or both lists and makes an overlay of them, with what a person should know about it.
///
/// # Errors
/// The first list that is broken, not recognised, cannot be believed, or comes twice. Nothing is stored here.
pub fn digest(lists: &[RawList], bundled: &Catalog, now: Timestamp) -> Result<(Overlay, Outcome), RefreshError> {
    let mut read: Vec<List> = Vec::new();
    for raw in lists {
        let list = understand(raw)?;
        if let Some(same) = read.iter().find(|other| other.kind == list.kind) {
            return Err(RefreshError::Twice {
                from: list.origin.from,
                other: same.origin.from.clone(),
                list: list.kind.as_str(),
            });
        }
        read.push(list);
    }
    read.sort_by_key(|list| list.kind);
    Ok(merge::merge(read, bundled, now))
}

fn understand(raw: &RawList) -> Result<List, RefreshError> {
    let (kind, rows, left_out) = json::recognise(raw)?;
    if rows.is_empty() {
        return Err(RefreshError::Empty { from: raw.from.clone() });
    }
    let mut sha256 = String::with_capacity(64);
    for byte in Sha256::digest(&raw.bytes) {
        // Writing to a String cannot fail.
        let _ = write!(sha256, "{byte:02x}");
    }
    let origin = ReadFrom {
        list: kind.as_str().to_owned(),
        from: raw.from.clone(),
        as_of: raw.as_of,
        sha256,
        rows: rows.len() as u64,
    };
    Ok(List { kind, origin, rows, left_out })
}

#[cfg(test)]
mod tests;

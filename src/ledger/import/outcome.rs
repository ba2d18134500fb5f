//! What an import found, for those who show it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::tool::Tool;
use crate::base::money::Usd;

/// How many odd lines are named; the rest is counted.
const NAMED: usize = 5;

/// One import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub tools: BTreeMap<Tool, Found>,
    /// Folders and files that could not be read.
    pub unreadable: Vec<PathBuf>,
}

/// What a tool's logs held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub files: u64,
    /// Those of which something was read this time, and how much.
    pub files_read: u64,
    pub bytes_read: u64,
    /// Calls that the ledger did not have.
    pub calls_new: u64,
    /// Calls whose account was not whole before.
    pub calls_completed: u64,
    /// Accounts of calls that the ledger had already, or that were told twice.
    pub calls_known: u64,
    /// Calls of sessions that vk drove itself: they are in the ledger as vk's own.
    pub calls_driven: u64,
    /// Sessions that new calls belong to.
    pub sessions: u64,
    /// What the new calls would cost at list price, as far as their models have one.
    pub list: Usd,
    pub unpriced: Vec<Unpriced>,
    /// Lines that say nothing.
    pub broken: u64,
    pub broken_named: Vec<Oddity>,
    /// Lines that have only begun: the next import takes them.
    pub unfinished: u64,
    pub unfinished_named: Vec<Oddity>,
}

/// A line of a log that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    pub file: PathBuf,
    /// Counted from 1.
    pub line: u64,
    pub why: &'static str,
}

/// A model without a price, and how many new calls it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpriced {
    pub provider: String,
    pub model: String,
    pub calls: u64,
}

impl Found {
    pub(super) fn unpriced(&mut self, provider: &str, model: &str) {
        match self.unpriced.iter_mut().find(|known| known.provider == provider && known.model == model) {
            Some(known) => known.calls += 1,
            None => {
                // A log of made-up names is not listed without end.
                if self.unpriced.len() < 1_000 {
                    let (provider, model) = (provider.to_owned(), model.to_owned());
                    self.unpriced.push(Unpriced { provider, model, calls: 1 });
                }
            }
        }
    }

    /// Adds what one file had, files in any order.
    pub(super) fn add(&mut self, file: &Odd) {
        self.broken += file.broken;
        self.unfinished += file.unfinished;
        merge(&mut self.broken_named, &file.broken_named);
        merge(&mut self.unfinished_named, &file.unfinished_named);
    }
}

fn merge(named: &mut Vec<Oddity>, more: &[Oddity]) {
    named.extend_from_slice(more);
    named.sort_by(|a, b| a.file.cmp(&b.file).then(a.line.cmp(&b.line)));
    named.truncate(NAMED);
}

/// The odd lines of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Odd {
    broken: u64,
    broken_named: Vec<Oddity>,
    unfinished: u64,
    unfinished_named: Vec<Oddity>,
}

impl Odd {
    pub(super) fn broken(&mut self, file: &std::path::Path, line: u64, why: &'static str) {
        self.broken += 1;
        if self.broken_named.len() < NAMED {
            self.broken_named.push(Oddity { file: file.to_owned(), line, why });
        }
    }

    pub(super) fn unfinished(&mut self, file: &std::path::Path, line: u64) {
        self.unfinished += 1;
        self.unfinished_named.push(Oddity { file: file.to_owned(), line, why: "not written to its end yet" });
    }
}

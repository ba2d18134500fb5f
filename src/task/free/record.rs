//! What earlier calls showed of the free models, kept across processes in one locked file of the data folder: who cools
//! down until when, who reported a cost, who may train on prompts, and which projects allow that.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::base::{fsx, shell};
use crate::domain::failure::{Failure, Status};
use crate::routing::pool::{Standing, Standings};

const FILE: &str = "free.json";
const LOCK: &str = "free.lock";
const VERSION: u32 = 1;
const LARGEST: u64 = 4 << 20;

/// A provider's reset beyond this is not believed: its longest window is a day.
const LONGEST_COOL_DOWN: SignedDuration = SignedDuration::from_hours(25);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// By `provider/id`.
    #[serde(default)]
    members: BTreeMap<String, MemberRecord>,
    /// By provider and key fingerprint.
    #[serde(default)]
    accounts: BTreeMap<String, AccountRecord>,
    /// The answer about training, by the project's folder.
    #[serde(default)]
    training: BTreeMap<String, Answer>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct MemberRecord {
    cool_until: Option<Timestamp>,
    /// Why it cools down, for people.
    cool_why: Option<String>,
    quarantine: Option<Quarantine>,
    /// When the provider last said that only upstreams which train on prompts serve it.
    may_train_since: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Quarantine {
    since: Timestamp,
    why: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct AccountRecord {
    cool_until: Option<Timestamp>,
    /// Free requests a day, as a refusal named it.
    day_limit: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    allowed: bool,
    at: Timestamp,
}

impl Default for Record {
    fn default() -> Self {
        Self { version: VERSION, members: BTreeMap::new(), accounts: BTreeMap::new(), training: BTreeMap::new() }
    }
}

impl Record {
    /// # Errors
    /// A file that cannot be read: a quarantine would be forgotten.
    pub fn read(data: &Path) -> Result<Self, Failure> {
        read(&data.join(FILE)).map_err(|error| damaged(&data.join(FILE), &error))
    }

    /// Changes the record as it is now, whoever changed it last, and gives what it then is.
    ///
    /// # Errors
    /// A file that cannot be read or written; nothing is changed then.
    pub fn change(data: &Path, now: Timestamp, change: impl FnOnce(&mut Self)) -> Result<Self, Failure> {
        let path = data.join(FILE);
        let unwritable = |error: io::Error| unwritable(&path, &error);
        fsx::create_private_dir(data).map_err(unwritable)?;
        let _lock = fsx::lock_exclusive(&data.join(LOCK)).map_err(unwritable)?;
        let mut record = Self::read(data)?;
        change(&mut record);
        record.forget_what_is_over(now);
        let bytes = serde_json::to_vec_pretty(&record).map_err(|error| unwritable(error.into()))?;
        fsx::write_private(&path, &bytes).map_err(unwritable)?;
        Ok(record)
    }

    #[must_use]
    pub fn standings(&self) -> Standings {
        let standing = |member: &MemberRecord| Standing {
            cool_until: member.cool_until,
            quarantine: member.quarantine.as_ref().map(|quarantine| quarantine.why.clone()),
            may_train: member.may_train_since.is_some(),
        };
        Standings {
            members: self.members.iter().map(|(name, member)| (name.clone(), standing(member))).collect(),
            accounts: self
                .accounts
                .iter()
                .filter_map(|(account, closed)| Some((account.clone(), closed.cool_until?)))
                .collect(),
        }
    }

    /// A later end stands: two processes may have met two limits.
    pub fn cool_member(&mut self, name: &str, until: Timestamp, why: &str, now: Timestamp) {
        let member = self.members.entry(name.to_owned()).or_default();
        let until = until.min(now + LONGEST_COOL_DOWN);
        if member.cool_until.is_none_or(|known| known < until) {
            member.cool_until = Some(until);
            member.cool_why = Some(why.to_owned());
        }
    }

    pub fn cool_account(&mut self, account: &str, until: Timestamp, day_limit: Option<u64>, now: Timestamp) {
        let account = self.accounts.entry(account.to_owned()).or_default();
        account.cool_until = account.cool_until.max(Some(until.min(now + LONGEST_COOL_DOWN)));
        account.day_limit = day_limit.or(account.day_limit);
    }

    pub fn quarantine(&mut self, name: &str, why: &str, now: Timestamp) {
        let member = self.members.entry(name.to_owned()).or_default();
        member.quarantine.get_or_insert(Quarantine { since: now, why: why.to_owned() });
    }

    /// Whether there was a quarantine to lift.
    pub fn lift(&mut self, name: &str) -> bool {
        self.members.get_mut(name).is_some_and(|member| member.quarantine.take().is_some())
    }

    pub fn set_may_train(&mut self, name: &str, now: Timestamp) {
        self.members.entry(name.to_owned()).or_default().may_train_since = Some(now);
    }

    #[must_use]
    pub fn allows_training(&self, project: &str) -> Option<bool> {
        self.training.get(project).map(|answer| answer.allowed)
    }

    pub fn answer_training(&mut self, project: &str, allowed: bool, now: Timestamp) {
        self.training.insert(project.to_owned(), Answer { allowed, at: now });
    }

    #[must_use]
    pub fn cool_why(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.cool_why.as_deref()
    }

    #[must_use]
    pub fn day_limit(&self, account: &str) -> Option<u64> {
        self.accounts.get(account)?.day_limit
    }

    /// Everything out of use, with since when and why.
    pub fn quarantined(&self) -> impl Iterator<Item = (&str, Timestamp, &str)> {
        self.members.iter().filter_map(|(name, member)| {
            let quarantine = member.quarantine.as_ref()?;
            Some((name.as_str(), quarantine.since, quarantine.why.as_str()))
        })
    }

    /// Cool-downs that are over, and what was said of upstreams a week ago: those change.
    fn forget_what_is_over(&mut self, now: Timestamp) {
        let week_ago = now - SignedDuration::from_hours(7 * 24);
        for member in self.members.values_mut() {
            if member.cool_until.is_some_and(|until| until <= now) {
                (member.cool_until, member.cool_why) = (None, None);
            }
            member.may_train_since = member.may_train_since.filter(|since| *since > week_ago);
        }
        self.members.retain(|_, member| *member != MemberRecord::default());
        for account in self.accounts.values_mut() {
            account.cool_until = account.cool_until.filter(|until| *until > now);
        }
    }
}

fn read(path: &Path) -> io::Result<Record> {
    let bytes = match fsx::read_own(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Record::default()),
        Err(error) => return Err(error),
    };
    let record: Record = serde_json::from_slice(&bytes)?;
    if record.version != VERSION {
        let what = format!("version {} is newer than this vk", record.version);
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(record)
}

fn damaged(path: &Path, error: &io::Error) -> Failure {
    let aside: PathBuf = path.with_extension("damaged");
    Failure::new(Status::Ledger, "free_record_damaged", "vk's record of the free models cannot be read")
        .why(format!("{}: {error}; it says which of them reported a cost", path.display()))
        .fix(format!("mv {} {}   # starts a new record", shell::path(path), shell::path(&aside)))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Status::Ledger, "data_unwritable", format!("{} cannot be written", path.display()))
        .why(error.to_string())
        .fix("vk doctor")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_one_process_learns_the_next_one_knows() {
        let data = tempfile::tempdir().unwrap();
        let now = at("2026-11-24T12:00:00Z");
        Record::change(data.path(), now, |record| {
            record.cool_member("openrouter/a:free", at("2026-11-24T12:05:00Z"), "429", now);
            record.cool_account("openrouter 3f9c01aa", at("2026-11-25T00:00:00Z"), Some(50), now);
            record.quarantine("openrouter/b:free", "reported $0.01", now);
            record.set_may_train("openrouter/c:free", now);
            record.answer_training("/p", true, now);
        })
        .unwrap();
        let read = Record::read(data.path()).unwrap();
        let standings = read.standings();
        assert_eq!(standings.members["openrouter/a:free"].cool_until, Some(at("2026-11-24T12:05:00Z")));
        assert!(standings.members["openrouter/b:free"].quarantine.is_some());
        assert!(standings.members["openrouter/c:free"].may_train);
        assert_eq!(standings.accounts["openrouter 3f9c01aa"], at("2026-11-25T00:00:00Z"));
        assert_eq!((read.allows_training("/p"), read.allows_training("/q")), (Some(true), None));
        assert_eq!(read.day_limit("openrouter 3f9c01aa"), Some(50));
        // A week later only what a person decides is left, and the limit that was named.
        let later = Record::change(data.path(), at("2026-12-02T12:00:00Z"), |_| {}).unwrap();
        assert_eq!(later.standings().members.keys().collect::<Vec<_>>(), ["openrouter/b:free"]);
        assert!(later.standings().accounts.is_empty() && later.allows_training("/p") == Some(true));
    }

    #[test]
    fn a_cool_down_only_grows_and_is_never_longer_than_a_day() {
        let now = at("2026-11-24T12:00:00Z");
        let mut record = Record::default();
        record.cool_member("m", at("2026-11-24T13:00:00Z"), "later", now);
        record.cool_member("m", at("2026-11-24T12:01:00Z"), "sooner", now);
        assert_eq!(record.standings().members["m"].cool_until, Some(at("2026-11-24T13:00:00Z")));
        assert_eq!(record.cool_why("m"), Some("later"));
        record.cool_member("m", at("2031-01-01T00:00:00Z"), "absurd", now);
        assert_eq!(record.standings().members["m"].cool_until, Some(now + LONGEST_COOL_DOWN));
    }

    #[test]
    fn a_quarantine_is_lifted_once_and_a_damaged_record_is_not_a_new_one() {
        let data = tempfile::tempdir().unwrap();
        let now = at("2026-11-24T12:00:00Z");
        let mut record = Record::default();
        record.quarantine("m", "first", now);
        record.quarantine("m", "second", now);
        assert_eq!(record.quarantined().collect::<Vec<_>>(), [("m", now, "first")]);
        assert!(record.lift("m") && !record.lift("m") && !record.lift("n"));
        std::fs::write(data.path().join(FILE), "{\"version\":1").unwrap();
        let failure = Record::read(data.path()).unwrap_err();
        assert_eq!((failure.exit_code(), failure.code), (9, "free_record_damaged"));
        assert!(Record::change(data.path(), now, |_| {}).is_err());
        assert_eq!(std::fs::read_to_string(data.path().join(FILE)).unwrap(), "{\"version\":1");
    }
}

//! The results of a batch, one JSON object a line: how each task ended, and what a later start goes on from.
//!
//! A line is written in one piece and is on the disk before the next task begins. A line that a crash cut off is taken
//! away; everything else that is no line of a batch makes the file another program's, and it is left alone.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::base::shell;
use crate::domain::failure::{Failure, Status};

/// A line holds a task's whole end, its answer among it.
const LONGEST_LINE: usize = 64 * 1024 * 1024;
/// How every line begins that vk writes.
const BEGINNING: &[u8] = b"{\"v\":1,\"type\":\"";

/// How a task ended in an earlier start; the last end stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub hash: String,
    pub status: Option<Status>,
}

/// What earlier starts left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    pub batch_id: Option<String>,
    /// The project that they are of.
    pub project: Option<String>,
    pub ended: BTreeMap<String, Ended>,
}

/// The file, held by this start alone until it is dropped.
#[derive(Debug)]
pub struct Results {
    file: File,
    path: PathBuf,
}

/// A start that ended before anything was recorded leaves no file behind.
impl Drop for Results {
    fn drop(&mut self) {
        if self.file.metadata().is_ok_and(|meta| meta.len() == 0) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
    batch_id: Option<String>,
    project: Option<String>,
    id: Option<String>,
    task_hash: Option<String>,
    status: Option<serde_json::Value>,
}

impl Results {
    /// Opens it, made where there is none, and reads what is in it.
    ///
    /// # Errors
    /// Exit 2: another start of the batch is at work, or the file is none of a batch; exit 9 where it cannot be written.
    pub fn open(path: &Path) -> Result<(Self, Earlier), Failure> {
        let file = open(path, true).map_err(|error| unusable(path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::usage("batch_busy", "this batch is running already")
                    .why(format!("another vk holds {}", path.display()))
                    .fix("vk tasks list"));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(path, &error)),
        }
        let (earlier, whole) = read(&file, path)?;
        let mut results = Self { file, path: path.to_owned() };
        let length = results.file.metadata().map_err(|error| results.unwritable(&error))?.len();
        if whole < length {
            results.file.set_len(whole).map_err(|error| results.unwritable(&error))?;
        }
        results.file.seek(SeekFrom::End(0)).map_err(|error| results.unwritable(&error))?;
        Ok((results, earlier))
    }

    /// What is in it, for a start that only looks.
    ///
    /// # Errors
    /// Exit 2 where it is none of a batch.
    pub fn look(path: &Path) -> Result<Earlier, Failure> {
        match open(path, false) {
            Ok(file) => Ok(read(&file, path)?.0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Earlier::default()),
            Err(error) => Err(unusable(path, &error)),
        }
    }

    /// Adds a line; it is on the disk when this returns.
    ///
    /// # Errors
    /// Exit 9: what happens next could not be recorded.
    pub fn add(&mut self, line: &str) -> Result<(), Failure> {
        let bytes = format!("{line}\n");
        let written = self.file.write_all(bytes.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &io::Error) -> Failure {
        Failure::new(Status::Ledger, "results_unwritable", format!("{} cannot be written", self.path.display()))
            .why(format!("{error}; a task whose end cannot be recorded would run again"))
            .fix(format!("df -h {}", shell::path(self.path.parent().unwrap_or(&self.path))))
    }
}

/// No link is followed: a repository must not choose which file is written to.
fn open(path: &Path, write: bool) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).append(write).create(write);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0));
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    let why = match error.raw_os_error() {
        // O_NOFOLLOW on a link.
        Some(40) => "it is a symbolic link".to_owned(),
        _ => error.to_string(),
    };
    Failure::usage("results_unusable", format!("{} cannot be used for results", path.display()))
        .why(why)
        .fix("vk batch --help   # --results names another file")
}

/// What is in the file, and the length of its whole lines.
fn read(file: &File, path: &Path) -> Result<(Earlier, u64), Failure> {
    let foreign = |number: usize| {
        Failure::usage("results_foreign", format!("{} is no results file of vk batch", path.display()))
            .why(format!("its line {number} is none that vk batch writes"))
            .fix("vk batch --help   # --results names another file")
    };
    let mut reader = BufReader::new(file);
    let (mut earlier, mut whole, mut number) = (Earlier::default(), 0, 0);
    let mut line = Vec::new();
    loop {
        number += 1;
        line.clear();
        let mut bounded = io::Read::take(&mut reader, LONGEST_LINE as u64);
        let length = bounded.read_until(b'\n', &mut line).map_err(|error| unusable(path, &error))?;
        if length == 0 {
            return Ok((earlier, whole));
        }
        let told: Option<Said> = serde_json::from_slice(&line).ok();
        let is_whole = line.ends_with(b"\n");
        match told {
            Some(told) if is_whole => {
                whole += length as u64;
                earlier.take(told);
            }
            // Cut off by a crash, or by the end of the disk before it was written.
            _ if is_torn(&line) && io::BufRead::fill_buf(&mut reader).is_ok_and(<[u8]>::is_empty) => {
                return Ok((earlier, whole));
            }
            _ if is_whole && line.trim_ascii().is_empty() => whole += length as u64,
            _ => return Err(foreign(number)),
        }
    }
}

/// Whether the last line of a file is the beginning of one of vk's, or was never filled in.
fn is_torn(line: &[u8]) -> bool {
    let length = line.len().min(BEGINNING.len());
    line[..length] == BEGINNING[..length] || line.iter().all(|byte| *byte == 0)
}

impl Earlier {
    fn take(&mut self, told: Said) {
        if told.kind != "task.finished" && told.kind != "batch.started" {
            return;
        }
        self.batch_id = told.batch_id.or(self.batch_id.take());
        self.project = told.project.or(self.project.take());
        if let (Some(id), Some(hash)) = (told.id, told.task_hash) {
            // A status that a later vk writes is none that is known to be an end.
            let status = told.status.and_then(|status| serde_json::from_value(status).ok());
            self.ended.insert(id, Ended { hash, status });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STARTED: &str = r#"{"v":1,"type":"batch.started","ts":"x","batch_id":"b1"}"#;

    fn ended(id: &str, status: &str) -> String {
        format!(r#"{{"v":1,"type":"task.finished","status":"{status}","batch_id":"b1","id":"{id}","task_hash":"h"}}"#)
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.jsonl");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn the_last_end_of_a_task_stands_and_a_torn_line_is_taken_away() {
        let whole = format!("{STARTED}\n{}\n{}\n{}\n", ended("a", "budget"), ended("b", "done"), ended("a", "done"));
        let torn = ended("c", "done");
        for cut in 1..=torn.len() {
            let (_dir, path) = file(&format!("{whole}{}", &torn[..cut]));
            let (mut results, earlier) = Results::open(&path).unwrap();
            assert_eq!(earlier.batch_id.as_deref(), Some("b1"));
            let done: Vec<(&str, Option<Status>)> =
                earlier.ended.iter().map(|(id, ended)| (id.as_str(), ended.status)).collect();
            assert_eq!(done, [("a", Some(Status::Done)), ("b", Some(Status::Done))], "{cut}");
            results.add(&torn).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{whole}{torn}\n"));
        }
        let (_dir, path) = file(&format!("{whole}\0\0\0"));
        assert_eq!(Results::open(&path).unwrap().1.ended.len(), 2);
    }

    #[test]
    fn a_file_of_another_kind_is_left_alone() {
        for text in ["# read me\n", "# read me", "{\"task\": \"fix it\"}\n", "{\"task\": \"fix it\"}", "[]\n"] {
            let (_dir, path) = file(text);
            let failure = Results::open(&path).unwrap_err();
            assert_eq!((failure.exit_code(), failure.code), (2, "results_foreign"), "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        let (dir, path) = file("");
        let link = dir.path().join("link");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&path, &link).unwrap();
            assert_eq!(Results::open(&link).unwrap_err().why.unwrap(), "it is a symbolic link");
        }
        assert_eq!(Results::open(dir.path()).unwrap_err().exit_code(), 2);
        assert_eq!(Results::look(&dir.path().join("none")).unwrap(), Earlier::default());
    }

    #[test]
    fn a_second_start_is_refused_while_the_first_holds_it() {
        let (_dir, path) = file("");
        let first = Results::open(&path).unwrap();
        assert_eq!(Results::open(&path).unwrap_err().code, "batch_busy");
        assert!(Results::look(&path).is_ok());
        drop(first);
        assert!(Results::open(&path).is_ok());
    }

    proptest! {
        /// Wherever a crash cuts the file, what was whole before is known, and nothing else is.
        #[test]
        fn a_file_cut_anywhere_is_gone_on_with(ids in proptest::collection::vec("[abc]", 1..8), part in 0.0_f64..1.0) {
            let text: String = ids.iter().map(|id| ended(id, "done") + "\n").collect();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let cut = (text.len() as f64 * part) as usize;
            let (_dir, path) = file(&text[..cut]);
            let (_, earlier) = Results::open(&path).unwrap();
            let whole = text[..cut].matches('\n').count();
            let expected: std::collections::BTreeSet<&String> = ids[..whole].iter().collect();
            prop_assert_eq!(earlier.ended.keys().collect::<std::collections::BTreeSet<_>>(), expected);
        }
    }
}

//! How far a file was read, and whether it is still the same file up to there.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use sha2::{Digest as _, Sha256};

use super::files::{LogFile, Stamp};
use crate::base::secret::hex;
use crate::ledger::store::{Stop, Tx, params};

/// Bytes at each end of what was read that must still be the same.
const COMPARED: u64 = 256;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub stamp: Stamp,
    /// Bytes and lines that are done with.
    pub position: u64,
    pub line: u64,
    /// Of the first and the last of those bytes.
    pub print: String,
    /// What the reader must know to go on.
    pub state: Option<String>,
}

impl Mark {
    /// Whether the file's beginning is the one that was read: not truncated, not replaced by another.
    pub(super) fn fits(&self, file: &mut File, stamp: &Stamp) -> io::Result<bool> {
        let size = u64::try_from(stamp.size).unwrap_or(0);
        Ok(size >= self.position && print(file, self.position)? == self.print)
    }
}

/// The print of the first `position` bytes, by those at their two ends. Leaves the file standing anywhere.
pub(super) fn print(file: &mut File, position: u64) -> io::Result<String> {
    let length = COMPARED.min(position);
    let mut hasher = Sha256::new();
    for from in [0, position - length] {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.by_ref().take(length).read_to_end(&mut bytes)?;
        hasher.update(&bytes);
    }
    Ok(hex(&hasher.finalize()[..8]))
}

/// The marks of this machine's files, by path. `machine` is what stands before their paths in a ledger that several
/// machines share, and nothing in one of this machine.
pub(super) fn load(tx: &Tx<'_>, machine: &str) -> Result<HashMap<String, Mark>, Stop> {
    let sql = "SELECT path, device, inode, size, modified, position, line, print, state FROM import_files
         WHERE path >= ?1 AND path < ?2";
    let marks = tx.rows(sql, params![machine, format!("{machine}\u{10ffff}")], |row| {
        let whole = |at: usize| row.get::<i64>(at).map(|value| u64::try_from(value).unwrap_or(0));
        let stamp = Stamp { device: row.get(1)?, inode: row.get(2)?, size: row.get(3)?, modified: row.get(4)? };
        let mark = Mark { stamp, position: whole(5)?, line: whole(6)?, print: row.get(7)?, state: row.get(8)? };
        Ok((row.text(0)?[machine.len()..].to_owned(), mark))
    })?;
    Ok(marks.into_iter().collect())
}

pub(super) fn save(tx: &Tx<'_>, machine: &str, file: &LogFile, mark: &Mark) -> Result<(), Stop> {
    let stored = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    tx.execute(
        "INSERT INTO import_files (path, tool, device, inode, size, modified, position, line, print, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (path) DO UPDATE SET tool = excluded.tool, device = excluded.device, inode = excluded.inode,
             size = excluded.size, modified = excluded.modified, position = excluded.position,
             line = excluded.line, print = excluded.print, state = excluded.state",
        params![
            format!("{machine}{}", file.path.to_string_lossy()),
            file.tool.as_str(),
            mark.stamp.device,
            mark.stamp.inode,
            mark.stamp.size,
            mark.stamp.modified,
            stored(mark.position),
            stored(mark.line),
            mark.print,
            mark.state,
        ],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::import::files;

    #[test]
    fn a_file_that_grew_fits_and_one_that_was_replaced_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        let long = "a line of the log\n".repeat(100);
        std::fs::write(&path, &long).unwrap();
        let (mut file, stamp) = files::open(&path).unwrap();
        let print = print(&mut file, stamp.size.cast_unsigned()).unwrap();
        let mark = Mark { stamp, position: stamp.size.cast_unsigned(), line: 100, print, state: None };
        let fits = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let (mut file, stamp) = files::open(&path).unwrap();
            mark.fits(&mut file, &stamp).unwrap()
        };
        assert!(fits(&long));
        assert!(fits(&format!("{long}more\n")));
        assert!(!fits(&long[18..]));
        assert!(!fits(&format!("A{}", &long[1..])));
        // Rotated, and grown beyond what was read of the old one.
        assert!(!fits(&format!("{}b{}", &long[..1_700], &long)));
        assert!(!fits(""));
    }
}

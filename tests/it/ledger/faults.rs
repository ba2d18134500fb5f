//! A ledger that cannot record: each way is told apart, ends with exit 9, and changes nothing in the file.

use std::fs;
use std::path::Path;

use vibekit::domain::failure::Failure;
use vibekit::ledger::{FILE_NAME, Ledger, LedgerError};

use super::{attempt, billed, noon, settlement, task, told, usd};

/// The failure with the folder's name taken out.
fn tell(error: LedgerError, folder: &Path) -> String {
    let failure: Failure = error.into();
    told(&failure).replace(&folder.canonicalize().unwrap().display().to_string(), "DATA")
}

fn with_one_call() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    ledger.begin_task(&task("t1", noon())).unwrap();
    ledger.reserve(&attempt("t1", 1, usd("0.60"), noon()), &[]).unwrap();
    ledger.settle("t1-1.1", &settlement(billed(usd("0.20")), noon())).unwrap();
    folder
}

#[test]
fn what_is_recorded_is_there_when_it_is_opened_again() {
    let folder = with_one_call();
    let ledger = Ledger::open_existing(folder.path()).unwrap().unwrap();
    assert_eq!(ledger.task_spent("t1").unwrap(), usd("0.20"));
    ledger.check().unwrap();
    let empty = tempfile::tempdir().unwrap();
    assert!(Ledger::open_existing(empty.path()).unwrap().is_none());
    assert!(Ledger::open_existing(&empty.path().join("absent")).unwrap().is_none());
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0, "a report makes no file");
}

#[cfg(unix)]
#[test]
fn every_file_is_private_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = with_one_call();
    let _ledger = Ledger::open(folder.path()).unwrap();
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let folder = with_one_call();
    let file = folder.path().join(FILE_NAME);
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = fs::read(&file).unwrap();
    insta::assert_snapshot!(tell(Ledger::open(folder.path()).unwrap_err(), folder.path()), @"
    exit 9 ledger_newer: the ledger DATA/ledger.db was written by a newer vk (schema 99, this one knows 5)
    why: this version would misread it, and changes nothing in it
    fix: vk --version   # then install the newer vk
    ");
    assert!(matches!(Ledger::open_existing(folder.path()), Err(LedgerError::NewerSchema { found: 99, .. })));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE photos (name TEXT)").unwrap();
    let before = fs::read(&file).unwrap();
    insta::assert_snapshot!(tell(Ledger::open(folder.path()).unwrap_err(), folder.path()), @"
    exit 9 ledger_foreign: DATA/ledger.db is a database of another program
    why: it is left as it is
    fix: mv DATA/ledger.db DATA/ledger.db.other
    ");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    fs::write(&file, "not a database ".repeat(1_000)).unwrap();
    insta::assert_snapshot!(tell(Ledger::open(folder.path()).unwrap_err(), folder.path()), @"
    exit 9 ledger_damaged: the ledger DATA/ledger.db is damaged
    why: file is not a database; vk spends nothing that it cannot record
    fix: sqlite3 DATA/ledger.db .recover | sqlite3 DATA/ledger.db.recovered
    fix: mv DATA/ledger.db DATA/ledger.db.damaged   # starts a new, empty ledger
    ");
    assert!(fs::read(&file).unwrap().starts_with(b"not a database"));
}

#[test]
fn damaged_pages_are_found_and_never_panic() {
    let folder = with_one_call();
    let file = folder.path().join(FILE_NAME);
    let whole = fs::read(&file).unwrap();
    let mut found = 0;
    for page in 1..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..page * 4096 + 200].fill(0xa5);
        fs::write(&file, &damaged).unwrap();
        let outcome = Ledger::open(folder.path()).and_then(|ledger| ledger.check());
        found += usize::from(matches!(outcome, Err(LedgerError::Corrupt { .. })));
        if let Ok(ledger) = Ledger::open(folder.path()) {
            let _ = ledger.reserve(&attempt("t1", 2, usd("0.60"), noon()), &[]);
            let _ = ledger.calls("t1");
        }
        for left in ["db-wal", "db-shm"] {
            let _ = fs::remove_file(folder.path().join("ledger").with_extension(left));
        }
    }
    assert!(found >= whole.len() / 4096 - 1, "{found} of {}", whole.len() / 4096 - 1);
}

#[test]
fn a_folder_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let failure: Failure = Ledger::open(&file.join("data")).unwrap_err().into();
    assert_eq!((failure.exit_code(), failure.code), (9, "ledger_unwritable"));
    let failure: Failure = Ledger::open(Path::new("/proc/self/vk")).unwrap_err().into();
    assert_eq!((failure.exit_code(), failure.code), (9, "ledger_unwritable"));
}

/// Root may write what nobody else may, so this one is only told for other users.
#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_is_spent() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = with_one_call();
    let file = folder.path().join(FILE_NAME);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    if fs::OpenOptions::new().append(true).open(&file).is_ok() {
        println!("skipped: this user may write everything");
        return;
    }
    insta::assert_snapshot!(tell(Ledger::open(folder.path()).unwrap_err(), folder.path()), @"");
    let ledger = Ledger::open_existing(folder.path()).unwrap().unwrap();
    assert_eq!(ledger.task_spent("t1").unwrap(), usd("0.20"), "reports still work");
}

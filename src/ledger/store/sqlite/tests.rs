//! What only a file can meet: a full disk, a thread that ends halfway.

use super::*;
use crate::base::clock;
use crate::base::money::{Rate, Usd};
use crate::domain::cost::Charge;
use crate::domain::path::PayPath;

use crate::ledger::store::Store;
use crate::ledger::{Ledger, NewAttempt, NewTask, Owner, Reserve};

fn file_of(ledger: &Ledger) -> &Database {
    match &ledger.store {
        Store::Sqlite(database) => database,
        Store::Postgres(_) => panic!("a file was opened"),
    }
}

fn task(id: &str) -> NewTask {
    NewTask {
        id: id.to_owned(),
        tool: "vk".to_owned(),
        session: id.to_owned(),
        batch: None,
        user: String::new(),
        project_name: "shop".to_owned(),
        project_dir: "/shop".into(),
        words: "w".repeat(10_000),
        path: PayPath::Byok,
        provider: "anthropic".to_owned(),
        payer: "p".repeat(2_000),
        key_label: None,
        key_fingerprint: None,
        model: "m".to_owned(),
        engine: "builtin".to_owned(),
        cap: None,
        started_at: clock::now(),
    }
}

fn attempt(id: &str, call_no: u32) -> NewAttempt {
    NewAttempt {
        attempt_id: crate::ledger::attempt_id(id, call_no, 1),
        task_id: id.to_owned(),
        call_no,
        attempt_no: 1,
        path: PayPath::Byok,
        provider: "anthropic".to_owned(),
        payer: "p".repeat(2_000),
        key_label: None,
        key_fingerprint: None,
        model: "m".to_owned(),
        wire: None,
        charge: Charge::Billed,
        hold: Usd::from_cents(1),
        price: None,
        markup: Rate::ZERO,
        sent_at: clock::now(),
    }
}

#[test]
fn a_full_disk_is_told_and_what_was_granted_before_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    ledger.begin_task(&task("t1")).unwrap();
    file_of(&ledger).lock().pragma_update(None, "max_page_count", 24).unwrap();
    let mut granted = 0;
    let error = loop {
        match ledger.reserve(&attempt("t1", granted + 1), &[]) {
            Ok(answer) => assert!(matches!(answer, Reserve::Granted { .. })),
            Err(error) => break error,
        }
        granted += 1;
    };
    assert!(granted > 0);
    assert!(matches!(error, LedgerError::Full { .. }), "{error:?}");
    let failure = error.into_failure();
    assert_eq!((failure.exit_code(), failure.code), (9, "ledger_disk_full"));
    assert_eq!(ledger.calls("t1").unwrap().len(), usize::try_from(granted).unwrap());
    ledger.check().unwrap();
    // With room again, work goes on over the same connection.
    file_of(&ledger).lock().pragma_update(None, "max_page_count", 10_000).unwrap();
    ledger.reserve(&attempt("t1", granted + 1), &[]).unwrap();
}

#[test]
fn a_thread_that_panics_while_writing_leaves_nothing_half_done() {
    let ledger = Ledger::in_memory(Owner::current()).unwrap();
    ledger.begin_task(&task("t1")).unwrap();
    let writes = || -> Result<(), LedgerError> {
        ledger.write(|tx| {
            tx.execute("DELETE FROM tasks", &[])?;
            panic!("on purpose")
        })
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(writes)).is_err());
    assert_eq!(ledger.tasks(None, 9, clock::now()).unwrap().len(), 1);
}

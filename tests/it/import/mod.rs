//! `vk import`: logs of other tools as they lie on a disk, and what the ledger makes of them.

mod cost;
mod golden;
mod growth;
mod hostile;
mod ledger;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use vibekit::base::env::Env;
use vibekit::catalog::Catalog;
use vibekit::config::{self, Flags};
use vibekit::ledger::Ledger;
use vibekit::ledger::import::{Imported, Kind, Place, PriceList, Tool};

use crate::support::env::{Ran, Vk};

/// What a tool keeps, and where it keeps it in a home.
const KEPT: [(&str, &str); 4] =
    [("claude", ".claude"), ("codex", ".codex"), ("opencode", ".local/share/opencode"), ("pi", ".pi")];

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs")
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A home in which these tools left their logs.
fn home_with(tools: &[&str]) -> Vk {
    let vk = Vk::new();
    for (name, kept) in KEPT.iter().filter(|(name, _)| tools.contains(name)) {
        copy(&fixtures().join(name), &vk.home().join(kept));
    }
    vk
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{ran}");
    ran.json_lines().pop().unwrap_or_else(|| panic!("{ran}"))
}

fn import(vk: &Vk) -> Value {
    json(&vk.run(&["import", "--output", "json"]))
}

/// What the import told of one tool.
fn told<'a>(answer: &'a Value, tool: &str) -> &'a Value {
    answer["tools"].as_array().unwrap().iter().find(|one| one["tool"] == tool).unwrap_or_else(|| panic!("{answer}"))
}

/// A ledger of its own, filled through the library.
struct Shelf {
    dir: tempfile::TempDir,
}

impl Shelf {
    fn new() -> Self {
        let shelf = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(shelf.logs()).unwrap();
        shelf
    }

    fn logs(&self) -> PathBuf {
        self.dir.path().join("logs")
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(&self.data()).unwrap()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.logs().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn import(&self, tool: Tool) -> Imported {
        let env = Env::of(&[("HOME", self.dir.path().to_str().unwrap())], self.dir.path());
        let settings = config::load(&env, &Flags::default()).unwrap().settings;
        let prices = PriceList::new(&settings, Catalog::bundled());
        let place = Place { tool: Some(tool), kind: Kind::Lines, path: self.logs() };
        self.ledger().import(&[place], prices, "ann").unwrap()
    }

    /// Every imported call and session, as the database has them.
    fn rows(&self) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.data().join(vibekit::ledger::FILE_NAME)).unwrap();
        let mut rows = Vec::new();
        for sql in ["SELECT * FROM attempts ORDER BY attempt_id", "SELECT * FROM tasks ORDER BY task_id"] {
            let mut statement = connection.prepare(sql).unwrap();
            let width = statement.column_count();
            let found = statement.query_map([], |row| {
                let cells: Vec<String> = (0..width).map(|at| format!("{:?}", row.get_ref(at).unwrap())).collect();
                Ok(cells.join(" "))
            });
            rows.extend(found.unwrap().map(Result::unwrap));
        }
        rows
    }
}

/// A line as Claude Code writes it.
pub(crate) fn claude(message: &str, request: &str, input: u64, output: u64) -> String {
    format!(
        r#"{{"type":"assistant","sessionId":"s1","cwd":"/home/ann/shop","timestamp":"2026-05-04T09:00:00.000Z","requestId":"{request}","message":{{"id":"{message}","model":"claude-sonnet-4-5-20250929","role":"assistant","usage":{{"input_tokens":{input},"output_tokens":{output}}}}}}}"#
    ) + "\n"
}

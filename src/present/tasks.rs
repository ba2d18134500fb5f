//! Tasks as a list, one task in full, its patch, and what an undo did.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::escape::{columns, escape, escape_line};
use super::grid::{self, Column, Style};
use super::json::text;
use super::screen::Paint;
use super::summary::{cost_words, count, payer_words, status_words, tokens};
use super::table::{fold, width};
use crate::base::clock;
use crate::base::env::Env;
use crate::base::money::{Places, Usd};
use crate::domain::cost::CostState;
use crate::domain::event::{FileChange, PayerShare};
use crate::ledger::query::TaskRecord;
use crate::task::undo::{Recorded, Undone};

/// Characters of a task's words in the list.
const WORDS_SHOWN: usize = 60;

/// The list, newest first. `all` adds whose project each task was.
#[must_use]
pub fn list(tasks: &[TaskRecord], all: bool, style: Style) -> String {
    let text = |name, rank, cell: fn(&TaskRecord) -> String| Column::text(name, rank, tasks.iter().map(cell));
    let number = |name, rank, cell: fn(&TaskRecord) -> String| Column::number(name, rank, tasks.iter().map(cell));
    let places = Places::of(tasks.iter().map(|task| task.spend.charged().known));
    let mut columns = vec![
        text("task", 0, |task| task.task_id.clone()),
        Column::text("when (UTC)", 2, tasks.iter().map(|task| grid::when(task.started_at, style.now))),
        text("words", 1, |task| first_words(&task.words)).giving_way(),
        text("status", 0, |task| status_words(&task.status)),
        number("files", 3, |task| task.files_changed.map_or_else(|| "-".to_owned(), |files| files.to_string())),
        text("path", 4, |task| task.path.clone()),
        text("model", 5, |task| task.model.clone()),
        Column::number("cost", 0, tasks.iter().map(|task| short_cost(task, places))),
    ];
    if all {
        columns.insert(2, text("project", 1, |task| task.project.clone()));
    }
    grid::table(columns, style)
}

fn first_words(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(WORDS_SHOWN).collect();
    if cut.len() < words.trim_end().len() { format!("{cut}…") } else { cut }
}

/// For a column: what was charged, or the one word that says why nothing was.
fn short_cost(task: &TaskRecord, places: Places) -> String {
    let charged = task.spend.charged();
    let known = places.show(charged.known);
    match task.spend.state() {
        None => "-".to_owned(),
        Some(state @ (CostState::Covered | CostState::Free | CostState::Rehearsed)) => state.as_str().to_owned(),
        Some(CostState::Billed) => known,
        Some(CostState::Estimated) => format!("~{known}"),
        Some(CostState::Unknown) if charged.known.is_zero() => "?".to_owned(),
        Some(CostState::Unknown) => format!(">= {known}"),
    }
}

#[must_use]
pub fn list_json(tasks: &[TaskRecord]) -> String {
    text(&Value::Array(tasks.iter().map(task_json).collect()))
}

fn task_json(task: &TaskRecord) -> Value {
    json!({
        "task_id": task.task_id,
        "tool": task.tool,
        "session": task.session,
        "project": task.project,
        "project_dir": task.project_dir.to_string_lossy(),
        "words": task.words,
        "path": task.path,
        "provider": task.provider,
        "payer": task.payer,
        "key_label": task.key_label,
        "model": task.model,
        "engine": task.engine,
        "cap_usd": task.cap,
        "started_at": clock::rfc3339(task.started_at),
        "finished_at": task.finished_at.map(clock::rfc3339),
        "status": task.status,
        "exit_code": task.exit_code,
        "turns": task.turns,
        "files_changed": task.files_changed,
        "calls": task.spend.calls(),
        "usage": task.spend.usage,
        "cost_usd": task.spend.state().and_then(|_| task.spend.charged().exact()),
        "cost_state": task.spend.state(),
        "list_usd": task.spend.list.exact(),
    })
}

/// One task in full.
#[must_use]
pub fn show(task: &TaskRecord, payers: &[PayerShare], changes: Option<&Recorded>, width: Option<u16>) -> String {
    let mut shown = String::new();
    let width = width.map(usize::from);
    let mut row = |label: &str, value: &str| {
        let value = escape(value.trim_end());
        for (i, line) in value.lines().enumerate() {
            let label = format!("{:<9}", if i == 0 { label } else { "" });
            shown.push_str(&fold(line, width.filter(|_| !line.starts_with("vk ")), &label, &" ".repeat(9)));
        }
    };
    let exit = task.exit_code.map_or_else(String::new, |code| format!(" (exit {code})"));
    let turns = task.turns.map_or_else(String::new, |turns| format!(" · {}", count(u64::from(turns), "turn", "turns")));
    row("task", &format!("{} · {}{exit}{turns}", task.task_id, status_words(&task.status)));
    row("words", &task.words);
    row("project", &format!("{} · {}", task.project, task.project_dir.display()));
    let end = task.finished_at.map_or_else(String::new, |at| format!(" to {}", &clock::rfc3339(at)[11..19]));
    row("time", &format!("{}{end} UTC", clock::rfc3339(task.started_at)[..19].replace('T', " ")));
    let key = task.key_label.as_ref().map_or_else(String::new, |label| format!(" · key {label}"));
    row("route", &format!("{} · {} · {}{key} · {}", task.path, task.provider, task.model, task.payer));
    for share in payers {
        row(
            "paid by",
            &format!("{} · {}", payer_words(share), cost_words(share.cost_usd, Some(share.cost_state), Usd::ZERO)),
        );
    }
    if task.spend.calls() > 0 {
        row("tokens", &format!("{} · {}", tokens(&task.spend.usage), count(task.spend.calls(), "call", "calls")));
    }
    row("cost", &cost_words(task.spend.charged().exact(), task.spend.state(), task.spend.charged().known));
    match changes {
        None => row("files", "no snapshot: what the task changed is not known here"),
        Some(changes) if changes.files.is_empty() => row("files", "none changed"),
        Some(changes) => {
            for (i, line) in file_lines(&changes.files).iter().enumerate() {
                row(if i == 0 { "files" } else { "" }, line);
            }
            if !changes.ended {
                row("", "(the task was cut off: this is what anybody has changed since it began)");
            }
            row("undo", &format!("vk tasks undo {}", task.task_id));
        }
    }
    if let Some(used) = changes.and_then(|changes| changes.worktree.as_ref()) {
        let gone = if used.path.is_dir() { "" } else { ", not there any more" };
        row("worktree", &format!("{} (branch {}{gone})", used.path.display(), used.branch));
    }
    for note in changes.iter().flat_map(|changes| &changes.notes) {
        row("not kept", note);
    }
    if let Some(answer) = task.summary.as_deref().filter(|answer| !answer.trim().is_empty()) {
        row("answer", answer);
    }
    shown
}

fn file_lines(files: &[FileChange]) -> Vec<String> {
    let names: Vec<_> = files.iter().map(|file| escape_line(&file.path)).collect();
    let width = names.iter().map(|name| columns(name)).max().unwrap_or(0).min(60);
    let line = |(name, file): (&std::borrow::Cow<'_, str>, &FileChange)| {
        let pad = " ".repeat(width.saturating_sub(columns(name)));
        match (file.added, file.removed) {
            (Some(added), Some(removed)) => format!("{name}{pad}  +{added} −{removed}"),
            _ => format!("{name}{pad}  binary"),
        }
    };
    names.iter().zip(files).map(line).collect()
}

#[must_use]
pub fn show_json(task: &TaskRecord, payers: &[PayerShare], changes: Option<&Recorded>) -> String {
    let mut value = task_json(task);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("payers".to_owned(), json!(payers));
        fields.insert("answer".to_owned(), json!(task.summary));
        // The ledger counts the files; here they are named.
        fields.insert("files_changed".to_owned(), json!(changes.map(|changes| &changes.files)));
        let worktree = changes.and_then(|changes| changes.worktree.as_ref());
        let worktree = worktree.map(|used| json!({"path": used.path.to_string_lossy(), "branch": used.branch}));
        fields.insert("worktree".to_owned(), json!(worktree));
        fields.insert("not_kept".to_owned(), json!(changes.map(|changes| &changes.notes)));
    }
    text(&value)
}

/// A patch: exact in a pipe, escaped and coloured on a terminal.
#[must_use]
pub fn patch(patch: &str, env: &Env) -> String {
    if width(env).is_none() {
        return patch.to_owned();
    }
    let dumb = env.get("TERM").is_none_or(|term| term == "dumb");
    coloured(patch, Paint(!dumb && env.get("NO_COLOR").is_none()))
}

fn coloured(patch: &str, paint: Paint) -> String {
    let mut shown = String::new();
    for line in patch.split_inclusive('\n') {
        let text = escape(line.trim_end_matches('\n'));
        shown.push_str(&match line.as_bytes() {
            [b'd', b'i', b'f', b'f', ..] => paint.bold(&text),
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] | [b'@' | b'\\', ..] => paint.dim(&text),
            [b'+', ..] => paint.good(&text),
            [b'-', ..] => paint.bad(&text),
            _ => text.into_owned(),
        });
        shown.push('\n');
    }
    shown
}

/// What an undo did, a file a line.
#[must_use]
pub fn undone(task_id: &str, undone: &Undone) -> String {
    let mut shown = String::new();
    let mut row = |label: &str, text: &str| {
        let _ = writeln!(shown, "{label:<9} {}", escape_line(text));
    };
    for path in &undone.restored {
        row("restored", path);
    }
    for path in &undone.removed {
        row("removed", path);
    }
    for (path, why) in &undone.skipped {
        row("skipped", &format!("{path}: {why}"));
    }
    for path in &undone.left {
        row("left", &format!("{path}: the folder holds files that the snapshot does not know"));
    }
    if undone.already {
        row("nothing", &format!("to do: everything is as it was before task {task_id}"));
    } else if shown.is_empty() {
        shown = format!("task {task_id} changed no files\n");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::usage::Usage;
    use crate::ledger::query::Spend;

    fn style(width: Option<u16>) -> Style {
        Style { width, colour: false, unicode: true, now: "2026-11-25T13:45:10Z".parse().unwrap() }
    }

    fn task() -> TaskRecord {
        let usage = Usage { input: 1_234, cache_read: 80_000, output: 912, ..Usage::default() };
        let cost = Usd::from_nanos(41_200_000);
        TaskRecord {
            task_id: "t01jd3k9x2".into(),
            tool: "vk".into(),
            session: "t01jd3k9x2".into(),
            user: "ann".into(),
            project: "shop".into(),
            project_dir: "/home/ann/shop".into(),
            words: "make the failing test pass\x1b[2J\nand then\tdocument it".into(),
            path: "byok".into(),
            provider: "anthropic".into(),
            payer: "you pay Anthropic at list price".into(),
            key_label: Some("client-a".into()),
            key_fingerprint: Some("1a2b3c4d".into()),
            model: "claude-sonnet-5-5".into(),
            engine: "builtin".into(),
            cap: Some(Usd::from_cents(500)),
            started_at: "2026-11-25T13:45:10Z".parse().unwrap(),
            finished_at: Some("2026-11-25T13:46:22Z".parse().unwrap()),
            status: "done".into(),
            exit_code: Some(0),
            turns: Some(3),
            files_changed: Some(2),
            summary: Some("Fixed the parser.\nIt reads empty files now.".into()),
            spend: Spend::of(CostState::Billed, 3, usage, cost, cost, 0),
        }
    }

    fn unknown() -> TaskRecord {
        let spend = Spend::of(CostState::Unknown, 1, Usage::default(), Usd::ZERO, Usd::ZERO, 1);
        TaskRecord {
            task_id: "t02".into(),
            status: "running".into(),
            files_changed: None,
            finished_at: None,
            exit_code: None,
            turns: None,
            summary: None,
            words: "x".into(),
            spend,
            ..task()
        }
    }

    fn changes() -> Recorded {
        Recorded {
            files: vec![
                FileChange { path: "src/lib.rs".into(), added: Some(12), removed: Some(4) },
                FileChange { path: "a\nb.png".into(), added: None, removed: None },
            ],
            notes: vec!["data.bin: it is larger than 64 MiB".into()],
            ended: true,
            worktree: None,
        }
    }

    #[test]
    fn the_list_fits_the_terminal() {
        let tasks = [task(), unknown()];
        insta::assert_snapshot!(list(&tasks, false, style(Some(80))), @r"
        task        when (UTC)   words                         status   files     cost
        t01jd3k9x2  11-25 13:45  make the failing t…s\x1b[2J…  done         2  $0.0412
        t02         11-25 13:45  x                             running      -        ?
        ");
        insta::assert_snapshot!(list(&tasks, false, style(Some(120))), @r"
        task        when (UTC)   words                               status   files  path  model                 cost
        t01jd3k9x2  11-25 13:45  make the failing test pass\x1b[2J…  done         2  byok  claude-sonnet-5-5  $0.0412
        t02         11-25 13:45  x                                   running      -  byok  claude-sonnet-5-5        ?
        ");
        insta::assert_snapshot!(list(&tasks, true, style(None)), @r"
        task        when (UTC)   project  words                               status   files  path  model                 cost
        t01jd3k9x2  11-25 13:45  shop     make the failing test pass\x1b[2J…  done         2  byok  claude-sonnet-5-5  $0.0412
        t02         11-25 13:45  shop     x                                   running      -  byok  claude-sonnet-5-5        ?
        ");
    }

    #[test]
    fn a_task_in_full() {
        let payers = [PayerShare {
            path: "byok".into(),
            provider: "anthropic".into(),
            payer: "you pay Anthropic at list price".into(),
            key_label: Some("client-a".into()),
            cost_usd: Some(Usd::from_nanos(41_200_000)),
            cost_state: CostState::Billed,
        }];
        insta::assert_snapshot!(show(&task(), &payers, Some(&changes()), None), @r"
        task     t01jd3k9x2 · done (exit 0) · 3 turns
        words    make the failing test pass\x1b[2J
                 and then	document it
        project  shop · /home/ann/shop
        time     2026-11-25 13:45:10 to 13:46:22 UTC
        route    byok · anthropic · claude-sonnet-5-5 · key client-a · you pay Anthropic at list price
        paid by  byok · anthropic · key client-a · you pay Anthropic at list price · $0.0412
        tokens   1,234 in · 80,000 cached · 912 out · 3 calls
        cost     $0.0412
        files    src/lib.rs  +12 −4
                 a\nb.png    binary
        undo     vk tasks undo t01jd3k9x2
        not kept data.bin: it is larger than 64 MiB
        answer   Fixed the parser.
                 It reads empty files now.
        ");
        insta::assert_snapshot!(show(&unknown(), &[], None, None), @"
        task     t02 · running
        words    x
        project  shop · /home/ann/shop
        time     2026-11-25 13:45:10 UTC
        route    byok · anthropic · claude-sonnet-5-5 · key client-a · you pay Anthropic at list price
        tokens   0 in · 0 out · 1 call
        cost     ? (no price or no usage was reported)
        files    no snapshot: what the task changed is not known here
        ");
        let value: Value = serde_json::from_str(&show_json(&task(), &payers, Some(&changes()))).unwrap();
        assert_eq!(value["files_changed"][0]["added"], 12);
        assert_eq!(value["cost_usd"], "0.0412");
        let value: Value = serde_json::from_str(&list_json(&[unknown()])).unwrap();
        assert_eq!(value[0]["cost_usd"], Value::Null);
        assert_eq!(value[0]["cost_state"], "unknown");
    }

    #[test]
    fn a_patch_on_a_terminal_is_coloured_and_harmless() {
        let patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\x1b[2J\r\n same\n";
        let shown = coloured(patch, Paint(true)).replace('\x1b', "ESC");
        insta::assert_snapshot!(shown, @r"
        ESC[1mdiff --git a/x b/xESC[0m
        ESC[2m--- a/xESC[0m
        ESC[2m+++ b/xESC[0m
        ESC[2m@@ -1 +1 @@ESC[0m
        ESC[31m-oldESC[0m
        ESC[32m+new\x1b[2J\rESC[0m
         same
        ");
    }

    #[test]
    fn what_an_undo_did() {
        let did = Undone {
            restored: vec!["src/lib.rs".into()],
            removed: vec!["new\x1b.rs".into()],
            skipped: vec![("notes.md".into(), "it was changed since".into())],
            left: vec!["target".into()],
            already: false,
        };
        insta::assert_snapshot!(undone("t01", &did), @r"
        restored  src/lib.rs
        removed   new\x1b.rs
        skipped   notes.md: it was changed since
        left      target: the folder holds files that the snapshot does not know
        ");
        insta::assert_snapshot!(undone("t01", &Undone { already: true, ..Undone::default() }), @"nothing   to do: everything is as it was before task t01");
        insta::assert_snapshot!(undone("t01", &Undone::default()), @"task t01 changed no files");
    }
}

//! `vk batch`: the file and the flags become a wish; signals stop it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{BatchArgs, BatchWorktree};
use super::context::Context;
use super::{mode_of, run, stdin};
use crate::agent::cancel::Cancel;
use crate::agent::limits::parse_duration;
use crate::base::fsx;
use crate::base::money::Usd;
use crate::base::shell;
use crate::config::Flags;
use crate::domain::failure::{Failure, Status};
use crate::present::batch::Board;
use crate::task::batch::shard::Shard;
use crate::task::batch::{self, Wish};
use crate::task::order::{Dirty, From, Order};

/// Of a file of tasks.
const LARGEST: u64 = 64 * 1024 * 1024;
const LONGEST_ID: usize = 64;

/// # Errors
/// What stopped the batch, or that a task of it was not achieved; it has been told as part of `batch.finished`.
pub async fn run(args: BatchArgs, context: &Context) -> Result<(), Failure> {
    let (mode, quiet, dry_run) = (mode_of(args.output), args.quiet, args.dry_run);
    let board = |again: String| Arc::new(Board::new(&context.env, mode, quiet, dry_run, again));
    let file = args.file.clone();
    let wish = match wish(args, context) {
        Ok(wish) => wish,
        Err(failure) => {
            let failure = of_batch(failure, &file);
            batch::Board::finished(board(String::new()).as_ref(), &batch::refused(failure.clone()));
            return Err(failure);
        }
    };
    let cancel = Cancel::default();
    run::listen(&cancel);
    let board = board(wish.again());
    let shown: Arc<dyn batch::Board> = Arc::clone(&board) as _;
    let end = batch::run(&wish, &context.env, &context.ui, &shown, &cancel).await;
    board.delivered()?;
    if end.exit_code == 0 {
        return Ok(());
    }
    let failure = end.error.unwrap_or_else(|| Failure::new(Status::GaveUp, "tasks_failed", "a task was not achieved"));
    Err(Failure { exit: Some(end.exit_code), ..failure })
}

fn wish(args: BatchArgs, context: &Context) -> Result<Wish, Failure> {
    let shard = args.shard.as_deref().map(str::parse::<Shard>).transpose()?;
    let cap = args.max_cost.as_deref().map(|text| usd("--max-cost", text)).transpose()?;
    let task_cap = args.max_task_cost.as_deref().map(|text| usd("--max-task-cost", text)).transpose()?;
    if let Some(id) = args.id.as_ref().filter(|id| !is_id(id)) {
        return Err(Failure::usage("bad_batch_id", format!("{id:?} is no name for a batch"))
            .why(format!("it has up to {LONGEST_ID} letters, digits and ._-"))
            .fix("vk batch --help"));
    }
    let results = match (&args.results, args.file.as_str()) {
        (Some(results), _) => results.clone(),
        (None, "-") => {
            return Err(Failure::usage("no_results_file", "tasks from stdin need a place for their results")
                .why("a batch is gone on with from there, and beside a file it has its name")
                .fix("vk batch - --results results.jsonl"));
        }
        (None, file) => beside(file, shard),
    };
    let typed = typed(&args, shard);
    let bytes = read(&args.file, context)?;
    let place = |name: &str| {
        let path = context.env.cwd().join(name);
        let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
        folder.zip(path.file_name()).map_or(path.clone(), |(folder, name)| folder.join(name))
    };
    let apart = vec![place(&args.file), place(&results)];
    Ok(Wish {
        results: place(&results),
        results_name: results,
        jobs: usize::from(args.jobs),
        shard,
        id: args.id.clone(),
        retry_failed: args.retry_failed,
        cap,
        typed,
        bytes,
        file: args.file.clone(),
        order: Order { apart, ..order(args, task_cap)? },
    })
}

/// What is wrong with a flag that `vk run` has too, told with the command that was typed.
fn of_batch(mut failure: Failure, file: &str) -> Failure {
    for fix in &mut failure.fix {
        if let Some(rest) = fix.strip_prefix("vk run ") {
            let flags = rest.find('"').map_or(rest, |at| &rest[..at]).trim_end();
            *fix = format!("vk batch {} {flags}", shell::word(file));
        }
    }
    failure
}

/// What every task is asked for.
fn order(args: BatchArgs, task_cap: Option<Usd>) -> Result<Order, Failure> {
    let flags = run::flags(args.choice, task_cap.map(Usd::exact), args.check, args.fallback);
    Ok(Order {
        task: String::new(),
        stdin: None,
        engine: args.engine.map(|engine| engine.as_str().to_owned()),
        flags: Flags { worktree: true, mcp: args.mcp, ..flags },
        from: From::Nothing,
        approve: args.approve.map(run::approval),
        mode: run::sandbox_mode(args.sandbox),
        network: run::network(args.allow_network.as_deref())?,
        max_turns: args.max_turns,
        timeout: args.timeout.as_deref().map(parse_duration).transpose()?,
        check_rounds: args.check_rounds,
        images: Vec::new(),
        image_files: Vec::new(),
        debug: false,
        worktree: Some(match args.worktree {
            None => Dirty::Ask,
            Some(BatchWorktree::Carry) => Dirty::Carry,
            Some(BatchWorktree::Clean) => Dirty::Leave,
        }),
        commit: args.commit || args.pr,
        pull_request: args.pr,
        trust: args.trust,
        dry_run: args.dry_run,
        rehearsed: false,
        batch: None,
        apart: Vec::new(),
    })
}

fn usd(flag: &str, text: &str) -> Result<Usd, Failure> {
    text.parse().map_err(|error| Failure::usage("bad_amount", format!("{flag}: {error}")).fix("vk batch --help"))
}

fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// `tasks.jsonl` gives `tasks.results.jsonl`, a part of it `tasks.2-of-4.results.jsonl`.
fn beside(file: &str, shard: Option<Shard>) -> String {
    let stem = [".jsonl", ".ndjson", ".json"].iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file);
    let part = shard.map(|shard| format!(".{}", shard.in_a_name())).unwrap_or_default();
    format!("{stem}{part}.results.jsonl")
}

/// The file and what only a batch has, for the commands that go on with it.
fn typed(args: &BatchArgs, shard: Option<Shard>) -> String {
    let mut words = vec![shell::word(&args.file), format!("--jobs {}", args.jobs)];
    words.extend(shard.map(|shard| format!("--shard {shard}")));
    words.extend(args.results.as_ref().map(|results| format!("--results {}", shell::word(results))));
    words.extend(args.id.as_ref().map(|id| format!("--id {id}")));
    words.join(" ")
}

fn read(file: &str, context: &Context) -> Result<Vec<u8>, Failure> {
    if file == "-" {
        return stdin::bytes("vk batch tasks.jsonl", "vk batch tasks.jsonl");
    }
    let path: PathBuf = context.env.cwd().join(Path::new(file));
    fsx::read_bounded(&path, LARGEST).map_err(|error| {
        Failure::usage("batch_unreadable", format!("{file} cannot be read"))
            .why(error.to_string())
            .fix("vk batch --help")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_beside_their_file_and_parts_apart() {
        let part = "2/4".parse().ok();
        for (file, shard, results) in [
            ("tasks.jsonl", None, "tasks.results.jsonl"),
            ("a/b.json", None, "a/b.results.jsonl"),
            ("tasks", None, "tasks.results.jsonl"),
            ("tasks.jsonl", part, "tasks.2-of-4.results.jsonl"),
        ] {
            assert_eq!(beside(file, shard), results);
        }
    }

    #[test]
    fn a_name_for_a_batch_is_one_word() {
        assert!(is_id("12345.1-a_b"));
        for bad in ["", "a b", "a/b", "é", &"a".repeat(65)] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}

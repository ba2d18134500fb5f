//! `vk tasks`: what ran here, what it changed, and taking it back.

use super::args::{ListOutput, TasksArgs, TasksCommand};
use super::context::Context;
use crate::base::clock;
use crate::config::{self, Flags, Loaded};
use crate::domain::failure::{Failure, Status};
use crate::ledger::Ledger;
use crate::ledger::query::TaskRecord;
use crate::present::grid::Style;
use crate::present::{self, table, tasks};
use crate::task::{ledger, undo};

/// Tasks that a list shows; `vk cost` has all of them.
const LISTED: u32 = 50;

/// # Errors
/// A configuration or ledger that cannot be read; no such task (2); files that an undo had to leave alone (1).
pub fn run(args: TasksArgs, context: &Context) -> Result<(), Failure> {
    let loaded = config::load(&context.env, &Flags::default())?;
    let ledger = ledger::existing(&loaded, &context.env, &context.ui)?;
    let command = args.command.unwrap_or(TasksCommand::List { all: false, output: ListOutput::Table });
    match command {
        TasksCommand::List { all, output } => list(ledger.as_ref(), &loaded, all, output, context),
        TasksCommand::Show { task_id, output } => {
            let task = find(ledger.as_ref(), &loaded, task_id.as_deref(), "vk tasks show")?;
            let payers = ledger.map_or(Ok(Vec::new()), |ledger| ledger.payers(&task.task_id))?;
            let changes = undo::recorded(&loaded.dirs.data, &task.task_id)?;
            present::stdout(&match output {
                ListOutput::Json => tasks::show_json(&task, &payers, changes.as_ref()),
                ListOutput::Table => tasks::show(&task, &payers, changes.as_ref(), table::width(&context.env)),
            })
        }
        TasksCommand::Diff { task_id } => {
            let task = find(ledger.as_ref(), &loaded, task_id.as_deref(), "vk tasks diff")?;
            let patch = undo::patch(&loaded.dirs.data, &task.task_id)?;
            if patch.is_empty() {
                context.ui.say(&format!("task {} changed no files", task.task_id));
            }
            present::stdout(&tasks::patch(&patch, &context.env))
        }
        TasksCommand::Undo { task_id, force } => {
            let task = find(ledger.as_ref(), &loaded, task_id.as_deref(), "vk tasks undo")?;
            take_back(&loaded, &task.task_id, force)
        }
    }
}

fn list(
    ledger: Option<&Ledger>,
    loaded: &Loaded,
    all: bool,
    output: ListOutput,
    context: &Context,
) -> Result<(), Failure> {
    let project = (!all).then_some(loaded.project.home());
    let found = match ledger {
        Some(ledger) => ledger.tasks(project, LISTED, clock::now())?,
        None => Vec::new(),
    };
    match output {
        ListOutput::Json => present::stdout(&tasks::list_json(&found)),
        ListOutput::Table if found.is_empty() => {
            context.ui.say(if all {
                "no task has run yet; start one with: vk run \"...\""
            } else {
                "no task has run in this project yet; start one with: vk run \"...\"; other projects': vk tasks list --all"
            });
            Ok(())
        }
        ListOutput::Table => present::stdout(&tasks::list(&found, all, Style::of(&context.env, clock::now()))),
    }
}

/// The task that was named, or the project's last one.
///
/// # Errors
/// Exit 2 where there is none, or several begin so.
pub(super) fn find(
    ledger: Option<&Ledger>,
    loaded: &Loaded,
    asked: Option<&str>,
    command: &str,
) -> Result<TaskRecord, Failure> {
    let nothing = |what: &str| Failure::usage("no_task", what).fix("vk tasks list --all").fix("vk demo");
    let Some(ledger) = ledger else {
        return Err(match asked {
            Some(id) => Failure::usage("unknown_task", format!("no task has the id {id}"))
                .why("no task has run yet")
                .fix("vk demo"),
            None => nothing("no task has run yet"),
        });
    };
    if let Some(id) = asked {
        ledger.find_task(id, clock::now())?.one(id, command)
    } else {
        let newest = ledger.tasks(Some(loaded.project.home()), 1, clock::now())?.into_iter().next();
        newest.ok_or_else(|| nothing("no task has run in this project yet"))
    }
}

fn take_back(loaded: &Loaded, task_id: &str, force: bool) -> Result<(), Failure> {
    let undone = undo::undo(&loaded.dirs.data, task_id, force)?;
    present::stdout(&tasks::undone(task_id, &undone))?;
    let left = undone.skipped.len();
    if left == 0 {
        return Ok(());
    }
    let what = if left == 1 { "1 file was left alone".to_owned() } else { format!("{left} files were left alone") };
    let failure = Failure::new(Status::GaveUp, "undo_incomplete", what).fix(format!("vk tasks diff {task_id}"));
    Err(if force {
        failure
    } else {
        failure.fix(format!("vk tasks undo {task_id} --force   # also what was changed since"))
    })
}

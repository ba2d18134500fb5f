//! `vk cost`: what each task cost, and who paid.

use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::args::{CostArgs, CostCommand, CostGroup, CostOutput, CostReport};
use super::context::Context;
use super::{block_on, reconcile, tasks};
use crate::base::clock;
use crate::base::money::Usd;
use crate::config::{self, Flags, Loaded};
use crate::domain::failure::Failure;
use crate::ledger::query::{Group, Query, Report};
use crate::ledger::{self, Ledger, ParsePeriodError};
use crate::present;
use crate::present::cost::{Format, Style};
use crate::task::{self, setup};

/// # Errors
/// Exit 2 for what was typed, 9 for a ledger that cannot be read.
pub fn run(args: CostArgs, context: &Context) -> Result<(), Failure> {
    let now = clock::now();
    match args.command {
        Some(CostCommand::Reconcile(args)) => block_on(reconcile::run(args, now, context)),
        Some(CostCommand::Show { task_id, output }) => show(task_id.as_deref(), output, now, context),
        None => report(&args, now, context),
    }
}

fn report(args: &CostArgs, now: Timestamp, context: &Context) -> Result<(), Failure> {
    if args.chart && args.output != CostReport::Table {
        return Err(Failure::usage("chart_and_output", "--chart draws on a terminal, beside no other output")
            .fix("vk cost --output html > cost.html")
            .fix("vk cost --chart"));
    }
    let query = query(args, now)?;
    let ledger = open(&config::load(&context.env, &Flags::default())?, now, context)?;
    let by = |by: Group| match &ledger {
        Some(ledger) => ledger.report(&Query { by, ..query.clone() }, now),
        None => Ok(Report::empty(by)),
    };
    let report = by(query.by)?;
    let style = Style::of(&context.env, now);
    if report.rows.is_empty() {
        context.ui.say(&nothing(args));
        if args.output == CostReport::Table {
            return Ok(());
        }
    }
    let text = match args.output {
        CostReport::Table if args.chart => present::cost::chart(&report, style),
        CostReport::Table => present::cost::report(&report, Format::Table, style),
        CostReport::Json => present::cost::report(&report, Format::Json, style),
        CostReport::Csv => present::cost::report(&report, Format::Csv, style),
        CostReport::Markdown => present::cost::report(&report, Format::Markdown, style),
        CostReport::Html => {
            let charts = present::cost::CHARTS.into_iter().map(by).collect::<Result<Vec<_>, _>>()?;
            present::cost::page(&report, &charts, style)
        }
    };
    present::stdout(&text)?;
    tell_uncertain(ledger.as_ref(), context)
}

/// Calls whose cost is not known hold money of every budget they count in.
fn tell_uncertain(ledger: Option<&Ledger>, context: &Context) -> Result<(), Failure> {
    let calls = ledger.map_or(Ok(Vec::new()), Ledger::uncertain)?;
    if !calls.is_empty() {
        let held: Usd = calls.iter().map(|call| call.held).sum();
        let count = if calls.len() == 1 { "1 call is".to_owned() } else { format!("{} calls are", calls.len()) };
        context.ui.say(&format!("{count} uncertain and counted at up to {held}: vk budget list"));
    }
    Ok(())
}

/// The task that was named, or the project's last one, call by call.
fn show(id: Option<&str>, output: CostOutput, now: Timestamp, context: &Context) -> Result<(), Failure> {
    let loaded = config::load(&context.env, &Flags::default())?;
    let ledger = open(&loaded, now, context)?;
    let task = tasks::find(ledger.as_ref(), &loaded, id, "vk cost show")?;
    let calls = ledger.as_ref().map_or(Ok(Vec::new()), |ledger| ledger.calls(&task.task_id))?;
    let plans = ledger.map_or(Ok(Vec::new()), |ledger| ledger.plan_use(&task.task_id))?;
    present::stdout(&present::cost::task(&task, &calls, &plans, format(output), Style::of(&context.env, now)))
}

/// The ledger as it is now: holds of dead processes are settled first, where the file can be written.
pub(super) fn open(loaded: &Loaded, now: Timestamp, context: &Context) -> Result<Option<Ledger>, Failure> {
    let data = &loaded.dirs.data;
    let Some(ledger) = task::ledger::existing(loaded, &context.env, &context.ui)? else {
        // "Nothing was spent" is only true where it could have been recorded.
        return could_be_made(data).map(|()| None).map_err(|error| setup::unwritable(data, &error));
    };
    match ledger.expire(now) {
        // A report of a ledger that can only be read, or that is busy, is still a report.
        Err(error) if !error.leaves_reading() => Err(error.into()),
        _ => Ok(Some(ledger)),
    }
}

/// Whether the folder could be made, without making it.
fn could_be_made(folder: &Path) -> io::Result<()> {
    let nearest = folder.ancestors().find(|above| above.symlink_metadata().is_ok()).unwrap_or(folder);
    tempfile::tempdir_in(nearest).map(drop)
}

fn query(args: &CostArgs, now: Timestamp) -> Result<Query, Failure> {
    let (since, until) = period(args.since.as_deref(), args.until.as_deref(), "vk cost", now)?;
    Ok(Query { by: group(args.by), since, until, project: args.project.clone() })
}

/// The moments of `--since` and `--until`, for `command`.
pub(super) fn period(
    since: Option<&str>,
    until: Option<&str>,
    command: &str,
    now: Timestamp,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Failure> {
    let wrong = |flag: &str, error: &ParsePeriodError| {
        Failure::usage("bad_period", format!("{flag}: {error}")).fix(format!("{command} {flag} 7d"))
    };
    let moment = |text: Option<&str>, flag, parse: fn(&str, Timestamp) -> Result<Timestamp, ParsePeriodError>| {
        text.map(|text| parse(text, now).map_err(|error| wrong(flag, &error))).transpose()
    };
    let (since, until) = (moment(since, "--since", ledger::since)?, moment(until, "--until", ledger::until)?);
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        let failure = Failure::usage("bad_period", "--since is not before --until");
        return Err(failure.fix(format!("{command} --since 7d")));
    }
    Ok((since, until))
}

/// What is said when there is nothing to show.
fn nothing(args: &CostArgs) -> String {
    if args.since.is_some() || args.until.is_some() || args.project.is_some() {
        "No call was made in that period and project. Everything there is: vk cost; tasks without a call: vk tasks list --all".to_owned()
    } else {
        "Nothing has been spent yet. A task shows its payer first: vk run \"...\" (without a key: vk demo). Tasks that \
         made no call: vk tasks list --all"
            .to_owned()
    }
}

const fn format(output: CostOutput) -> Format {
    match output {
        CostOutput::Table => Format::Table,
        CostOutput::Json => Format::Json,
        CostOutput::Csv => Format::Csv,
        CostOutput::Markdown => Format::Markdown,
    }
}

const fn group(by: CostGroup) -> Group {
    match by {
        CostGroup::Task => Group::Task,
        CostGroup::Session => Group::Session,
        CostGroup::Day => Group::Day,
        CostGroup::Week => Group::Week,
        CostGroup::Month => Group::Month,
        CostGroup::Project => Group::Project,
        CostGroup::Path => Group::Path,
        CostGroup::Model => Group::Model,
        CostGroup::Provider => Group::Provider,
        CostGroup::Payer => Group::Payer,
        CostGroup::Key => Group::Key,
        CostGroup::User => Group::User,
        CostGroup::Tool => Group::Tool,
    }
}

//! `vk compare`: the recorded use, or a stated one, on every path.

use super::args::{CompareArgs, CompareOutput};
use super::context::Context;
use crate::base::{clock, shell};
use crate::catalog::Catalog;
use crate::catalog::plan::Offers;
use crate::config::{self, Flags, Loaded};
use crate::domain::failure::Failure;
use crate::ledger::query::{Group, Query};
use crate::ledger::{self, LedgerError};
use crate::present;
use crate::present::compare as shown;
use crate::present::table;
use crate::routing::compare::{Call, Comparison, MONTH_SECONDS, Market, ParseStatedError, Stated, TaskTokens};
use crate::task;

/// What is shown where nothing is recorded: an example, and said to be one. 5 tasks a week of a coding agent's usual
/// shape, nine tenths of the input from the cache.
const EXAMPLE: (u64, i64, TaskTokens) = (5, 7 * 86_400, TaskTokens { input: 100_000, cached: 900_000, output: 15_000 });

/// # Errors
/// Exit 2 for what was typed, 9 for a ledger that cannot be read.
pub fn run(args: &CompareArgs, context: &Context) -> Result<(), Failure> {
    let loaded = config::load(&context.env, &Flags::default())?;
    let (catalog, damage) = Catalog::load(&loaded.dirs.data);
    if let Some(damage) = damage {
        context.ui.say(&damage.warning());
    }
    let market = Market { settings: &loaded.settings, catalog: &catalog, offers: Offers::bundled(), now: clock::now() };
    let comparison = if let (Some(tasks), Some(tokens)) = (&args.tasks, &args.tokens) {
        stated(&market, tasks, tokens, args.model.as_deref())?
    } else if let Some(comparison) = recorded(&market, &loaded, args.since.as_deref(), context)? {
        comparison
    } else {
        context.ui.say(&nothing(args.since.is_some()));
        let (tasks, seconds, tokens) = EXAMPLE;
        workload(&market, tasks, seconds, tokens, None, true)?
    };
    present::stdout(&match args.output {
        CompareOutput::Table => shown::table(&comparison, table::width(&context.env)),
        CompareOutput::Json => shown::json(&comparison),
        CompareOutput::Markdown => shown::markdown(&comparison),
    })
}

/// The period's calls; `None` where there are none.
fn recorded(
    market: &Market<'_>,
    loaded: &Loaded,
    since: Option<&str>,
    context: &Context,
) -> Result<Option<Comparison>, Failure> {
    let now = market.now;
    let since = match since {
        Some(text) => ledger::since(text, now)
            .map_err(|error| Failure::usage("bad_period", format!("--since: {error}")).fix("vk compare --since 30d"))?,
        None => now.checked_sub(jiff::SignedDuration::from_secs(MONTH_SECONDS)).unwrap_or(now),
    };
    if since >= now {
        return Err(Failure::usage("bad_period", "--since is not before now").fix("vk compare --since 30d"));
    }
    let Some(ledger) = task::ledger::existing(loaded, &context.env, &context.ui)? else { return Ok(None) };
    let query = Query { since: Some(since), ..Query::by(Group::Task) };
    let comparison = market.history::<LedgerError>(since, now, |each| {
        ledger.each_call(&query, |call| {
            each(&Call {
                task: call.task_id,
                provider: call.provider,
                model: call.model,
                at: call.sent_at,
                usage: call.usage,
            });
        })
    })?;
    Ok((comparison.used.calls > 0).then_some(comparison))
}

fn stated(market: &Market<'_>, tasks: &str, tokens: &str, model: Option<&str>) -> Result<Comparison, Failure> {
    let wrong = |error: ParseStatedError| {
        let flag = match error {
            ParseStatedError::Tasks(_) => "--tasks",
            ParseStatedError::Tokens(_) => "--tokens",
        };
        Failure::usage("bad_workload", format!("{flag}: {error}"))
            .fix("vk compare --tasks 5/week --tokens 100k,900k,15k")
    };
    let (count, seconds) = Stated::tasks(tasks).map_err(wrong)?;
    let each: TaskTokens = tokens.parse().map_err(wrong)?;
    workload(market, count, seconds, each, model, false).map_err(|mut failure| {
        for fix in failure.fix.iter_mut().filter(|fix| fix.starts_with("--model ")) {
            *fix = format!("vk compare --tasks {} --tokens {} {fix}", shell::word(tasks), shell::word(tokens));
        }
        failure
    })
}

fn workload(
    market: &Market<'_>,
    tasks: u64,
    seconds: i64,
    tokens: TaskTokens,
    model: Option<&str>,
    example: bool,
) -> Result<Comparison, Failure> {
    let (vendor, model) = market.resolve(model)?;
    let unpriced = Failure::usage("unpriced_model", format!("the price of {model} is not known"));
    let stated = Stated { tasks, seconds, tokens, vendor, model };
    market.stated(stated, example).ok_or_else(|| unpriced.fix("vk models refresh"))
}

fn nothing(narrowed: bool) -> String {
    if narrowed {
        "No call is recorded in that period; what follows is an example.".to_owned()
    } else {
        "No call is recorded in the last 30 days; what follows is an example. Yours: vk import, or \
         vk compare --tasks 5/week --tokens 100k,900k,15k"
            .to_owned()
    }
}

//! `vk route`: who would pay and which model would run, and what every other path would do. No model is asked; a
//! gateway is asked what its account has left, where that takes no passphrase.

use super::args::{ListOutput, RouteArgs};
use super::context::Context;
use super::run::flags;
use crate::config::Trust;
use crate::domain::failure::Failure;
use crate::net::http::Client;
use crate::present::route::{self, Shown};
use crate::present::{self, table};
use crate::routing::{self, PathRow};
use crate::task::forecast::History;
use crate::task::prepare::{self, Known};
use crate::task::{credits, free};

/// # Errors
/// A configuration that is wrong; and, after the table, why the path that was chosen cannot be used. That no path
/// is chosen yet is an answer and no error.
pub async fn run(args: RouteArgs, context: &Context) -> Result<(), Failure> {
    let flags = flags(args.choice, None, Vec::new(), Vec::new());
    let known = Known::read(&context.env, &flags, &context.ui)?;
    known.ask_programs();
    let settings = &known.loaded.settings;
    let (mut rows, decided) =
        known.with_facts(settings, args.task.as_deref(), |facts| (routing::table(facts), routing::decide(facts)));
    let mut decided = decided.map_err(|failure| prepare::typed_again(failure, &flags, "vk route ", ""));
    let mut notes = known.loaded.warnings.clone();
    notes.extend(fill(context, &known, &mut rows).await?);
    if let Ok(route) = &mut decided {
        let (standings, note) = known.standings(route);
        route.cap = standings.task_cap().or(route.cap);
        notes.extend(standings.left().map(|left| format!("budget: {left}")));
        notes.extend(standings.alerts().iter().map(ToString::to_string));
        notes.extend(note);
    }
    if let Trust::Needed(_) = known.loaded.trust {
        notes.push("vk.toml is not trusted yet: vk run will ask, or vk trust".to_owned());
    }
    let shown =
        Shown { rows: &rows, chosen: decided.as_ref(), ignored_ambient: &known.loaded.ignored_ambient, notes: &notes };
    present::stdout(&match args.output {
        ListOutput::Json => route::json(&shown),
        ListOutput::Table => route::table(&shown, table::width(&context.env)),
    })?;
    match decided {
        Err(failure) if failure.code != routing::NO_PATH => Err(failure),
        _ => Ok(()),
    }
}

/// What the rows do not know by themselves: what is left with each payer, and what tasks have cost in this project.
/// The answer is what could not be had.
///
/// # Errors
/// A record of vk's own that cannot be read.
pub async fn fill(context: &Context, known: &Known, rows: &mut [PathRow]) -> Result<Option<String>, Failure> {
    let (ledger, note) = match known.ledger() {
        Ok(ledger) => (ledger, None),
        Err(failure) => (None, Some(format!("what tasks have cost here is not known: {}", failure.what))),
    };
    // What cannot be asked is not shown; the table stands without it.
    if let Ok(client) = Client::new(&context.env) {
        credits::fill(rows, &context.env, known, &client, ledger).await;
    }
    free::left::fill(rows, known)?;
    if let Some(ledger) = ledger {
        History::read(ledger, known)?.fill(rows, known);
    }
    Ok(note)
}

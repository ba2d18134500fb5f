//! `vk budget settle`: the provider's figure for a call whose cost nobody here knows.

use crate::base::clock;
use crate::base::money::Usd;
use crate::cli::context::Context;
use crate::cli::cost;
use crate::config::{self, Flags};
use crate::domain::failure::Failure;
use crate::ledger::query::UncertainCall;
use crate::ledger::{Corrected, LedgerError, Word};

/// How many uncertain calls are offered where none of that name is there.
const OFFERED: usize = 4;

pub(super) fn run(asked: &str, amount: Usd, context: &Context) -> Result<(), Failure> {
    let now = clock::now();
    let loaded = config::load(&context.env, &Flags::default())?;
    let Some(ledger) = cost::open(&loaded, now, context)? else {
        return Err(unknown(asked, amount, &[]).why("nothing has been spent yet"));
    };
    let uncertain = ledger.uncertain()?;
    let beginning: Vec<&UncertainCall> = uncertain.iter().filter(|call| call.attempt_id.starts_with(asked)).collect();
    let attempt = match beginning[..] {
        [call] => call.attempt_id.as_str(),
        [] => asked,
        _ if beginning.iter().any(|call| call.attempt_id == asked) => asked,
        _ => {
            let calls: Vec<UncertainCall> = beginning.into_iter().cloned().collect();
            let what = format!("more than one uncertain call begins with {asked}");
            return Err(offer(Failure::usage("ambiguous_attempt", what), amount, &calls));
        }
    };
    match ledger.correct(attempt, amount, Word::Person, now) {
        Ok(Corrected::Recorded { before, .. }) => {
            context.ui.say(&format!("{attempt}: {amount}, where budgets counted {before}"));
            Ok(())
        }
        Ok(Corrected::Live) => Err(Failure::usage("attempt_live", format!("{attempt} may be under way still"))
            .why("its process lives, or gave its last sign of life less than a minute ago")
            .fix("vk budget list")),
        Ok(Corrected::Known(cost)) => {
            let what = format!("what {attempt} cost is known already");
            let task = attempt.split('-').next().unwrap_or_default();
            let failure = Failure::usage("attempt_known", what).fix(format!("vk cost show {task}"));
            Err(cost.into_iter().fold(failure, |failure, cost| failure.why(format!("it was settled at {cost}"))))
        }
        Err(LedgerError::Missing { .. }) => Err(unknown(asked, amount, &uncertain)),
        Err(error) => Err(error.into()),
    }
}

fn unknown(asked: &str, amount: Usd, uncertain: &[UncertainCall]) -> Failure {
    let failure = Failure::usage("unknown_attempt", format!("no attempt has the id {asked}"));
    let failure = if uncertain.is_empty() { failure.why("no call is uncertain") } else { failure };
    offer(failure, amount, uncertain)
}

fn offer(failure: Failure, amount: Usd, calls: &[UncertainCall]) -> Failure {
    let commands = calls
        .iter()
        .take(OFFERED)
        .map(|call| format!("vk budget settle {} {}   # held {}", call.attempt_id, amount.exact(), call.held));
    commands.fold(failure, Failure::fix).fix("vk budget list")
}

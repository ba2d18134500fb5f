//! `vk cost reconcile`: the ledger beside the providers' bills.

use jiff::{Timestamp, ToSpan as _};

use super::args::{ListOutput, ReconcileArgs};
use super::context::Context;
use super::cost;
use crate::base::clock::Window;
use crate::base::secret::Secret;
use crate::config::Flags;
use crate::config::error::nearest;
use crate::credential::env_key;
use crate::domain::bill::BillLine;
use crate::domain::failure::{Failure, Status};
use crate::net::http::Client;
use crate::present;
use crate::present::cost::Style;
use crate::provider::bill::read_invoice;
use crate::task::prepare::Known;
use crate::task::reconcile::{self, Order};

/// More than any year's invoice.
const LARGEST_INVOICE: u64 = 64 << 20;

/// # Errors
/// Exit 2 for what was typed, 3 for a key that is refused, 6 where a provider does not answer, 9 for the ledger. Of
/// several providers the others are still told, and the first failure ends the command.
pub(super) async fn run(args: ReconcileArgs, now: Timestamp, context: &Context) -> Result<(), Failure> {
    let (since, until) = cost::period(args.since.as_deref(), args.until.as_deref(), "vk cost reconcile", now)?;
    let until = until.unwrap_or(now);
    let since = since.unwrap_or_else(|| until.checked_sub((7 * 24).hours()).unwrap_or(until));
    let last = until.checked_sub(1.millisecond()).unwrap_or(until);
    let (since, until) = (Window::Day.start(since), Window::Day.end(last));
    let known = Known::read(&context.env, &Flags::default(), &context.ui)?;
    let admin = args.admin_key.as_deref().map(|named| admin(named, &args, context)).transpose()?;
    let invoice = args.from.as_deref().map(|file| invoice(file, &args)).transpose()?;
    let Some(ledger) = cost::open(&known.loaded, now, context)? else {
        context.ui.say("Nothing has been spent yet: there is nothing to compare.");
        return present::stdout(&nothing(args.output));
    };
    let providers = match &args.provider {
        Some(name) => vec![checked(name, &known, &ledger.billed_providers(Timestamp::MIN, now)?)?],
        None => ledger.billed_providers(since, until)?,
    };
    if providers.is_empty() {
        context.ui.say("No call was charged to anybody in that time.");
        return present::stdout(&nothing(args.output));
    }
    let client = Client::new(&context.env)?;
    let order = Order { since, until, admin: admin.as_ref(), invoice: invoice.as_deref(), only_shown: args.dry_run };
    let (mut told, mut failed) = (Vec::new(), None);
    for name in &providers {
        match reconcile::provider(&order, name, &context.env, &known, &client, &ledger).await {
            Ok(mut reconciled) => {
                // What was named is an error where it cannot be; of all of them it is a line.
                if let Some(missing) = reconciled.missing.take_if(|_| args.provider.is_some()) {
                    failed = failed.or(Some(missing));
                }
                told.push(reconciled);
            }
            Err(failure) => failed = failed.or(Some(failure)),
        }
    }
    if failed.is_none() && told.iter().all(|one| one.rows.is_empty() && one.missing.is_none()) {
        context.ui.say(&format!("No call of {} was charged in that time.", providers.join(", ")));
    }
    present::stdout(&match args.output {
        ListOutput::Json => present::reconcile::json(&told),
        ListOutput::Table => present::reconcile::table(&told, args.dry_run, Style::of(&context.env, now)),
    })?;
    failed.map_or(Ok(()), Err)
}

fn nothing(output: ListOutput) -> String {
    match output {
        ListOutput::Json => present::reconcile::json(&[]),
        ListOutput::Table => String::new(),
    }
}

/// A provider of the configuration, or one that the ledger knows from before.
fn checked(name: &str, known: &Known, billed: &[String]) -> Result<String, Failure> {
    let configured = known.loaded.settings.providers.keys().map(String::as_str);
    let mut names = configured.chain(billed.iter().map(String::as_str));
    if names.clone().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let failure = Failure::usage("unknown_provider", format!("no provider is called {name}"));
    Err(match nearest(name, &mut names) {
        Some(near) => failure.fix(format!("vk cost reconcile {near}")),
        None => failure.fix("vk cost --by provider"),
    })
}

fn admin(named: &str, args: &ReconcileArgs, context: &Context) -> Result<Secret, Failure> {
    let provider = args.provider.as_deref().unwrap_or_default();
    let Some(name) = named.strip_prefix("env:") else {
        return Err(Failure::usage(
            "admin_key_not_named",
            "an administrator's key is taken from a variable, by its name",
        )
        .why("vk stores no key that can see and change a whole organization")
        .fix(format!("vk cost reconcile {provider} --admin-key env:{}_ADMIN_KEY", provider.to_uppercase())));
    };
    let secret = env_key(&context.env, name)?;
    let prefix = match provider {
        "anthropic" => "sk-ant-admin",
        "openai" => "sk-admin-",
        _ => return Ok(secret),
    };
    if secret.expose().starts_with(prefix) {
        return Ok(secret);
    }
    Err(Failure::new(
        Status::NoCredential,
        "not_an_admin_key",
        format!("{name} is no administrator's key of {provider}"),
    )
    .why(format!("those begin with {prefix}; nothing was sent"))
    .fix(format!("vk cost reconcile {provider} --from invoice.csv")))
}

fn invoice(file: &std::path::Path, args: &ReconcileArgs) -> Result<Vec<BillLine>, Failure> {
    let wrong = |why: String| {
        let provider = args.provider.as_deref().unwrap_or_default();
        Failure::usage("bad_invoice", format!("{} is no bill that can be read", file.display()))
            .why(why)
            .fix(format!("vk cost reconcile {provider} --from FILE.csv   # with the columns date, model, cost"))
    };
    let found = std::fs::metadata(file).map_err(|error| wrong(error.to_string()))?;
    if !found.is_file() {
        return Err(wrong("it is not a regular file".to_owned()));
    }
    let size = found.len();
    if size > LARGEST_INVOICE {
        return Err(wrong(format!("it has {size} bytes; {LARGEST_INVOICE} are the most")));
    }
    let bytes = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    read_invoice(&bytes).map_err(|error| wrong(error.to_string()))
}

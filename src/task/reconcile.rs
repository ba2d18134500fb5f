//! `vk cost reconcile`: the ledger beside what the providers say that they charged. What was estimated or uncertain is
//! settled by their figure; what does not fit is only shown.

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::prepare::{self, Known};
use crate::base::clock;
use crate::base::env::Env;
use crate::base::money::Usd;
use crate::base::secret::Secret;
use crate::domain::bill::{self, BillLine, BillRow, BilledCall};
use crate::domain::failure::{Failure, Status};
use crate::domain::route::CredentialRef;
use crate::ledger::{Corrected, Ledger, Word};
use crate::net::http::Client;
use crate::provider::bill::{ReportError, ReportPeriod, charged, keeps_records, reporter};
use crate::provider::{CallError, CallErrorKind, Endpoint};

/// How many records are asked for at once, and of how many calls at most: the newest.
const AT_ONCE: usize = 8;
const MOST_RECORDS: usize = 2_000;

/// What is reconciled.
pub struct Order<'a> {
    /// Where a UTC day begins, both: bills know no shorter time.
    pub since: Timestamp,
    pub until: Timestamp,
    /// An administrator's key, for the providers whose reports need one.
    pub admin: Option<&'a Secret>,
    /// A bill from a file, in place of what the provider would answer.
    pub invoice: Option<&'a [BillLine]>,
    /// Nothing is recorded.
    pub only_shown: bool,
}

/// One provider's side and vk's.
pub struct Reconciled {
    pub provider: String,
    /// Where the figures are from.
    pub source: &'static str,
    pub rows: Vec<BillRow>,
    /// Why there is nothing to compare with, and the command that changes it.
    pub missing: Option<Failure>,
}

/// Compares one provider and records what its bill settles.
///
/// # Errors
/// The provider refuses or does not answer, a key that cannot be read, a ledger that cannot record.
pub async fn provider(
    order: &Order<'_>,
    name: &str,
    env: &Env,
    known: &Known,
    client: &Client,
    ledger: &Ledger,
) -> Result<Reconciled, Failure> {
    let calls = ledger.billed_calls(name, order.since, order.until)?;
    let settings = known.loaded.settings.providers.get(name);
    let endpoint = settings.map(|settings| Endpoint::configured(name, settings));
    let found = match (order.invoice, &endpoint) {
        (Some(lines), _) => ("the invoice", bill::compare(&within(lines, order), &calls, today())),
        (None, Some(endpoint)) if keeps_records(endpoint) => {
            let calls = with_records(calls, name, endpoint, env, known, client).await?;
            ("its record of each call", bill::by_records(&calls))
        }
        (None, Some(endpoint)) => match (reporter(name), order.admin) {
            (Some(reporter), Some(admin)) => {
                let lines = reporter.report(client, endpoint, admin, days(order)).await;
                let lines = lines.map_err(|error| not_reported(error, name))?;
                ("its cost report", bill::compare(&lines, &calls, today()))
            }
            (reports, _) => return Ok(missing(name, reports.is_some())),
        },
        (None, None) => return Ok(missing(name, false)),
    };
    let (source, rows) = found;
    if !order.only_shown {
        record(&rows, ledger)?;
    }
    Ok(Reconciled { provider: name.to_owned(), source, rows, missing: None })
}

fn record(rows: &[BillRow], ledger: &Ledger) -> Result<(), Failure> {
    let now = clock::now();
    for (attempt, cost) in rows.iter().flat_map(|row| &row.settled) {
        match ledger.correct(attempt, *cost, Word::Provider, now)? {
            // Settled by another process meanwhile, by the same figure or a better one.
            Corrected::Recorded { .. } | Corrected::Known(_) | Corrected::Live => {}
        }
    }
    Ok(())
}

fn day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

fn today() -> Date {
    day(clock::now())
}

fn days(order: &Order<'_>) -> ReportPeriod {
    ReportPeriod { from: day(order.since), until: day(order.until) }
}

fn within(lines: &[BillLine], order: &Order<'_>) -> Vec<BillLine> {
    let ReportPeriod { from, until } = days(order);
    lines.iter().filter(|line| line.day >= from && line.day < until).cloned().collect()
}

/// Each call with the gateway's figure of it. A key that is not there any more can ask for nothing.
async fn with_records(
    calls: Vec<BilledCall>,
    name: &str,
    endpoint: &Endpoint,
    env: &Env,
    known: &Known,
    client: &Client,
) -> Result<Vec<(BilledCall, Option<Usd>)>, Failure> {
    let mut labels: Vec<Option<String>> = calls.iter().map(|call| call.key_label.clone()).collect();
    labels.sort();
    labels.dedup();
    let mut secrets = Vec::new();
    for label in labels.into_iter().flatten() {
        let credential = credential(name, &label, env, known);
        let secret = match credential {
            Some(credential) => prepare::secret(env, known, name, &endpoint.base_url, &credential)?,
            None => None,
        };
        secrets.extend(secret.map(|secret| (label, secret)));
    }
    let secrets = &secrets;
    let skipped = calls.len().saturating_sub(MOST_RECORDS);
    let asked = stream::iter(calls.into_iter().skip(skipped)).map(|call| async move {
        let label = call.key_label.as_deref().unwrap_or_default();
        let secret = secrets.iter().find(|(of, _)| of == label).map(|(_, secret)| secret);
        let figure = match (secret, &call.response_id) {
            (Some(secret), Some(id)) => charged(client, endpoint, secret, id).await,
            _ => Ok(None),
        };
        figure.map(|figure| (call, figure))
    });
    let answers: Vec<Result<_, CallError>> = asked.buffered(AT_ONCE).collect().await;
    answers
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| refused(error, name, "vk keys test   # which keys are taken".to_owned()))
}

/// The key of this label as it is now.
fn credential(provider: &str, label: &str, env: &Env, known: &Known) -> Option<CredentialRef> {
    if let Some(name) = label.strip_prefix("env:") {
        let fingerprint = crate::credential::env_key(env, name).ok()?.fingerprint();
        return Some(CredentialRef::Env { name: name.to_owned(), fingerprint });
    }
    let key = known.keys.iter().find(|key| key.provider == provider && key.label == label)?;
    Some(CredentialRef::Stored {
        provider: provider.to_owned(),
        label: label.to_owned(),
        fingerprint: key.fingerprint.clone(),
    })
}

fn missing(name: &str, has_report: bool) -> Reconciled {
    let failure = Failure::usage("no_bill", format!("{name} was not asked what it charged"));
    let failure = if has_report {
        let variable = format!("{}_ADMIN_KEY", name.to_uppercase());
        failure
            .why("its cost report needs an administrator's key, which can call no model")
            .fix(format!("vk cost reconcile {name} --admin-key env:{variable}"))
    } else {
        failure.why("it has no record of single calls and no cost report that vk knows")
    };
    let failure = failure.fix(format!("vk cost reconcile {name} --from invoice.csv"));
    Reconciled { provider: name.to_owned(), source: "", rows: Vec::new(), missing: Some(failure) }
}

fn not_reported(error: ReportError, name: &str) -> Failure {
    match error {
        ReportError::Call(error) => {
            let variable = format!("{}_ADMIN_KEY", name.to_uppercase());
            let other =
                format!("vk cost reconcile {name} --admin-key env:{variable}   # with a key that may read costs");
            refused(*error, name, other)
        }
        other => Failure::new(Status::ProviderFailed, "no_bill_answer", format!("{name} did not tell what it charged"))
            .why(format!("{other}; nothing was settled"))
            .fix("vk doctor   # where its address comes from"),
    }
}

/// `other_key`: the command for a key that was not taken.
fn refused(error: CallError, name: &str, other_key: String) -> Failure {
    let again = format!("vk cost reconcile {name}   # in a while: nothing was settled");
    let (status, code, fix) = match error.kind {
        CallErrorKind::Unauthorized | CallErrorKind::Forbidden => (Status::NoCredential, "bill_refused", other_key),
        CallErrorKind::RateLimited
        | CallErrorKind::Overloaded
        | CallErrorKind::Server
        | CallErrorKind::Timeout
        | CallErrorKind::Transport
        | CallErrorKind::Interrupted => (Status::ProviderFailed, "no_bill_answer", again),
        _ => (Status::ProviderFailed, "no_bill_answer", "vk doctor   # where its address comes from".to_owned()),
    };
    Failure::new(status, code, format!("{name} did not tell what it charged"))
        .why(error.message)
        .fix(fix)
        .fix(format!("vk cost reconcile {name} --from invoice.csv"))
}

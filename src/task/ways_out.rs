//! What is left to a person whose payer cannot pay: who else is set up and could go on with the task, as commands.
//! Nothing is chosen here, and nothing is tried; the law stays that only the person moves a task to another payer.

use super::prepare::Known;
use crate::base::shell;
use crate::config::{Payer, Source};
use crate::domain::failure::{Failure, Status};
use crate::domain::path::Auth;
use crate::domain::route::{CredentialRef, Route};

/// More than this is a list and no way out.
const MOST: usize = 4;
/// The flag that names another payer is where these routes would come from.
const TYPED: Source = Source::Flag("--path");

/// The failure of a payer that cannot pay, with a command for each other payer that is set up.
#[must_use]
pub fn offered(mut failure: Failure, known: &Known, tried: &[&Route], task: &str) -> Failure {
    if failure.status != Status::PayerBlocked {
        return failure;
    }
    let others = payers(known).into_iter().filter_map(|payer| {
        let (route, _) = known.decide_for(&payer, &TYPED, task).ok()?;
        let is_tried = tried.iter().any(|tried| same_payer(tried, &route));
        (!is_tried).then(|| command(known, &payer, &route))
    });
    let others: Vec<String> = others.take(MOST).collect();
    failure.fix.splice(0..0, others);
    failure
}

fn same_payer(one: &Route, other: &Route) -> bool {
    one.path == other.path
        && one.provider == other.provider
        && one.credential.fingerprint() == other.credential.fingerprint()
}

/// Everybody there is a credential for, or who takes none.
fn payers(known: &Known) -> Vec<Payer> {
    let of_provider = |(name, settings): (&String, &crate::config::ProviderSettings)| {
        let payer = |key: Option<String>| Payer { path: settings.kind, provider: name.clone(), key };
        if settings.is_unnamed_server() {
            return Vec::new();
        }
        if settings.auth == Auth::None {
            return vec![payer(None)];
        }
        let labels = known.keys.iter().filter(|key| key.provider == *name).map(|key| key.label.clone());
        labels.map(|label| payer(Some(label))).collect()
    };
    known.loaded.settings.providers.iter().flat_map(of_provider).collect()
}

/// `vk run --continue --path byok --provider openai --key default`, and the model where the one that is asked for is
/// not offered there.
fn command(known: &Known, payer: &Payer, route: &Route) -> String {
    let mut command = vec![format!("vk run --continue --path {} --provider {}", payer.path, payer.provider)];
    if let CredentialRef::Stored { label, .. } = &route.credential {
        command.push(format!("--key {label}"));
    }
    let step = route.steps.iter().find(|step| step.decision == "model");
    if let Some(wished) = &known.loaded.settings.model {
        let is_offered = step.is_some_and(|step| step.source == wished.source.to_string());
        match (&wished.source, is_offered) {
            (Source::Flag(_), true) => command.push(format!("--model {}", shell::word(&wished.value))),
            // The file or the variable goes on saying it.
            (_, true) => {}
            (_, false) => command.push(format!("--model {}", shell::word(&route.model))),
        }
    }
    command.join(" ")
}

/// The failure of a payer after which an edge of the user's, `shown`, led to one that cannot be used: the first cause
/// stands, and what would mend either is offered.
#[must_use]
pub fn edge_failed(first: Failure, shown: &str, second: &Failure) -> Failure {
    both(first, &format!("the fallback {shown} failed too: {}", second.what), second)
}

/// How a task ends that went on along an edge: by the first cause where the other payer could not be used either, else
/// by what ended it there.
#[must_use]
pub fn first_cause(first: Option<Failure>, last: Failure) -> Failure {
    match first {
        Some(first) if matches!(last.status, Status::PayerBlocked | Status::ProviderFailed | Status::NoCredential) => {
            both(first, &format!("the other payer failed too: {}", last.message()), &last)
        }
        _ => last,
    }
}

fn both(mut first: Failure, then: &str, second: &Failure) -> Failure {
    let why = first.why.take();
    first.why = Some(why.map_or_else(|| then.to_owned(), |why| format!("{why}\n{then}")));
    for fix in second.fix.iter().filter(|fix| fix.starts_with("vk ")) {
        if !first.fix.contains(fix) {
            first.fix.push(fix.clone());
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_stands_unless_the_other_payer_got_further() {
        let blocked =
            || Failure::new(Status::PayerBlocked, "payer_blocked", "a cannot pay").why("no credit").fix("vk route");
        let down =
            Failure::new(Status::ProviderFailed, "overloaded", "b is overloaded").fix("vk route").fix("vk doctor");
        let told = first_cause(Some(blocked()), down.clone());
        assert_eq!((told.code, told.exit_code()), ("payer_blocked", 4));
        assert_eq!(told.why.as_deref(), Some("no credit\nthe other payer failed too: b is overloaded"));
        assert_eq!(told.fix, ["vk route", "vk doctor"]);
        let check = Failure::new(Status::CheckFailed, "check_failed", "a check still fails");
        assert_eq!(first_cause(Some(blocked()), check.clone()), check);
        let no_key =
            Failure::new(Status::NoCredential, "no_key", "no key of b is stored").fix("--key x").fix("vk keys add b");
        let told = edge_failed(blocked(), "x -> y", &no_key);
        assert_eq!(told.fix, ["vk route", "vk keys add b"]);
        assert!(told.why.unwrap().ends_with("the fallback x -> y failed too: no key of b is stored"));
    }
}

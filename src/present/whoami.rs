//! `vk whoami` as a table and as JSON: whose each credential is, never the credential.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::json::text;
use super::keys::account;
use super::table::{cell, hanging, new_table, render};
use crate::base::clock;
use crate::credential::KeyInfo;
use crate::domain::failure::Failure;
use crate::domain::route::{CredentialRef, Route};
use crate::routing::plan::{PlanFact, Standing};

/// Everything that is known, and what this project does with it.
pub struct Identity<'a> {
    pub project: &'a str,
    pub route: Result<&'a Route, &'a Failure>,
    pub rows: Vec<Row>,
    /// Other programs' own logins, which vk never reads.
    pub programs: &'a [PlanFact],
}

/// One stored credential.
#[derive(Clone, Debug)]
pub struct Row {
    pub key: KeyInfo,
    /// Quota or credits, as people read it.
    pub left: Option<String>,
    /// Why it cannot be used as it is.
    pub problem: Option<Failure>,
}

impl Identity<'_> {
    /// Whether the project's route pays with it.
    fn pays_with(&self, key: &KeyInfo) -> bool {
        matches!(self.route.map(|route| &route.credential),
            Ok(CredentialRef::Stored { provider, label, .. }) if *provider == key.provider && *label == key.label)
    }

    /// Why this one: the decision's own step.
    fn reason(&self) -> Option<String> {
        let step = self.route.ok()?.steps.iter().find(|step| step.decision == "key")?;
        Some(format!("{} ({})", step.reason, step.source))
    }
}

#[must_use]
pub fn json(identity: &Identity<'_>) -> String {
    let rows = identity.rows.iter().map(|row| {
        let key = &row.key;
        let used = identity.pays_with(key);
        json!({
            "provider": key.provider,
            "kind": key.kind.as_str(),
            "label": key.label,
            "fingerprint": key.fingerprint,
            "account": key.account,
            "organization": key.organization,
            "plan": key.plan,
            "expires_at": key.expires_at.map(clock::rfc3339),
            "store": key.store.as_str(),
            "left": row.left,
            "used_here": used,
            "reason": if used { identity.reason() } else { None },
            "error": row.problem,
        })
    });
    let programs = identity.programs.iter().map(|fact| {
        let (account, plan) = fact.standing.whose();
        json!({
            "program": fact.provider,
            "standing": standing(&fact.standing),
            "account": account,
            "plan": plan,
        })
    });
    let route = identity.route.ok();
    text(&json!({
        "project": identity.project,
        "path": route.map(|route| route.path),
        "provider": route.map(|route| &route.provider),
        "payer": route.map(|route| &route.payer),
        "error": identity.route.err(),
        "credentials": rows.collect::<Vec<Value>>(),
        "programs": programs.collect::<Vec<Value>>(),
    }))
}

#[must_use]
pub fn table(identity: &Identity<'_>, width: Option<u16>) -> String {
    let mut shown = String::new();
    if identity.rows.is_empty() {
        shown.push_str("Nothing is stored. Log in with vk login openrouter, or store a key with vk keys add.\n");
    } else {
        let mut table = new_table(
            &["", "provider", "label", "kind", "fingerprint", "account", "plan", "token ends", "store"],
            width,
        );
        for row in &identity.rows {
            let key = &row.key;
            table.add_row([
                cell(if identity.pays_with(key) { "*" } else { "" }),
                cell(&key.provider),
                cell(&key.label),
                cell(key.kind.as_str()),
                cell(&key.fingerprint),
                cell(account(key)),
                cell(key.plan.as_deref().unwrap_or("-")),
                cell(&key.expires_at.map_or_else(|| "-".to_owned(), minute)),
                cell(key.store.as_str()),
            ]);
        }
        shown.push_str(&render(&table));
    }
    for row in &identity.rows {
        let name = format!("{}: ", row.key.name());
        if let Some(left) = &row.left {
            shown.push_str(&hanging(&name, left, width));
        }
        if let Some(problem) = &row.problem {
            let fix = problem.fix.first().map(|fix| format!("; {fix}")).unwrap_or_default();
            shown.push_str(&hanging(&name, &format!("{}{fix}", problem.message()), width));
        }
    }
    for fact in identity.programs {
        let (account, plan) = fact.standing.whose();
        let plan = plan.map(|plan| format!("plan {plan}"));
        let of: Vec<String> = account.map(str::to_owned).into_iter().chain(plan).collect();
        let of = if of.is_empty() { String::new() } else { format!(" ({})", of.join(", ")) };
        let name = format!("the program {}: ", fact.provider);
        shown.push_str(&hanging(&name, &format!("{}{of}", standing(&fact.standing)), width));
    }
    let here = match identity.route {
        Ok(route) => match identity.reason() {
            Some(reason) if matches!(route.credential, CredentialRef::Stored { .. }) => {
                format!("* {}; {reason}", route.line())
            }
            _ => route.line(),
        },
        Err(failure) => format!("nobody yet: {}", failure.what),
    };
    shown.push_str(&hanging(&format!("{} pays with: ", identity.project), &here, width));
    shown
}

/// In a few words.
fn standing(standing: &Standing) -> String {
    match standing {
        Standing::LoggedIn { .. } => "logged in with a plan".to_owned(),
        Standing::NoPlan(with) => format!("logged in with {with}, which is billed per token"),
        Standing::LoggedOut => "not logged in".to_owned(),
        Standing::Missing => "not installed".to_owned(),
        Standing::TooOld { found, needed } => format!("at version {found}, and vk needs {needed} or newer"),
        Standing::Unclear(why) => format!("did not say whether it is logged in: {why}"),
    }
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

//! What `--debug` tells of each request to a model: where it went, how large it was, how it ended and after how long.
//! Nothing of what is in it, and no secret.

use std::fmt::Write as _;
use std::time::Instant;

use super::call::Attempt;
use crate::domain::ui::Ui;
use crate::provider::{AnswerFacts, Prepared};

/// Before it is sent.
pub(super) fn sending(ui: &dyn Ui, attempt_id: &str, prepared: &Prepared) {
    ui.debug(&format!("{attempt_id}: POST {}, {} bytes", prepared.url, prepared.body.len()));
}

/// Once it has ended.
pub(super) fn ended(ui: &dyn Ui, attempt_id: &str, started: Instant, attempt: &Attempt) {
    let mut line = format!("{attempt_id}: ");
    let _ = match attempt {
        Attempt::Answered(answer) => write!(line, "answered{}", told(&answer.facts)),
        Attempt::Failed(error) => {
            let wait =
                error.retry_after.map(|wait| format!(", retry after {} ms", wait.as_millis())).unwrap_or_default();
            let cost = if error.may_have_cost() { ", may have cost" } else { "" };
            write!(line, "{}{}{wait}{cost}", error.kind.as_str(), told(&error.facts))
        }
        Attempt::Cancelled(_) => write!(line, "cancelled"),
    };
    let _ = write!(line, ", after {} ms", started.elapsed().as_millis());
    ui.debug(&line);
}

fn told(facts: &AnswerFacts) -> String {
    let mut told = facts.http_status.map(|status| format!(", HTTP {status}")).unwrap_or_default();
    for (what, value) in [("request", &facts.request_id), ("organization", &facts.organization)] {
        if let Some(value) = value {
            let _ = write!(told, ", {what} {value}");
        }
    }
    told
}

//! `vk cost` as JSON. The fields of a report are a contract (DESIGN 6): money is decimal strings, `null` is
//! unknown and never absent, fields are only added.

use serde_json::{Value, json};

use crate::base::clock::rfc3339;
use crate::ledger::WindowUse;
use crate::ledger::query::{CallRow, GroupRow, Report, Rows, Spend, TaskRecord, TaskRow};
use crate::present::json::text;

pub(super) fn report(report: &Report) -> String {
    let rows: Vec<Value> = match &report.rows {
        Rows::Tasks(rows) => rows.iter().map(task_row).collect(),
        Rows::Groups(rows) => rows.iter().map(group_row).collect(),
    };
    text(&json!({ "rows": rows, "totals": totals(&report.total) }))
}

fn task_row(row: &TaskRow) -> Value {
    json!({
        "task_id": row.task_id,
        "tool": row.tool,
        "session": row.session,
        "started_at": rfc3339(row.started_at),
        "project": row.project,
        "path": row.path,
        "provider": row.provider,
        "payer": row.payer,
        "key_label": row.key_label,
        "model": row.model,
        "calls": row.spend.calls(),
        "usage": row.spend.usage,
        "list_usd": row.spend.list.exact(),
        "billed_usd": row.spend.charged().exact(),
        "cost_state": row.state,
        "status": row.status,
    })
}

fn group_row(row: &GroupRow) -> Value {
    json!({
        "group": row.group,
        "calls": row.spend.calls(),
        "usage": row.spend.usage,
        "list_usd": row.spend.list.exact(),
        "billed_usd": row.spend.charged().exact(),
        "cost_state": row.state,
    })
}

fn totals(total: &Spend) -> Value {
    json!({
        "billed": total.billed,
        "estimated": total.estimated,
        "covered_list": total.covered_list.exact(),
        "free_list": total.free_list.exact(),
        "unknown_calls": total.counts.unknown,
    })
}

/// `vk cost show`: the task and its attempts.
pub(super) fn task(task: &TaskRecord, calls: &[CallRow], plans: &[WindowUse]) -> String {
    let calls: Vec<Value> = calls.iter().map(call).collect();
    text(&json!({
        "task_id": task.task_id,
        "tool": task.tool,
        "session": task.session,
        "user": task.user,
        "project": task.project,
        "task": task.words,
        "path": task.path,
        "provider": task.provider,
        "payer": task.payer,
        "key_label": task.key_label,
        "key_fingerprint": task.key_fingerprint,
        "model": task.model,
        "engine": task.engine,
        "cap_usd": task.cap,
        "started_at": rfc3339(task.started_at),
        "finished_at": task.finished_at.map(rfc3339),
        "status": task.status,
        "exit_code": task.exit_code,
        "turns": task.turns,
        "usage": task.spend.usage,
        "list_usd": task.spend.list.exact(),
        "billed_usd": task.spend.charged().exact(),
        "cost_state": task.spend.state(),
        "totals": totals(&task.spend),
        "calls": calls,
        "plans": plans.iter().map(window).collect::<Vec<_>>(),
    }))
}

/// What a plan said of one of its windows, at the task's beginning and last.
fn window(used: &WindowUse) -> Value {
    json!({
        "provider": used.provider,
        "account": used.account,
        "window": used.window.name,
        "used_before": used.used_before,
        "used_after": used.window.used,
        "resets_at": used.window.resets_at.map(rfc3339),
        "seen_at": rfc3339(used.seen_at),
    })
}

fn call(call: &CallRow) -> Value {
    let price = call.price.as_ref().map(|p| json!({ "source": p.source, "as_of": p.as_of, "hash": p.hash }));
    json!({
        "attempt_id": call.attempt_id,
        "call": call.call_no,
        "attempt": call.attempt_no,
        "state": call.state.as_str(),
        "sent_at": rfc3339(call.sent_at),
        "path": call.path,
        "provider": call.provider,
        "payer": call.payer,
        "key_label": call.key_label,
        "key_fingerprint": call.key_fingerprint,
        "model": call.model,
        "usage": call.usage,
        "hold_usd": call.hold,
        "list_usd": call.list,
        "billed_usd": call.billed,
        "cost_state": call.cost_state,
        "proof": call.proof,
        "outcome": call.outcome,
        "http_status": call.http_status,
        "request_id": call.request_id,
        "response_id": call.response_id,
        "organization": call.organization,
        "price": price,
        "markup": call.markup.to_string(),
        "duration_ms": call.duration_ms,
    })
}

//! What is said when a task ends: what came of it, what it cost, who paid, and what to type next.

use std::fmt::Write as _;

use super::escape::{columns, escape_line};
use super::screen::{Paint, seconds};
use super::table::fold;
use crate::base::money::Usd;
use crate::base::shell;
use crate::domain::cost::CostState;
use crate::domain::event::{FileChange, PayerShare, TaskFinished, WorktreeUsed};
use crate::domain::failure::Status;
use crate::domain::usage::Usage;

/// Changed files that are listed; more become a count.
const FILES_SHOWN: usize = 20;

/// The summary, in lines of at most `width`. `spent` is the billed and estimated money of the calls that were settled, `cap` the task's cap.
pub(super) fn text(end: &TaskFinished, spent: Usd, cap: Option<Usd>, paint: Paint, width: Option<usize>) -> String {
    let mut shown = String::new();
    shown.push_str(&fold(&headline(end, paint), width, "", "  "));
    files(&mut shown, &end.files_changed, paint);
    let mut row = |label: &str, text: &str| {
        let width = width.filter(|_| !text.starts_with("vk ") && !text.starts_with("git "));
        shown.push_str(&fold(text, width, &format!("  {}", paint.dim(&format!("{label:<9}"))), &" ".repeat(11)));
    };
    for check in &end.checks {
        let mark = if check.ok { paint.good("✓ passed") } else { paint.bad("✗ failed") };
        let rounds = if check.rounds > 1 { format!(" (round {})", check.rounds) } else { String::new() };
        row("check", &format!("{} {mark}{rounds}", escape_line(&check.command)));
    }
    if !end.payers.is_empty() {
        row("tokens", &tokens(&end.usage));
        row("cost", &cost_line(end, spent, cap));
        payers(&mut row, end);
        if let Some(left) = &end.credits {
            row("credits", &left.to_string());
        }
    } else if end.uncharged_attempts > 0 {
        let failed = count(u64::from(end.uncharged_attempts), "attempt", "attempts");
        row("cost", &format!("{failed} failed, nothing was charged"));
    } else if end.status == Status::Budget {
        row("cost", "nothing: no call was made");
    }
    for alert in &end.budgets {
        row("budget", &escape_line(&alert.to_string()));
    }
    if let Some(sandbox) = &end.sandbox {
        row("sandbox", &escape_line(sandbox));
    }
    for refused in &end.refused {
        row("refused", &escape_line(refused));
    }
    // What the demo did is gone with its folder.
    if let Some(id) = end.task_id.as_ref().filter(|_| end.cost_state != Some(CostState::Rehearsed)) {
        if let Some(commit) = &end.commit {
            row("commit", &commit[..commit.len().min(12)]);
        }
        if let Some(address) = &end.pull_request {
            row("request", &escape_line(address));
        }
        if !end.files_changed.is_empty() {
            row("undo", &format!("vk tasks undo {id}"));
        }
        if let Some(used) = end.worktree.as_ref().filter(|used| !used.removed) {
            worktree(&mut row, used, id, end.commit.is_some());
        }
        // Once the sandbox stands there is a transcript to go on from.
        if end.sandbox.is_some() {
            let again = if end.worktree.as_ref().is_some_and(|used| used.removed) { " --worktree" } else { "" };
            row("go on", &format!("vk run --continue={id}{again} \"...\""));
        }
    }
    shown
}

/// Where the work is, how it comes into the user's own tree, and how it goes.
fn worktree(row: &mut impl FnMut(&str, &str), used: &WorktreeUsed, id: &str, committed: bool) {
    let WorktreeUsed { path, branch, .. } = used;
    row("worktree", &escape_line(&format!("{path} (branch {branch})")));
    let branch = shell::word(branch);
    let take = if committed { format!("git merge {branch}") } else { format!("vk tasks diff {id} | git apply") };
    row("take", &take);
    row("remove", &format!("git worktree remove --force {} && git branch -D {branch}", shell::word(path)));
}

fn headline(end: &TaskFinished, paint: Paint) -> String {
    if end.status == Status::Done && end.task_id.is_none() {
        return paint.good("dry run: nothing was sent");
    }
    let why = match end.status {
        Status::Done | Status::CheckFailed | Status::ProviderFailed | Status::Interrupted => "",
        Status::GaveUp => ": the model did not finish",
        Status::Limit => ": turns, time or context are used up",
        Status::Usage => ": not started",
        Status::NoCredential => ": no key or login can be used",
        Status::PayerBlocked => ": the payer cannot pay",
        Status::Contradicted => ": another payer than the one shown was charged",
        Status::Budget => ": it is used up",
        Status::Untrusted => ": not trusted, or an approval was needed",
        Status::NoSandbox => ": commands cannot be held",
        Status::Ledger => ": it cannot record",
    };
    let words = format!("{}{why}", status_words(end.status.as_str()));
    let words = words.as_str();
    let words = if end.status == Status::Done { paint.good(words) } else { paint.bad(words) };
    let mut parts = vec![words];
    if end.turns > 0 {
        parts.push(count(u64::from(end.turns), "turn", "turns"));
    }
    parts.push(match end.files_changed.len() {
        0 => "no files changed".to_owned(),
        n => count(n as u64, "file changed", "files changed"),
    });
    parts.push(seconds(end.duration_ms));
    parts.join(" · ")
}

fn files(shown: &mut String, changes: &[FileChange], paint: Paint) {
    let names: Vec<_> = changes.iter().take(FILES_SHOWN).map(|change| escape_line(&change.path)).collect();
    let width = names.iter().map(|name| columns(name)).max().unwrap_or(0).min(60);
    for (name, change) in names.iter().zip(changes) {
        let pad = " ".repeat(width.saturating_sub(columns(name)));
        let _ = writeln!(shown, "  {name}{pad}  {}", difference(change, paint));
    }
    if changes.len() > FILES_SHOWN {
        let _ = writeln!(shown, "  and {} more", changes.len() - FILES_SHOWN);
    }
}

fn difference(change: &FileChange, paint: Paint) -> String {
    match (change.added, change.removed) {
        (Some(added), Some(removed)) => {
            format!("{} {}", paint.good(&format!("+{added}")), paint.bad(&format!("−{removed}")))
        }
        _ => "binary".to_owned(),
    }
}

/// `12,345 in · 80,000 cached · 2,000 to cache · 1,234 out`: the words of every table. The kinds never overlap.
pub(super) fn tokens(usage: &Usage) -> String {
    let written = usage.cache_written();
    let mut parts = vec![format!("{} in", thousands(usage.input))];
    if usage.cache_read > 0 {
        parts.push(format!("{} cached", thousands(usage.cache_read)));
    }
    if written > 0 {
        parts.push(format!("{} to cache", thousands(written)));
    }
    parts.push(format!("{} out", thousands(usage.output)));
    parts.join(" · ")
}

/// An amount with what is known of it. An unknown part is never shown as nothing: `>= $x`, or `?` alone.
#[must_use]
pub fn cost_words(cost: Option<Usd>, state: Option<CostState>, known: Usd) -> String {
    match (state, cost) {
        (None, _) => "nothing: no call was charged".to_owned(),
        (Some(CostState::Covered), _) => "covered by the plan, nothing per token".to_owned(),
        (Some(CostState::Free), _) => "$0.00, free".to_owned(),
        (Some(CostState::Rehearsed), _) => "nothing, rehearsed".to_owned(),
        (Some(CostState::Billed), Some(cost)) => cost.to_string(),
        (Some(CostState::Estimated), Some(cost)) => format!("{cost}, estimated"),
        (Some(_), _) if known.is_zero() => "? (no price or no usage was reported)".to_owned(),
        (Some(_), _) => format!(">= {known} (a part is unknown)"),
    }
}

fn cost_line(end: &TaskFinished, spent: Usd, cap: Option<Usd>) -> String {
    if end.status == Status::Ledger && end.cost_state == Some(CostState::Unknown) && spent.is_zero() {
        return "? (the ledger could not record it)".to_owned();
    }
    let mut line = cost_words(end.cost_usd, end.cost_state, spent);
    let same = matches!(end.cost_state, Some(CostState::Billed | CostState::Estimated)) && end.cost_usd == end.list_usd;
    if let Some(list) = end.list_usd.filter(|_| !same) {
        let _ = write!(line, " · at list price {list}");
    }
    if let Some(cap) = cap {
        let _ = write!(line, " · stops at {cap}");
    }
    line
}

fn payers(row: &mut impl FnMut(&str, &str), end: &TaskFinished) {
    let several = end.payers.len() > 1;
    for share in &end.payers {
        let mut line = payer_words(share);
        if several {
            let _ = write!(line, " · {}", cost_words(share.cost_usd, Some(share.cost_state), Usd::ZERO));
        } else if let Some(proof) = end.proof {
            let _ = write!(line, " · {}", proof.as_str());
        }
        row("paid by", &line);
    }
    if let Some(proof) = end.proof.filter(|_| several) {
        row("proof", proof.as_str());
    }
}

pub(super) fn payer_words(share: &PayerShare) -> String {
    let mut parts = vec![share.path.as_str(), share.provider.as_str()];
    let key = share.key_label.as_ref().map(|label| format!("key {label}"));
    parts.extend(key.as_deref());
    parts.push(share.payer.as_str());
    escape_line(&parts.join(" · ")).into_owned()
}

/// A status as people read it, in tables and sentences alike: `check failed`.
#[must_use]
pub fn status_words(status: &str) -> String {
    status.replace('_', " ")
}

/// `1 turn`, `3 turns`.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// Digits in groups of three.
#[must_use]
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut shown = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::cost::Proof;
    use crate::domain::event::CheckResult;

    pub(in crate::present) fn finished() -> TaskFinished {
        TaskFinished {
            task_id: Some("t01jd3k9x2".into()),
            status: Status::Done,
            exit_code: 0,
            error: None,
            turns: 3,
            usage: Usage { input: 1_234, cache_read: 80_000, cache_write_5m: 2_000, output: 912, ..Usage::default() },
            cost_usd: Some(Usd::from_nanos(41_200_000)),
            cost_state: Some(CostState::Billed),
            list_usd: Some(Usd::from_nanos(41_200_000)),
            payers: vec![PayerShare {
                path: "byok".into(),
                provider: "anthropic".into(),
                payer: "you pay Anthropic at list price".into(),
                key_label: Some("client-a".into()),
                cost_usd: Some(Usd::from_nanos(41_200_000)),
                cost_state: CostState::Billed,
            }],
            proof: Some(Proof::Verified),
            sandbox: Some("full".into()),
            files_changed: vec![
                FileChange { path: "src/lib.rs".into(), added: Some(12), removed: Some(4) },
                FileChange { path: "assets/日本.png".into(), added: None, removed: None },
            ],
            checks: vec![CheckResult { command: "cargo test".into(), ok: true, rounds: 2 }],
            answer: Some("Fixed.".into()),
            refused: vec!["network: crates.io (nobody was there to answer)".into()],
            uncharged_attempts: 0,
            credits: None,
            duration_ms: 72_400,
            budgets: Vec::new(),
            worktree: None,
            commit: None,
            pull_request: None,
            mcp: Vec::new(),
        }
    }

    fn shown(end: &TaskFinished) -> String {
        text(end, Usd::from_nanos(41_200_000), Some(Usd::from_cents(500)), Paint(false), None)
    }

    #[test]
    fn a_task_that_is_done() {
        insta::assert_snapshot!(shown(&finished()), @r#"
        done · 3 turns · 2 files changed · 1m 12s
          src/lib.rs       +12 −4
          assets/日本.png  binary
          check    cargo test ✓ passed (round 2)
          tokens   1,234 in · 80,000 cached · 2,000 to cache · 912 out
          cost     $0.0412 · stops at $5.00
          paid by  byok · anthropic · key client-a · you pay Anthropic at list price · verified
          sandbox  full
          refused  network: crates.io (nobody was there to answer)
          undo     vk tasks undo t01jd3k9x2
          go on    vk run --continue=t01jd3k9x2 "..."
        "#);
    }

    #[test]
    fn a_cost_that_is_partly_unknown_is_never_shown_as_nothing() {
        let mut end = finished();
        end.cost_usd = None;
        end.cost_state = Some(CostState::Unknown);
        end.list_usd = None;
        end.status = Status::ProviderFailed;
        end.payers.push(PayerShare { cost_usd: None, cost_state: CostState::Unknown, ..end.payers[0].clone() });
        insta::assert_snapshot!(shown(&end), @r#"
        provider failed · 3 turns · 2 files changed · 1m 12s
          src/lib.rs       +12 −4
          assets/日本.png  binary
          check    cargo test ✓ passed (round 2)
          tokens   1,234 in · 80,000 cached · 2,000 to cache · 912 out
          cost     >= $0.0412 (a part is unknown) · stops at $5.00
          paid by  byok · anthropic · key client-a · you pay Anthropic at list price · $0.0412
          paid by  byok · anthropic · key client-a · you pay Anthropic at list price · ? (no price or no usage was reported)
          proof    verified
          sandbox  full
          refused  network: crates.io (nobody was there to answer)
          undo     vk tasks undo t01jd3k9x2
          go on    vk run --continue=t01jd3k9x2 "..."
        "#);
        assert!(text(&end, Usd::ZERO, None, Paint(false), None).contains("cost     ? ("));
    }

    #[test]
    fn the_other_paths_say_what_nothing_means() {
        let words = |state| cost_words(Some(Usd::ZERO), Some(state), Usd::ZERO);
        insta::assert_snapshot!(
            [CostState::Covered, CostState::Free, CostState::Rehearsed].map(words).join("\n"), @r"
        covered by the plan, nothing per token
        $0.00, free
        nothing, rehearsed
        ");
        assert_eq!(cost_words(None, None, Usd::ZERO), "nothing: no call was charged");
    }

    #[test]
    fn a_failure_before_the_first_call_has_no_cost_rows() {
        let mut end = finished();
        (end.turns, end.status, end.cost_state, end.payers) = (0, Status::NoSandbox, None, Vec::new());
        (end.files_changed, end.checks, end.refused, end.sandbox) = (Vec::new(), Vec::new(), Vec::new(), None);
        insta::assert_snapshot!(shown(&end), @"no sandbox: commands cannot be held · no files changed · 1m 12s");
    }

    #[test]
    fn calls_that_were_not_made_or_not_charged_are_told_as_such() {
        let mut end = finished();
        (end.turns, end.payers, end.cost_state, end.cost_usd) = (0, Vec::new(), None, None);
        (end.files_changed, end.checks, end.refused) = (Vec::new(), Vec::new(), Vec::new());
        (end.status, end.uncharged_attempts) = (Status::ProviderFailed, 3);
        insta::assert_snapshot!(shown(&end), @r#"
        provider failed · no files changed · 1m 12s
          cost     3 attempts failed, nothing was charged
          sandbox  full
          go on    vk run --continue=t01jd3k9x2 "..."
        "#);
        (end.status, end.uncharged_attempts) = (Status::Budget, 0);
        assert!(shown(&end).contains("cost     nothing: no call was made\n"));
        (end.status, end.task_id, end.sandbox) = (Status::Done, None, None);
        assert_eq!(shown(&end), "dry run: nothing was sent\n");
    }

    #[test]
    fn what_the_ledger_could_not_record_is_unknown() {
        let mut end = finished();
        (end.status, end.cost_usd, end.cost_state) = (Status::Ledger, None, Some(CostState::Unknown));
        assert!(
            text(&end, Usd::ZERO, None, Paint(false), None).contains("cost     ? (the ledger could not record it)")
        );
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}

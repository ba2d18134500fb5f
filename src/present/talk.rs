//! What an event leaves behind as lines on stderr: the same in a log as above the live view.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::escape::{columns, escape_line, shorten};
use super::screen::{Paint, seconds};
use super::summary::{cost_words, thousands, tokens};
use super::table::{fold, talk};
use crate::domain::event::{Event, RouteResolved};

/// Columns of a line where no terminal sets them.
const LOG_WIDTH: usize = 160;
/// A tool line is not stretched further than this on a wide terminal: its two ends would no longer be read as one.
const WIDEST: usize = 100;

/// Tells events as lines. Remembers only what a later line needs from an earlier event.
#[derive(Debug)]
pub(super) struct Talk {
    paint: Paint,
    /// Whether a live view shows what goes on; a log gets lines for it instead.
    live: bool,
    tools: HashMap<String, String>,
    waiting: bool,
    turn: u32,
}

impl Talk {
    pub(super) fn new(paint: Paint, live: bool) -> Self {
        Self { paint, live, tools: HashMap::new(), waiting: false, turn: 0 }
    }

    /// The lines for an event. `width` is the terminal's, if stderr is one. `task.finished` has none: see `summary`.
    pub(super) fn lines(&mut self, event: &Event, width: Option<usize>) -> Vec<String> {
        let was_waiting = std::mem::replace(&mut self.waiting, matches!(event, Event::BudgetWaiting { .. }));
        let terminal = width;
        let width = width.unwrap_or(LOG_WIDTH);
        let words = |text: &str| vec![talk(text, terminal)];
        match event {
            Event::RouteResolved(route) => self.route(route, terminal),
            Event::TurnStarted { turn } => {
                self.turn = *turn;
                Vec::new()
            }
            Event::BudgetWaiting { scope, hold_usd, .. } if !was_waiting => {
                words(&format!("waiting: other tasks hold money of {scope}; this call needs {hold_usd}"))
            }
            Event::McpReady { server, tools, tokens, left_out, .. } => {
                let count = if *tools == 1 { "1 tool".to_owned() } else { format!("{tools} tools") };
                let mut lines =
                    words(&format!("mcp {server}: {count}, about {} tokens with each call", thousands(*tokens)));
                lines.extend(left_out.iter().flat_map(|what| words(&format!("  left out: {what}"))));
                lines
            }
            Event::CallRetrying { attempt, of, wait_ms, reason } => {
                let wait = seconds(*wait_ms);
                vec![shorten(&format!("↻ attempt {attempt} of {of} in {wait}: {reason}"), width).into_owned()]
            }
            Event::ToolStarted { call_id, name, summary } => {
                self.tools.insert(call_id.clone(), tool_words(name, summary));
                Vec::new()
            }
            Event::ToolFinished { call_id, name, ok, exit_code, ms } => {
                let words = self.tools.remove(call_id).unwrap_or_else(|| tool_words(name, ""));
                vec![self.done("•", &words, *ms, *ok, *exit_code, width)]
            }
            Event::CheckFinished { command, ok, exit_code, ms, .. } => {
                vec![self.done("✻", &format!("check {command}"), *ms, *ok, *exit_code, width)]
            }
            Event::SetupFinished { command, ok, exit_code, ms } => {
                vec![self.done("✻", &format!("set up: {command}"), *ms, *ok, *exit_code, width)]
            }
            Event::CallSettled { usage, cost_usd, cost_state, spent_usd, .. } if !self.live => {
                let cost = cost_words(*cost_usd, Some(*cost_state), crate::base::money::Usd::ZERO);
                let turn = self.turn;
                let spent = if spent_usd.is_zero() { String::new() } else { format!(" · task {spent_usd}") };
                vec![format!("  turn {turn}: {} · {cost}{spent}", tokens(usage))]
            }
            Event::ContextCompacted { before_tokens, after_tokens } => {
                let (before, after) = (thousands(*before_tokens), thousands(*after_tokens));
                vec![format!("context compacted: {before} → {after} tokens")]
            }
            Event::CreditsLeft { left, at_most_usd } => {
                let mut line = format!("credits: {left}");
                if let Some(most) = at_most_usd {
                    let _ = write!(line, "; this task may cost up to {most}: it stops whole when they are used up");
                }
                words(&line)
            }
            Event::ModelSwitched { from, to, reason } => words(&format!("model switched: {from} → {to} ({reason})")),
            Event::PayerBlocked { payer, code, message } => {
                words(&format!("payer blocked: {payer}: {message} ({code})"))
            }
            Event::Notice { message } => words(&format!("note: {message}")),
            _ => Vec::new(),
        }
    }

    /// Who pays, on a line that stays, and what was not allowed to decide it.
    pub(super) fn route(&self, route: &RouteResolved, width: Option<usize>) -> Vec<String> {
        let shown = |text: &str, paint: fn(Paint, &str) -> String| {
            let lines = fold(&escape_line(text), width, "", "  ");
            lines.lines().map(|line| paint(self.paint, line)).collect::<Vec<_>>()
        };
        let mut lines = shown(&route.line, Paint::bold);
        if let Some(estimate) = &route.estimate_usd {
            lines.extend(shown(&estimate.to_string(), Paint::dim));
        }
        if !route.ignored_ambient.is_empty() {
            lines.extend(shown(&format!("ignored ambient {}", route.ignored_ambient.join(", ")), Paint::dim));
        }
        lines.extend(
            route.warnings.iter().flat_map(|warning| shown(&format!("warning: {warning}"), |_, line| line.to_owned())),
        );
        lines
    }

    /// `  • $ cargo test      1.2s ✓`
    fn done(&self, bullet: &str, words: &str, ms: u64, ok: bool, exit: Option<i32>, width: usize) -> String {
        let exit = exit.filter(|_| !ok).map(|code| format!(" exit {code}")).unwrap_or_default();
        let time = seconds(ms);
        let end = columns(&time) + 2 + columns(&exit);
        let line_width = if self.live { width.min(WIDEST) } else { width };
        let room = line_width.saturating_sub(4 + end + 3).max(8);
        let words = shorten(words, room);
        let gap = if self.live { room.saturating_sub(columns(&words)) } else { 0 };
        let mark = if ok { self.paint.good("✓") } else { self.paint.bad("✗") };
        format!("  {bullet} {words}{:gap$}  {} {mark}{exit}", "", self.paint.dim(&time))
    }
}

/// What a tool is asked to do, as it is shown while it runs and after; its name where nobody said. Not yet escaped.
pub(super) fn tool_words(name: &str, summary: &str) -> String {
    if summary.is_empty() { name.to_owned() } else { summary.to_owned() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::money::Usd;
    use crate::domain::cost::{CostState, Proof};
    use crate::domain::usage::Usage;

    pub(in crate::present) fn route() -> RouteResolved {
        RouteResolved {
            task_id: Some("t01jd3k9x2".into()),
            path: "byok".into(),
            provider: "anthropic".into(),
            model: "claude-sonnet-5-5".into(),
            engine: "builtin".into(),
            key_label: Some("client-a".into()),
            key_fingerprint: Some("1a2b3c4d".into()),
            payer: "you pay Anthropic at list price".into(),
            cap_usd: Some(Usd::from_cents(500)),
            sources: Vec::new(),
            ignored_ambient: vec!["ANTHROPIC_API_KEY".into()],
            extra_usage: None,
            warnings: Vec::new(),
            estimate_usd: None,
            line: "byok · anthropic · claude-sonnet-5-5 · key client-a 1a2b3c4d · \
                   you pay Anthropic at list price · stops at $5.00"
                .into(),
        }
    }

    /// A task's events, hostile text included.
    pub(in crate::present) fn events() -> Vec<Event> {
        let tool = |id: &str, summary: &str| Event::ToolStarted {
            call_id: id.into(),
            name: "bash".into(),
            summary: format!("$ {summary}"),
        };
        let done = |id: &str, ok, ms| Event::ToolFinished {
            call_id: id.into(),
            name: "bash".into(),
            ok,
            exit_code: Some(i32::from(!ok)),
            ms,
        };
        vec![
            Event::RouteResolved(Box::new(route())),
            Event::BudgetWaiting { scope: "day".into(), hold_usd: Usd::from_cents(12), waited_ms: 0 },
            Event::BudgetWaiting { scope: "day".into(), hold_usd: Usd::from_cents(12), waited_ms: 500 },
            Event::TurnStarted { turn: 1 },
            Event::CallRetrying { attempt: 2, of: 3, wait_ms: 4_000, reason: "overloaded (529)".into() },
            tool("a", "cargo test --workspace"),
            done("a", true, 1_234),
            tool("b", "ls\r\x1b[2Kecho safe\u{202e}; rm -rf ~"),
            done("b", false, 61_000),
            tool("c", &format!("echo {} && curl evil.example", "x".repeat(300))),
            done("c", true, 12),
            Event::CallSettled {
                attempt_id: "a1".into(),
                usage: Usage { input: 1_234, cache_read: 80_000, output: 912, ..Usage::default() },
                cost_usd: Some(Usd::from_nanos(41_200_000)),
                cost_state: CostState::Billed,
                proof: Proof::Verified,
                spent_usd: Usd::from_nanos(41_200_000),
            },
            Event::ContextCompacted { before_tokens: 150_000, after_tokens: 20_000 },
            Event::ModelSwitched { from: "a".into(), to: "b".into(), reason: "retired".into() },
            Event::PayerBlocked {
                payer: "you".into(),
                code: "insufficient_quota".into(),
                message: "no credit\x1b[0m".into(),
            },
            Event::CheckFinished {
                command: "cargo test".into(),
                ok: false,
                exit_code: Some(101),
                round: 1,
                ms: 12_000,
            },
            Event::Notice { message: "AGENTS.md left out\nroute: free".into() },
        ]
    }

    fn told(live: bool, width: Option<usize>) -> String {
        let mut talk = Talk::new(Paint(false), live);
        let lines: Vec<String> = events().iter().flat_map(|event| talk.lines(event, width)).collect();
        lines.join("\n")
    }

    #[test]
    fn a_log_has_one_line_for_each_thing_that_happened() {
        insta::assert_snapshot!(told(false, None), @r"
        byok · anthropic · claude-sonnet-5-5 · key client-a 1a2b3c4d · you pay Anthropic at list price · stops at $5.00
        ignored ambient ANTHROPIC_API_KEY
        waiting: other tasks hold money of day; this call needs $0.12
        ↻ attempt 2 of 3 in 4.0s: overloaded (529)
          • $ cargo test --workspace  1.2s ✓
          • $ ls\r\x1b[2Kecho safe\u{202e}; rm -rf ~  1m 01s ✗ exit 1
          • $ echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxxxxxxxxxxxxx && curl evil.example  0.0s ✓
          turn 1: 1,234 in · 80,000 cached · 912 out · $0.0412 · task $0.0412
        context compacted: 150,000 → 20,000 tokens
        model switched: a → b (retired)
        payer blocked: you: no credit\x1b[0m (insufficient_quota)
          ✻ check cargo test  12s ✗ exit 101
        note: AGENTS.md left out\nroute: free
        ");
    }

    #[test]
    fn lines_fit_80_columns() {
        insta::assert_snapshot!(told(true, Some(80)), @r"
        byok · anthropic · claude-sonnet-5-5 · key client-a 1a2b3c4d · you pay Anthropic
          at list price · stops at $5.00
        ignored ambient ANTHROPIC_API_KEY
        waiting: other tasks hold money of day; this call needs $0.12
        ↻ attempt 2 of 3 in 4.0s: overloaded (529)
          • $ cargo test --workspace                                             1.2s ✓
          • $ ls\r\x1b[2Kecho safe\u{202e}; rm -rf ~                    1m 01s ✗ exit 1
          • $ echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…x && curl evil.example  0.0s ✓
        context compacted: 150,000 → 20,000 tokens
        model switched: a → b (retired)
        payer blocked: you: no credit\x1b[0m (insufficient_quota)
          ✻ check cargo test                                             12s ✗ exit 101
        note: AGENTS.md left out\nroute: free
        ");
    }

    #[test]
    fn lines_fit_120_columns() {
        insta::assert_snapshot!(told(true, Some(120)), @r"
        byok · anthropic · claude-sonnet-5-5 · key client-a 1a2b3c4d · you pay Anthropic at list price · stops at $5.00
        ignored ambient ANTHROPIC_API_KEY
        waiting: other tasks hold money of day; this call needs $0.12
        ↻ attempt 2 of 3 in 4.0s: overloaded (529)
          • $ cargo test --workspace                                                                 1.2s ✓
          • $ ls\r\x1b[2Kecho safe\u{202e}; rm -rf ~                                        1m 01s ✗ exit 1
          • $ echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxx && curl evil.example  0.0s ✓
        context compacted: 150,000 → 20,000 tokens
        model switched: a → b (retired)
        payer blocked: you: no credit\x1b[0m (insufficient_quota)
          ✻ check cargo test                                                                 12s ✗ exit 101
        note: AGENTS.md left out\nroute: free
        ");
    }

    #[test]
    fn lines_fit_a_narrow_terminal() {
        insta::assert_snapshot!(told(true, Some(30)), @r"
        byok · anthropic ·
          claude-sonnet-5-5 · key
          client-a 1a2b3c4d · you pay
          Anthropic at list price ·
          stops at $5.00
        ignored ambient
          ANTHROPIC_API_KEY
        waiting: other tasks hold
        money of day; this call needs
        $0.12
        ↻ attempt 2 of 3 in …ded (529)
          • $ cargo tes…space  1.2s ✓
          • $ ls\… ~  1m 01s ✗ exit 1
          • $ echo xxxx…ample  0.0s ✓
        context compacted: 150,000 → 20,000 tokens
        model switched: a → b
        (retired)
        payer blocked: you: no
        credit\x1b[0m
        (insufficient_quota)
          ✻ check …st  12s ✗ exit 101
        note: AGENTS.md left
        out\nroute: free
        ");
    }
}

//! The status area at the foot of the terminal while a task runs: what goes on, what it costs so far, who pays.
//!
//! Everything that is to stay is written above it (see `canvas`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::canvas::Canvas;
use super::escape::{columns, escape, head, shorten, tail};
use super::screen::{Paint, seconds};
use super::talk::tool_words;
use crate::base::money::Usd;
use crate::domain::cost::CostState;
use crate::domain::event::Event;

const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/// Rows of the line that is being written, and of tools that run at once.
const TEXT_ROWS: usize = 3;
const TOOL_ROWS: usize = 4;

/// The status area.
pub(super) struct Live {
    paint: Paint,
    canvas: Canvas,
    status: Arc<Mutex<Status>>,
}

impl Live {
    pub(super) fn new(term: console::Term, paint: Paint) -> Self {
        Self { paint, canvas: Canvas::new(term), status: Arc::new(Mutex::new(Status::new(Instant::now()))) }
    }

    /// Takes an event in, and begins or ends the area with the task.
    pub(super) fn event(&self, event: &Event) {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).apply(event, Instant::now());
        match event {
            Event::RouteResolved(_) => self.show(),
            Event::TaskFinished(_) => self.hide(),
            _ => {}
        }
    }

    /// The line of the model's text that is not whole yet.
    pub(super) fn partial(&self, text: &str) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        text.clone_into(&mut status.partial);
    }

    /// Runs `write` with the area out of the way.
    pub(super) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        self.canvas.above(write)
    }

    fn show(&self) {
        let (status, paint) = (Arc::clone(&self.status), self.paint);
        self.canvas.show(move |width, height| {
            status.lock().unwrap_or_else(PoisonError::into_inner).render(Instant::now(), width, height, paint)
        });
    }

    /// Takes the area away; the terminal is as if it had never been there.
    pub(super) fn hide(&self) {
        self.canvas.hide();
    }
}

/// What goes on, told apart because a person acts differently on each.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    /// MCP servers.
    Servers(String),
    /// The request is out, nothing has come back.
    Provider,
    Thinking,
    Writing,
    Tools,
    Checking(String),
    Budget(String),
    Retrying {
        attempt: u32,
        of: u32,
        at: Instant,
        reason: String,
    },
}

/// What the area shows. Pure: events in, text out.
#[derive(Debug)]
struct Status {
    started: Instant,
    phase: Phase,
    since: Instant,
    provider: String,
    payer_line: String,
    turn: u32,
    cap: Option<Usd>,
    spent: Usd,
    cost_state: Option<CostState>,
    part_unknown: bool,
    tools: Vec<(String, String, Instant)>,
    partial: String,
}

impl Status {
    fn new(now: Instant) -> Self {
        Self {
            started: now,
            phase: Phase::Starting,
            since: now,
            provider: String::new(),
            payer_line: String::new(),
            turn: 0,
            cap: None,
            spent: Usd::ZERO,
            cost_state: None,
            part_unknown: false,
            tools: Vec::new(),
            partial: String::new(),
        }
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        if self.phase != phase {
            self.phase = phase;
            self.since = now;
        }
    }

    fn apply(&mut self, event: &Event, now: Instant) {
        match event {
            Event::RouteResolved(route) => {
                *self = Self::new(now);
                self.provider.clone_from(&route.provider);
                self.payer_line.clone_from(&route.line);
                self.cap = route.cap_usd;
            }
            Event::TurnStarted { turn } => {
                self.turn = *turn;
                self.enter(Phase::Provider, now);
            }
            Event::McpStarting { servers } => self.enter(Phase::Servers(servers.join(", ")), now),
            Event::BudgetWaiting { scope, .. } => self.enter(Phase::Budget(scope.clone()), now),
            Event::BudgetReserved { .. } => self.enter(Phase::Provider, now),
            Event::ReasoningDelta { .. } => self.enter(Phase::Thinking, now),
            Event::TextDelta { .. } => self.enter(Phase::Writing, now),
            Event::CallRetrying { attempt, of, wait_ms, reason } => {
                let at = now + Duration::from_millis(*wait_ms);
                self.enter(Phase::Retrying { attempt: *attempt, of: *of, at, reason: reason.clone() }, now);
            }
            Event::ToolStarted { call_id, name, summary } => {
                self.tools.push((call_id.clone(), tool_words(name, summary), now));
                self.enter(Phase::Tools, now);
            }
            Event::ToolFinished { call_id, .. } => self.tools.retain(|(id, ..)| id != call_id),
            Event::CallSettled { cost_state, spent_usd, .. } => {
                self.spent = *spent_usd;
                self.part_unknown |= *cost_state == CostState::Unknown;
                self.cost_state = Some(*cost_state);
            }
            Event::CheckStarted { command, .. } => self.enter(Phase::Checking(command.clone()), now),
            _ => {}
        }
    }

    /// The rows, each narrower than `width`, at most `height - 1` of them: the payer line is the last to go. The end
    /// of a row stays free for the `^C` that the terminal writes there; a row that it wrapped could not be taken away.
    fn render(&self, now: Instant, width: usize, height: usize, paint: Paint) -> String {
        let room = width.saturating_sub("^C ".len());
        let mut rows: Vec<String> = self.text_rows(room);
        for (_, words, since) in self.tools.iter().take(TOOL_ROWS) {
            let time = seconds(millis(now, *since));
            let words = shorten(words, room.saturating_sub(columns(&time) + 6));
            rows.push(shorten(&format!("  • {words}  {time}"), room).into_owned());
        }
        if self.tools.len() > TOOL_ROWS {
            rows.push(shorten(&format!("    and {} more", self.tools.len() - TOOL_ROWS), room).into_owned());
        }
        rows.push(shorten(&self.state_line(now, room), room).into_owned());
        rows.push(paint.dim(&shorten(&self.payer_line, room)));
        let keep = height.saturating_sub(1).max(1);
        rows.split_off(rows.len().saturating_sub(keep)).join("\n")
    }

    /// The end of the unfinished line, in rows.
    fn text_rows(&self, room: usize) -> Vec<String> {
        if self.partial.is_empty() || room < 4 {
            return Vec::new();
        }
        let shown = escape(&self.partial).replace('\t', " ");
        let mut rest = tail(&shown, room * TEXT_ROWS);
        let mut rows = Vec::new();
        while !rest.is_empty() {
            let row = head(rest, room);
            rows.push(row.to_owned());
            rest = &rest[row.len()..];
        }
        rows.split_off(rows.len().saturating_sub(TEXT_ROWS))
    }

    fn state_line(&self, now: Instant, room: usize) -> String {
        let frame = spinner(now, self.started);
        let time = seconds(millis(now, self.since));
        let doing = match &self.phase {
            Phase::Starting => "starting".to_owned(),
            Phase::Servers(names) => format!("starting MCP servers {time}: {names}"),
            Phase::Provider => format!("waiting for {} {time}", self.provider),
            Phase::Thinking => format!("thinking {time}"),
            Phase::Writing => "writing".to_owned(),
            Phase::Tools if self.tools.is_empty() => format!("tools done {time}"),
            Phase::Tools => "running".to_owned(),
            Phase::Checking(command) => format!("checking {command} {time}"),
            Phase::Budget(scope) => format!("waiting for budget {time}: other tasks hold money of {scope}"),
            Phase::Retrying { attempt, of, at, reason } => {
                let left = at.saturating_duration_since(now).as_millis().div_ceil(1000);
                format!("attempt {attempt} of {of} in {left} s: {reason}")
            }
        };
        let money = self.money();
        let whole = format!("{frame} {doing} · turn {} · {money}", self.turn);
        if self.turn > 0 && columns(&whole) <= room { whole } else { format!("{frame} {doing} · {money}") }
    }

    fn money(&self) -> String {
        let cap = self.cap.map(|cap| format!(" of {cap}")).unwrap_or_default();
        match self.cost_state {
            Some(CostState::Covered) => "covered".to_owned(),
            Some(CostState::Free) => "free".to_owned(),
            Some(CostState::Rehearsed) => "rehearsed".to_owned(),
            _ if self.part_unknown && self.spent.is_zero() => format!("?{cap}"),
            _ if self.part_unknown => format!(">= {}{cap}", self.spent),
            None if self.cap.is_none() => "nothing spent".to_owned(),
            _ => format!("{}{cap}", self.spent),
        }
    }
}

/// One of its frames.
pub(super) fn spinner(now: Instant, started: Instant) -> char {
    SPINNER[usize::try_from(millis(now, started) / 100).unwrap_or(0) % SPINNER.len()]
}

pub(super) fn millis(now: Instant, since: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(since).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::talk::tests::{events, route};
    use super::*;
    use crate::domain::cost::Proof;
    use crate::domain::usage::Usage;

    fn status(events: &[Event]) -> (Status, Instant) {
        let now = Instant::now();
        let mut status = Status::new(now);
        status.apply(&Event::RouteResolved(Box::new(route())), now);
        for event in events {
            status.apply(event, now);
        }
        (status, now)
    }

    fn shown(events: &[Event], width: usize) -> String {
        let (status, now) = status(events);
        status.render(now + Duration::from_millis(2_500), width + 2, 24, Paint(false))
    }

    fn settled(state: CostState, spent: Usd) -> Event {
        let usage = Usage::default();
        let attempt_id = "a".to_owned();
        Event::CallSettled {
            attempt_id,
            usage,
            cost_usd: None,
            cost_state: state,
            proof: Proof::Claimed,
            spent_usd: spent,
        }
    }

    #[test]
    fn waiting_thinking_retrying_and_running_are_told_apart() {
        let turn = Event::TurnStarted { turn: 2 };
        let retry = Event::CallRetrying { attempt: 2, of: 3, wait_ms: 6_000, reason: "overloaded".into() };
        let budget = Event::BudgetWaiting { scope: "day".into(), hold_usd: Usd::from_cents(1), waited_ms: 0 };
        let check = Event::CheckStarted { command: "cargo test".into(), round: 1 };
        let tool = Event::ToolStarted { call_id: "a".into(), name: "bash".into(), summary: "$ cargo build".into() };
        let states: Vec<String> = [
            vec![],
            vec![turn.clone()],
            vec![turn.clone(), Event::ReasoningDelta { text: "hm".into() }],
            vec![turn.clone(), Event::TextDelta { text: "hm".into() }],
            vec![turn.clone(), retry],
            vec![budget],
            vec![turn, settled(CostState::Billed, Usd::from_nanos(41_200_000)), tool],
            vec![check],
        ]
        .iter()
        .map(|events| shown(events, 80))
        .collect();
        insta::assert_snapshot!(states.join("\n--\n"), @"
        ⠴ starting · $0.00 of $5.00
        byok · anthropic · claude-sonnet-5-5 · key client-a …ist price · stops at $5.00
        --
        ⠴ waiting for anthropic 2.5s · turn 2 · $0.00 of $5.00
        byok · anthropic · claude-sonnet-5-5 · key client-a …ist price · stops at $5.00
        --
        ⠴ thinking 2.5s · turn 2 · $0.00 of $5.00
        byok · anthropic · claude-sonnet-5-5 · key client-a …ist price · stops at $5.00
        --
        ⠴ writing · turn 2 · $0.00 of $5.00
        byok · anthropic · claude-sonnet-5-5 · key client-a …ist price · stops at $5.00
        --
        ⠴ attempt 2 of 3 in 4 s: overloaded · turn 2 · $0.00 of $5.00
        byok · anthropic · claude-sonnet-5-5 · key client-a …ist price · stops at $5.00
        --
        ⠴ waiting for budget 2.5s: other tasks hold money of day · $0.00 of $5.00
        byok · anthropic · claude-sonnet-5-5 · key client-a …ist price · stops at $5.00
        --
          • $ cargo build  2.5s
        ⠴ running · turn 2 · $0.0412 of $5.00
        byok · anthropic · claude-sonnet-5-5 · key client-a …ist price · stops at $5.00
        --
        ⠴ checking cargo test 2.5s · $0.00 of $5.00
        byok · anthropic · claude-sonnet-5-5 · key client-a …ist price · stops at $5.00
        ");
    }

    #[test]
    fn an_unknown_cost_is_never_shown_as_nothing() {
        let money = |events: &[Event]| status(events).0.money();
        assert_eq!(money(&[settled(CostState::Unknown, Usd::ZERO)]), "? of $5.00");
        let known = settled(CostState::Billed, Usd::from_cents(7));
        let unknown = settled(CostState::Unknown, Usd::from_cents(7));
        assert_eq!(money(&[unknown, known]), ">= $0.07 of $5.00");
        assert_eq!(money(&[settled(CostState::Covered, Usd::ZERO)]), "covered");
    }

    #[test]
    fn every_row_fits_every_terminal() {
        let (mut status, now) = status(&events());
        for id in 0..9 {
            let summary = format!("run {id}\x1b[2J 日本語 {}", "long ".repeat(30));
            let started = Event::ToolStarted { call_id: id.to_string(), name: "bash".into(), summary };
            status.apply(&started, now);
        }
        status.partial = format!("日本\t語\x1b]0;x\x07 {}", "word ".repeat(200));
        for width in 0..130 {
            for height in 0..12 {
                let text = status.render(now, width, height, Paint(false));
                let rows: Vec<&str> = text.split('\n').collect();
                assert!(rows.len() <= height.saturating_sub(1).max(1), "{width}x{height}: {text}");
                assert!(rows.iter().all(|row| columns(row) <= width.saturating_sub(3)), "{width}x{height}: {text}");
                assert!(!text.chars().any(|c| c != '\n' && super::super::escape::is_hidden(c)));
            }
        }
    }

    #[test]
    fn text_that_comes_in_shows_its_end() {
        let (mut status, now) = status(&[Event::TurnStarted { turn: 1 }]);
        status.partial = format!("{}and the end", "a long paragraph ".repeat(30));
        insta::assert_snapshot!(status.render(now, 62, 24, Paint(false)), @r"
        ng paragraph a long paragraph a long paragraph a long parag
        raph a long paragraph a long paragraph a long paragraph a l
        ong paragraph a long paragraph a long paragraph and the end
        ⠋ waiting for anthropic 0.0s · turn 1 · $0.00 of $5.00
        byok · anthropic · claude-sonnet-5-5 · …ce · stops at $5.00
        ");
    }
}

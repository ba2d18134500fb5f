//! The table of a batch while it runs: a row for each task that is at work, and where the whole of it stands. Pure:
//! events in, rows out.

use std::time::{Duration, Instant};

use super::super::escape::{columns, shorten};
use super::super::live::{millis, spinner};
use super::super::screen::{Paint, seconds};
use super::super::talk::tool_words;
use crate::base::money::{Places, Usd};
use crate::domain::batch::{BatchStarted, BatchTask};
use crate::domain::cost::CostState;
use crate::domain::event::Event;
use crate::domain::failure::Status;

/// A name is not given more than this of a row.
const WIDEST_ID: usize = 24;

/// What the table shows.
#[derive(Debug)]
pub(super) struct Sheet {
    started: Instant,
    line: String,
    cap: Option<Usd>,
    /// What was spent by earlier starts and by tasks of this one that have ended.
    spent: Usd,
    part_unknown: bool,
    state: Option<CostState>,
    done: usize,
    failed: usize,
    left: usize,
    running: Vec<Running>,
    stopping: bool,
}

#[derive(Debug)]
struct Running {
    at: usize,
    id: String,
    started: Instant,
    since: Instant,
    turn: u32,
    doing: Doing,
    spent: Usd,
    state: Option<CostState>,
    part_unknown: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Doing {
    Starting,
    SetUp(String),
    Waiting,
    Thinking,
    Writing,
    Tool(String),
    Check(String),
    Budget(String),
    Retry { at: Instant, reason: String },
}

impl Sheet {
    pub(super) fn new(started: &BatchStarted, now: Instant) -> Self {
        Self {
            started: now,
            line: started.line.clone(),
            cap: started.cap_usd,
            spent: started.spent_usd,
            part_unknown: false,
            state: None,
            done: 0,
            failed: 0,
            left: started.tasks - started.ended_before,
            running: Vec::new(),
            stopping: false,
        }
    }

    pub(super) fn stopping(&mut self) {
        self.stopping = true;
    }

    pub(super) fn begin(&mut self, at: usize, id: &str, now: Instant) {
        self.left = self.left.saturating_sub(1);
        self.running.push(Running {
            at,
            id: id.to_owned(),
            started: now,
            since: now,
            turn: 0,
            doing: Doing::Starting,
            spent: Usd::ZERO,
            state: None,
            part_unknown: false,
        });
    }

    pub(super) fn apply(&mut self, at: usize, event: &Event, now: Instant) {
        let Some(row) = self.running.iter_mut().find(|row| row.at == at) else { return };
        let doing = match event {
            Event::SetupStarted { command } => Doing::SetUp(command.clone()),
            Event::TurnStarted { turn } => {
                row.turn = *turn;
                Doing::Waiting
            }
            Event::BudgetReserved { .. } => Doing::Waiting,
            Event::BudgetWaiting { scope, .. } => Doing::Budget(scope.clone()),
            Event::ReasoningDelta { .. } => Doing::Thinking,
            Event::TextDelta { .. } => Doing::Writing,
            Event::CallRetrying { wait_ms, reason, .. } => {
                Doing::Retry { at: now + Duration::from_millis(*wait_ms), reason: reason.clone() }
            }
            Event::ToolStarted { name, summary, .. } => Doing::Tool(tool_words(name, summary)),
            Event::CheckStarted { command, .. } => Doing::Check(command.clone()),
            Event::CallSettled { cost_state, spent_usd, .. } => {
                row.spent = *spent_usd;
                row.part_unknown |= *cost_state == CostState::Unknown;
                row.state = Some(*cost_state);
                return;
            }
            _ => return,
        };
        if row.doing != doing {
            row.doing = doing;
            row.since = now;
        }
    }

    pub(super) fn end(&mut self, at: usize, end: &BatchTask) {
        if let Some(place) = self.running.iter().position(|row| row.at == at) {
            let row = self.running.remove(place);
            self.spent += row.spent;
            self.part_unknown |= row.part_unknown;
            self.state = row.state.or(self.state);
        }
        match end.end.status {
            Status::Done => self.done += 1,
            Status::Interrupted => {}
            _ => self.failed += 1,
        }
    }

    /// The rows, each narrower than `width`, at most `height - 1` of them: where the whole stands is the last to go.
    pub(super) fn render(&self, now: Instant, width: usize, height: usize, paint: Paint) -> String {
        let room = width.saturating_sub("^C ".len());
        let keep = height.saturating_sub(1).max(1);
        let foot = keep.min(2);
        let mut rows = Vec::new();
        let id_width = self.running.iter().map(|row| columns(&row.id)).max().unwrap_or(0).min(WIDEST_ID.min(room / 3));
        let places = Places::of(self.running.iter().map(|row| row.spent));
        let fits = keep - foot;
        let shown = if self.running.len() > fits { fits.saturating_sub(1) } else { self.running.len() };
        rows.extend(self.running.iter().take(shown).map(|row| row.render(now, room, id_width, places)));
        if shown < self.running.len() && fits > 0 {
            rows.push(shorten(&format!("  and {} more at work", self.running.len() - shown), room).into_owned());
        }
        rows.push(shorten(&self.whole(now), room).into_owned());
        if foot > 1 {
            rows.push(paint.dim(&shorten(&self.line, room)));
        }
        rows.join("\n")
    }

    /// `⠋ 3 done · 1 failed · 4 at work · 12 left · $0.41 of $20.00 · 2m 10s`
    fn whole(&self, now: Instant) -> String {
        let mut parts = vec![format!("{} {} done", spinner(now, self.started), self.done)];
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        let at_work = if self.stopping { "stopping" } else { "at work" };
        parts.push(format!("{} {at_work}", self.running.len()));
        parts.push(format!("{} left", self.left));
        parts.push(self.money());
        parts.push(seconds(millis(now, self.started)));
        parts.join(" · ")
    }

    fn money(&self) -> String {
        let cap = self.cap.map(|cap| format!(" of {cap}")).unwrap_or_default();
        let spent: Usd = self.spent + self.running.iter().map(|row| row.spent).sum();
        let unknown = self.part_unknown || self.running.iter().any(|row| row.part_unknown);
        let state = self.running.iter().find_map(|row| row.state).or(self.state);
        match state {
            Some(CostState::Covered) => "covered".to_owned(),
            Some(CostState::Free) => "free".to_owned(),
            _ if unknown && spent.is_zero() => format!("?{cap}"),
            _ if unknown => format!(">= {spent}{cap}"),
            _ => format!("{spent}{cap}"),
        }
    }
}

impl Running {
    /// `  lint      turn 3 · $ npm test 2.1s            $0.0412    41s`
    fn render(&self, now: Instant, room: usize, id_width: usize, places: Places) -> String {
        let id = shorten(&self.id, id_width).into_owned();
        let pad = " ".repeat(id_width.saturating_sub(columns(&id)));
        let right = format!("  {:>9}  {:>7}", self.money(places), seconds(millis(now, self.started)));
        let doing = self.words(now);
        let doing = if self.turn > 0 { format!("turn {} · {doing}", self.turn) } else { doing };
        let left = room.saturating_sub(2 + id_width + 2 + columns(&right));
        let doing = shorten(&doing, left);
        let gap = " ".repeat(left.saturating_sub(columns(&doing)));
        shorten(&format!("  {id}{pad}  {doing}{gap}{right}"), room).into_owned()
    }

    fn words(&self, now: Instant) -> String {
        let time = seconds(millis(now, self.since));
        match &self.doing {
            Doing::Starting => "starting".to_owned(),
            Doing::SetUp(command) => format!("set up: {command} {time}"),
            Doing::Waiting => format!("waiting {time}"),
            Doing::Thinking => format!("thinking {time}"),
            Doing::Writing => "writing".to_owned(),
            Doing::Tool(words) => format!("{words} {time}"),
            Doing::Check(command) => format!("check {command} {time}"),
            Doing::Budget(_) => format!("waits for money {time}"),
            Doing::Retry { at, reason } => {
                let left = at.saturating_duration_since(now).as_millis().div_ceil(1000);
                format!("again in {left} s: {reason}")
            }
        }
    }

    fn money(&self, places: Places) -> String {
        match self.state {
            None => "-".to_owned(),
            Some(CostState::Covered) => "covered".to_owned(),
            Some(CostState::Free) => "free".to_owned(),
            Some(CostState::Rehearsed) => "rehearsed".to_owned(),
            Some(_) if self.part_unknown => "?".to_owned(),
            Some(_) => places.show(self.spent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ended, started};
    use super::*;
    use crate::domain::cost::Proof;
    use crate::domain::usage::Usage;

    fn settled(state: CostState, spent: Usd) -> Event {
        Event::CallSettled {
            attempt_id: "a".into(),
            usage: Usage::default(),
            cost_usd: None,
            cost_state: state,
            proof: Proof::Claimed,
            spent_usd: spent,
        }
    }

    fn busy(now: Instant) -> Sheet {
        let mut sheet = Sheet::new(&started(), now);
        for (at, id) in
            ["fix-parser", "lint", "a-very-long-name-of-a-task-that-nobody-types", "日本語"].into_iter().enumerate()
        {
            sheet.begin(at, id, now);
        }
        let tool = Event::ToolStarted {
            call_id: "c".into(),
            name: "bash".into(),
            summary: format!("$ cargo test\x1b[2J {}", "long ".repeat(30)),
        };
        sheet.apply(0, &Event::TurnStarted { turn: 4 }, now);
        sheet.apply(0, &settled(CostState::Billed, Usd::from_nanos(41_200_000)), now);
        sheet.apply(0, &tool, now);
        sheet.apply(1, &Event::BudgetWaiting { scope: "this batch".into(), hold_usd: Usd::ZERO, waited_ms: 0 }, now);
        sheet.apply(2, &Event::CallRetrying { attempt: 2, of: 3, wait_ms: 4_000, reason: "overloaded".into() }, now);
        sheet.apply(9, &tool, now);
        sheet
    }

    #[test]
    fn each_task_at_work_has_a_row_and_the_whole_the_last() {
        let now = Instant::now();
        let mut sheet = busy(now);
        sheet.begin(7, "over", now);
        sheet.apply(7, &settled(CostState::Billed, Usd::from_cents(10)), now);
        sheet.end(7, &ended("over", Status::CheckFailed));
        let later = now + Duration::from_millis(2_500);
        insta::assert_snapshot!(sheet.render(later, 80, 24, Paint(false)), @"
          fix-parser                turn 4 · $ cargo te…ong  2.5s    $0.0412     2.5s
          lint                      waits for money 2.5s                   -     2.5s
          a-very-long-name…y-types  again in 2 s: overloaded               -     2.5s
          日本語                    starting                               -     2.5s
        ⠴ 0 done · 1 failed · 4 at work · 5 left · $1.14 of $20.00 · 2.5s
        byok · anthropic · claude-sonnet-5-5 · key client-a….00 a task, $19.00 in all
        ");
        insta::assert_snapshot!(sheet.render(later, 80, 5, Paint(false)), @"
          fix-parser                turn 4 · $ cargo te…ong  2.5s    $0.0412     2.5s
          and 3 more at work
        ⠴ 0 done · 1 failed · 4 at work · 5 left · $1.14 of $20.00 · 2.5s
        byok · anthropic · claude-sonnet-5-5 · key client-a….00 a task, $19.00 in all
        ");
        insta::assert_snapshot!(sheet.render(later, 40, 2, Paint(false)), @"⠴ 0 done · 1 failed · 4 …20.00 · 2.5s");
    }

    #[test]
    fn what_is_not_known_is_never_shown_as_nothing() {
        let now = Instant::now();
        let mut sheet = Sheet { spent: Usd::ZERO, ..busy(now) };
        sheet.apply(0, &settled(CostState::Unknown, Usd::ZERO), now);
        assert_eq!(sheet.money(), "? of $20.00");
        sheet.apply(1, &settled(CostState::Billed, Usd::from_cents(3)), now);
        assert_eq!(sheet.money(), ">= $0.03 of $20.00");
        assert_eq!(sheet.running[0].money(Places::of([])), "?");
    }

    #[test]
    fn every_row_fits_every_terminal() {
        let now = Instant::now();
        let sheet = busy(now);
        for width in 0..130 {
            for height in 0..12 {
                let text = sheet.render(now, width, height, Paint(false));
                let rows: Vec<&str> = text.split('\n').collect();
                assert!(rows.len() <= height.saturating_sub(1).max(1), "{width}x{height}: {text}");
                assert!(rows.iter().all(|row| columns(row) <= width.saturating_sub(3)), "{width}x{height}: {text}");
                assert!(!text.chars().any(|c| c != '\n' && super::super::super::escape::is_hidden(c)));
            }
        }
    }
}

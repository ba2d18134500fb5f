//! A batch as a person or a script sees it: a live table at a terminal, lines in a log, JSON for a program.
//!
//! Text on stdout is the table of the end alone; JSON on stdout is one `task.finished` for each task that ends and
//! `batch.finished` as the last line, with every event of every task before it under `stream-json`.

mod report;
mod sheet;

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use self::report::Row;
use self::sheet::Sheet;
use super::canvas::Canvas;
use super::github::Github;
use super::grid::Style;
use super::screen::{Mode, Paint, Screen};
use super::table::talk;
use super::{failure, json};
use crate::base::clock;
use crate::base::env::Env;
use crate::base::money::Usd;
use crate::domain::batch::{BatchFinished, BatchStarted, BatchTask};
use crate::domain::event::{Event, RouteResolved};
use crate::domain::failure::Failure;
use crate::task::batch::Board as Shown;
use crate::task::batch::plan::Planned;

pub struct Board {
    mode: Mode,
    quiet: bool,
    dry_run: bool,
    screen: Screen,
    paint: Paint,
    style: Style,
    term: console::Term,
    github: Github,
    /// The command that goes on with the batch.
    again: String,
    live: Option<(Canvas, Arc<Mutex<Option<Sheet>>>)>,
    /// Taken before the live view's locks, never while one of them is held.
    told: Mutex<Told>,
}

/// What has been said, and what the end is told from.
struct Told {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    started: Option<BatchStarted>,
    rows: Vec<Row>,
    begun: usize,
    /// What a task said is said once, whoever says it next.
    said: HashSet<String>,
    bell: bool,
    /// Why stdout cannot be written, other than that its reader has gone.
    broken: Option<String>,
}

impl Board {
    #[must_use]
    pub fn new(env: &Env, mode: Mode, quiet: bool, dry_run: bool, again: String) -> Self {
        let screen = Screen::of(env, mode);
        let paint = Paint(screen.colour);
        let term = console::Term::stderr();
        let live = (screen.can_redraw && !quiet).then(|| (Canvas::new(term.clone()), Arc::default()));
        Self {
            mode,
            quiet,
            dry_run,
            screen,
            paint,
            style: Style::of(env, clock::now()),
            term,
            github: Github::of(env),
            again,
            live,
            told: Mutex::new(Told {
                out: Box::new(io::stdout()),
                err: Box::new(io::stderr()),
                started: None,
                rows: Vec::new(),
                begun: 0,
                said: HashSet::new(),
                bell: false,
                broken: None,
            }),
        }
    }

    /// Whether stdout took everything; a reader that has gone away took what it wanted.
    ///
    /// # Errors
    /// When something could not be written for any other reason, such as a full disk.
    pub fn delivered(&self) -> Result<(), Failure> {
        match &self.told().broken {
            Some(why) => Err(super::unwritable(why)),
            None => Ok(()),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The columns of the terminal that stderr is, if it is one.
    fn width(&self) -> Option<usize> {
        self.screen.err_is_terminal.then(|| usize::from(self.term.size().1))
    }

    /// Whether what goes on is told on stderr: not beside every event as JSON.
    const fn talks(&self) -> bool {
        !self.quiet && !matches!(self.mode, Mode::StreamJson)
    }

    fn sheet(&self, change: impl FnOnce(&mut Sheet)) {
        if let Some((_, sheet)) = &self.live
            && let Some(sheet) = sheet.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
        {
            change(sheet);
        }
    }

    /// Writes lines on stderr, above the table.
    fn lines(&self, told: &mut Told, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let text = lines.join("\n") + "\n";
        let mut write = || {
            let _ = told.err.write_all(text.as_bytes()).and_then(|()| told.err.flush());
        };
        match &self.live {
            Some((canvas, _)) => canvas.above(write),
            None => write(),
        }
    }

    fn hide(&self) {
        if let Some((canvas, _)) = &self.live {
            canvas.hide();
        }
    }
}

impl Told {
    /// Writes on stdout at once.
    fn out(&mut self, text: &str) {
        match self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => self.broken = Some(error.to_string()),
            _ => {}
        }
    }
}

/// Whether a task's route is paid by another account than its batch: an edge of the user's was taken.
fn pays_another(route: &RouteResolved, batch: &RouteResolved) -> bool {
    let payer = |route: &RouteResolved| (route.path.clone(), route.provider.clone(), route.key_fingerprint.clone());
    route.path != "free" && payer(route) != payer(batch)
}

impl Shown for Board {
    fn begins(&self, started: &BatchStarted, tasks: &[Planned]) {
        let mut told = self.told();
        told.rows = tasks
            .iter()
            .map(|planned| Row { planned: planned.clone(), begun: false, end: None, spent: Usd::ZERO })
            .collect();
        if self.mode == Mode::StreamJson {
            let line = json::line(&Event::BatchStarted(Box::new(started.clone())), clock::now());
            told.out(&format!("{line}\n"));
        } else {
            let lines = report::begins(started, self.quiet, self.paint, self.width());
            self.lines(&mut told, &lines);
        }
        if self.dry_run && self.mode == Mode::Text {
            let text = report::plan(&told.rows, started, self.style);
            told.out(&text);
        }
        told.started = Some(started.clone());
        drop(told);
        let left = started.tasks - started.ended_before;
        if let Some((canvas, sheet)) = self.live.as_ref().filter(|_| !self.dry_run && left > 0) {
            let now = Instant::now();
            *sheet.lock().unwrap_or_else(PoisonError::into_inner) = Some(Sheet::new(started, now));
            let (sheet, paint) = (Arc::clone(sheet), self.paint);
            canvas.show(move |width, height| {
                let sheet = sheet.lock().unwrap_or_else(PoisonError::into_inner);
                sheet.as_ref().map_or_else(String::new, |sheet| sheet.render(Instant::now(), width, height, paint))
            });
        }
    }

    fn task_begins(&self, at: usize) {
        let mut told = self.told();
        told.begun += 1;
        let begun = told.begun;
        let left = told.started.as_ref().map_or(0, |started| started.tasks - started.ended_before);
        let Some(row) = told.rows.get_mut(at) else { return };
        row.begun = true;
        let id = row.planned.line.id.clone();
        if self.live.is_none() && self.talks() {
            let line = talk(&format!("· {id}  begins ({begun} of {left})"), self.width());
            self.lines(&mut told, &[line]);
        }
        drop(told);
        self.sheet(|sheet| sheet.begin(at, &id, Instant::now()));
    }

    fn of_task(&self, at: usize, event: &Event) {
        self.sheet(|sheet| sheet.apply(at, event, Instant::now()));
        let mut told = self.told();
        let told = &mut *told;
        let Some(row) = told.rows.get_mut(at) else { return };
        if let Event::CallSettled { spent_usd, .. } = event {
            row.spent = *spent_usd;
        }
        let id = row.planned.line.id.clone();
        if self.mode == Mode::StreamJson {
            let line = json::line_of(event, clock::now(), Some(&id));
            told.out(&format!("{line}\n"));
        } else if let (Event::RouteResolved(route), Some(batch)) =
            (event, told.started.as_ref().and_then(|started| started.route.as_ref()))
            && pays_another(route, batch)
        {
            // Who pays is said, however little else is.
            let line = talk(&format!("! {id}  {}", route.line), self.width());
            self.lines(told, &[line]);
        }
    }

    fn said_by(&self, at: usize, line: &str) {
        let mut told = self.told();
        let id = told.rows.get(at).map(|row| row.planned.line.id.clone()).unwrap_or_default();
        let is_new = told.said.insert(line.to_owned());
        if is_new && !self.quiet {
            let line = talk(&format!("  {id}  {line}"), self.width());
            self.lines(&mut told, &[line]);
        }
    }

    fn task_ended(&self, at: usize, end: &BatchTask) {
        let mut told = self.told();
        let Some(row) = told.rows.get_mut(at) else { return };
        row.end = Some(end.clone());
        let spent = row.spent;
        if self.mode != Mode::Text {
            let line = json::line(&Event::BatchTaskFinished(Box::new(end.clone())), clock::now());
            told.out(&format!("{line}\n"));
        }
        if self.talks() {
            let lines = report::ended(end, spent, self.paint, self.width());
            self.lines(&mut told, &lines);
        }
        drop(told);
        self.sheet(|sheet| sheet.end(at, end));
    }

    fn stopping(&self, why: &str) {
        self.sheet(Sheet::stopping);
        if self.talks() {
            let line = talk(why, self.width());
            self.lines(&mut self.told(), &[line]);
        }
    }

    fn finished(&self, end: &BatchFinished) {
        self.hide();
        let mut told = self.told();
        let told = &mut *told;
        let mut text = String::new();
        if let Some(error) = &end.error {
            text.push_str(&failure::text(error, self.width()));
        }
        match self.mode {
            Mode::Text if told.started.is_some() && !self.dry_run => {
                let table = report::table(&told.rows, self.style);
                told.out(&table);
                if !self.quiet {
                    let known = told.rows.iter().map(|row| row.spent).sum();
                    text.push('\n');
                    let (paint, width) = (self.paint, self.width());
                    text.push_str(&report::summary(end, &told.rows, &self.again, known, paint, width));
                }
            }
            Mode::Text => {}
            Mode::Json | Mode::StreamJson => {
                let line = json::line(&Event::BatchFinished(Box::new(end.clone())), clock::now());
                told.out(&format!("{line}\n"));
            }
        }
        if told.bell && self.screen.attended && !self.quiet && !self.dry_run {
            text.push('\x07');
        }
        let _ = told.err.write_all(text.as_bytes()).and_then(|()| told.err.flush());
        if self.dry_run {
            return;
        }
        let ends: Vec<&BatchTask> = told.rows.iter().filter_map(|row| row.end.as_ref()).collect();
        let known = told.rows.iter().map(|row| row.spent).sum();
        let route = told.started.as_ref().and_then(|started| started.route.as_ref());
        for note in self.github.report_batch(route, end, &ends, known) {
            self.lines(told, &[talk(&format!("note: {note}"), self.width())]);
        }
    }

    fn ring(&self, on: bool) {
        self.told().bell = on;
    }

    fn line(&self, event: &Event) -> String {
        json::line(event, clock::now())
    }
}

#[cfg(test)]
mod tests;

//! The person at the terminal, or a script in their place: takes events and talk, asks questions.
//!
//! In text mode the answer is all that stdout gets, everything else goes to stderr. Where both are the same
//! terminal the answer is streamed to it and not repeated at the end; where they are not, the model's words go to
//! stderr while a person watches, and the answer to stdout, whole, when the task is done.

mod voice;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::voice::Voice;
pub use super::ask::answered;
use super::ask::{self, Tty, Typing};
use super::escape::{escape, escape_controls};
use super::github::Github;
use super::live::Live;
use super::prose::Prose;
pub use super::screen::Mode;
use super::screen::{Paint, Screen};
use super::table::talk;
use super::talk::Talk;
use super::{failure, json, prose, summary};
use crate::base::env::Env;
use crate::base::money::Usd;
use crate::base::secret::Secret;
use crate::domain::event::{Event, TaskFinished};
use crate::domain::failure::Failure;
use crate::domain::ui::{Question, Ui};

/// Who answered within this is still looking.
const JUST_NOW: Duration = Duration::from_secs(3);

pub struct Terminal {
    mode: Mode,
    quiet: bool,
    screen: Screen,
    paint: Paint,
    tty: PathBuf,
    github: Github,
    term: console::Term,
    live: Option<Live>,
    bell: AtomicBool,
    /// Whether each request to a model is told of.
    requests: AtomicBool,
    /// Taken before the live view's locks, never while one of them is held.
    voice: Mutex<Voice>,
}

impl Terminal {
    #[must_use]
    pub fn new(env: &Env, mode: Mode, quiet: bool) -> Self {
        let screen = Screen::of(env, mode);
        let term = console::Term::stderr();
        let terminal = Self::with(env, mode, quiet, screen, term, Box::new(io::stdout()), Box::new(io::stderr()));
        terminal.ring(true);
        terminal
    }

    fn with(
        env: &Env,
        mode: Mode,
        quiet: bool,
        screen: Screen,
        term: console::Term,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
    ) -> Self {
        let paint = Paint(screen.colour);
        let live = (screen.can_redraw && !quiet).then(|| Live::new(term.clone(), paint));
        let voice = Voice::new(out, err, Talk::new(paint, live.is_some()));
        Self {
            mode,
            quiet,
            screen,
            paint,
            tty: PathBuf::from("/dev/tty"),
            github: Github::of(env),
            term,
            live,
            bell: AtomicBool::new(false),
            requests: AtomicBool::new(false),
            voice: Mutex::new(voice),
        }
    }

    /// Tells of each request to a model, also where little is to be said.
    pub fn show_requests(&self, on: bool) {
        self.requests.store(on, Ordering::Relaxed);
    }

    /// Tells of the failure that ends the program, unless `task.finished` has told it already.
    pub fn fail(&self, failure: &Failure) {
        if let Some(live) = &self.live {
            live.hide();
        }
        let mut voice = self.voice();
        if std::mem::replace(&mut voice.finished, true) {
            return;
        }
        if self.mode != Mode::Text {
            voice.json(&json::finished_from_failure(failure));
        }
        let _ = voice.err.write_all(failure::text(failure, self.width()).as_bytes());
    }

    /// Whether stdout took everything; a reader that has gone away took what it wanted.
    ///
    /// # Errors
    /// When something could not be written for any other reason, such as a full disk.
    pub fn delivered(&self) -> Result<(), Failure> {
        match &self.voice().broken {
            Some(why) => Err(super::unwritable(why)),
            None => Ok(()),
        }
    }

    fn voice(&self) -> MutexGuard<'_, Voice> {
        self.voice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The columns of the terminal that stderr is, if it is one.
    fn width(&self) -> Option<usize> {
        self.screen.err_is_terminal.then(|| usize::from(self.term.size().1))
    }

    /// Writes lines on stderr, above the live view.
    fn lines(&self, voice: &mut Voice, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let text = lines.join("\n") + "\n";
        self.above(|| {
            let _ = voice.err.write_all(text.as_bytes()).and_then(|()| voice.err.flush());
        });
    }

    fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.live {
            Some(live) => live.above(write),
            None => write(),
        }
    }

    fn text_event(&self, event: &Event) {
        let mut voice = self.voice();
        match event {
            Event::TextDelta { text } => {
                voice.said.push_str(text);
                if self.live.is_some() {
                    self.stream(&mut voice, false);
                }
            }
            Event::TaskFinished(end) => {
                self.end(&mut voice, end);
                return;
            }
            Event::ToolStarted { .. } | Event::TurnStarted { .. } | Event::CheckStarted { .. } => {
                self.flush_said(&mut voice);
            }
            _ => {}
        }
        let lines = match event {
            Event::RouteResolved(route) if self.quiet => vec![talk(&route.line, self.width())],
            _ if self.quiet => Vec::new(),
            event => voice.talk.lines(event, self.width()),
        };
        self.lines(&mut voice, &lines);
        if let Some(live) = &self.live {
            live.event(event);
        }
    }

    /// Writes the whole lines of the model's text, and with `all` the last one as well.
    fn stream(&self, voice: &mut Voice, all: bool) {
        if voice.written == 0 {
            // A text begins with its first word.
            voice.prose = Prose::default();
            voice.written = voice.said.len() - voice.said.trim_start_matches(['\n', '\r', ' ']).len();
        }
        let rest = &voice.said[voice.written..];
        let end = if all { rest.trim_end().len() } else { rest.rfind('\n').map_or(0, |at| at + 1) };
        let ready = match self.width() {
            _ if end == 0 => String::new(),
            Some(width) => voice.prose.show(&rest[..end], width, self.paint),
            None => prose::plain(&rest[..end]),
        };
        voice.written += end;
        if let Some(live) = &self.live {
            live.partial(if all { "" } else { &voice.said[voice.written..] });
        }
        if ready.is_empty() {
            return;
        }
        self.above(|| {
            if self.screen.same_terminal {
                voice.out(&ready);
            } else {
                let _ = voice.err.write_all(ready.as_bytes());
            }
        });
    }

    /// The model has gone on to something else: what it said was talk, not the answer.
    fn flush_said(&self, voice: &mut Voice) {
        if !self.quiet {
            self.stream(voice, true);
        }
        if !voice.said.trim().is_empty() {
            voice.read = std::mem::take(&mut voice.said);
        }
        voice.said.clear();
        voice.written = 0;
    }

    fn end(&self, voice: &mut Voice, end: &TaskFinished) {
        let answer = end.answer.as_deref().map(str::trim).unwrap_or_default();
        // A check comes after the answer and before the end.
        let last = if voice.said.trim().is_empty() { &voice.read } else { &voice.said };
        let streamed = self.live.is_some() && self.screen.same_terminal && last.trim() == answer;
        if !self.quiet && (self.live.is_some() || voice.said.trim() != answer) {
            self.stream(voice, true);
        }
        if let Some(live) = &self.live {
            live.partial("");
            live.hide();
        }
        voice.said.clear();
        voice.written = 0;
        if !streamed && !answer.is_empty() {
            let shown = match self.width().filter(|_| self.screen.out_is_terminal) {
                Some(width) => Prose::default().show(answer, width, self.paint),
                None if self.screen.out_is_terminal => format!("{}\n", escape(answer)),
                None => format!("{}\n", escape_controls(answer)),
            };
            voice.out(&shown);
        }
        self.conclude(voice, end);
    }

    /// The error, and the summary unless little is to be said.
    fn conclude(&self, voice: &mut Voice, end: &TaskFinished) {
        let mut text = String::new();
        if let Some(error) = &end.error {
            text.push_str(&failure::text(error, self.width()));
        }
        if !self.quiet {
            let cap = voice.route.as_ref().and_then(|route| route.cap_usd);
            text.push('\n');
            text.push_str(&summary::text(end, voice.spent, cap, self.paint, self.width()));
        }
        let _ = voice.err.write_all(text.as_bytes()).and_then(|()| voice.err.flush());
        self.rings(voice);
    }

    /// Every event as JSON, or talk, the same lines as in a log, beside the one object of the end.
    fn json_event(&self, event: &Event) {
        let mut voice = self.voice();
        let stream = self.mode == Mode::StreamJson;
        if stream || matches!(event, Event::TaskFinished(_)) {
            voice.json(event);
        }
        match event {
            Event::TaskFinished(end) => {
                if let Some(error) = &end.error {
                    let text = failure::text(error, self.width());
                    let _ = voice.err.write_all(text.as_bytes());
                }
            }
            _ if stream => {}
            Event::RouteResolved(route) if self.quiet => {
                self.lines(&mut voice, &[talk(&route.line, self.width())]);
            }
            event if !self.quiet => {
                let lines = voice.talk.lines(event, self.width());
                self.lines(&mut voice, &lines);
            }
            _ => {}
        }
    }

    /// Opens the terminal for a question, with everything said before it written out.
    fn asking<T>(&self, ask: impl FnOnce(&mut Tty) -> Option<T>) -> Option<T> {
        if !self.screen.attended {
            return None;
        }
        let mut tty = Tty::open(&self.tty)?;
        let mut voice = self.voice();
        if self.live.is_some() {
            self.stream(&mut voice, true);
        }
        self.rings(&mut voice);
        drop(voice);
        let answer = self.above(|| ask(&mut tty));
        self.voice().answered = Some(Instant::now());
        answer
    }

    /// Calls the person back who looks elsewhere.
    fn rings(&self, voice: &mut Voice) {
        let is_here = voice.answered.is_some_and(|at| at.elapsed() < JUST_NOW);
        if self.bell.load(Ordering::Relaxed) && self.screen.attended && !self.quiet && !is_here {
            let _ = voice.err.write_all(b"\x07").and_then(|()| voice.err.flush());
        }
    }
}

impl Ui for Terminal {
    fn event(&self, event: &Event) {
        {
            let mut voice = self.voice();
            match event {
                Event::RouteResolved(route) => {
                    voice.route = Some((**route).clone());
                    voice.spent = Usd::ZERO;
                    voice.finished = false;
                }
                Event::CallSettled { spent_usd, .. } => voice.spent = *spent_usd,
                Event::TaskFinished(_) => voice.finished = true,
                _ => {}
            }
        }
        match self.mode {
            Mode::Text => self.text_event(event),
            Mode::Json | Mode::StreamJson => self.json_event(event),
        }
        if let Event::TaskFinished(end) = event {
            let notes = {
                let voice = self.voice();
                self.github.report(voice.route.as_ref(), end, voice.spent)
            };
            for note in notes {
                self.say(&format!("note: {note}"));
            }
        }
    }

    fn say(&self, line: &str) {
        self.lines(&mut self.voice(), &[talk(line, self.width())]);
    }

    fn debug(&self, line: &str) {
        if self.requests.load(Ordering::Relaxed) {
            self.say(&format!("debug: {line}"));
        }
    }

    fn interactive(&self) -> bool {
        self.screen.attended && Tty::open(&self.tty).is_some()
    }

    fn ring(&self, on: bool) {
        self.bell.store(on, Ordering::Relaxed);
    }

    fn converses(&self) -> bool {
        self.screen.in_is_terminal && self.screen.same_terminal && self.interactive()
    }

    fn ask(&self, question: &Question) -> Option<char> {
        let width = self.width().unwrap_or_else(|| usize::from(console::Term::stderr().size().1));
        let mut prompt = ask::question_text(question, self.paint, width);
        self.asking(|tty| {
            loop {
                let typed = tty.line(&prompt, if question.one_key { Typing::Key } else { Typing::Answer })?;
                if let Some(chosen) = ask::choose(question, &typed) {
                    return Some(chosen);
                }
                let keys: Vec<String> = question.options.iter().map(|(key, _)| key.to_string()).collect();
                prompt = format!("please type one of {}: ", keys.join(", "));
            }
        })
    }

    fn ask_line(&self, prompt: &str) -> Option<String> {
        let prompt = ask::prompt(prompt, self.width());
        self.asking(|tty| tty.line(&prompt, Typing::Text))
    }

    fn ask_line_until(&self, prompt: &str, done: &dyn Fn() -> bool) -> Option<String> {
        let prompt = ask::prompt(prompt, self.width());
        self.asking(|tty| tty.line_until(&prompt, done))
    }

    fn ask_secret(&self, prompt: &str) -> Option<Secret> {
        let prompt = ask::prompt(prompt, self.width());
        self.asking(|tty| tty.line(&prompt, Typing::Secret)).map(|typed| Secret::new(typed.trim()))
    }
}

/// Puts the terminal's settings back if a question stands: to be called where the program ends without unwinding
/// (a second signal). A panic and a return need it not.
pub fn restore() {
    ask::restore();
}

#[cfg(test)]
#[cfg(unix)]
mod tests;

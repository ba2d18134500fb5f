//! Where a task of a batch speaks to: what happens in it goes to the board of the whole batch, and nobody answers its
//! questions.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Board;
use crate::base::money::Usd;
use crate::base::secret::Secret;
use crate::domain::event::{Event, TaskFinished};
use crate::domain::ui::{Question, Ui};

/// What is known of a task from what it told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) task_id: Option<String>,
    pub(super) end: Option<TaskFinished>,
    /// Billed and estimated.
    pub(super) spent: Usd,
    /// Whose budget held no more: `task`, `batch`, `day`.
    pub(super) exhausted: Option<&'static str>,
}

pub(super) struct Seat {
    at: usize,
    board: Arc<dyn Board>,
    person: Arc<Person>,
    told: Mutex<Told>,
}

impl Seat {
    pub(super) fn new(at: usize, board: Arc<dyn Board>, person: Arc<Person>) -> Self {
        Self { at, board, person, told: Mutex::default() }
    }

    pub(super) fn told(&self) -> Told {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Ui for Seat {
    fn event(&self, event: &Event) {
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Event::RouteResolved(route) => told.task_id.clone_from(&route.task_id),
                Event::CallSettled { spent_usd, .. } => told.spent = *spent_usd,
                Event::BudgetExhausted { per, .. } => told.exhausted = Some(*per),
                Event::TaskFinished(end) => {
                    told.end = Some((**end).clone());
                    // The batch tells it, once it is recorded.
                    return;
                }
                _ => {}
            }
        }
        self.board.of_task(self.at, event);
    }

    fn say(&self, line: &str) {
        if !self.person.was_told(line) {
            self.board.said_by(self.at, line);
        }
    }

    fn interactive(&self) -> bool {
        false
    }

    fn ask(&self, _: &Question) -> Option<char> {
        None
    }

    fn ask_line(&self, _: &str) -> Option<String> {
        None
    }

    /// What was typed before the first task, such as the passphrase of the key file, is not asked for again.
    fn ask_secret(&self, prompt: &str) -> Option<Secret> {
        self.person.typed(prompt)
    }
}

/// The person before the first task: asked as always, and remembered for as long as the batch runs.
pub(super) struct Person {
    ui: Arc<dyn Ui>,
    told: Mutex<HashSet<String>>,
    /// A question was left by Ctrl-C.
    left: AtomicBool,
    typed: Mutex<HashMap<String, Secret>>,
}

impl Person {
    pub(super) fn new(ui: &Arc<dyn Ui>) -> Self {
        Self { ui: Arc::clone(ui), told: Mutex::default(), left: AtomicBool::new(false), typed: Mutex::default() }
    }

    /// Whether a question was left without an answer: then nothing begins.
    pub(super) fn left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    fn was_told(&self, line: &str) -> bool {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).contains(line)
    }

    fn typed(&self, prompt: &str) -> Option<Secret> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner).get(prompt).cloned()
    }
}

impl Ui for Person {
    fn event(&self, event: &Event) {
        self.ui.event(event);
    }

    fn say(&self, line: &str) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(line.to_owned());
        self.ui.say(line);
    }

    fn interactive(&self) -> bool {
        self.ui.interactive()
    }

    fn ring(&self, on: bool) {
        self.ui.ring(on);
    }

    fn ask(&self, question: &Question) -> Option<char> {
        let answer = self.ui.ask(question);
        self.left.fetch_or(answer.is_none() && self.ui.interactive(), Ordering::Relaxed);
        answer
    }

    fn ask_line(&self, prompt: &str) -> Option<String> {
        self.ui.ask_line(prompt)
    }

    fn ask_secret(&self, prompt: &str) -> Option<Secret> {
        let typed = self.ui.ask_secret(prompt)?;
        let mut all = self.typed.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(prompt.to_owned(), typed.clone());
        Some(typed)
    }
}

/// Whoever is asked while tasks run: nobody.
pub(super) struct Nobody;

impl Ui for Nobody {
    fn event(&self, _: &Event) {}

    fn say(&self, _: &str) {}

    fn interactive(&self) -> bool {
        false
    }

    fn ask(&self, _: &Question) -> Option<char> {
        None
    }

    fn ask_line(&self, _: &str) -> Option<String> {
        None
    }

    fn ask_secret(&self, _: &str) -> Option<Secret> {
        None
    }
}

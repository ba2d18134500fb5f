//! A driven program at work, whichever it is: its pipe, its questions, the task's lease, its end.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Terms;
use super::books::Books;
use super::child::Child;
use super::failure;
use super::permit::{Permit, Wish};
use super::story;
use crate::agent::approvals::Answer;
use crate::agent::cancel::Cancel;
use crate::agent::plan::{Paid, Plan};
use crate::agent::transcript::Transcript;
use crate::domain::cost::Proof;
use crate::domain::failure::{Failure, Status};
use crate::domain::message::Message;
use crate::domain::quota::Said;
use crate::domain::ui::Ui;
use crate::engine::Tally;

/// Well before the task's lease of a minute is over.
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// A cold start reads a large program from the disk, and may ask its server who is logged in.
const START: Duration = Duration::from_mins(1);

pub struct Drive<'a> {
    pub books: Books<'a>,
    pub transcript: &'a mut Transcript,
    pub permit: &'a mut Permit,
    pub terms: Terms,
    pub cancel: &'a Cancel,
    pub ui: Arc<dyn Ui>,
    /// Turns of the whole task.
    pub turns: u32,
    pub plan: Plan,
    /// What a death of the program is called, from its last words: the engine knows better than what is here at first.
    pub(in crate::engine) of_death: fn(&str) -> Failure,
    child: Option<Child>,
}

impl<'a> Drive<'a> {
    #[must_use]
    pub fn new(
        books: Books<'a>,
        transcript: &'a mut Transcript,
        permit: &'a mut Permit,
        terms: Terms,
        cancel: &'a Cancel,
        ui: Arc<dyn Ui>,
        turns: u32,
    ) -> Self {
        let plan = Plan::new(books.route, terms.plan.clone());
        let of_death = |words: &str| failure::died("the program", words, "vk doctor");
        Self { books, transcript, permit, terms, cancel, ui, turns, plan, of_death, child: None }
    }

    /// Whether the program has been started.
    #[must_use]
    pub const fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// # Errors
    /// What the system answered to the start.
    pub fn start(&mut self, command: Command) -> Result<(), Failure> {
        let name = &self.books.route.provider;
        self.child = Some(Child::start(command).map_err(|error| failure::not_started(name, &error))?);
        Ok(())
    }

    /// What the account said before the first call: now, or when the route was decided.
    ///
    /// # Errors
    /// A plan of which nothing, or nothing of the user's quota, is left; a ledger that cannot record.
    pub fn begins(&mut self, said: Option<Said>) -> Result<(), Failure> {
        let begun = match said {
            Some(said) => self.plan.begins(said),
            None => self.plan.begins_as_told(),
        };
        self.note_windows()?;
        begun
    }

    /// Records what the plan says of its windows.
    ///
    /// # Errors
    /// A ledger that cannot record.
    pub fn note_windows(&self) -> Result<(), Failure> {
        let (before, now) = self.plan.windows();
        self.books.saw_plan(before, now)
    }

    /// Whether a further call may be made.
    ///
    /// # Errors
    /// See [`Plan::may_go_on`].
    pub fn may_go_on(&self) -> Result<(), Failure> {
        self.plan.may_go_on(self.books.extra)
    }

    /// What the program is told next: the whole story if it has not begun, else what came last.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.child {
            Some(_) => self.transcript.messages().last().map(Message::text).unwrap_or_default(),
            None => story::told(self.transcript.messages()),
        }
    }

    /// An answer of the program's before the task.
    ///
    /// # Errors
    /// Its own, or that it took too long.
    pub async fn in_time<T>(&mut self, asked: impl AsyncFnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let of_death = self.of_death;
        let answer = tokio::time::timeout(START, asked(self)).await;
        answer.unwrap_or_else(|_| Err(of_death("it did not answer within a minute")))
    }

    /// The program's next message. The task's lease is kept meanwhile.
    ///
    /// # Errors
    /// A signal of the user's, a program that is gone, a ledger that cannot record.
    pub async fn next(&mut self) -> Result<Value, Failure> {
        let mut renew = tokio::time::interval_at(tokio::time::Instant::now() + RENEW_EVERY, RENEW_EVERY);
        loop {
            let Some(child) = &mut self.child else { return Err((self.of_death)("")) };
            let line = tokio::select! {
                biased;
                signal = self.cancel.cancelled() => return Err(signal.failure()),
                line = child.next() => line,
                _ = renew.tick() => { self.books.renew(); continue }
            };
            return match line {
                Ok(Some(value)) => Ok(value),
                Ok(None) | Err(_) => Err(self.died().await),
            };
        }
    }

    /// # Errors
    /// A program that no longer reads.
    pub async fn send(&mut self, message: &Value) -> Result<(), Failure> {
        let Some(child) = &mut self.child else { return Err((self.of_death)("")) };
        if child.send(message).await.is_err() {
            return Err(self.died().await);
        }
        Ok(())
    }

    async fn died(&mut self) -> Failure {
        let words = match &mut self.child {
            Some(child) => child.last_words().await,
            None => String::new(),
        };
        (self.of_death)(&words)
    }

    /// Whether the program may do what it asks for. A person takes their time.
    ///
    /// # Errors
    /// A signal of the user's, a ledger that cannot record.
    pub async fn permitted(&mut self, wish: Wish<'_>) -> Result<Answer, Failure> {
        let asking = self.permit.answer(wish);
        tokio::pin!(asking);
        let mut renew = tokio::time::interval_at(tokio::time::Instant::now() + RENEW_EVERY, RENEW_EVERY);
        let answer = loop {
            tokio::select! {
                answer = &mut asking => break answer,
                _ = renew.tick() => self.books.renew(),
            }
        };
        self.cancel.check()?;
        Ok(answer)
    }

    /// # Errors
    /// A transcript that cannot be written.
    pub fn push(&mut self, message: Message) -> Result<(), Failure> {
        self.transcript.push(message).map_err(|error| story::unwritable(&error))
    }

    /// # Errors
    /// A transcript that cannot be written.
    pub fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.transcript.say(text).map_err(|error| story::unwritable(&error))
    }

    #[must_use]
    pub const fn tally(&self) -> Tally {
        Tally { spent: self.books.spent, turns: self.turns, calls: self.books.call_no, organization: None }
    }

    /// Ends the program after this failure; gives who paid for the call that was under way.
    pub async fn stop(&mut self, failure: &Failure) -> (Paid, Proof) {
        if let Some(child) = &mut self.child {
            match failure.status {
                // Not a request more than the one that showed it.
                Status::PayerBlocked | Status::Contradicted | Status::Budget => child.kill().await,
                _ => child.end().await,
            }
        }
        self.child = None;
        match failure.code {
            "extra_usage" => (Paid::Extra, Proof::Contradicted),
            _ => (self.plan.paid(), self.plan.proof()),
        }
    }

    /// After [`Self::stop`], once the call that was under way is settled: nothing is left open.
    pub fn leave(&mut self, failure: &Failure) {
        let _ = self.books.abort(failure.code);
        let _ = self.transcript.answer_open_calls("not known: the task was stopped before this tool call returned");
    }

    /// Says how much of the plan is used.
    pub fn tell_used(&self) {
        if let Some(used) = self.plan.used() {
            self.ui.say(&format!("plan: {used}"));
        }
    }

    pub async fn close(&mut self) {
        if let Some(child) = &mut self.child {
            child.end().await;
        }
        self.child = None;
    }
}

//! What a person says to a task after its first words: what comes next once it is done, and how to go on when they
//! interrupted it. All of it is the same task: the same payer, the same cap, the same row of the ledger.

use std::sync::Arc;
use std::time::Duration;

use super::order::Order;
use crate::agent::cancel::{Cancel, Signal};
use crate::base::clock;
use crate::base::money::Usd;
use crate::domain::failure::Failure;
use crate::domain::ui::Ui;
use crate::ledger::Ledger;

/// A task's lease is a minute, also while a person thinks.
const RENEW_EVERY: Duration = Duration::from_secs(15);

const NEXT: &str = "what next? (Enter ends)";
const STEER: &str = "interrupted; how should it go on? (Enter ends)";

pub(super) struct Conversation<'a> {
    ui: &'a Arc<dyn Ui>,
    cancel: &'a Cancel,
    ledger: &'a Ledger,
    task_id: &'a str,
    /// Whether a person is at both ends: nothing is asked where the answer goes into a file or a pipe.
    on: bool,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(
        order: &Order,
        ui: &'a Arc<dyn Ui>,
        cancel: &'a Cancel,
        ledger: &'a Ledger,
        task_id: &'a str,
    ) -> Self {
        Self { ui, cancel, ledger, task_id, on: !order.rehearsed && ui.converses() }
    }

    /// What comes next; `None` ends the task, which is done.
    ///
    /// # Errors
    /// A signal that ended the wait; a ledger that cannot be written.
    pub(super) async fn follow_up(&self, turns: u32, spent: Usd) -> Result<Option<String>, Failure> {
        if !self.on || self.cancel.signal().is_some() {
            return Ok(None);
        }
        let turns = if turns == 1 { "1 turn".to_owned() } else { format!("{turns} turns") };
        let spent = if spent.is_zero() { String::new() } else { format!(", {spent} so far") };
        self.ui.say("");
        let words = self.ask(format!("done in {turns}{spent}; {NEXT}")).await?;
        match self.cancel.signal() {
            // The time for a task is not used up by somebody who thinks about the next one.
            None | Some(Signal::Deadline) => Ok(words),
            Some(signal) => Err(signal.failure()),
        }
    }

    /// How to go on after one Ctrl-C; `None` where the task was not interrupted like that, or is to end.
    ///
    /// # Errors
    /// A signal that ended the wait; a ledger that cannot be written.
    pub(super) async fn steering(&self) -> Result<Option<String>, Failure> {
        if !self.on || !self.cancel.resume() {
            return Ok(None);
        }
        let words = self.ask(STEER.to_owned()).await?;
        self.cancel.check()?;
        Ok(words)
    }

    async fn ask(&self, prompt: String) -> Result<Option<String>, Failure> {
        let (ui, cancel) = (Arc::clone(self.ui), self.cancel.clone());
        let mut asked = tokio::task::spawn_blocking(move || ui.ask_line_until(&prompt, &|| cancel.signal().is_some()));
        let mut renew = tokio::time::interval(RENEW_EVERY);
        let answer = loop {
            tokio::select! {
                answer = &mut asked => break answer.unwrap_or_default(),
                _ = renew.tick() => self.ledger.renew(self.task_id, clock::now())?,
            }
        };
        Ok(answer.map(|words| words.trim().to_owned()).filter(|words| !words.is_empty()))
    }
}

//! The user's own `codex`, driven over its `app-server` on the plan that pays for it: it asks before it leaves its
//! sandbox, says what each answer used, and what the plan and the credits of the account have left.

mod command;
mod failure;
mod messages;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::driven::Terms;
use super::driven::books::{Books, Paid, Reported};
use super::driven::child::Child;
use super::driven::permit::{Permit, Wish};
use super::driven::plan::{Plan, used_up};
use super::driven::story;
use super::{Engine, Tally};
use crate::agent::approvals::Answer;
use crate::agent::cancel::Cancel;
use crate::agent::transcript::Transcript;
use crate::base::fsx;
use crate::domain::cost::Proof;
use crate::domain::event::Event;
use crate::domain::failure::{Failure, Status};
use crate::domain::message::{Block, Message as Said, Role, ToolCall, ToolInput, ToolResult};
use crate::domain::route::CredentialRef;
use crate::domain::ui::Ui;
use crate::domain::usage::Usage;
use crate::ledger::import::Tool;
use messages::{Item, Limits, Message, limits, parse};

const RENEW_EVERY: Duration = Duration::from_secs(15);
/// A cold start reads a large program from the disk, and asks its server who is logged in.
const START: Duration = Duration::from_mins(1);

pub struct Codex<'a> {
    books: Books<'a>,
    transcript: &'a mut Transcript,
    permit: &'a mut Permit,
    terms: Terms,
    cancel: &'a Cancel,
    ui: Arc<dyn Ui>,
    turns: u32,
    child: Option<Child>,
    thread: String,
    asked: u64,
    plan: Plan,
    /// The balance of credits as last told.
    balance: Option<String>,
    /// Used by an answer whose limits have not been told yet.
    used: Option<Usage>,
    running: BTreeMap<String, Instant>,
    last: String,
}

impl<'a> Codex<'a> {
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
        Self {
            books,
            transcript,
            permit,
            terms,
            cancel,
            ui,
            turns,
            child: None,
            thread: String::new(),
            asked: 0,
            plan: Plan::default(),
            balance: None,
            used: None,
            running: BTreeMap::new(),
            last: String::new(),
        }
    }

    /// Starts the program, and asks whose account it would use before it knows a word of the task.
    async fn start(&mut self) -> Result<(), Failure> {
        let route = self.books.route;
        let with_token = route.credential != CredentialRef::Login;
        for name in ["tmp", "codex"].into_iter().take(1 + usize::from(with_token)) {
            fsx::create_private_dir(&self.terms.folder.join(name)).map_err(|error| failure::not_started(&error))?;
        }
        let command = command::command(&self.terms, route);
        self.child = Some(Child::start(command).map_err(|error| failure::not_started(&error))?);
        let client = json!({"name": "vk", "title": "vk", "version": env!("CARGO_PKG_VERSION")});
        self.ask("initialize", json!({"clientInfo": client})).await?.map_err(|why| failure::died(&why))?;
        self.send(&json!({"method": "initialized"})).await?;
        match self.ask("account/read", json!({"refreshToken": false})).await? {
            Ok(answer) => match answer["account"]["type"].as_str() {
                Some("chatgpt") => {}
                None => return Err(failure::not_logged_in(with_token)),
                Some(other) => return Err(failure::other_payer(&format!("it says that its account is {other}"))),
            },
            // It could not ask its server; what it said of its own login before stands.
            Err(_) if !with_token => {}
            Err(_) => return Err(failure::not_logged_in(true)),
        }
        // Without an answer there is nothing to compare with, and the first call proves nothing.
        if let Ok(answer) = self.ask("account/rateLimits/read", Value::Null).await? {
            let before = limits(&answer["rateLimits"]);
            let refused = answer["ordinaryUsageAllowed"].as_bool() == Some(false) || before.reached;
            if refused && self.terms.overage.is_none() {
                return Err(used_up(route, "its included usage is used up"));
            }
            self.balance = before.balance;
        }
        let begun = self.ask("thread/start", command::thread(&self.terms, route)).await?;
        let begun = begun.map_err(|why| failure::died(&why))?;
        let provider = begun["modelProvider"].as_str().unwrap_or_default();
        if provider != command::provider(route) {
            return Err(failure::other_payer(&format!("it would go to its provider {provider}")));
        }
        let session = begun["thread"]["id"].as_str().unwrap_or_default();
        session.clone_into(&mut self.thread);
        Ok(self.books.ledger.drove(self.books.task_id, Tool::Codex, session)?)
    }

    async fn ask(&mut self, method: &str, params: Value) -> Result<Result<Value, String>, Failure> {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({"id": id, "method": method, "params": params})).await?;
        let answer = async {
            loop {
                if let Message::Answer(of, answer) = parse(&self.next().await?)
                    && of == id
                {
                    return Ok(answer);
                }
            }
        };
        let answered = tokio::time::timeout(START, answer).await;
        answered.unwrap_or_else(|_| Err(failure::died("it did not answer within a minute")))
    }

    async fn converse(&mut self) -> Result<String, Failure> {
        let words = match &self.child {
            Some(_) => self.transcript.messages().last().map(Said::text).unwrap_or_default(),
            None => story::told(self.transcript.messages()),
        };
        if self.child.is_none() {
            self.start().await?;
        }
        self.books.open()?;
        self.ui.event(&Event::TurnStarted { turn: self.turns + 1 });
        self.asked += 1;
        let input = json!([{"type": "text", "text": words}]);
        let params = json!({"threadId": self.thread, "input": input});
        self.send(&json!({"id": self.asked, "method": "turn/start", "params": params})).await?;
        loop {
            match parse(&self.next().await?) {
                Message::Answer(id, Err(why)) if id == self.asked => return Err(failure::died(&why)),
                Message::Question(id, method, params) => self.answer(id, &method, &params).await?,
                Message::Text(text) => self.ui.event(&Event::TextDelta { text }),
                Message::Thinking(text) => self.ui.event(&Event::ReasoningDelta { text }),
                Message::Started(item) => self.started(&item),
                Message::Completed(item) => self.completed(item)?,
                Message::Used(usage) => {
                    self.settle()?;
                    self.turns += 1;
                    self.used = Some(usage);
                }
                Message::Limits(now) => self.limits(now).await?,
                Message::Rerouted(model) => {
                    let asked = &self.books.route.model;
                    let what = format!("codex was asked for {asked}, and {model} answers; the task was stopped");
                    return Err(Failure::new(Status::ProviderFailed, "other_model", what)
                        .fix(format!("vk run --continue --model {model} \"go on\"")));
                }
                Message::Retrying(reason) => {
                    self.ui.event(&Event::CallRetrying { attempt: 2, of: 5, wait_ms: 0, reason });
                }
                Message::End { status, error } => {
                    self.settle()?;
                    self.plan.check(self.books.extra, &self.terms)?;
                    self.books.abort("not_sent")?;
                    return match (status.as_str(), error) {
                        ("completed", _) if !self.last.trim().is_empty() => Ok(std::mem::take(&mut self.last)),
                        (_, Some(error)) => Err(failure::of_turn(&error, self.books.route)),
                        _ => Err(Failure::new(Status::GaveUp, "model_gave_up", "codex ended without an answer")
                            .fix("vk run --continue \"go on\"")),
                    };
                }
                Message::Answer(..) | Message::Other => {}
            }
        }
    }

    fn started(&mut self, item: &Item) {
        if matches!(item.kind.as_str(), "commandExecution" | "fileChange") {
            self.running.insert(item.id.clone(), Instant::now());
            let summary = item.text.lines().next().unwrap_or_default().to_owned();
            self.ui.event(&Event::ToolStarted { call_id: item.id.clone(), name: name_of(item).to_owned(), summary });
        }
    }

    fn completed(&mut self, item: Item) -> Result<(), Failure> {
        match item.kind.as_str() {
            "agentMessage" => {
                self.last.clone_from(&item.text);
                self.push(Said::assistant(vec![Block::text(item.text)]))
            }
            "commandExecution" | "fileChange" => {
                let ok = item.status == "completed";
                let started = self.running.remove(&item.id);
                let ms = started.map_or(0, |at| u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX));
                let name = name_of(&item).to_owned();
                let (call_id, exit_code) = (item.id.clone(), item.exit_code);
                self.ui.event(&Event::ToolFinished { call_id, name: name.clone(), ok, exit_code, ms });
                let call = ToolCall { id: item.id.clone(), name, input: ToolInput::Text(item.text) };
                self.push(Said::assistant(vec![Block::ToolCall(call)]))?;
                let content = if item.output.is_empty() { item.status } else { item.output };
                let result = ToolResult { call_id: item.id, content, is_error: !ok };
                self.push(Said { role: Role::User, content: vec![Block::ToolResult(result)] })?;
                self.goes_on()
            }
            _ => Ok(()),
        }
    }

    /// What the account has left is told after each answer: who paid for it follows from that.
    async fn limits(&mut self, now: Limits) -> Result<(), Failure> {
        let fell = self.balance.as_deref().zip(now.balance.as_deref()).is_some_and(|(a, b)| messages::fell(a, b));
        if now.balance.is_some() {
            self.balance = now.balance;
        }
        if fell {
            self.plan.went_on(&self.terms, self.books.route, &self.ui).await?;
        } else if !now.windows.is_empty() {
            self.plan.covers();
            self.plan.saw(now.windows);
        }
        self.settle()?;
        self.plan.check(self.books.extra, &self.terms)?;
        if now.reached && now.has_credits && self.terms.overage.is_none() {
            return Err(used_up(self.books.route, "the next call would be paid by credits"));
        }
        Ok(())
    }

    /// The answer that came last is paid for.
    fn settle(&mut self) -> Result<(), Failure> {
        self.settle_as("ok", self.plan.paid(), self.plan.proof())
    }

    fn settle_as(&mut self, outcome: &'static str, paid: Paid, proof: Proof) -> Result<(), Failure> {
        let Some(usage) = self.used.take() else { return Ok(()) };
        let (model, response_id, request_id) = (None, None, None);
        self.books.settle(Reported { usage, paid, proof, outcome, model, response_id, request_id })
    }

    /// A tool has ended: another request follows.
    fn goes_on(&mut self) -> Result<(), Failure> {
        if !self.books.is_open() {
            self.ui.event(&Event::TurnStarted { turn: self.turns + 1 });
        }
        self.books.open()
    }

    /// What it asks is to leave its sandbox: a question for a person, whatever the approvals inside it.
    async fn answer(&mut self, id: Value, method: &str, params: &Value) -> Result<(), Failure> {
        let word = |name: &str| params[name].as_str().unwrap_or_default().to_owned();
        let what = match method {
            "item/commandExecution/requestApproval" => word("command"),
            "item/fileChange/requestApproval" => {
                format!("a change of files outside of the project: {}", word("reason"))
            }
            _ => {
                let error = json!({"code": -32601, "message": format!("{method} is not answered here")});
                return self.send(&json!({"id": id, "error": error})).await;
            }
        };
        let host = params["networkApprovalContext"]["host"].as_str().unwrap_or_default().to_owned();
        let wish = if host.is_empty() { Wish::Outside(&what) } else { Wish::Network(&host) };
        let answer = {
            let asking = self.permit.answer(wish);
            tokio::pin!(asking);
            let mut renew = tokio::time::interval_at(tokio::time::Instant::now() + RENEW_EVERY, RENEW_EVERY);
            loop {
                tokio::select! {
                    answer = &mut asking => break answer,
                    _ = renew.tick() => self.books.renew()?,
                }
            }
        };
        self.cancel.check()?;
        let decision = if answer == Answer::Yes { "accept" } else { "decline" };
        self.send(&json!({"id": id, "result": {"decision": decision}})).await
    }

    async fn ended(&mut self, failure: &Failure) {
        if let Some(child) = &mut self.child {
            match failure.status {
                Status::PayerBlocked | Status::Contradicted | Status::Budget => child.kill().await,
                _ => child.end().await,
            }
        }
        self.child = None;
        let (paid, proof) = match failure.code {
            "extra_usage" => (Paid::Extra, Proof::Contradicted),
            _ => (self.plan.paid(), self.plan.proof()),
        };
        let _ = self.settle_as("ok", paid, proof);
        let _ = self.books.abort(failure.code);
        let _ = self.transcript.answer_open_calls("not known: the task was stopped before this tool call returned");
    }

    async fn next(&mut self) -> Result<Value, Failure> {
        let mut renew = tokio::time::interval_at(tokio::time::Instant::now() + RENEW_EVERY, RENEW_EVERY);
        loop {
            let Some(child) = &mut self.child else { return Err(failure::died("")) };
            let line = tokio::select! {
                biased;
                signal = self.cancel.cancelled() => return Err(signal.failure()),
                line = child.next() => line,
                _ = renew.tick() => { self.books.renew()?; continue }
            };
            return match line {
                Ok(Some(value)) => Ok(value),
                Ok(None) | Err(_) => Err(self.died().await),
            };
        }
    }

    async fn send(&mut self, message: &Value) -> Result<(), Failure> {
        let Some(child) = &mut self.child else { return Err(failure::died("")) };
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
        failure::died(&words)
    }

    fn push(&mut self, message: Said) -> Result<(), Failure> {
        self.transcript.push(message).map_err(|error| story::unwritable(&error))
    }
}

impl Engine for Codex<'_> {
    async fn run(&mut self) -> Result<String, Failure> {
        let ended = Box::pin(self.converse()).await;
        if let Err(failure) = &ended {
            self.ended(failure).await;
        }
        if let Some(used) = self.plan.used() {
            self.ui.say(&format!("plan: {used}"));
        }
        ended
    }

    fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.transcript.say(text).map_err(|error| story::unwritable(&error))
    }

    fn tally(&self) -> Tally {
        Tally { spent: self.books.spent, turns: self.turns, calls: self.books.call_no, organization: None }
    }

    async fn close(&mut self) {
        if let Some(child) = &mut self.child {
            child.end().await;
        }
        self.child = None;
    }
}

fn name_of(item: &Item) -> &'static str {
    if item.kind == "fileChange" { "apply_patch" } else { "shell" }
}

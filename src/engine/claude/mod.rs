//! The user's own `claude`, driven on the plan that pays for it: the task goes in, its stream comes out as vk's events,
//! its questions are answered by vk, and each of its answers is a row in the ledger.
//!
//! vk's own loop never uses a Claude plan: Anthropic's terms allow it in Anthropic's own programs only.

mod account;
mod command;
mod failure;
mod lines;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::driven::Terms;
use super::driven::books::{Books, Paid, Reported};
use super::driven::child::Child;
use super::driven::permit::{Permit, Wish};
use super::driven::plan::Plan;
use super::driven::story;
use super::{Engine, Tally};
use crate::agent::approvals::Answer;
use crate::agent::cancel::Cancel;
use crate::agent::limits::check_turns;
use crate::agent::transcript::Transcript;
use crate::base::fsx;
use crate::domain::cost::Proof;
use crate::domain::event::Event;
use crate::domain::failure::{Failure, Status};
use crate::domain::message::{Block, Message, Role, ToolCall, ToolInput, ToolResult};
use crate::domain::route::CredentialRef;
use crate::domain::ui::Ui;
use crate::domain::usage::Usage;
use crate::ledger::import::Tool;
use lines::{Init, Limits, Line, parse};

const RENEW_EVERY: Duration = Duration::from_secs(15);
/// A cold start reads a large program from the disk.
const START: Duration = Duration::from_mins(1);

/// What its sandbox makes in the project, with an empty `.cc-writes` in it (2.1.331).
const FOLDER: &str = ".claude";

pub struct Claude<'a> {
    books: Books<'a>,
    transcript: &'a mut Transcript,
    permit: &'a mut Permit,
    terms: Terms,
    cancel: &'a Cancel,
    ui: Arc<dyn Ui>,
    turns: u32,
    child: Option<Child>,
    /// A message of the API that is not whole yet.
    pending: Option<Pending>,
    plan: Plan,
    running: BTreeMap<String, (String, Instant)>,
    session: Option<String>,
    /// Its sandbox leaves a folder in the project; where none was, it is taken away again.
    had_folder: bool,
}

#[derive(Default)]
struct Pending {
    id: String,
    model: String,
    usage: Usage,
    request_id: Option<String>,
    blocks: Vec<Block>,
}

impl<'a> Claude<'a> {
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
            had_folder: terms.root.join(FOLDER).exists(),
            books,
            transcript,
            permit,
            terms,
            cancel,
            ui,
            turns,
            child: None,
            pending: None,
            plan: Plan::default(),
            running: BTreeMap::new(),
            session: None,
        }
    }

    /// Starts the program and asks it whose account it would use, before it knows a word of the task.
    async fn start(&mut self) -> Result<(), Failure> {
        let route = self.books.route;
        if route.credential != CredentialRef::Login {
            let folder = self.terms.folder.join("claude");
            fsx::create_private_dir(&folder).map_err(|error| failure::not_started(&error))?;
        }
        let command = command::command(&self.terms, route, self.turns);
        let child = self.child.insert(Child::start(command).map_err(|error| failure::not_started(&error))?);
        let initialize = json!({"type": "control_request", "request_id": "vk-initialize",
            "request": {"subtype": "initialize"}});
        if child.send(&initialize).await.is_err() {
            return Err(self.died().await);
        }
        let answer = tokio::time::timeout(START, self.initialized()).await;
        let account = answer.map_err(|_| failure::died("it did not answer within a minute"))??;
        account::check(&account, &route.credential)
    }

    async fn initialized(&mut self) -> Result<Value, Failure> {
        loop {
            let line = self.next().await?;
            match parse(&line) {
                Line::Answer(answer) => return Ok(answer["response"]["account"].clone()),
                Line::End(end) => return Err(failure::of_end(&end, self.turns, self.terms.max_turns)),
                _ => {}
            }
        }
    }

    async fn converse(&mut self) -> Result<String, Failure> {
        check_turns(self.turns, self.terms.max_turns)?;
        let words = match &self.child {
            Some(_) => self.transcript.messages().last().map(Message::text).unwrap_or_default(),
            None => story::told(self.transcript.messages()),
        };
        if self.child.is_none() {
            self.start().await?;
        }
        self.books.open()?;
        self.send(&json!({"type": "user", "message": {"role": "user", "content": words}})).await?;
        loop {
            let line = self.next().await?;
            match parse(&line) {
                Line::Init(init) => self.begun(init)?,
                Line::Requesting => {
                    self.books.open()?;
                    self.ui.event(&Event::TurnStarted { turn: self.turns + 1 });
                }
                Line::Retrying { attempt, of, wait_ms, reason } => {
                    self.ui.event(&Event::CallRetrying { attempt: attempt + 1, of: of + 1, wait_ms, reason });
                }
                Line::MessageStart { id, model, usage } => {
                    self.flush("ok")?;
                    self.turns += 1;
                    self.pending = Some(Pending { id, model, usage, ..Pending::default() });
                }
                Line::Text(text) => self.ui.event(&Event::TextDelta { text }),
                Line::Thinking(text) => self.ui.event(&Event::ReasoningDelta { text }),
                Line::MessageDelta(usage) => {
                    if let Some(pending) = &mut self.pending {
                        pending.usage = pending.usage.field_max(usage);
                    }
                }
                Line::Said { id, request_id, blocks } => self.said(id, request_id, blocks)?,
                Line::ToolResults(results) => self.answered(results)?,
                Line::Limits(limits) => self.limits(limits).await?,
                Line::Ask { request_id, tool, input } => self.ask(&request_id, &tool, input).await?,
                Line::Unknown { request_id, subtype } => {
                    let error = format!("{subtype} is not answered here");
                    let response = json!({"subtype": "error", "request_id": request_id, "error": error});
                    self.send(&json!({"type": "control_response", "response": response})).await?;
                }
                Line::ApiError(error) => {
                    self.flush("ok")?;
                    self.books.abort("refused")?;
                    return Err(failure::of_api(&error, self.books.route));
                }
                Line::End(end) => {
                    self.flush("ok")?;
                    self.books.abort("not_sent")?;
                    self.plan.check(self.books.extra, &self.terms)?;
                    return match end.subtype.as_str() {
                        "success" if !end.is_error && !end.text.trim().is_empty() => Ok(end.text),
                        _ => Err(failure::of_end(&end, self.turns, self.terms.max_turns)),
                    };
                }
                Line::Answer(_) | Line::Other => {}
            }
        }
    }

    /// The first request has not been sent yet.
    fn begun(&mut self, init: Init) -> Result<(), Failure> {
        if init.key_source != account::PLAN_KEY_SOURCE {
            return Err(account::other_payer(&format!("it says apiKeySource {}", init.key_source)));
        }
        let wants_sandbox = self.terms.mode != crate::sandbox::Mode::Off;
        if wants_sandbox && init.sandboxed == Some(false) {
            return Err(Failure::new(Status::NoSandbox, "no_sandbox", "claude began without its sandbox")
                .fix("sudo apt-get install bubblewrap socat ripgrep"));
        }
        if self.session.as_deref() != Some(init.session.as_str()) {
            self.books.ledger.drove(self.books.task_id, Tool::ClaudeCode, &init.session)?;
            self.session = Some(init.session);
        }
        Ok(())
    }

    fn said(&mut self, id: String, request_id: Option<String>, blocks: Vec<Block>) -> Result<(), Failure> {
        if self.pending.as_ref().is_some_and(|pending| pending.id != id) {
            self.flush("ok")?;
        }
        for call in blocks.iter().filter_map(|block| if let Block::ToolCall(call) = block { Some(call) } else { None })
        {
            self.running.insert(call.id.clone(), (call.name.clone(), Instant::now()));
            let (call_id, name, summary) = (call.id.clone(), call.name.clone(), summary(call));
            self.ui.event(&Event::ToolStarted { call_id, name, summary });
        }
        let pending = self.pending.get_or_insert_with(|| Pending { id, ..Pending::default() });
        pending.request_id = pending.request_id.take().or(request_id);
        pending.blocks.extend(blocks);
        Ok(())
    }

    fn answered(&mut self, results: Vec<ToolResult>) -> Result<(), Failure> {
        if results.is_empty() {
            return Ok(());
        }
        self.flush("ok")?;
        for result in &results {
            if let Some((name, started)) = self.running.remove(&result.call_id) {
                let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                let (call_id, ok) = (result.call_id.clone(), !result.is_error);
                self.ui.event(&Event::ToolFinished { call_id, name, ok, exit_code: None, ms });
            }
        }
        let content = results.into_iter().map(Block::ToolResult).collect();
        self.push(Message { role: Role::User, content })?;
        self.plan.check(self.books.extra, &self.terms)?;
        self.books.open()
    }

    async fn limits(&mut self, limits: Limits) -> Result<(), Failure> {
        if limits.extra {
            return self.plan.went_on(&self.terms, self.books.route, &self.ui).await;
        }
        if !limits.rejected {
            self.plan.covers();
            let percent = |used: f64| {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage, shown")]
                let percent = (used.clamp(0.0, 10.0) * 100.0).round() as u32;
                percent
            };
            let windows = limits.windows.into_iter().map(|(name, used, resets)| (name, percent(used), resets));
            self.plan.saw(windows.collect());
        }
        Ok(())
    }

    async fn ask(&mut self, request_id: &str, tool: &str, input: Value) -> Result<(), Failure> {
        let word = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
        let (path, change) = (word("file_path"), input.to_string());
        let command = word("command");
        let (elsewhere, host) = (word("path"), word("host"));
        let wish = match tool {
            "Bash" if input["dangerouslyDisableSandbox"].as_bool() != Some(true) => Wish::Command(&command),
            "Edit" | "Write" => Wish::Write(&path, &change),
            "Read" => Wish::Read(&path),
            "Grep" | "Glob" => Wish::Read(if elsewhere.is_empty() { "." } else { &elsewhere }),
            "SandboxNetworkAccess" => Wish::Network(&host),
            other => Wish::Other(other),
        };
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
        let decision = match answer {
            Answer::Yes => json!({"behavior": "allow", "updatedInput": input}),
            Answer::No(why) => json!({"behavior": "deny", "message": why}),
        };
        let response = json!({"subtype": "success", "request_id": request_id, "response": decision});
        self.send(&json!({"type": "control_response", "response": response})).await
    }

    /// The message that came last is whole: it is kept and paid for.
    fn flush(&mut self, outcome: &'static str) -> Result<(), Failure> {
        let paid = self.plan.paid();
        self.flush_as(outcome, paid, self.plan.proof())
    }

    fn flush_as(&mut self, outcome: &'static str, paid: Paid, proof: Proof) -> Result<(), Failure> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let Pending { id, model, usage, request_id, blocks } = pending;
        if !blocks.is_empty() {
            self.push(Message::assistant(blocks))?;
        }
        let answered = (!model.is_empty()).then(|| model.clone());
        let response_id = (!id.is_empty()).then_some(id);
        self.books.settle(Reported { usage, paid, proof, outcome, model: answered, response_id, request_id })?;
        if self.books.route.accepts(&model) { Ok(()) } else { Err(other_model(&self.books.route.model, &model)) }
    }

    /// What is left of a run that ends early is settled: what the plan was used for stays in the ledger.
    async fn ended(&mut self, failure: &Failure) {
        if let Some(child) = &mut self.child {
            match failure.status {
                // Not a request more than the one that showed it.
                Status::PayerBlocked | Status::Contradicted | Status::Budget => child.kill().await,
                _ => child.end().await,
            }
        }
        self.child = None;
        let (paid, proof) = match failure.code {
            "extra_usage" => (Paid::Extra, Proof::Contradicted),
            _ => (self.plan.paid(), self.plan.proof()),
        };
        let requested = self.pending.is_some();
        let _ = self.flush_as(if requested { "interrupted" } else { "ok" }, paid, proof);
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

    fn push(&mut self, message: Message) -> Result<(), Failure> {
        self.transcript.push(message).map_err(|error| story::unwritable(&error))
    }
}

impl Engine for Claude<'_> {
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
        if !self.had_folder {
            // Only what is empty goes.
            let folder = self.terms.root.join(FOLDER);
            let _ = std::fs::remove_dir(folder.join(".cc-writes"));
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// What a tool call is about, in one line.
fn summary(call: &ToolCall) -> String {
    let ToolInput::Json(input) = &call.input else { return String::new() };
    let names = ["command", "file_path", "pattern", "path"];
    names.iter().find_map(|name| input[*name].as_str()).unwrap_or_default().to_owned()
}

/// Exit 6: the plan paid and the model was another.
fn other_model(asked: &str, answered: &str) -> Failure {
    let what = format!("claude was asked for {asked}, and {answered} answered; the task was stopped");
    Failure::new(Status::ProviderFailed, "other_model", what)
        .fix(format!("vk run --continue --model {answered} \"go on\""))
}

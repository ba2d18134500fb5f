//! The user's own `claude`, driven on the plan that pays for it: the task goes in, its stream comes out as vk's events,
//! its questions are answered by vk, and each of its answers is a row in the ledger.
//!
//! vk's own loop never uses a Claude plan: Anthropic's terms allow it in Anthropic's own programs only.

mod account;
mod command;
mod failure;
mod lines;
mod told;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::driven::books::Reported;
use super::driven::drive::Drive;
use super::driven::failure::{not_started, other_model};
use super::driven::permit::Wish;
use super::{Engine, Tally};
use crate::agent::approvals::Answer;
use crate::agent::limits::check_turns;
use crate::agent::plan::Paid;
use crate::base::fsx;
use crate::domain::cost::Proof;
use crate::domain::event::Event;
use crate::domain::failure::{Failure, Status};
use crate::domain::message::{Block, Message, Role, ToolCall, ToolInput, ToolResult};
use crate::domain::route::CredentialRef;
use crate::domain::usage::Usage;
use crate::ledger::import::Tool;
pub(super) use told::told;

use lines::{ApiError, Init, Limits, Line, parse};

/// How long the end may take after an error was told.
const LAST_WORD: Duration = Duration::from_secs(5);

/// What its sandbox makes in the project, with an empty `.cc-writes` in it (2.1.331).
const FOLDER: &str = ".claude";

pub struct Claude<'a> {
    drive: Drive<'a>,
    /// A message of the API that is not whole yet.
    pending: Option<Pending>,
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
    pub fn new(mut drive: Drive<'a>) -> Self {
        drive.of_death = failure::died;
        let had_folder = drive.terms.root.join(FOLDER).exists();
        Self { drive, pending: None, running: BTreeMap::new(), session: None, had_folder }
    }

    /// Starts the program and asks it whose account it would use, before it knows a word of the task.
    async fn start(&mut self) -> Result<(), Failure> {
        let route = self.drive.books.route;
        if route.credential != CredentialRef::Login {
            let folder = self.drive.terms.folder.join("claude");
            fsx::create_private_dir(&folder).map_err(|error| not_started("claude", &error))?;
        }
        self.drive.start(command::command(&self.drive.terms, route, self.drive.turns))?;
        let initialize = json!({"type": "control_request", "request_id": "vk-initialize",
            "request": {"subtype": "initialize"}});
        self.drive.send(&initialize).await?;
        let account = self.drive.in_time(initialized).await?;
        account::check(&account, &route.credential)?;
        self.drive.begins(None)
    }

    async fn converse(&mut self) -> Result<String, Failure> {
        check_turns(self.drive.turns, self.drive.terms.max_turns)?;
        let words = self.drive.words();
        if self.drive.runs() {
            self.drive.may_go_on()?;
        } else {
            self.start().await?;
        }
        self.drive.books.open()?;
        self.drive.send(&json!({"type": "user", "message": {"role": "user", "content": words}})).await?;
        loop {
            let line = self.drive.next().await?;
            match parse(&line) {
                Line::Init(init) => self.begun(init)?,
                Line::Requesting => {
                    self.drive.books.open()?;
                    self.drive.ui.event(&Event::TurnStarted { turn: self.drive.turns + 1 });
                }
                Line::Retrying { attempt, of, wait_ms, reason } => {
                    self.drive.ui.event(&Event::CallRetrying { attempt: attempt + 1, of: of + 1, wait_ms, reason });
                }
                Line::MessageStart { id, model, usage } => {
                    self.flush("ok")?;
                    self.drive.turns += 1;
                    self.pending = Some(Pending { id, model, usage, ..Pending::default() });
                }
                Line::Text(text) => self.drive.ui.event(&Event::TextDelta { text }),
                Line::Thinking(text) => self.drive.ui.event(&Event::ReasoningDelta { text }),
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
                    self.drive.send(&json!({"type": "control_response", "response": response})).await?;
                }
                Line::ApiError(error) => {
                    self.flush("ok")?;
                    self.drive.books.abort("refused")?;
                    let error = self.with_status(error).await;
                    return Err(failure::of_api(&error, self.drive.books.route));
                }
                Line::End(end) => {
                    self.flush("ok")?;
                    self.drive.books.abort("not_sent")?;
                    return match end.subtype.as_str() {
                        "success" if !end.is_error && !end.text.trim().is_empty() => Ok(end.text),
                        _ => Err(failure::of_end(&end, self.drive.turns, self.drive.terms.max_turns)),
                    };
                }
                Line::Answer(_) | Line::Other => {}
            }
        }
    }

    /// Where the line of an error lacks the answer's HTTP status, the end that follows it has it.
    async fn with_status(&mut self, mut error: ApiError) -> ApiError {
        let end = async {
            loop {
                if let Line::End(end) = parse(&self.drive.next().await.ok()?) {
                    return end.status;
                }
            }
        };
        if error.status.is_none() {
            error.status = tokio::time::timeout(LAST_WORD, end).await.ok().flatten();
        }
        error
    }

    /// The first request has not been sent yet.
    fn begun(&mut self, init: Init) -> Result<(), Failure> {
        if init.key_source != account::PLAN_KEY_SOURCE {
            return Err(account::other_payer(&format!("it says apiKeySource {}", init.key_source)));
        }
        let wants_sandbox = self.drive.terms.mode != crate::sandbox::Mode::Off;
        if wants_sandbox && init.sandboxed == Some(false) {
            return Err(Failure::new(Status::NoSandbox, "no_sandbox", "claude began without its sandbox")
                .fix("sudo apt-get install bubblewrap socat ripgrep"));
        }
        if self.session.as_deref() != Some(init.session.as_str()) {
            self.drive.books.ledger.drove(self.drive.books.task_id, Tool::ClaudeCode, &init.session)?;
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
            self.drive.ui.event(&Event::ToolStarted { call_id, name, summary });
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
                self.drive.ui.event(&Event::ToolFinished { call_id, name, ok, exit_code: None, ms });
            }
        }
        let content = results.into_iter().map(Block::ToolResult).collect();
        self.drive.push(Message { role: Role::User, content })?;
        self.drive.may_go_on()?;
        self.drive.books.open()
    }

    async fn limits(&mut self, limits: Limits) -> Result<(), Failure> {
        if limits.extra {
            return self.drive.plan.went_on(&self.drive.ui).await;
        }
        if !limits.rejected {
            self.drive.plan.covers();
            self.drive.plan.saw(limits.windows);
            self.drive.note_windows()?;
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
        let answer = self.drive.permitted(wish).await?;
        let decision = match answer {
            Answer::Yes => json!({"behavior": "allow", "updatedInput": input}),
            Answer::No(why) => json!({"behavior": "deny", "message": why}),
        };
        let response = json!({"subtype": "success", "request_id": request_id, "response": decision});
        self.drive.send(&json!({"type": "control_response", "response": response})).await
    }

    /// The message that came last is whole: it is kept and paid for.
    fn flush(&mut self, outcome: &'static str) -> Result<(), Failure> {
        let paid = self.drive.plan.paid();
        self.flush_as(outcome, paid, self.drive.plan.proof())
    }

    fn flush_as(&mut self, outcome: &'static str, paid: Paid, proof: Proof) -> Result<(), Failure> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let Pending { id, model, usage, request_id, blocks } = pending;
        if !blocks.is_empty() {
            self.drive.push(Message::assistant(blocks))?;
        }
        let answered = (!model.is_empty()).then(|| model.clone());
        let response_id = (!id.is_empty()).then_some(id);
        self.drive.books.settle(Reported { usage, paid, proof, outcome, model: answered, response_id, request_id })?;
        if self.drive.books.route.accepts(&model) {
            Ok(())
        } else {
            Err(other_model("claude", &self.drive.books.route.model, &model))
        }
    }

    /// What is left of a run that ends early is settled: what the plan was used for stays in the ledger.
    async fn ended(&mut self, failure: &Failure) {
        let (paid, proof) = self.drive.stop(failure).await;
        let requested = self.pending.is_some();
        let _ = self.flush_as(if requested { "interrupted" } else { "ok" }, paid, proof);
        self.drive.leave(failure);
    }
}

/// What the program says of its account, asked before it knows a word of the task.
async fn initialized(drive: &mut Drive<'_>) -> Result<Value, Failure> {
    loop {
        match parse(&drive.next().await?) {
            Line::Answer(answer) => return Ok(answer["response"]["account"].clone()),
            Line::End(end) => return Err(failure::of_end(&end, drive.turns, drive.terms.max_turns)),
            _ => {}
        }
    }
}

impl Engine for Claude<'_> {
    async fn run(&mut self) -> Result<String, Failure> {
        let ended = Box::pin(self.converse()).await;
        if let Err(failure) = &ended {
            self.ended(failure).await;
        }
        self.drive.tell_used();
        ended
    }

    fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.drive.say(text)
    }

    fn tally(&self) -> Tally {
        self.drive.tally()
    }

    async fn close(&mut self) {
        self.drive.close().await;
        if !self.had_folder {
            // Only what is empty goes.
            let folder = self.drive.terms.root.join(FOLDER);
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

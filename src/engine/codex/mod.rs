//! The user's own `codex`, driven over its `app-server` on the plan that pays for it: it asks before it leaves its
//! sandbox, says what each answer used, and what the plan and the credits of the account have left.

mod command;
mod failure;
mod messages;
mod told;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use super::driven::books::Reported;
use super::driven::drive::Drive;
use super::driven::failure::{not_started, other_model};
use super::driven::permit::Wish;
use super::{Engine, Tally};
use crate::agent::approvals::Answer;
use crate::agent::plan::Paid;
use crate::base::fsx;
use crate::domain::cost::Proof;
use crate::domain::event::Event;
use crate::domain::failure::{Failure, Status};
use crate::domain::message::{Block, Message as Said, Role, ToolCall, ToolInput, ToolResult};
use crate::domain::quota::Said as Limits;
use crate::domain::route::CredentialRef;
use crate::domain::usage::Usage;
use crate::ledger::import::Tool;
use failure::died;
use messages::{Item, Message, limits, parse};
pub(super) use told::told;

/// This many waits for the network in a row take more than a minute (0.169.0).
const OFFLINE: u32 = 5;

pub struct Codex<'a> {
    drive: Drive<'a>,
    thread: String,
    asked: u64,
    /// Used by an answer whose limits have not been told yet.
    used: Option<Usage>,
    running: BTreeMap<String, (Item, Instant)>,
    /// How often in a row it has said that it waits for the network.
    offline: u32,
    last: String,
}

impl<'a> Codex<'a> {
    #[must_use]
    pub fn new(mut drive: Drive<'a>) -> Self {
        drive.of_death = died;
        Self {
            drive,
            thread: String::new(),
            asked: 0,
            used: None,
            running: BTreeMap::new(),
            offline: 0,
            last: String::new(),
        }
    }

    /// Starts the program, and asks whose account it would use before it knows a word of the task.
    async fn start(&mut self) -> Result<(), Failure> {
        let route = self.drive.books.route;
        let with_token = route.credential != CredentialRef::Login;
        for name in ["tmp", "codex"].into_iter().take(1 + usize::from(with_token)) {
            let folder = self.drive.terms.folder.join(name);
            fsx::create_private_dir(&folder).map_err(|error| not_started("codex", &error))?;
        }
        self.drive.start(command::command(&self.drive.terms, route))?;
        let client = json!({"name": "vk", "title": "vk", "version": env!("CARGO_PKG_VERSION")});
        self.ask("initialize", json!({"clientInfo": client})).await?.map_err(|why| died(&why))?;
        self.drive.send(&json!({"method": "initialized"})).await?;
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
        // Without an answer there is nothing to compare the first call's credits with.
        let before = self.ask("account/rateLimits/read", Value::Null).await?.ok().map(|answer| {
            let refused = answer["ordinaryUsageAllowed"].as_bool() == Some(false);
            let said = limits(&answer["rateLimits"]);
            Limits { reached: said.reached || refused, ..said }
        });
        self.drive.begins(before)?;
        let begun = self.ask("thread/start", command::thread(&self.drive.terms, route)).await?;
        let begun = begun.map_err(|why| died(&why))?;
        let provider = begun["modelProvider"].as_str().unwrap_or_default();
        if provider != command::provider(route) {
            return Err(failure::other_payer(&format!("it would go to its provider {provider}")));
        }
        let session = begun["thread"]["id"].as_str().unwrap_or_default();
        session.clone_into(&mut self.thread);
        Ok(self.drive.books.ledger.drove(self.drive.books.task_id, Tool::Codex, session)?)
    }

    /// A question of vk's, and the program's answer to it.
    async fn ask(&mut self, method: &str, params: Value) -> Result<Result<Value, String>, Failure> {
        self.asked += 1;
        let id = self.asked;
        self.drive.send(&json!({"id": id, "method": method, "params": params})).await?;
        let answer = async |drive: &mut Drive<'_>| loop {
            match parse(&drive.next().await?) {
                Message::Answer(of, answer) if of == id => return Ok(answer),
                // Before the task there is nothing that it could need.
                Message::Question(id, method, _) => drive.send(&not_answered(&id, &method)).await?,
                _ => {}
            }
        };
        self.drive.in_time(answer).await
    }

    async fn converse(&mut self) -> Result<String, Failure> {
        let words = self.drive.words();
        if !self.drive.runs() {
            self.start().await?;
        }
        self.goes_on()?;
        self.asked += 1;
        let input = json!([{"type": "text", "text": words}]);
        let params = json!({"threadId": self.thread, "input": input});
        self.drive.send(&json!({"id": self.asked, "method": "turn/start", "params": params})).await?;
        loop {
            match parse(&self.drive.next().await?) {
                Message::Answer(id, Err(why)) if id == self.asked => {
                    return Err(failure::of_turn(&json!({"message": why}), self.drive.books.route));
                }
                Message::Question(id, method, params) => self.answer(&id, &method, &params).await?,
                Message::Text(text) => self.drive.ui.event(&Event::TextDelta { text }),
                Message::Thinking(text) => self.drive.ui.event(&Event::ReasoningDelta { text }),
                Message::Started(item) => self.started(&item)?,
                Message::Completed(item) => self.completed(item)?,
                Message::Used(usage) => {
                    self.settle("ok", Proof::Claimed)?;
                    self.drive.turns += 1;
                    self.offline = 0;
                    self.used = Some(usage);
                }
                Message::Limits(now) => self.limits(now).await?,
                Message::Rerouted(model) => {
                    return Err(other_model("codex", &self.drive.books.route.model, &model));
                }
                Message::Retrying(reason) => {
                    self.waits(&reason)?;
                    self.drive.ui.event(&Event::CallRetrying { attempt: 2, of: 5, wait_ms: 0, reason });
                }
                Message::End { status, error } => {
                    self.settle("ok", Proof::Claimed)?;
                    self.drive.books.abort("not_sent")?;
                    return match (status.as_str(), error) {
                        ("completed", _) if !self.last.trim().is_empty() => Ok(std::mem::take(&mut self.last)),
                        (_, Some(error)) => Err(failure::of_turn(&error, self.drive.books.route)),
                        _ => Err(Failure::new(Status::GaveUp, "model_gave_up", "codex ended without an answer")
                            .fix("vk run --continue \"go on\"")),
                    };
                }
                Message::Answer(..) | Message::Other => {}
            }
        }
    }

    /// Where nothing answers it would wait for ever (0.169.0), and a script with it.
    fn waits(&mut self, reason: &str) -> Result<(), Failure> {
        if !reason.contains("waiting for network") {
            return Ok(());
        }
        self.offline += 1;
        if self.offline < OFFLINE {
            return Ok(());
        }
        Err(Failure::new(Status::ProviderFailed, "provider_failed", "OpenAI does not answer codex")
            .why(reason)
            .fix("vk run --continue   # later"))
    }

    fn started(&mut self, item: &Item) -> Result<(), Failure> {
        if matches!(item.kind.as_str(), "commandExecution" | "fileChange") {
            self.running.insert(item.id.clone(), (item.clone(), Instant::now()));
            let (call_id, name) = (item.id.clone(), name_of(item).to_owned());
            let summary = item.text.lines().next().unwrap_or_default().to_owned();
            self.drive.ui.event(&Event::ToolStarted { call_id, name, summary });
            self.drive.may_go_on()?;
        }
        Ok(())
    }

    fn completed(&mut self, item: Item) -> Result<(), Failure> {
        match item.kind.as_str() {
            "agentMessage" => {
                self.last.clone_from(&item.text);
                self.drive.push(Said::assistant(vec![Block::text(item.text)]))
            }
            "commandExecution" | "fileChange" => {
                let ok = item.status == "completed";
                let started = self.running.remove(&item.id);
                let ms = started.map_or(0, |(_, at)| u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX));
                let (call_id, name, exit_code) = (item.id.clone(), name_of(&item).to_owned(), item.exit_code);
                self.drive.ui.event(&Event::ToolFinished { call_id, name, ok, exit_code, ms });
                self.drive.push(Said::assistant(vec![call_of(&item)]))?;
                let content = if item.output.is_empty() { item.status } else { item.output };
                let result = ToolResult { call_id: item.id, content, is_error: !ok };
                self.drive.push(Said { role: Role::User, content: vec![Block::ToolResult(result)] })?;
                self.goes_on()
            }
            _ => Ok(()),
        }
    }

    /// What the account has left is told after each answer: who paid for it follows from that.
    async fn limits(&mut self, now: Limits) -> Result<(), Failure> {
        let proof = self.drive.plan.answered(now, &self.drive.ui).await?;
        self.drive.note_windows()?;
        self.settle("ok", proof)?;
        // Where a command runs, its result is sent as soon as it is there; where none does, the answer was the last.
        if self.running.is_empty() { Ok(()) } else { self.drive.may_go_on() }
    }

    /// The answer that came last is paid for.
    fn settle(&mut self, outcome: &'static str, proof: Proof) -> Result<(), Failure> {
        self.settle_as(outcome, self.drive.plan.paid(), proof)
    }

    fn settle_as(&mut self, outcome: &'static str, paid: Paid, proof: Proof) -> Result<(), Failure> {
        let Some(usage) = self.used.take() else { return Ok(()) };
        let (model, response_id, request_id) = (None, None, None);
        self.drive.books.settle(Reported { usage, paid, proof, outcome, model, response_id, request_id })
    }

    /// Another request follows: a tool has ended, or the user's side has spoken.
    fn goes_on(&mut self) -> Result<(), Failure> {
        self.drive.may_go_on()?;
        if !self.drive.books.is_open() {
            self.drive.ui.event(&Event::TurnStarted { turn: self.drive.turns + 1 });
        }
        self.drive.books.open()
    }

    /// What it asks is to leave its sandbox: a question for a person, whatever the approvals inside it.
    async fn answer(&mut self, id: &Value, method: &str, params: &Value) -> Result<(), Failure> {
        let word = |name: &str| params[name].as_str().unwrap_or_default().to_owned();
        let what = match method {
            "item/commandExecution/requestApproval" => word("command"),
            "item/fileChange/requestApproval" => {
                format!("a change of files outside of the project: {}", word("reason"))
            }
            _ => return self.drive.send(&not_answered(id, method)).await,
        };
        let host = params["networkApprovalContext"]["host"].as_str().unwrap_or_default().to_owned();
        let wish = if host.is_empty() { Wish::Outside(&what) } else { Wish::Network(&host) };
        let answer = self.drive.permitted(wish).await?;
        let decision = if answer == Answer::Yes { "accept" } else { "decline" };
        self.drive.send(&json!({"id": id, "result": {"decision": decision}})).await
    }

    async fn ended(&mut self, failure: &Failure) {
        let (paid, proof) = self.drive.stop(failure).await;
        let proof = if paid == Paid::Extra { proof } else { Proof::Claimed };
        let _ = self.settle_as("ok", paid, proof);
        // What was under way is told too: it may have been done.
        let open: Vec<Block> = std::mem::take(&mut self.running).values().map(|(item, _)| call_of(item)).collect();
        if !open.is_empty() {
            let _ = self.drive.push(Said::assistant(open));
        }
        self.drive.leave(failure);
    }
}

impl Engine for Codex<'_> {
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
    }
}

/// The call as the transcript keeps it.
fn call_of(item: &Item) -> Block {
    let input = match item.kind.as_str() {
        "commandExecution" => ToolInput::Json(json!({"command": item.text})),
        _ => ToolInput::Text(item.text.clone()),
    };
    Block::ToolCall(ToolCall { id: item.id.clone(), name: name_of(item).to_owned(), input })
}

fn name_of(item: &Item) -> &'static str {
    if item.kind == "fileChange" { "apply_patch" } else { "shell" }
}

/// To a question that vk does not know.
fn not_answered(id: &Value, method: &str) -> Value {
    json!({"id": id, "error": {"code": -32601, "message": format!("{method} is not answered here")}})
}

//! The loop of one task under one payer: a turn is an answer and the tool calls in it; it goes on until the model
//! ends its turn, and can be spoken to again (a failed check, a follow-up).

use std::time::Instant;

use super::call::Caller;
use super::compact;
use super::context;
use super::hold::{FIRST_OUTPUT, RAISED_OUTPUT};
use super::limits::check_turns;
use super::tools::{Toolbox, summary};
use super::transcript::Transcript;
use crate::domain::event::Event;
use crate::domain::failure::{Failure, Status};
use crate::domain::message::{Block, Message, Role, ToolCall, ToolResult};
use crate::domain::request::{ModelRequest, Reply, StopReason, ToolSpec};

/// Answers in a row that are cut off, paused or empty before the task is given up.
const PATIENCE: u32 = 3;

/// Everything a turn needs. The transcript outlives it: it goes on under another route.
pub struct Session<'a> {
    pub caller: Caller<'a>,
    pub transcript: &'a mut Transcript,
    pub toolbox: &'a mut Toolbox,
    pub system: String,
    pub max_turns: Option<u32>,
    /// Turns of the whole task so far.
    pub turns: u32,
}

impl Session<'_> {
    /// Runs turns until the model ends its own; gives its last words.
    ///
    /// # Errors
    /// Whatever ends the task. The transcript is left so that it can be gone on with.
    pub async fn run(&mut self) -> Result<String, Failure> {
        let ended = self.turns_until_end().await;
        if ended.is_err() {
            // A provider refuses a transcript with an unanswered call, and the task may be continued.
            let _ = self.transcript.answer_open_calls("not run: the task was stopped before this tool call");
        }
        ended
    }

    async fn turns_until_end(&mut self) -> Result<String, Failure> {
        let specs = self.toolbox.specs();
        let mut wanted = FIRST_OUTPUT;
        let mut odd_answers = 0;
        let mut compacted_for_overflow = false;
        loop {
            check_turns(self.turns, self.max_turns)?;
            if context::is_nearly_full(&self.caller, self.transcript, self.toolbox.servers().tokens(), wanted) {
                self.compact(&specs, false).await?;
            }
            self.caller.ui.event(&Event::TurnStarted { turn: self.turns + 1 });
            let mut request = self.request(&specs, wanted);
            let reply = match self.caller.call(&mut request).await {
                Err(failure) if compact::is_overflow(&failure) => {
                    if compacted_for_overflow || !compact::is_possible(self.transcript.messages()) {
                        return Err(too_long(failure, compacted_for_overflow));
                    }
                    compacted_for_overflow = true;
                    self.compact(&specs, true).await?;
                    continue;
                }
                other => other?,
            };
            // A turn is an answer: a call that brought none is not one.
            self.turns += 1;
            compacted_for_overflow = false;
            let Reply { content, stop, .. } = reply;
            let answer = Message::assistant(content);
            let calls: Vec<ToolCall> = answer.tool_calls().cloned().collect();
            let text = answer.text();
            if !answer.content.is_empty() {
                self.push(answer)?;
            }
            if !calls.is_empty() {
                odd_answers = 0;
                self.run_tools(&calls).await?;
                continue;
            }
            odd_answers += 1;
            match stop {
                StopReason::Refusal(reason) => return Err(refused(&reason)),
                StopReason::ContextExceeded if odd_answers <= PATIENCE => self.compact(&specs, true).await?,
                _ if odd_answers > PATIENCE => return Err(gave_up(&stop)),
                StopReason::MaxTokens => {
                    wanted = RAISED_OUTPUT;
                    self.say(compact::CUT_OFF)?;
                }
                StopReason::Pause => {}
                _ if text.trim().is_empty() => {
                    self.say(compact::EMPTY)?;
                }
                _ => return Ok(text),
            }
        }
    }

    fn request(&self, specs: &[ToolSpec], wanted: u32) -> ModelRequest {
        let route = self.caller.route;
        ModelRequest {
            provider: route.provider.clone(),
            model: route.model.clone(),
            traits: route.traits,
            system: self.system.clone(),
            messages: self.messages(),
            tools: specs.to_vec(),
            max_output: wanted.min(route.max_output),
            session: self.caller.task_id.to_owned(),
        }
    }

    /// What the model is sent of the conversation: where it takes no images, that there was one.
    fn messages(&self) -> Vec<Message> {
        let mut messages = self.transcript.messages().to_vec();
        if self.caller.route.traits.images == Some(false) {
            for block in messages.iter_mut().flat_map(|message| &mut message.content) {
                if matches!(block, Block::Image { .. }) {
                    *block = Block::text("[an image, which this model cannot be shown]");
                }
            }
        }
        messages
    }

    /// Runs the calls of one answer in order; all results go back in one message, whatever happens.
    async fn run_tools(&mut self, calls: &[ToolCall]) -> Result<(), Failure> {
        let mut results = Vec::with_capacity(calls.len());
        let mut images = Vec::new();
        let mut ending = None;
        for call in calls {
            let result = if ending.is_some() {
                ToolResult {
                    call_id: call.id.clone(),
                    content: "not run: the task was stopped before this tool call".to_owned(),
                    is_error: true,
                }
            } else {
                let (result, shown) = self.run_tool(call, &mut ending).await;
                images.extend(shown);
                result
            };
            results.push(Block::ToolResult(result));
        }
        // Results come first on every wire.
        results.extend(images);
        self.push(Message { role: Role::User, content: results })?;
        ending.map_or(Ok(()), Err)
    }

    async fn run_tool(&mut self, call: &ToolCall, ending: &mut Option<Failure>) -> (ToolResult, Vec<Block>) {
        let started = Instant::now();
        let (call_id, name) = (call.id.clone(), call.name.clone());
        let ui = self.caller.ui;
        ui.event(&Event::ToolStarted { call_id: call_id.clone(), name: name.clone(), summary: summary(call) });
        let cancel = self.caller.cancel.clone();
        let outcome = tokio::select! {
            biased;
            signal = cancel.cancelled() => Err(signal),
            outcome = self.toolbox.run(call) => Ok(outcome),
        };
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match outcome {
            Ok(outcome) => {
                ui.event(&Event::ToolFinished { call_id, name, ok: outcome.ok, exit_code: outcome.exit_code, ms });
                *ending = outcome.end;
                (outcome.result, outcome.images)
            }
            Err(signal) => {
                ui.event(&Event::ToolFinished { call_id: call_id.clone(), name, ok: false, exit_code: None, ms });
                *ending = Some(signal.failure());
                (ToolResult { call_id, content: "stopped by the user".to_owned(), is_error: true }, Vec::new())
            }
        }
    }

    /// Puts a short transcript in place of the long one. Each request for a summary is a call like any other.
    async fn compact(&mut self, specs: &[ToolSpec], overflowed: bool) -> Result<(), Failure> {
        let before = context::estimate(self.transcript.messages()).max(self.caller.prefix.tokens);
        let request = self.request(specs, compact::SUMMARY_OUTPUT);
        let mut summary = None;
        for mut request in compact::requests(&request, self.caller.route.context, overflowed) {
            match self.caller.call(&mut request).await {
                Ok(reply) => {
                    summary = Some(Message::assistant(reply.content).text());
                    break;
                }
                Err(failure) if compact::is_overflow(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
        let messages = compact::compacted(self.transcript.messages(), summary.as_deref());
        self.transcript.replace(messages).map_err(|error| unwritable(&error))?;
        self.toolbox.context_compacted();
        self.caller.prefix = super::hold::Prefix::default();
        let after = context::estimate(self.transcript.messages());
        self.caller.ui.event(&Event::ContextCompacted { before_tokens: before, after_tokens: after });
        Ok(())
    }

    /// Adds words of the user's side: a follow-up, the output of a failed check.
    ///
    /// # Errors
    /// When the transcript cannot be written.
    pub fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.transcript.say(text).map_err(|error| unwritable(&error))
    }

    fn push(&mut self, message: Message) -> Result<(), Failure> {
        self.transcript.push(message).map_err(|error| unwritable(&error))
    }
}

/// The transcript is the task's only state; without it nothing can be continued or explained.
fn unwritable(error: &std::io::Error) -> Failure {
    Failure::new(Status::Ledger, "transcript_unwritable", "the task's transcript cannot be written")
        .why(error.to_string())
        .fix("vk doctor")
}

/// How a task ends that does not fit, whatever is left out of it.
fn too_long(mut failure: Failure, compacted: bool) -> Failure {
    let why = if compacted {
        "the conversation was summed up, and what is left of it does not fit either"
    } else {
        "the task alone, with the repository's notes and what was piped in, does not fit"
    };
    failure.why = Some(failure.why.map_or_else(|| why.to_owned(), |words| format!("{words}\n{why}")));
    failure
}

fn refused(reason: &str) -> Failure {
    let failure = Failure::new(Status::GaveUp, "model_refused", "the model refused the task")
        .fix("vk run --continue --model best \"go on\"");
    if reason.trim().is_empty() { failure } else { failure.why(reason) }
}

fn gave_up(stop: &StopReason) -> Failure {
    let why = match stop {
        StopReason::MaxTokens => "its answers were cut off at the output limit again and again",
        StopReason::ContextExceeded => "its answers ended at the end of the context again and again",
        StopReason::Pause => "it paused again and again without going on",
        _ => "it answered with nothing, again and again",
    };
    Failure::new(Status::GaveUp, "model_gave_up", "the model did not finish")
        .why(why)
        .fix("vk run --continue --model best \"go on\"")
}

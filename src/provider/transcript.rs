//! The neutral transcript as turns that any provider accepts: roles alternate, every call has its result right after
//! it, results come first, nothing is empty, and reasoning goes only to the model that made it.
//!
//! A function of the messages in order: a longer transcript gives the same turns at its beginning, which is what
//! keeps provider caches hitting. Only the last turn may still grow, when another message of its role follows.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::base::secret::sha256_hex;
use crate::domain::message::{Block, Role, ToolCall, ToolInput};
use crate::domain::path::Wire;
use crate::domain::request::ModelRequest;

/// Said for a call that was interrupted before it ran: providers refuse a call without a result.
const NOT_RUN: &str = "Not run: the task was interrupted before this call.";
/// Said for a result without a word: some servers refuse an empty one.
const SILENT: &str = "(no output)";

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Turn<'a> {
    pub(super) role: Role,
    pub(super) parts: Vec<Part<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part<'a> {
    Text {
        text: &'a str,
        phase: Option<&'a str>,
    },
    Image {
        media_type: &'a str,
        base64: &'a str,
    },
    Call(&'a ToolCall),
    Result {
        call: &'a ToolCall,
        content: &'a str,
        is_error: bool,
    },
    /// The wire's own block or item.
    Reasoning(&'a Value),
}

/// The transcript for one wire.
pub(super) fn turns(request: &ModelRequest, wire: Wire) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for run in runs(request, wire) {
        let open = turns.last().map(calls_of).unwrap_or_default();
        turns.push(match run.role {
            Role::Assistant => {
                Turn { role: Role::Assistant, parts: run.blocks.into_iter().filter_map(assistant_part).collect() }
            }
            Role::User => user_turn(&run.blocks, &open),
        });
    }
    let open = turns.last().map(calls_of).unwrap_or_default();
    if !open.is_empty() {
        turns.push(user_turn(&[], &open));
    }
    turns
}

struct Run<'a> {
    role: Role,
    blocks: Vec<&'a Block>,
}

/// Messages of one role in a row become one; what the wire cannot use is left out before, so that a message of
/// nothing else does not part its neighbours.
fn runs(request: &ModelRequest, wire: Wire) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for message in &request.messages {
        let usable = message.content.iter().filter(|block| usable(block, message.role, request, wire));
        let mut blocks: Vec<&Block> = usable.filter(|block| answers(block, &runs)).collect();
        if blocks.is_empty() {
            continue;
        }
        if message.role == Role::Assistant && blocks.iter().all(|block| matches!(block, Block::Reasoning(_))) {
            // Reasoning that led to nothing (the output limit came first) cannot stand alone on any wire.
            continue;
        }
        match runs.last_mut() {
            Some(last) if last.role == message.role => last.blocks.append(&mut blocks),
            _ => runs.push(Run { role: message.role, blocks }),
        }
    }
    runs
}

fn usable(block: &Block, role: Role, request: &ModelRequest, wire: Wire) -> bool {
    match block {
        Block::Text { text, .. } => !text.trim().is_empty(),
        Block::Image { .. } | Block::ToolResult(_) => role == Role::User,
        Block::ToolCall(_) => role == Role::Assistant,
        Block::Reasoning(made) => {
            role == Role::Assistant
                && made.wire == wire
                && made.provider == request.provider
                && made.model == request.model
        }
    }
}

/// Whether a block is no result, or the result of a call in the assistant's last words.
fn answers(block: &Block, runs: &[Run<'_>]) -> bool {
    let Block::ToolResult(result) = block else { return true };
    let asked = runs.iter().rev().find(|run| run.role == Role::Assistant);
    let mut blocks = asked.iter().flat_map(|run| &run.blocks);
    blocks.any(|block| matches!(block, Block::ToolCall(call) if call.id == result.call_id))
}

fn assistant_part(block: &Block) -> Option<Part<'_>> {
    match block {
        Block::Text { text, phase } => Some(Part::Text { text, phase: phase.as_deref() }),
        Block::ToolCall(call) => Some(Part::Call(call)),
        Block::Reasoning(made) => Some(Part::Reasoning(&made.data)),
        Block::Image { .. } | Block::ToolResult(_) => None,
    }
}

fn calls_of<'a>(turn: &Turn<'a>) -> Vec<&'a ToolCall> {
    turn.parts.iter().filter_map(|part| if let Part::Call(call) = part { Some(*call) } else { None }).collect()
}

/// Results in the order of their calls, each call answered exactly once; then the rest as it was written.
fn user_turn<'a>(blocks: &[&'a Block], open: &[&'a ToolCall]) -> Turn<'a> {
    let result_of = |call: &'a ToolCall| {
        let given = blocks.iter().find_map(|block| match block {
            Block::ToolResult(result) if result.call_id == call.id => Some(result),
            _ => None,
        });
        match given {
            Some(result) if result.content.trim().is_empty() => {
                Part::Result { call, content: SILENT, is_error: result.is_error }
            }
            Some(result) => Part::Result { call, content: &result.content, is_error: result.is_error },
            None => Part::Result { call, content: NOT_RUN, is_error: true },
        }
    };
    let rest = blocks.iter().filter_map(|block| match block {
        Block::Text { text, .. } => Some(Part::Text { text, phase: None }),
        Block::Image { media_type, base64 } => Some(Part::Image { media_type, base64 }),
        _ => None,
    });
    Turn { role: Role::User, parts: open.iter().map(|call| result_of(call)).chain(rest).collect() }
}

/// A call's id as Anthropic and OpenAI accept it (`[A-Za-z0-9_-]`, 64 characters); other servers' ids are mapped,
/// always to the same one.
pub(super) fn call_id(id: &str) -> Cow<'_, str> {
    let fits = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if fits { Cow::Borrowed(id) } else { Cow::Owned(format!("call_{}", &sha256_hex(id.as_bytes())[..24])) }
}

/// A call's input as the JSON object that function calls carry on every wire.
pub(super) fn as_object(input: &ToolInput) -> Cow<'_, Value> {
    match input {
        ToolInput::Json(value) => Cow::Borrowed(value),
        ToolInput::Text(text) => Cow::Owned(json!({ "input": text })),
        ToolInput::Broken(text) => Cow::Owned(json!({ "unparsed_arguments": text })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::{Message, Reasoning, ToolResult};
    use crate::domain::request::{ModelTraits, Thinking};
    use proptest::prelude::*;

    fn request(messages: Vec<Message>) -> ModelRequest {
        ModelRequest {
            provider: "p".into(),
            model: "m".into(),
            traits: ModelTraits { thinking: Thinking::None, effort: false, min_cache_prefix: None, images: None },
            system: String::new(),
            messages,
            tools: Vec::new(),
            max_output: 100,
            session: "s".into(),
        }
    }

    fn call(id: &str) -> Block {
        Block::ToolCall(ToolCall { id: id.into(), name: "bash".into(), input: ToolInput::Json(json!({})) })
    }

    fn result(id: &str, content: &str) -> Block {
        Block::ToolResult(ToolResult { call_id: id.into(), content: content.into(), is_error: false })
    }

    fn user(content: Vec<Block>) -> Message {
        Message { role: Role::User, content }
    }

    /// One word a part, turns on lines.
    fn shape(messages: Vec<Message>) -> String {
        let request = request(messages);
        let turns = turns(&request, Wire::Chat);
        let lines = turns.iter().map(|turn| {
            let parts = turn.parts.iter().map(|part| match part {
                Part::Text { text, .. } => format!("text:{text}"),
                Part::Image { .. } => "image".to_owned(),
                Part::Call(call) => format!("call:{}", call.id),
                Part::Result { call, content, is_error } => {
                    let mark = if *is_error { "!" } else { "" };
                    format!("result{mark}:{}:{content}", call.id)
                }
                Part::Reasoning(data) => format!("reasoning:{data}"),
            });
            let role = if turn.role == Role::User { "U" } else { "A" };
            format!("{role} {}", parts.collect::<Vec<_>>().join(" | "))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn results_come_first_in_call_order_and_neighbours_merge() {
        let shape = shape(vec![
            Message::user("do"),
            Message::assistant(vec![Block::text("ok"), Block::text(" \n"), call("a"), call("b")]),
            user(vec![Block::text("also"), result("b", "2")]),
            user(vec![result("a", "")]),
        ]);
        assert_eq!(shape, "U text:do\nA text:ok | call:a | call:b\nU result:a:(no output) | result:b:2 | text:also");
    }

    #[test]
    fn calls_without_results_are_answered_and_results_without_calls_dropped() {
        let broken = vec![
            user(vec![result("ghost", "x")]),
            Message::user("do"),
            Message::assistant(vec![call("a"), call("b")]),
            user(vec![result("b", "2"), result("ghost", "x"), Block::text("stop")]),
            Message::assistant(vec![call("c")]),
        ];
        assert_eq!(
            shape(broken),
            format!(
                "U text:do\nA call:a | call:b\nU result!:a:{NOT_RUN} | result:b:2 | text:stop\nA call:c\nU result!:c:{NOT_RUN}"
            )
        );
    }

    #[test]
    fn reasoning_goes_only_to_the_wire_provider_and_model_that_made_it() {
        let made = |wire, provider: &str, model: &str| {
            Block::Reasoning(Reasoning { wire, provider: provider.into(), model: model.into(), data: json!(1) })
        };
        for (block, kept) in [
            (made(Wire::Chat, "p", "m"), true),
            (made(Wire::Responses, "p", "m"), false),
            (made(Wire::Chat, "q", "m"), false),
            (made(Wire::Chat, "p", "n"), false),
        ] {
            let shape = shape(vec![Message::user("do"), Message::assistant(vec![block, Block::text("ok")])]);
            assert_eq!(shape.contains("reasoning"), kept);
        }
    }

    #[test]
    fn reasoning_that_led_to_nothing_is_left_out_and_its_neighbours_merge() {
        let alone =
            Block::Reasoning(Reasoning { wire: Wire::Chat, provider: "p".into(), model: "m".into(), data: json!(1) });
        let shape = shape(vec![Message::user("do"), Message::assistant(vec![alone]), Message::user("go on")]);
        assert_eq!(shape, "U text:do | text:go on");
    }

    #[test]
    fn foreign_call_ids_are_mapped_to_ids_that_every_provider_takes() {
        assert_eq!(call_id("toolu_01A-b"), "toolu_01A-b");
        let mapped = call_id("functions.bash:0");
        assert_eq!(mapped, call_id("functions.bash:0"));
        assert_ne!(mapped, call_id("functions.bash:1"));
        for id in ["", "functions.bash:0", &"x".repeat(65)] {
            let mapped = call_id(id);
            assert!(mapped.len() <= 64 && mapped.starts_with("call_"), "{mapped}");
        }
    }

    fn blocks() -> impl Strategy<Value = Block> {
        prop_oneof![
            "[a-c ]{0,3}".prop_map(Block::text),
            "[a-d]".prop_map(|id| call(&id)),
            ("[a-d]", "[x ]{0,2}").prop_map(|(id, content)| result(&id, &content)),
            Just(Block::Image { media_type: "image/png".into(), base64: "AA==".into() }),
        ]
    }

    fn messages() -> impl Strategy<Value = Vec<Message>> {
        let message = (any::<bool>(), prop::collection::vec(blocks(), 0..5)).prop_map(|(assistant, content)| Message {
            role: if assistant { Role::Assistant } else { Role::User },
            content,
        });
        prop::collection::vec(message, 0..8)
    }

    proptest! {
        /// Whatever the transcript, what is sent keeps every provider's rules.
        #[test]
        fn any_transcript_becomes_turns_that_providers_accept(messages in messages()) {
            let request = request(messages);
            let turns = turns(&request, Wire::Chat);
            for pair in turns.windows(2) {
                prop_assert_ne!(pair[0].role, pair[1].role, "roles alternate");
            }
            for (at, turn) in turns.iter().enumerate() {
                prop_assert!(!turn.parts.is_empty());
                let results: Vec<&str> = turn.parts.iter().filter_map(|part| match part {
                    Part::Result { call, .. } => Some(call.id.as_str()),
                    _ => None,
                }).collect();
                let leading = turn.parts.iter().take_while(|part| matches!(part, Part::Result { .. })).count();
                prop_assert_eq!(leading, results.len(), "results first");
                let calls: Vec<&str> = if at == 0 { Vec::new() } else {
                    calls_of(&turns[at - 1]).iter().map(|call| call.id.as_str()).collect()
                };
                prop_assert_eq!(results, calls, "each call answered right after, once");
            }
            prop_assert!(turns.last().is_none_or(|turn| calls_of(turn).is_empty()));
        }
    }
}

//! Tool calls from the pieces that a Chat Completions stream breaks them into. The rule is: a piece belongs to the
//! call of its `index`; name and arguments are joined. The rest is for servers that keep to it loosely.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::message::{Block, ToolCall, ToolInput};
use crate::provider::stream::tool_input;

#[derive(Deserialize)]
pub(super) struct Piece {
    index: Option<u64>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
    /// A string; some servers send the object itself, whole.
    arguments: Option<Value>,
}

struct Open {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

/// What a piece did.
pub(super) struct Taken {
    /// The name, when the piece began a call.
    pub(super) began: Option<String>,
    /// Characters of arguments in it.
    pub(super) chars: u64,
}

#[derive(Default)]
pub(super) struct Calls(Vec<Open>);

impl Calls {
    pub(super) fn take(&mut self, piece: Piece) -> Taken {
        let id = piece.id.unwrap_or_default();
        let at = self.place_of(piece.index, &id);
        let began = at.is_none();
        let at = at.unwrap_or_else(|| {
            self.0.push(Open { index: piece.index, id: String::new(), name: String::new(), arguments: String::new() });
            self.0.len() - 1
        });
        let call = &mut self.0[at];
        if call.id.is_empty() {
            call.id = id;
        }
        let Some(Function { name, arguments }) = piece.function else {
            return Taken { began: None, chars: 0 };
        };
        // LM Studio splits names; others repeat the whole one in each piece.
        if let Some(name) = name.filter(|name| *name != call.name && call.arguments.is_empty()) {
            call.name.push_str(&name);
        }
        let arguments = match arguments {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(whole) => whole.to_string(),
        };
        call.arguments.push_str(&arguments);
        Taken { began: began.then(|| call.name.clone()), chars: crate::provider::stream::chars(&arguments) }
    }

    /// The call that a piece goes on with. Some servers give no index, some give every call the same one: then a new
    /// id is a new call.
    fn place_of(&self, index: Option<u64>, id: &str) -> Option<usize> {
        let other = |call: &Open| !id.is_empty() && !call.id.is_empty() && call.id != id;
        let at = match index {
            Some(_) => self.0.iter().rposition(|call| call.index == index)?,
            None => self.0.len().checked_sub(1)?,
        };
        if !other(&self.0[at]) {
            return Some(at);
        }
        self.0.iter().rposition(|call| call.id == id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The calls as the transcript keeps them. `limited`: the output limit ended the answer, so that a call whose
    /// arguments do not parse was cut off and must never run. `salt` makes ids for servers that give none.
    pub(super) fn into_blocks(self, limited: bool, salt: usize) -> Vec<Block> {
        let blocks = self.0.into_iter().enumerate().filter_map(|(at, call)| {
            let input = tool_input(call.arguments);
            if limited && matches!(input, ToolInput::Broken(_)) {
                return None;
            }
            let id = if call.id.is_empty() { format!("call_{salt}_{at}") } else { call.id };
            Some(Block::ToolCall(ToolCall { id, name: call.name, input }))
        });
        blocks.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn joined(pieces: Value) -> Vec<(String, String, ToolInput)> {
        let pieces: Vec<Piece> = serde_json::from_value(pieces).unwrap();
        let mut calls = Calls::default();
        for piece in pieces {
            calls.take(piece);
        }
        let blocks = calls.into_blocks(false, 7).into_iter().map(|block| match block {
            Block::ToolCall(call) => (call.id, call.name, call.input),
            other => unreachable!("{other:?}"),
        });
        blocks.collect()
    }

    fn call(id: &str, name: &str, input: Value) -> (String, String, ToolInput) {
        (id.to_owned(), name.to_owned(), ToolInput::Json(input))
    }

    #[test]
    fn pieces_are_joined_by_index() {
        let pieces = json!([
            {"index": 0, "id": "a", "type": "function", "function": {"name": "bash", "arguments": ""}},
            {"index": 1, "id": "b", "type": "function", "function": {"name": "read", "arguments": "{\"p\":"}},
            {"index": 0, "function": {"arguments": "{\"c\":1}"}},
            {"index": 1, "function": {"arguments": "2}"}},
        ]);
        assert_eq!(joined(pieces), [call("a", "bash", json!({"c": 1})), call("b", "read", json!({"p": 2}))]);
    }

    #[test]
    fn loose_servers_are_understood() {
        let whole = json!([{"index": 0, "id": "a", "function": {"name": "bash", "arguments": {"c": 1}}}]);
        assert_eq!(joined(whole), [call("a", "bash", json!({"c": 1}))], "arguments as an object");
        let same_index = json!([
            {"index": 0, "id": "a", "function": {"name": "bash", "arguments": "{}"}},
            {"index": 0, "id": "b", "function": {"name": "bash", "arguments": "{}"}},
        ]);
        assert_eq!(joined(same_index).len(), 2, "one index for all");
        let no_index = json!([
            {"id": "a", "function": {"name": "bash", "arguments": "{"}},
            {"function": {"arguments": "}"}},
            {"id": "b", "function": {"name": "bash"}},
        ]);
        assert_eq!(joined(no_index), [call("a", "bash", json!({})), call("b", "bash", json!({}))]);
        let split_name = json!([
            {"index": 0, "id": "a", "function": {"name": "ba"}},
            {"index": 0, "function": {"name": "sh", "arguments": "{}"}},
        ]);
        assert_eq!(joined(split_name), [call("a", "bash", json!({}))]);
        let repeated = json!([
            {"index": 0, "id": "a", "function": {"name": "bash", "arguments": ""}},
            {"index": 0, "id": "a", "function": {"name": "bash", "arguments": "{"}},
            {"index": 0, "id": "a", "function": {"name": "bash", "arguments": "}"}},
        ]);
        assert_eq!(joined(repeated), [call("a", "bash", json!({}))]);
        let no_id = json!([{"index": 0, "id": "", "function": {"name": "bash", "arguments": null}}]);
        assert_eq!(joined(no_id), [call("call_7_0", "bash", json!({}))]);
    }
}

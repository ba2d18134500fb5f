//! Reasoning in the three fields that servers use for it, collected so that it can be sent back under the same field.

use serde_json::{Map, Value};

/// What has come so far.
#[derive(Default)]
pub(super) struct Collected {
    /// DeepSeek, llama.cpp, vLLM, Kimi, GLM.
    reasoning_content: String,
    /// Ollama, OpenRouter.
    reasoning: String,
    /// OpenRouter: structured, signatures included.
    details: Vec<Value>,
}

impl Collected {
    /// Takes a delta's reasoning and gives the text in it, once.
    pub(super) fn take(&mut self, content: Option<String>, reasoning: Option<String>, details: Vec<Value>) -> String {
        let in_details: String = details.iter().filter_map(text_of).collect();
        for detail in details {
            self.add(detail);
        }
        let (content, reasoning) = (content.unwrap_or_default(), reasoning.unwrap_or_default());
        self.reasoning_content.push_str(&content);
        self.reasoning.push_str(&reasoning);
        [content, reasoning, in_details].into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// Pieces of one detail follow each other with the same type and index; their texts join.
    fn add(&mut self, piece: Value) {
        let same = |last: &Value| ["type", "index"].iter().all(|key| last.get(key) == piece.get(key));
        let Some(last) = self.details.last_mut().filter(|last| same(last)) else {
            self.details.push(piece);
            return;
        };
        let (Some(last), Value::Object(piece)) = (last.as_object_mut(), piece) else { return };
        for (key, value) in piece {
            match (last.get_mut(&key), value) {
                (Some(Value::String(text)), Value::String(more)) if is_text(&key) => text.push_str(&more),
                (Some(_), Value::Null) => {}
                (_, value) => {
                    last.insert(key, value);
                }
            }
        }
    }

    /// The fields to send back with the message; `None` if nothing came. The structured form stands for the plain one.
    pub(super) fn into_fields(self) -> Option<Value> {
        let mut fields = Map::new();
        if !self.details.is_empty() {
            fields.insert("reasoning_details".to_owned(), Value::Array(self.details));
        } else if !self.reasoning_content.is_empty() {
            fields.insert("reasoning_content".to_owned(), Value::String(self.reasoning_content));
        } else if !self.reasoning.is_empty() {
            fields.insert("reasoning".to_owned(), Value::String(self.reasoning));
        }
        (!fields.is_empty()).then_some(Value::Object(fields))
    }
}

fn is_text(key: &str) -> bool {
    matches!(key, "text" | "summary" | "data")
}

fn text_of(detail: &Value) -> Option<&str> {
    detail.get("text").or_else(|| detail.get("summary")).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pieces_of_a_detail_join_and_signatures_stay() {
        let mut collected = Collected::default();
        let piece = |value: Value| vec![value];
        let shown = collected.take(
            None,
            Some("a".into()),
            piece(json!({"type": "reasoning.text", "text": "a", "index": 0, "signature": null})),
        );
        assert_eq!(shown, "a", "shown once, though it came twice");
        collected.take(None, None, piece(json!({"type": "reasoning.text", "text": "b", "index": 0})));
        collected.take(None, None, piece(json!({"type": "reasoning.text", "signature": "sig", "index": 0})));
        collected.take(None, None, piece(json!({"type": "reasoning.encrypted", "data": "x", "index": 1})));
        let expected = json!({"reasoning_details": [
            {"type": "reasoning.text", "text": "ab", "index": 0, "signature": "sig"},
            {"type": "reasoning.encrypted", "data": "x", "index": 1},
        ]});
        assert_eq!(collected.into_fields(), Some(expected));
    }

    #[test]
    fn plain_reasoning_goes_back_under_its_own_field() {
        let mut collected = Collected::default();
        collected.take(Some("a".into()), None, Vec::new());
        collected.take(Some("b".into()), None, Vec::new());
        assert_eq!(collected.into_fields(), Some(json!({"reasoning_content": "ab"})));
        let mut collected = Collected::default();
        collected.take(None, Some("c".into()), Vec::new());
        assert_eq!(collected.into_fields(), Some(json!({"reasoning": "c"})));
        assert_eq!(Collected::default().into_fields(), None);
    }
}

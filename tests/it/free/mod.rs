//! The free path: the pool that is discovered, who takes over from whom, what is never used unasked, and the servers of
//! this machine. OpenRouter and the servers answer in their own published shapes.

mod local;
mod pool;
mod rotation;
mod training;

use serde_json::{Value, json};

use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

pub const FREE: [&str; 7] = ["run", "--path", "free", "--provider", "openrouter", "--key", "env:TEST_OPENROUTER_KEY"];

/// OpenRouter's list with these models, in this order: what it lists of each, as `GET /api/v1/models` writes it.
pub fn list(models: &[(&str, &str, &[&str], u64)]) -> Script {
    let row = |(id, price, parameters, context): &(&str, &str, &[&str], u64)| {
        json!({"id": id, "canonical_slug": id, "hugging_face_id": "", "name": id, "created": 1_764_000_000,
            "description": "A model.", "context_length": context,
            "architecture": {"modality": "text->text", "input_modalities": ["text"], "output_modalities": ["text"],
                "tokenizer": "Other", "instruct_type": null},
            "pricing": {"prompt": price, "completion": price, "request": "0", "image": "0", "web_search": "0",
                "internal_reasoning": "0"},
            "top_provider": {"context_length": context, "max_completion_tokens": null, "is_moderated": false},
            "per_request_limits": null, "supported_parameters": parameters})
    };
    Script::json(200, &json!({"data": models.iter().map(row).collect::<Vec<_>>()}).to_string())
}

pub const TOOLS: &[&str] = &["max_tokens", "tools", "tool_choice"];

/// Two free models, the first of which is tried first.
pub fn two() -> Script {
    list(&[("a/first:free", "0", TOOLS, 262_144), ("a/second:free", "0", TOOLS, 131_072)])
}

/// A gateway that lists these models, and a user of it.
pub fn user(listed: Script, answers: impl IntoIterator<Item = Script>) -> (Provider, Vk) {
    let gateway = Provider::start(answers);
    gateway.answer_get_at("/api/v1/models", listed);
    let vk = Vk::new().provider("openrouter", &format!("{}/api/v1", gateway.url()));
    (gateway, vk)
}

/// A free answer: OpenRouter says that it cost nothing.
pub fn done(model: &str) -> Script {
    Script::sse(&Turn::say("Done.").model(model).tokens(1_000, 100).cost("0").chat())
}

pub fn tool(model: &str, command: &str) -> Script {
    let turn = Turn::new().tool("t1", "bash", json!({"command": command}));
    Script::sse(&turn.model(model).tokens(1_000, 20).cost("0").chat())
}

/// An error as OpenRouter writes it.
pub fn error(status: u16, message: &str, metadata: &Value) -> Script {
    let body = json!({"error": {"message": message, "code": status, "metadata": metadata}, "user_id": "user_2x"});
    Script::json(status, &body.to_string())
}

/// An upstream's own limit on one model.
pub fn busy(model: &str) -> Script {
    let raw = format!("{model} is temporarily rate-limited upstream. Please retry shortly");
    error(429, "Provider returned error", &json!({"raw": raw, "provider_name": "Chutes"}))
}

/// The models that were asked, in order.
pub fn asked(gateway: &Provider) -> Vec<String> {
    gateway.requests().iter().map(|request| request.json()["model"].as_str().unwrap().to_owned()).collect()
}

//! The rules that the real providers hold every request against, checked on every request of every test.

use serde_json::Value;

use super::Captured;

/// The rules that a request breaks, in words.
pub(super) fn broken(request: &Captured) -> Vec<String> {
    let mut broken = Rules { path: request.path.clone(), found: Vec::new() };
    let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
        return vec![format!("{}: the body is not JSON", request.path)];
    };
    // Ollama's own questions about a model.
    if ["/api/show", "/api/generate"].contains(&request.path.as_str()) {
        return broken.found;
    }
    let credentials = ["authorization", "x-api-key"].iter().filter_map(|name| request.header(name));
    let text = String::from_utf8_lossy(&request.body);
    for credential in credentials {
        let secret = credential.strip_prefix("Bearer ").unwrap_or(credential);
        broken.unless(!text.contains(secret) && !request.path.contains(secret), "the credential is in the request");
    }
    broken.unless(body["stream"] == true, "an answer that is not streamed");
    for knob in ["tool_choice", "temperature", "top_p", "top_k"] {
        broken.unless(body.get(knob).is_none(), &format!("the knob {knob}, which new models refuse"));
    }
    if request.path.ends_with("/v1/messages") {
        broken.unless(request.header("anthropic-version") == Some("2023-06-01"), "no anthropic-version");
        broken.anthropic(&body);
    } else if request.path.ends_with("/responses") {
        broken.responses(&body);
    } else if request.path.ends_with("/chat/completions") {
        broken.chat(&body);
    } else {
        broken.unless(false, "an unknown endpoint");
    }
    broken.found
}

struct Rules {
    path: String,
    found: Vec<String>,
}

impl Rules {
    fn unless(&mut self, holds: bool, rule: &str) {
        if !holds {
            self.found.push(format!("{}: {rule}", self.path));
        }
    }

    fn anthropic(&mut self, body: &Value) {
        let messages = list(&body["messages"]);
        self.unless(body["max_tokens"].as_u64().is_some_and(|n| n > 0), "max_tokens");
        self.unless(messages.first().is_some_and(|m| m["role"] == "user"), "the first message is the user's");
        self.unless(count(body, "cache_control") <= 4, "more than four cache breakpoints");
        let mut open: Vec<&Value> = Vec::new();
        let mut last_role = &Value::Null;
        for message in messages {
            self.unless(&message["role"] != last_role, "roles alternate");
            last_role = &message["role"];
            let blocks = list(&message["content"]);
            self.unless(!blocks.is_empty(), "an empty message");
            let results = blocks.iter().filter(|block| block["type"] == "tool_result");
            let results: Vec<&Value> = results.map(|block| &block["tool_use_id"]).collect();
            let leading = blocks.iter().take_while(|block| block["type"] == "tool_result").count();
            self.unless(leading == results.len(), "tool results come first");
            self.unless(same(&results, &open), "each tool result has its call, each call its result");
            let calls = blocks.iter().filter(|block| block["type"] == "tool_use");
            open = calls.map(|block| &block["id"]).collect();
            for block in blocks {
                let blank = block["type"] == "text" && block["text"].as_str().is_none_or(|t| t.trim().is_empty());
                self.unless(!blank, "an empty text block");
                self.unless(block["type"] != "tool_use" || block["input"].is_object(), "a call's input is an object");
                let thinking = matches!(block["type"].as_str(), Some("thinking" | "redacted_thinking"));
                self.unless(!thinking || block.get("cache_control").is_none(), "a mark on thinking");
            }
            let last = blocks.last().and_then(|block| block["type"].as_str());
            self.unless(!matches!(last, Some("thinking" | "redacted_thinking")), "a message ends with thinking");
        }
        self.unless(open.is_empty(), "a call without a result");
        let thinking = &body["thinking"];
        if thinking["type"] == "enabled" {
            let (budget, limit) = (thinking["budget_tokens"].as_u64(), body["max_tokens"].as_u64());
            self.unless(budget >= Some(1024) && budget < limit, "the thinking budget");
        }
    }

    fn responses(&mut self, body: &Value) {
        self.unless(body["store"] == false, "the answer would be stored");
        let items = list(&body["input"]);
        let ids = |suffix: &str| -> Vec<&Value> {
            let of_kind = items.iter().filter(|item| item["type"].as_str().is_some_and(|kind| kind.ends_with(suffix)));
            of_kind.map(|item| &item["call_id"]).collect()
        };
        self.unless(same(&ids("_call"), &ids("_call_output")), "each call has its output, each output its call");
        for (at, item) in items.iter().enumerate() {
            if item["type"] == "reasoning" {
                let next = items.get(at + 1);
                let led = next.is_some_and(|n| n["role"] == "assistant" || n["type"] != "message");
                self.unless(led, "reasoning without the item that it led to");
                self.unless(item["encrypted_content"].is_string(), "reasoning that the provider cannot read");
            }
        }
    }

    fn chat(&mut self, body: &Value) {
        self.unless(body["stream_options"]["include_usage"] == true, "usage is not asked for");
        let mut open: Vec<&Value> = Vec::new();
        let mut last_role = &Value::Null;
        for message in list(&body["messages"]) {
            let role = &message["role"];
            if role == "tool" {
                let at = open.iter().position(|id| **id == message["tool_call_id"]);
                self.unless(at.is_some(), "each tool result has its call");
                at.map(|at| open.remove(at));
            } else {
                self.unless(open.is_empty(), "each call has its result before the next message");
                self.unless(role != last_role, "roles alternate");
                open = list(&message["tool_calls"]).iter().map(|call| &call["id"]).collect();
            }
            last_role = role;
        }
        self.unless(open.is_empty(), "a call without a result");
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Whether both hold the same ids, each once.
fn same(a: &[&Value], b: &[&Value]) -> bool {
    let sorted = |ids: &[&Value]| {
        let mut ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        ids.sort();
        ids
    };
    let (a, b) = (sorted(a), sorted(b));
    a == b && a.windows(2).all(|pair| pair[0] != pair[1])
}

/// How often a key occurs anywhere.
fn count(value: &Value, key: &str) -> usize {
    match value {
        Value::Object(map) => {
            usize::from(map.contains_key(key)) + map.values().map(|value| count(value, key)).sum::<usize>()
        }
        Value::Array(list) => list.iter().map(|value| count(value, key)).sum(),
        _ => 0,
    }
}

/// Every request begins with the one before it: same tools and system, and a transcript that only grows. What a
/// provider's cache sees is compared, so the marks that say where to cache are left out.
pub fn assert_prefix_grows(requests: &[Captured]) {
    let prefixes: Vec<Vec<String>> = requests.iter().map(|request| prefix(&request.json())).collect();
    for (at, pair) in prefixes.windows(2).enumerate() {
        let same = pair[0].iter().zip(&pair[1]).take_while(|(a, b)| a == b).count();
        assert!(
            same == pair[0].len(),
            "request {} does not begin with request {at}; they part at:\n{}\n{}",
            at + 1,
            pair[0][same],
            pair[1].get(same).map_or("(the end)", String::as_str),
        );
    }
}

/// The prompt as the ordered list of its smallest parts, each as the bytes that are sent.
fn prefix(body: &Value) -> Vec<String> {
    let mut body = body.clone();
    strip(&mut body, "cache_control");
    let mut parts = vec![body["model"].to_string(), body["tools"].to_string()];
    parts.push(body["system"].to_string() + &body["instructions"].to_string());
    for message in list(&body["messages"]).iter().chain(list(&body["input"])) {
        let role = message["role"].to_string();
        match message["content"].as_array() {
            Some(blocks) => parts.extend(blocks.iter().map(|block| format!("{role} {block}"))),
            None => parts.push(message.to_string()),
        }
    }
    parts
}

fn strip(value: &mut Value, key: &str) {
    match value {
        Value::Object(map) => {
            map.shift_remove(key);
            map.values_mut().for_each(|value| strip(value, key));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| strip(value, key)),
        _ => {}
    }
}

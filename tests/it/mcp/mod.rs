//! MCP servers through the built binary: a stand-in that speaks the protocol's own bytes, over pipes and over HTTP,
//! and the real one of the protocol's authors.

mod calls;
mod config;
mod hostile;
mod http;
mod real;
mod sandbox;

use serde_json::{Value, json};

use crate::run::{ANTHROPIC, OPENAI, anthropic, report};
use crate::support::env::{Ran, Vk};
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

/// The stand-in server, as a file of the project.
const SERVER: &str = include_str!("server.py");

/// `[mcp.s]` of the user's for the stand-in that behaves like this.
fn server(how: &[&str]) -> String {
    let words: Vec<String> = ["python3", "-u", "server.py"].iter().chain(how).map(|word| format!("{word:?}")).collect();
    format!("[mcp.s]\nin_project = true\ncommand = [{}]\n", words.join(", "))
}

/// A run with the stand-in in its project and this in the user's configuration.
fn with(provider: &Provider, config: &str) -> Vk {
    anthropic(provider).config(config).file("server.py", SERVER)
}

/// A model that makes these calls, each in a turn of its own, and then is done.
fn model(calls: &[(&str, Value)]) -> Provider {
    let turn = |(n, (name, input)): (usize, &(&str, Value))| {
        Script::sse(&Turn::new().tool(&format!("t{n}"), name, input.clone()).anthropic())
    };
    let done = Script::sse(&Turn::say("Done.").anthropic());
    Provider::start(calls.iter().enumerate().map(turn).chain([done]))
}

fn go(vk: &Vk, more: &[&str]) -> (Ran, Value) {
    report(vk, &ANTHROPIC, &[more, &["go"]].concat())
}

/// What the model was told of each call, in order.
fn told(provider: &Provider) -> Vec<Value> {
    let last = provider.requests().last().unwrap().json();
    let messages = last["messages"].as_array().unwrap().clone();
    let parts = messages.iter().filter_map(|message| message["content"].as_array()).flatten().cloned();
    parts.filter(|part| part["type"] == "tool_result").collect()
}

fn text_of(result: &Value) -> String {
    result["content"].as_str().map_or_else(|| result["content"].to_string(), str::to_owned)
}

/// The names of the tools of a request on Anthropic's wire.
fn names(request: &Value) -> Vec<String> {
    request["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

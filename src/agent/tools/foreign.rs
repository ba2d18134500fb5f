//! A call of an MCP server's tool: a command as far as people are asked, and as far as the network goes.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::shell::{ASKED, Ran};
use crate::agent::approvals::{Answer, Approvals};
use crate::agent::mcp::Servers;
use crate::domain::message::{ToolCall, ToolInput};

/// Asks where the mode says so, calls, and asks about hosts that were refused to the server.
pub(super) async fn call(servers: &mut Servers, approvals: &mut Approvals, call: &ToolCall) -> Ran {
    let Some((server, tool)) = servers.find(&call.name).map(|(server, tool)| (server.to_owned(), tool.to_owned()))
    else {
        return Ran::error(format!("Nothing was run: there is no tool {:?}.", call.name));
    };
    let arguments = match &call.input {
        ToolInput::Json(Value::Object(arguments)) => arguments.clone(),
        ToolInput::Json(Value::Null) => Map::new(),
        _ => return Ran::error("Nothing was run: the arguments are not a JSON object."),
    };
    let shown = serde_json::to_string_pretty(&arguments).unwrap_or_default();
    if let Answer::No(why) = approvals.mcp(&server, &format!("{tool} {shown}")).await {
        return Ran::error(format!("Not run: {why}."));
    }
    let called = servers.call(&call.name, arguments).await;
    for note in called.notes {
        approvals.note(&note);
    }
    let mut text = called.text;
    for (at, host) in called.hosts.iter().enumerate() {
        let said = if at >= ASKED {
            format!("{host} is out of reach")
        } else {
            match approvals.network_of(&server, host).await {
                Answer::No(why) => why,
                Answer::Yes => match servers.allow(&server, host) {
                    Ok(()) => format!("the user now allows {host}; make the call again"),
                    Err(error) => format!("{host} stays out of reach: {error}"),
                },
            }
        };
        let _ = write!(text, "\n[network: {said}]");
    }
    Ran { ok: called.ok, images: called.images, ..Ran::ok(text) }
}

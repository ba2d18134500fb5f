//! What a call comes to: on each wire, with images, with errors, with people, with servers that end.

use super::*;

#[test]
fn a_tool_is_called_on_every_wire_and_its_answer_goes_back_in_the_wires_own_words() {
    let call = Turn::new().tool("call_1", "mcp__s__echo", json!({"text": "héllo"}));
    let done = Turn::say("Done.");
    for (wire, base) in [("anthropic", ANTHROPIC), ("responses", OPENAI), ("chat", OPENAI)] {
        let render = |turn: &Turn| match wire {
            "anthropic" => turn.anthropic(),
            "responses" => turn.responses(),
            _ => turn.chat(),
        };
        let provider = Provider::start([Script::sse(&render(&call)), Script::sse(&render(&done))]);
        let (vk, base): (Vk, Vec<&str>) = if wire == "chat" {
            let gateway = format!(
                "[providers.work]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"{}\"\nauth = \"none\"\n",
                provider.url()
            );
            let model = "[providers.work.prices.\"house\"]\ninput = \"1\"\noutput = \"2\"\n";
            (
                Vk::new().config(&(gateway + model)),
                vec!["run", "--path", "platform", "--provider", "work", "--model", "house"],
            )
        } else {
            let name = if wire == "anthropic" { "anthropic" } else { "openai" };
            (Vk::new().provider(name, &provider.url()), base.to_vec())
        };
        let vk = vk.config(&server(&[])).file("server.py", SERVER);
        let (ran, finished) = report(&vk, &base, &["go"]);
        assert_eq!(ran.code, 0, "{wire}: {ran}");
        let [first, second] = &provider.requests()[..] else { panic!("{wire}") };
        let (first, second) = (first.json(), second.json());
        let (tool, result) = match wire {
            "anthropic" => {
                let tool =
                    first["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "mcp__s__echo").cloned();
                (tool.map(|tool| tool["input_schema"].clone()), told(&provider)[0]["content"].clone())
            }
            "responses" => {
                let tool =
                    first["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "mcp__s__echo").cloned();
                let items = second["input"].as_array().unwrap();
                let output = items.iter().find(|item| item["type"] == "function_call_output").unwrap();
                assert_eq!(output["call_id"], "call_1");
                (tool.map(|tool| tool["parameters"].clone()), output["output"].clone())
            }
            _ => {
                let tools = first["tools"].as_array().unwrap();
                let tool = tools.iter().find(|tool| tool["function"]["name"] == "mcp__s__echo").cloned();
                let messages = second["messages"].as_array().unwrap();
                let output = messages.iter().find(|message| message["role"] == "tool").unwrap();
                assert_eq!(output["tool_call_id"], "call_1");
                (tool.map(|tool| tool["function"]["parameters"].clone()), output["content"].clone())
            }
        };
        assert_eq!(tool.unwrap(), json!({"type": "object", "properties": {"text": {"type": "string"}}}), "{wire}");
        assert_eq!(result, "echo: héllo", "{wire}");
        assert_eq!(first["tools"], second["tools"], "{wire}: the prefix stays as it is");
        assert_eq!(finished["mcp"][0]["calls"], 1, "{wire}: {ran}");
    }
}

#[test]
fn what_the_tools_take_of_the_context_is_shown_before_anything_is_sent() {
    let provider = model(&[]);
    let vk = with(&provider, &server(&[]));
    let ran = vk.run(&[&ANTHROPIC[..], &["--output", "stream-json", "go"]].concat());
    let events = ran.json_lines();
    let at =
        |kind: &str| events.iter().position(|event| event["type"] == kind).unwrap_or_else(|| panic!("{kind}: {ran}"));
    assert!(at("route.resolved") < at("mcp.starting") && at("mcp.ready") < at("budget.reserved"), "{ran}");
    let ready = &events[at("mcp.ready")];
    assert_eq!((&ready["server"], &ready["transport"], &ready["tools"]), (&json!("s"), &json!("stdio"), &json!(9)));
    // The estimate is of the bytes that are really sent for these tools, four to a token.
    let sent = provider.requests()[0].json();
    let tools =
        sent["tools"].as_array().unwrap().iter().filter(|tool| tool["name"].as_str().unwrap().starts_with("mcp__"));
    let bytes: usize = tools.map(|tool| tool.to_string().len()).sum();
    let tokens = ready["context_tokens"].as_u64().unwrap();
    assert!(tokens.abs_diff(bytes as u64 / 4) < 20, "{tokens} for {bytes} bytes");
    // And they are in what is held for the call: every byte a token.
    let held = events[at("budget.reserved")]["hold_usd"].as_str().unwrap().parse::<f64>().unwrap();
    let bare = model(&[]);
    let events = anthropic(&bare).run(&[&ANTHROPIC[..], &["--output", "stream-json", "go"]].concat()).json_lines();
    let without = events.iter().find(|event| event["type"] == "budget.reserved").unwrap()["hold_usd"].clone();
    assert!(held > without.as_str().unwrap().parse::<f64>().unwrap(), "{held} {without}");

    let provider = model(&[]);
    let ran = with(&provider, &server(&[])).run(&[&ANTHROPIC[..], &["go"]].concat());
    assert!(ran.stderr.contains(&format!("mcp s: 9 tools, about {tokens} tokens with each call")), "{ran}");
}

#[test]
fn images_and_failures_reach_the_model_as_such() {
    let provider = model(&[("mcp__s__picture", json!({})), ("mcp__s__fail", json!({})), ("mcp__s__nosuch", json!({}))]);
    let (ran, _) = go(&with(&provider, &server(&[])), &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let request = provider.requests()[1].json();
    let parts = request["messages"].as_array().unwrap().last().unwrap()["content"].as_array().unwrap().clone();
    assert_eq!(parts[0]["type"], "tool_result");
    assert!(text_of(&parts[0]).contains("here\n[image 1, image/png: it follows]"), "{parts:?}");
    assert_eq!((&parts[1]["type"], &parts[1]["source"]["media_type"]), (&json!("image"), &json!("image/png")));
    let results = told(&provider);
    assert_eq!((text_of(&results[1]).as_str(), &results[1]["is_error"]), ("no such record", &json!(true)));
    assert!(text_of(&results[2]).contains("there is no tool"), "{results:?}");
}

#[test]
fn calls_are_commands_to_whoever_is_asked() {
    // Headless, a mode that must ask is refused before anything is sent.
    for mode in ["ask", "edits"] {
        let provider = Provider::start([]);
        let (ran, finished) = go(&with(&provider, &server(&[])), &["--approve", mode]);
        assert_eq!((ran.code, &finished["error"]["code"]), (7, &json!("approval_needed")), "{ran}");
    }
}

#[test]
#[cfg(unix)]
fn a_person_sees_the_whole_call_and_may_say_no() {
    let words = json!({"text": "a\u{1b}[2Kb\u{202e}c"});
    let provider = model(&[("mcp__s__echo", words.clone()), ("mcp__s__echo", words.clone()), ("mcp__s__echo", words)]);
    let vk = with(&provider, &server(&["note=notes.txt"]));
    let args = [&ANTHROPIC[..], &["--approve", "edits", "go"]].concat();
    let Some(mut session) = crate::support::terminal::start(&vk, &args) else { return };
    let asked = session.wait_for("Make this call of the MCP server s?");
    assert!(asked.contains("echo {") && !asked.contains("\u{1b}[2Kb"), "{asked:?}");
    session.type_line("n");
    session.wait_for("Make this call of the MCP server s?");
    session.type_line("a");
    let ran = session.end();
    assert_eq!(ran.code, 0, "{ran}");
    let results: Vec<String> = told(&provider).iter().map(text_of).collect();
    assert!(results[0].contains("the user said no"), "{results:?}");
    assert!(results[1].starts_with("echo: ") && results[2].starts_with("echo: "), "{results:?}");
    let notes = std::fs::read_to_string(vk.project().join("notes.txt")).unwrap();
    assert_eq!(notes.matches("tools/call").count(), 2, "what was refused was not sent: {notes}");
}

#[test]
fn a_server_that_ends_is_told_of_and_started_once_more() {
    let call = |name: &'static str| (name, json!({"text": "x"}));
    let provider = model(&[call("mcp__s__die"), call("mcp__s__echo"), call("mcp__s__die"), call("mcp__s__echo")]);
    let vk = with(&provider, &server(&["note=notes.txt"]));
    let (ran, finished) = go(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let results: Vec<String> = told(&provider).iter().map(text_of).collect();
    assert!(
        results[0].contains("is gone: its program ended (exit 7)") && results[0].contains("out of cheese"),
        "{results:?}"
    );
    assert_eq!(results[1], "echo: x");
    assert!(results[3].contains("it ended twice"), "{results:?}");
    let notes = std::fs::read_to_string(vk.project().join("notes.txt")).unwrap();
    assert_eq!(notes.matches("started").count(), 2, "{notes}");
    assert!(ran.stderr.contains("the MCP server s is gone: its program ended (exit 7): out of cheese"), "{ran}");
    assert_eq!(finished["mcp"][0]["calls"], 4);
}

#[test]
fn a_call_that_takes_too_long_is_given_up_and_the_server_told() {
    let provider = model(&[("mcp__s__sleep", json!({"seconds": 3})), ("mcp__s__echo", json!({"text": "late"}))]);
    let vk = with(&provider, &(server(&["note=notes.txt"]) + "timeout = \"2s\"\n"));
    let (ran, _) = go(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let results: Vec<String> = told(&provider).iter().map(text_of).collect();
    assert!(results[0].contains("gave no answer for 2 s"), "{results:?}");
    let notes = std::fs::read_to_string(vk.project().join("notes.txt")).unwrap();
    assert!(notes.contains("notifications/cancelled"), "{notes}");
}

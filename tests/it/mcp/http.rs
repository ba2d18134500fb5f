//! Streamable HTTP: answers as JSON and as events, sessions that end, keys that are missing or go astray.

use super::*;
use crate::support::provider::Captured;
use crate::support::service::Service;

const KEY: &str = "tracker-key-canary-9931";

fn config(service: &Service, more: &str) -> String {
    format!("[mcp.web]\nurl = \"{}/mcp\"\n{more}", service.url())
}

/// What a good server answers to a request, as the value of `result`.
fn result(asked: &Value) -> Value {
    match asked["method"].as_str().unwrap_or_default() {
        "initialize" => json!({"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}},
            "serverInfo": {"name": "web", "version": "1"}}),
        "tools/list" => json!({"tools": [{"name": "find", "description": "Finds.",
            "inputSchema": {"type": "object", "properties": {"q": {"type": "string"}}}}]}),
        _ => json!({"content": [{"type": "text", "text": format!("found {}", asked["params"]["arguments"]["q"])}]}),
    }
}

fn message(asked: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": asked["id"], "result": result(asked)}).to_string()
}

/// As a server of events says it: a comment, something nobody asked for, the answer in two lines of data.
fn events(asked: &Value) -> Script {
    let note = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}});
    let answer = message(asked);
    let (head, tail) = answer.split_at(answer.find(',').unwrap() + 1);
    Script::sse(&format!(
        ": hello\n\nevent: message\ndata: {note}\n\nid: 7\nevent: message\ndata: {head}\ndata: {tail}\n\n"
    ))
    .in_pieces_of(11)
}

fn good(request: &Captured) -> Script {
    if request.method != "POST" {
        return Script::json(405, "");
    }
    let asked = request.json();
    if asked.get("id").is_none() {
        return Script::json(202, "");
    }
    let script = if asked["method"] == "tools/call" { events(&asked) } else { Script::json(200, &message(&asked)) };
    script.header("mcp-session-id", "session-1")
}

#[test]
fn a_service_is_spoken_with_over_json_and_events_in_one_session() {
    let service = Service::start(good);
    let provider = model(&[("mcp__web__find", json!({"q": "ä"}))]);
    let vk = with(&provider, &config(&service, "key = \"env:TRACKER\"\n")).var("TRACKER", KEY);
    let (ran, finished) = go(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(text_of(&told(&provider)[0]), "found \"ä\"");
    assert_eq!((&finished["mcp"][0]["transport"], &finished["mcp"][0]["calls"]), (&json!("http"), &json!(1)));
    let requests = service.requests("/mcp");
    assert!(requests.iter().all(|request| request.header("authorization") == Some(&format!("Bearer {KEY}"))));
    assert!(requests.iter().all(|request| request.header("user-agent").is_some_and(|agent| agent.starts_with("vk/"))));
    let (first, rest) = requests.split_first().unwrap();
    let hello = first.json();
    assert_eq!((first.header("mcp-session-id"), hello["method"].as_str()), (None, Some("initialize")));
    // A service is not told what is on this machine.
    assert_eq!(hello["params"]["capabilities"], json!({}));
    for request in rest {
        assert_eq!(request.header("mcp-session-id"), Some("session-1"), "{request:?}");
        assert_eq!(request.header("mcp-protocol-version"), hello["params"]["protocolVersion"].as_str());
    }
    assert_eq!(requests.last().unwrap().method, "DELETE", "the session is ended");
    assert!(requests.iter().all(|request| request.method != "GET"), "no stream is opened that nobody reads");
    // The key is nowhere else.
    for request in provider.requests() {
        assert!(!String::from_utf8_lossy(&request.body).contains(KEY));
    }
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(KEY));
}

#[test]
fn a_session_that_has_ended_is_begun_again() {
    let ended = std::sync::atomic::AtomicBool::new(false);
    let service = Service::start(move |request: &Captured| {
        let is_call = request.method == "POST" && request.json()["method"] == "tools/call";
        if is_call && !ended.swap(true, std::sync::atomic::Ordering::SeqCst) {
            return Script::json(404, "");
        }
        good(request)
    });
    let provider = model(&[("mcp__web__find", json!({"q": 1}))]);
    let (ran, _) = go(&with(&provider, &config(&service, "")), &[]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(text_of(&told(&provider)[0]), "found 1");
    let hellos =
        service.requests("/mcp").iter().filter(|r| r.method == "POST" && r.json()["method"] == "initialize").count();
    assert_eq!(hellos, 2);
}

#[test]
fn a_key_that_is_missing_or_refused_is_exit_3_and_a_redirect_gets_none() {
    let service = Service::start(|_| Script::json(401, r#"{"error":"no"}"#).header("www-authenticate", "Bearer"));
    let provider = Provider::start([]);
    let (ran, finished) = go(&with(&provider, &config(&service, "")), &[]);
    assert_eq!((ran.code, &finished["error"]["code"]), (3, &json!("mcp_refused")), "{ran}");
    assert!(ran.stderr.contains("vk keys add mcp --label web"), "{ran}");
    // A variable that is not set is no key.
    let (ran, _) = go(&with(&provider, &config(&service, "key = \"env:UNSET\"\n")), &[]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.contains("[mcp.web]") && ran.stderr.contains("fix: read -rs UNSET && export UNSET"), "{ran}");
    // A provider's key goes to nobody else.
    let (ran, finished) = go(&with(&provider, &config(&service, "key = \"env:TEST_OPENROUTER_KEY\"\n")), &[]);
    assert_eq!((ran.code, &finished["error"]["code"]), (3, &json!("foreign_key")), "{ran}");
    assert_eq!(service.requests("/mcp").len(), 1, "nothing was sent for either");

    let elsewhere = Service::start(good);
    let to = format!("{}/mcp", elsewhere.url());
    let service = Service::start(move |_| Script::redirect(307, &to));
    let vk = with(&provider, &config(&service, "key = \"env:TRACKER\"\n")).var("TRACKER", KEY);
    let (ran, finished) = go(&vk, &[]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(finished["error"]["message"].as_str().unwrap().contains("redirects are not followed"), "{ran}");
    assert!(elsewhere.requests("/").is_empty());
}

#[test]
fn a_service_that_is_none_or_breaks_off_is_told_of() {
    for (script, says) in [
        (Script::html(200, "<h1>Welcome</h1>"), "content type"),
        (Script::json(500, "{}"), "HTTP 500"),
        (Script::json(200, "{\"jsonrpc\": \"2.0\""), "EOF"),
        (Script::hang_up(), "connection"),
    ] {
        let service = Service::start(move |_| script.clone());
        let (ran, finished) = go(&with(&Provider::start([]), &config(&service, "timeout = \"5s\"\n")), &[]);
        assert_eq!(ran.code, 2, "{ran}");
        let message = finished["error"]["message"].as_str().unwrap().to_lowercase();
        assert!(message.contains(&says.to_lowercase()), "{says}: {message}");
    }
    // An answer that breaks off in the middle of a call is an error of that call.
    let service = Service::start(|request: &Captured| {
        let is_call = request.method == "POST" && request.json()["method"] == "tools/call";
        if is_call { events(&request.json()).cut_at(40) } else { good(request) }
    });
    let provider = model(&[("mcp__web__find", json!({"q": 1}))]);
    let (ran, _) = go(&with(&provider, &config(&service, "timeout = \"3s\"\n")), &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let result = &told(&provider)[0];
    assert_eq!(result["is_error"], true, "{result}");
}

#[test]
fn a_stored_key_is_bound_to_the_servers_address() {
    let service = Service::start(good);
    let vk = Vk::new().config(&config(&service, "key = \"tracker\"\n")).var("TRACKER", KEY);
    let identity = vk.home().join("identity").display().to_string();
    let vk = vk.var("VK_AGE_IDENTITY", &identity);
    let ran = vk.run(&["keys", "init", "--file"]);
    assert_eq!(ran.code, 0, "{ran}");
    // Before it is there, the task says what to type.
    let provider = Provider::start([]);
    let vk = vk.provider("anthropic", &provider.url());
    let (ran, _) = go(&vk, &[]);
    assert!(ran.code == 3 && ran.stderr.contains("vk keys add mcp --label tracker"), "{ran}");
    let ran = vk.run(&["keys", "add", "mcp", "--label", "nobody", "--from-env", "TRACKER"]);
    assert!(ran.code == 2 && ran.stderr.contains("no MCP server of your config.toml has key = \"nobody\""), "{ran}");
    let ran = vk.run(&["keys", "add", "mcp", "--label", "tracker", "--from-env", "TRACKER"]);
    assert!(ran.code == 0 && ran.stderr.contains("vk keys test tracker --provider mcp"), "{ran}");
    let ran = vk.run(&["keys", "test", "tracker", "--provider", "mcp"]);
    assert!(ran.code == 0 && ran.stdout.contains("works"), "{ran}");
    assert_eq!(service.requests("/mcp")[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    // It pays for nothing: no path takes it for a key.
    let routes = vk.run(&["route", "--output", "json"]);
    assert!(!routes.stdout.contains("tracker"), "{routes}");
    // Another address is another server.
    let other = Service::start(good);
    let text = std::fs::read_to_string(vk.config_dir().join("config.toml")).unwrap();
    std::fs::write(vk.config_dir().join("config.toml"), text.replace(&service.url(), &other.url())).unwrap();
    let (ran, _) = go(&vk, &[]);
    assert!(ran.code == 3 && other.requests("/").is_empty(), "{ran}");
}

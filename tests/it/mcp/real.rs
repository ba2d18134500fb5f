//! The real `@modelcontextprotocol/server-everything`, over pipes and over HTTP. `tests/run` installs it into
//! `target/tools/mcp`; without it, or without node, the tests say so.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::*;
use crate::sandbox::eventually;

/// Its program, and the folder that holds all of it.
fn everything() -> Option<(PathBuf, PathBuf)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/mcp");
    let node = ["/usr/local/bin/node", "/usr/bin/node"].iter().any(|node| Path::new(node).is_file());
    if !folder.join("whole").is_file() || !node {
        println!("skipped: no server-everything in target/tools/mcp, or no node; tests/run installs it");
        return None;
    }
    let folder = folder.canonicalize().unwrap();
    let program = folder.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    Some((program, folder))
}

/// Its answers to what the model asks.
fn calls() -> Vec<(&'static str, Value)> {
    vec![
        ("mcp__all__echo", json!({"message": "héllo"})),
        ("mcp__all__get-sum", json!({"a": 2, "b": 40})),
        ("mcp__all__get-tiny-image", json!({})),
        ("mcp__all__get-structured-content", json!({"location": "New York"})),
        ("mcp__all__get-resource-links", json!({"count": 2})),
        ("mcp__all__get-env", json!({})),
        ("mcp__all__get-sum", json!({"a": "two"})),
        ("mcp__all__trigger-long-running-operation", json!({"duration": 1, "steps": 4})),
    ]
}

fn check(provider: &Provider, finished: &Value, ran: &Ran) {
    let results = told(provider);
    let texts: Vec<String> = results.iter().map(text_of).collect();
    assert_eq!(texts[0], "Echo: héllo", "{ran}");
    assert!(texts[1].contains("42"), "{texts:?}");
    assert!(texts[2].contains("[image 1, image/png: it follows]"), "{texts:?}");
    assert!(texts[3].contains("emperature"), "{texts:?}");
    assert!(texts[4].contains("[resource "), "{texts:?}");
    assert_eq!(results[6]["is_error"], true, "{texts:?}");
    assert!(texts[7].contains("ompleted"), "{texts:?}");
    let mcp = &finished["mcp"][0];
    assert!(mcp["tools"].as_u64().unwrap() >= 8 && mcp["context_tokens"].as_u64().unwrap() > 500, "{mcp}");
    assert_eq!(mcp["calls"], 8, "{mcp}");
}

#[test]
fn over_pipes_in_the_sandbox() {
    let Some((program, folder)) = everything() else { return };
    let provider = model(&calls());
    let config = format!(
        "[sandbox]\nread = [{:?}]\n[mcp.all]\ncommand = [\"node\", {:?}, \"stdio\"]\n",
        folder.display().to_string(),
        program.display().to_string()
    );
    let vk = anthropic(&provider).config(&config).var("GITHUB_TOKEN", "canary-of-github");
    let (ran, finished) = go(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    check(&provider, &finished, &ran);
    // It shows its whole environment to whoever asks: there is nothing in it.
    let env = text_of(&told(&provider)[5]);
    assert!(env.contains("PATH") && !env.contains("canary"), "{env}");
    for (_, secret) in crate::support::env::PLANTED {
        assert!(!env.contains(secret), "{env}");
    }
}

/// Its HTTP server, until it is dropped.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn over_http() {
    let Some((program, _)) = everything() else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut node = Command::new("node");
    node.arg(program).arg("streamableHttp").env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    node.env("PORT", port.to_string()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _served = Served(node.spawn().unwrap());
    let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    assert!((0..4).any(|_| eventually(listens)), "it does not listen");
    let provider = model(&calls());
    let config = format!("[mcp.all]\nurl = \"http://127.0.0.1:{port}/mcp\"\n");
    let (ran, finished) = go(&anthropic(&provider).config(&config), &[]);
    assert_eq!(ran.code, 0, "{ran}");
    check(&provider, &finished, &ran);
}

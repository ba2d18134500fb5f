//! Servers of this machine, in the shapes of their own APIs: used once named, never where they are gateways, and never
//! with a context that a task does not fit into.

use serde_json::{Value, json};

use super::done;
use crate::run::report;
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const RUN: [&str; 3] = ["run", "--path", "free"];

/// What a server answers at each address.
type Pages = Vec<(&'static str, Value)>;

fn json(body: &Value) -> Script {
    Script::json(200, &body.to_string())
}

/// A server that knows these addresses and no others.
fn server(answers: impl IntoIterator<Item = Script>, pages: &[(&str, Value)]) -> Provider {
    let server = Provider::start(answers);
    server.answer_get(Script::json(404, "404 page not found"));
    for (path, body) in pages {
        server.answer_get_at(path, json(body));
    }
    server
}

fn ollama_list(ids: &[&str]) -> Value {
    let row = |id: &&str| json!({"id": id, "object": "model", "created": 1_764_000_000, "owned_by": "library"});
    json!({"object": "list", "data": ids.iter().map(row).collect::<Vec<_>>()})
}

fn tag(id: &str) -> Value {
    json!({"name": id, "model": id, "modified_at": "2026-11-20T10:00:00Z", "size": 5_225_387_677_u64,
        "digest": "500a1f067a9f", "details": {"format": "gguf", "family": "qwen3", "parameter_size": "8.2B",
        "quantization_level": "Q4_K_M"}})
}

fn cloud_tag(id: &str) -> Value {
    json!({"name": id, "model": id, "remote_model": "gpt-oss:120b", "remote_host": "https://ollama.com:443",
        "modified_at": "2026-11-20T10:00:00Z", "size": 384, "digest": "569662207105", "details": {}})
}

fn shown(capabilities: &[&str]) -> Script {
    json(&json!({"license": "Apache", "modelfile": "FROM x", "parameters": "temperature 0.6",
        "details": {"family": "qwen3"}, "capabilities": capabilities,
        "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40_960}}))
}

fn loaded(id: &str, context: u64) -> Value {
    json!({"models": [{"name": id, "model": id, "size": 6_000_000_000_u64, "digest": "500a", "details": {},
        "expires_at": "2026-11-24T14:38:31.83753-07:00", "size_vram": 6_000_000_000_u64, "context_length": context}]})
}

fn ollama(answers: impl IntoIterator<Item = Script>, context: u64) -> Provider {
    let pages = [
        ("/v1/models", ollama_list(&["gpt-oss:120b-cloud", "qwen3:8b"])),
        ("/api/tags", json!({"models": [cloud_tag("gpt-oss:120b-cloud"), tag("qwen3:8b")]})),
        ("/api/ps", loaded("qwen3:8b", context)),
    ];
    server(answers, &pages)
}

fn user(name: &str, server: &Provider) -> Vk {
    Vk::new().provider(name, &format!("{}/v1", server.url()))
}

#[test]
fn ollamas_own_models_are_members_and_what_its_service_runs_is_not() {
    let server = ollama([shown(&["completion", "tools"]), done("qwen3:8b")], 65_536);
    let (ran, finished) = report(&user("ollama", &server), &RUN, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("free · ollama · qwen3:8b · nobody pays"), "{ran}");
    assert_eq!((finished["cost_state"].as_str(), finished["proof"].as_str()), (Some("free"), Some("verified")));
    let sent = server.requests().pop().unwrap();
    assert_eq!((sent.path.as_str(), &sent.json()["model"]), ("/v1/chat/completions", &json!("qwen3:8b")));
    assert!(sent.json()["max_tokens"].as_u64().unwrap_or(0) <= 16_384, "{ran}");
}

/// Ollama cuts what does not fit without a word, so nothing is sent.
#[test]
fn a_context_too_small_is_refused_with_the_exact_fix() {
    let server = ollama([shown(&["completion", "tools"])], 4_096);
    let vk = user("ollama", &server);
    let (ran, finished) = report(&vk, &RUN, &["--model", "qwen3:8b", "go"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("context_too_small")), "{ran}");
    assert_eq!(finished["error"]["fix"], "OLLAMA_CONTEXT_LENGTH=40960 ollama serve", "{ran}");
    assert!(finished["error"]["message"].as_str().unwrap().contains("has 4096 tokens of context"), "{ran}");
    assert!(server.requests().iter().all(|request| request.path == "/api/show"), "{ran}");
    assert_eq!(finished["task_id"], Value::Null, "nothing has begun");
}

/// A model that is not loaded says no context: it is loaded, as its first request would, and then it is known.
#[test]
fn a_model_that_is_not_loaded_is_loaded_to_know_its_context() {
    let server = ollama([shown(&["completion", "tools"]), json(&json!({"model": "qwen3:8b", "done": true}))], 4_096);
    server.answer_get_at("/api/ps", json(&json!({"models": []})));
    let vk = user("ollama", &server);
    let ran = vk.run(&[&RUN[..], &["--model", "qwen3:8b", "--dry-run", "go"]].concat());
    assert_eq!((ran.code, server.captured().len()), (0, 0), "a dry run asks nobody: {ran}");
    server.then(Script::sse(&Turn::say("Done.").chat()));
    let ran = vk.run(&[&RUN[..], &["--model", "qwen3:8b", "go"]].concat());
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/api/show", "/api/generate", "/v1/chat/completions"], "{ran}");
    assert!(ran.stderr.contains("Ollama loads qwen3:8b"), "{ran}");
    let load = server.requests()[1].json();
    assert_eq!(load.get("prompt"), None, "an empty prompt runs nothing");
}

#[test]
fn a_model_without_tools_or_run_elsewhere_is_refused() {
    let server = ollama([shown(&["completion"])], 65_536);
    let ran = user("ollama", &server).run(&[&RUN[..], &["--model", "qwen3:8b", "go"]].concat());
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("takes no tools"), "{ran}");
    // By its own word, whatever the id looks like.
    let pages = [
        ("/v1/models", ollama_list(&["mine"])),
        ("/api/tags", json!({"models": [cloud_tag("mine")]})),
        ("/api/ps", json!({"models": []})),
    ];
    let hosted = server_of(&pages, [shown(&["completion", "tools"])]);
    let ran = user("ollama", &hosted).run(&[&RUN[..], &["--model", "mine", "go"]].concat());
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("does not run on this machine"), "{ran}");
}

fn server_of(pages: &[(&str, Value)], answers: impl IntoIterator<Item = Script>) -> Provider {
    server(answers, pages)
}

#[test]
fn each_server_says_its_context_in_its_own_way_and_gets_its_own_fix() {
    let llama_list = json!({"object": "list", "models": [], "data": [{"id": "/models/q.gguf", "object": "model",
        "created": 1_764_000_000, "owned_by": "llamacpp", "meta": {"n_ctx_train": 131_072, "n_params": 8_190_735_360_u64}}]});
    let props = json!({"default_generation_settings": {"id": 0, "n_ctx": 4_096, "params": {}}, "total_slots": 1,
        "model_path": "/models/q.gguf"});
    let studio = json!({"object": "list", "data": [{"id": "qwen3-8b", "object": "model", "type": "llm",
        "publisher": "qwen", "arch": "qwen3", "compatibility_type": "gguf", "quantization": "Q4_K_M",
        "state": "loaded", "max_context_length": 131_072, "loaded_context_length": 4_096, "capabilities": ["tool_use"]}]});
    let studio_list =
        json!({"data": [{"id": "qwen3-8b", "object": "model", "owned_by": "organization_owner"}], "object": "list"});
    let vllm_list = json!({"object": "list", "data": [{"id": "Qwen/Qwen3-8B", "object": "model", "created": 1_764_000_000,
        "owned_by": "vllm", "root": "Qwen/Qwen3-8B", "parent": null, "max_model_len": 8_192, "permission": []}]});
    let cases: [(&str, &str, Pages, &str); 3] = [
        ("llamacpp", "/models/q.gguf", vec![("/v1/models", llama_list), ("/props", props)], "llama-server -c 65536"),
        (
            "lmstudio",
            "qwen3-8b",
            vec![("/v1/models", studio_list), ("/api/v0/models", studio)],
            "lms load qwen3-8b --context-length 65536",
        ),
        ("vllm", "Qwen/Qwen3-8B", vec![("/v1/models", vllm_list)], "vllm serve Qwen/Qwen3-8B --max-model-len 65536"),
    ];
    for (name, id, pages, fix) in cases {
        let server = server([], &pages);
        let vk = user(name, &server);
        for flags in [&["--model", id, "go"][..], &["go"]] {
            let (ran, finished) = report(&vk, &RUN, flags);
            assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("context_too_small")), "{name}: {ran}");
            let found = finished["error"]["fix"].as_str().unwrap();
            assert!(flags.len() == 1 || found.starts_with(fix), "{name}: {found}");
        }
        assert!(server.requests().is_empty(), "{name}");
    }
}

/// What listens on this machine may be somebody's gateway: then somebody may pay.
#[test]
fn other_peoples_gateways_are_not_free() {
    let list = json!({"data": [{"id": "gpt-4o", "object": "model", "created": 1_677_610_602, "owned_by": "openai",
        "mode": "chat", "max_input_tokens": 128_000, "max_output_tokens": 16_384}], "object": "list"});
    let gateway = server([], &[("/v1/models", list.clone())]);
    gateway.answer_get_at("/health/liveliness", Script::json(200, "\"I'm alive!\""));
    let vk = user("vllm", &gateway);
    for flags in [&["--model", "gpt-4o", "go"][..], &["--model", "house", "go"]] {
        let (ran, finished) = report(&vk, &RUN, flags);
        assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("gateway_not_free")), "{ran}");
        assert!(finished["error"]["message"].as_str().unwrap().contains("is LiteLLM"), "{ran}");
    }
    assert!(gateway.requests().is_empty());
    // One that shows itself only when it answers ends the task then.
    let late = server(
        [Script::sse(&Turn::say("Done.").chat()).header("x-litellm-call-id", "0b6f")],
        &[("/v1/models", json!({"object": "list", "data": [{"id": "house", "object": "model"}]}))],
    );
    let (ran, finished) = report(&user("vllm", &late), &RUN, &["--model", "house", "go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (4, Some("contradicted")), "{ran}");
    assert!(finished["error"]["message"].as_str().unwrap().contains("LiteLLM gateway"), "{ran}");
}

/// `vk use` asks the server for its models, so that none need be typed; `vk models refresh` finds it too.
#[test]
fn a_server_is_found_by_use_and_by_refresh() {
    let server = ollama([], 65_536);
    let vk = user("ollama", &server).var("HTTPS_PROXY", "http://127.0.0.1:9");
    let used = vk.run(&["use", "free", "--provider", "ollama"]);
    assert_eq!(used.code, 0, "{used}");
    assert!(used.stderr.contains("free · ollama · qwen3:8b"), "{used}");
    let refreshed = vk.run(&["models", "refresh"]);
    assert!(refreshed.stderr.contains("1 free model"), "{refreshed}");
    let pool = vk.run(&["models", "pool"]);
    assert!(
        pool.stdout.contains("qwen3:8b") && pool.stdout.contains("65K") && !pool.stdout.contains("cloud"),
        "{pool}"
    );
}

//! `vk login openrouter`: a key for a code, the ways in which nobody else's code becomes one, and the two commands to
//! a run that costs nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::browser::{follow, get, page, with_file};
use crate::free;
use crate::support::env::{PLANTED, Vk};
use crate::support::provider::{Captured, Script};
use crate::support::service::Service;
use crate::support::terminal;

/// The key that the service makes; a planted one, so that every run looks for it where it must not be.
const KEY: &str = PLANTED[2].1;

/// OpenRouter's part. A code is good once, and only for the challenge that its page was opened with.
struct OpenRouter {
    service: Service,
    challenge: Arc<Mutex<String>>,
    exchanges: Arc<AtomicUsize>,
}

impl OpenRouter {
    fn start() -> Self {
        Self::with(|_| None)
    }

    fn with(other: impl Fn(&Captured) -> Option<Script> + Send + Sync + 'static) -> Self {
        let (challenge, exchanges) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicUsize::new(0)));
        let (known, count) = (Arc::clone(&challenge), Arc::clone(&exchanges));
        let service = Service::start(move |request| {
            if let Some(script) = other(request) {
                return script;
            }
            if request.path != "/api/v1/auth/keys" || request.method != "POST" {
                return Script::json(404, r#"{"error":{"code":404,"message":"Not Found"}}"#);
            }
            count.fetch_add(1, Ordering::SeqCst);
            let body = request.json();
            assert_eq!(body["code_challenge_method"], "S256");
            let verifier = body["code_verifier"].as_str().unwrap();
            let given = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
            if body["code"] != "good-code" || given != *known.lock().unwrap() {
                return Script::json(403, r#"{"error":{"code":403,"message":"Invalid code or code_verifier"}}"#);
            }
            Script::json(200, &json!({"key": KEY, "user_id": "user_2abc"}).to_string())
        });
        Self { service, challenge, exchanges }
    }

    fn vk(&self) -> Vk {
        with_file(Vk::new().provider("openrouter", &format!("{}/api/v1", self.service.url())))
    }

    /// The person agrees on the page: its callback, once the service knows the challenge.
    fn agree(&self, shown: &(Url, std::collections::BTreeMap<String, String>)) -> String {
        let (url, query) = shown;
        assert_eq!((url.path(), query["code_challenge_method"].as_str()), ("/auth", "S256"));
        self.challenge.lock().unwrap().clone_from(&query["code_challenge"]);
        query["callback_url"].clone()
    }

    fn exchanges(&self) -> usize {
        self.exchanges.load(Ordering::SeqCst)
    }
}

#[test]
fn a_browser_brings_a_key_that_is_stored_and_never_shown() {
    let openrouter = OpenRouter::start();
    let vk = openrouter.vk();
    let Some(mut session) = terminal::start(&vk, &["login", "openrouter"]) else { return };
    let callback = openrouter.agree(&page(&mut session));
    session.wait_for("Waiting.");
    let (status, shown) = follow(&callback, "code=good-code");
    assert_eq!(status, 200, "{shown}");
    assert!(shown.contains("close this page") && shown.contains("default-src 'none'"), "{shown}");
    let ran = session.end();
    assert_eq!(ran.code, 0, "{ran}");
    for words in ["Stored openrouter/default", "in the encrypted file", "user_2abc", "Next: vk use free"] {
        assert!(ran.stdout.contains(words), "{words}: {ran}");
    }
    vk.assert_no_leak(&ran);
    let keys = vk.run(&["keys", "list", "--output", "json"]).json_lines();
    assert_eq!((&keys[0][0]["kind"], &keys[0][0]["account"]), (&"api_key".into(), &"user_2abc".into()));
    assert_eq!(openrouter.exchanges(), 1);
}

#[test]
fn ten_thousand_forged_callbacks_are_no_exchange_and_the_true_one_completes() {
    let openrouter = OpenRouter::start();
    let vk = openrouter.vk();
    let Some(mut session) = terminal::start(&vk, &["login", "openrouter"]) else { return };
    let callback = openrouter.agree(&page(&mut session));
    let to = Url::parse(&callback).unwrap();
    let port = to.port().unwrap();
    let own = format!("localhost:{port}");
    let target = format!("{}?code=good-code", to.path());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (to, own, target) = (&to, &own, &target);
            scope.spawn(move || {
                for number in 0..2_500 {
                    let (target, host) = match number % 5 {
                        0 => ("/callback?code=good-code".to_owned(), own.as_str()),
                        1 => (format!("/callback/{thread:021}{number:022}?code=good-code"), own.as_str()),
                        2 => (target.clone(), "evil.example"),
                        3 => (to.path().to_owned(), own.as_str()),
                        _ => (format!("{}?code=good-code&code=good-code", to.path()), own.as_str()),
                    };
                    let (status, shown) = get(to, &target, host);
                    assert!((400..500).contains(&status), "{target} {host}: {shown}");
                }
            });
        }
    });
    assert_eq!(openrouter.exchanges(), 0);
    let (status, _) = follow(&callback, "code=good-code");
    assert_eq!(status, 200);
    let ran = session.end();
    assert_eq!((ran.code, openrouter.exchanges()), (0, 1), "{ran}");
}

#[test]
fn what_is_pasted_is_the_code_or_the_address_and_a_wrong_one_is_asked_for_again() {
    for whole in [true, false] {
        let openrouter = OpenRouter::start();
        let vk = openrouter.vk().var("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22");
        let Some(mut session) = terminal::start(&vk, &["login", "openrouter", "--label", "work"]) else { return };
        let callback = openrouter.agree(&page(&mut session));
        session.wait_for("paste its address here");
        session.type_line("http://localhost:3000/callback/of-another-login?code=good-code");
        session.wait_for("not of this login");
        session.wait_for("paste its address here");
        session.type_line(&if whole { format!("{callback}?code=good-code") } else { "good-code".to_owned() });
        let ran = session.end();
        assert_eq!((ran.code, openrouter.exchanges()), (0, 1), "{ran}");
        assert!(ran.stdout.contains("Stored openrouter/work"), "{ran}");
    }
}

#[test]
fn a_refusal_a_bad_code_and_ctrl_c_store_nothing() {
    let openrouter = OpenRouter::start();
    let vk = openrouter.vk();
    for (query, code, words) in [
        ("error=access_denied&error_description=No+thanks", 3, "the login was refused: access_denied"),
        ("code=stolen-code", 3, "Invalid code or code_verifier"),
        ("", 130, "interrupted by Ctrl-C"),
    ] {
        let Some(mut session) = terminal::start(&vk, &["login", "openrouter"]) else { return };
        let callback = openrouter.agree(&page(&mut session));
        session.wait_for("paste its address here");
        if query.is_empty() {
            session.type_keys("\u{3}");
        } else {
            follow(&callback, query);
        }
        let ran = session.end();
        assert_eq!(ran.code, code, "{ran}");
        assert!(ran.stdout.contains(words), "{words}: {ran}");
    }
    assert_eq!(vk.run(&["keys", "list", "--output", "json"]).stdout, "[]\n");
}

#[test]
fn what_the_service_answers_is_a_key_of_its_own_or_nothing() {
    for (answer, code, words) in [
        (Script::json(200, r#"{"key":"sk-ant-api03-canary-xxxxxxxxxxxxxxxx"}"#), 3, "this is a key of Anthropic"),
        (Script::json(200, r#"{"key":"sk-or-v1-a b"}"#), 3, "has a space inside"),
        (Script::json(200, "{}"), 6, "holds no key"),
        (Script::html(200, "<html>"), 6, "holds no key"),
        (Script::json(500, "{}"), 6, "HTTP 500"),
        (Script::redirect(302, "https://evil.example/"), 6, "redirects"),
    ] {
        let openrouter = OpenRouter::with(move |request| (request.method == "POST").then(|| answer.clone()));
        let vk = openrouter.vk();
        let Some(mut session) = terminal::start(&vk, &["login", "openrouter"]) else { return };
        let callback = openrouter.agree(&page(&mut session));
        follow(&callback, "code=good-code");
        let ran = session.end();
        assert_eq!(ran.code, code, "{ran}");
        assert!(ran.stdout.contains(words) && !ran.stdout.contains("canary"), "{words}: {ran}");
        assert_eq!(vk.run(&["keys", "list", "--output", "json"]).stdout, "[]\n");
    }
}

#[test]
fn where_nobody_is_there_nothing_waits() {
    let openrouter = OpenRouter::start();
    let vk = openrouter.vk();
    let ran = vk.run(&["login", "openrouter"]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.contains("vk keys add openrouter --stdin"), "{ran}");
}

#[test]
fn the_browser_gets_the_address_as_one_word_and_no_key_of_anybody() {
    let openrouter = OpenRouter::start();
    let vk = openrouter.vk();
    let seen = vk.home().join("seen");
    let script = vk.home().join("browser");
    std::fs::write(
        &script,
        format!("#!/bin/sh\n{{ echo \"$#:$1:$2\"; env; }} > '{0}.new' && mv '{0}.new' '{0}'\n", seen.display()),
    )
    .unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let vk = vk.var("BROWSER", &script.display().to_string()).var("OPENROUTER_API_KEY", "ambient-canary");
    let Some(mut session) = terminal::start(&vk, &["login", "openrouter"]) else { return };
    session.wait_for("Your browser shows a page");
    let shown = page(&mut session);
    let callback = openrouter.agree(&shown);
    let seen = std::fs::read_to_string(&seen).unwrap();
    assert!(seen.starts_with(&format!("1:{}:\n", shown.0)), "{seen}");
    assert!(!seen.contains("ambient-canary"), "{seen}");
    follow(&callback, "code=good-code");
    assert_eq!(session.end().code, 0);
}

#[test]
fn a_label_that_is_taken_is_replaced_only_when_the_person_says_so() {
    let openrouter = OpenRouter::start();
    let vk = openrouter.vk().stdin("sk-or-v1-older");
    assert_eq!(vk.run(&["keys", "add", "openrouter", "--stdin"]).code, 0);
    let Some(mut session) = terminal::start(&vk, &["login", "openrouter"]) else { return };
    session.wait_for("Replace the key openrouter/default");
    session.wait_for("(n): ");
    session.type_line("n");
    let ran = session.end();
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stdout.contains("vk login openrouter --label default-2"), "{ran}");
    let Some(mut session) = terminal::start(&vk, &["login", "openrouter"]) else { return };
    session.wait_for("(n): ");
    session.type_line("y");
    let callback = openrouter.agree(&page(&mut session));
    follow(&callback, "code=good-code");
    assert_eq!(session.end().code, 0);
    assert_eq!(vk.run(&["keys", "list", "--output", "json"]).json_lines()[0].as_array().unwrap().len(), 1);
}

#[test]
fn two_commands_and_a_task_runs_for_nothing() {
    let openrouter = OpenRouter::with(|request| match request.path.as_str() {
        "/api/v1/models" => Some(free::two()),
        "/api/v1/chat/completions" => {
            assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
            Some(free::done("a/first:free"))
        }
        _ => None,
    });
    let vk = openrouter.vk().git();
    let Some(mut session) = terminal::start(&vk, &["login", "openrouter"]) else { return };
    let callback = openrouter.agree(&page(&mut session));
    follow(&callback, "code=good-code");
    assert_eq!(session.end().code, 0);
    let ran = vk.run(&["use", "free"]);
    assert_eq!(ran.code, 0, "{ran}");
    let ran = vk.run(&["run", "--output", "json", "say hi"]);
    assert_eq!(ran.code, 0, "{ran}");
    let finished = &ran.json_lines()[0];
    assert_eq!((&finished["cost_state"], &finished["proof"]), (&"free".into(), &"verified".into()), "{ran}");
    assert!(ran.stderr.contains("free · openrouter · a/first:free · key default"), "{ran}");
}

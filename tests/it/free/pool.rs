//! Which models are members, from where, and that what a list says is what is used.

use serde_json::json;

use super::{FREE, TOOLS, asked, done, error, list, two, user};
use crate::run::report;
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};

#[test]
fn the_pool_is_read_live_and_holds_only_what_costs_nothing_and_takes_tools() {
    let listed = list(&[
        ("a/paid", "0.0000002", TOOLS, 1_000_000),
        ("a/dressed-up:free", "0.000000000000001", TOOLS, 1_000_000),
        ("a/no-tools:free", "0", &["max_tokens"], 1_000_000),
        ("a/small:free", "0", TOOLS, 8_192),
        ("a/real:free", "0", TOOLS, 131_072),
    ]);
    let (gateway, vk) = user(listed, [done("a/real:free")]);
    let (ran, finished) = report(&vk, &FREE, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(asked(&gateway), ["a/real:free"], "{ran}");
    assert_eq!((finished["cost_state"].as_str(), finished["proof"].as_str()), (Some("free"), Some("verified")));
    assert!(ran.stderr.contains("free · openrouter · a/real:free"), "{ran}");
    // The list is public: no key goes with it.
    let read = gateway.captured().into_iter().find(|request| request.path == "/api/v1/models").unwrap();
    assert_eq!(read.header("authorization"), None);
    let shown = vk.run(&["models", "pool", "--output", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let members: Vec<_> = shown["members"].as_array().unwrap().iter().map(|m| (&m["model"], &m["state"])).collect();
    assert_eq!(members, [(&json!("a/real:free"), &json!("ready")), (&json!("a/small:free"), &json!("too_small"))]);
}

#[test]
fn a_list_is_kept_for_a_day_and_belongs_to_its_address() {
    let (gateway, vk) = user(two(), [done("a/first:free"), done("a/first:free")]);
    for _ in 0..2 {
        assert_eq!(vk.run(&[&FREE[..], &["go"]].concat()).code, 0);
    }
    let read = || gateway.captured().iter().filter(|request| request.path == "/api/v1/models").count();
    assert_eq!(read(), 1, "the second task finds it fresh");
    // A dry run shows the same route and asks nobody.
    let shown = vk.run(&[&FREE[..], &["--dry-run", "go"]].concat());
    assert!(shown.stderr.contains("a/first:free"), "{shown}");
    let path = vk.data_dir().join("free-models.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let today = &text[text.find("read_at").unwrap() + 11..][..10].to_owned();
    std::fs::write(&path, text.replace(today.as_str(), "2026-01-01")).unwrap();
    gateway.then(done("a/first:free"));
    assert_eq!(vk.run(&[&FREE[..], &["go"]].concat()).code, 0);
    assert_eq!(read(), 2, "an old list is read again");
}

#[test]
fn the_bundled_list_stands_in_where_none_can_be_read() {
    let model = "nvidia/nemotron-3-ultra-550b-a55b:free";
    for broken in
        [Script::html(200, "<html>sign in</html>"), Script::json(503, "{}"), Script::json(200, "{\"data\":[]}")]
    {
        let (gateway, vk) = user(broken, [done(model)]);
        let ran = vk.run(&[&FREE[..], &["go"]].concat());
        assert_eq!(ran.code, 0, "{ran}");
        assert_eq!(asked(&gateway), [model]);
        assert!(
            ran.stderr.contains("could not be read") && ran.stderr.contains("the one of 2026-08-20 is used"),
            "{ran}"
        );
    }
}

#[test]
fn the_users_globs_choose_the_members_and_their_order() {
    let (gateway, vk) = user(two(), [done("a/second:free")]);
    let vk = vk.config("[free]\npool = [\"openrouter/*second*\", \"openrouter/*:free\"]\n");
    let ran = vk.run(&[&FREE[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(asked(&gateway), ["a/second:free"]);
    let ran = vk.run(&[&FREE[..], &["--dry-run", "--model", "best", "go"]].concat());
    assert!(ran.stderr.contains("a/second:free"), "a tier is the pool's first: {ran}");
}

/// A project may choose the pool, which is asked about, and never who may train on prompts.
#[test]
fn a_project_may_write_the_pool_and_not_the_training() {
    let (gateway, vk) = user(two(), []);
    let vk =
        vk.file("vk.toml", "path = \"free\"\nprovider = \"openrouter\"\n[free]\npool = [\"openrouter/*second*\"]\n");
    let ran = vk.run(&["run", "--key", "env:TEST_OPENROUTER_KEY", "go"]);
    assert_eq!(ran.code, 7, "{ran}");
    assert!(ran.stderr.contains("openrouter/*second*"), "it is shown verbatim: {ran}");
    let vk = vk.file("vk.toml", "path = \"free\"\n[free]\nallow_training = true\n");
    let ran = vk.run(&["run", "--key", "env:TEST_OPENROUTER_KEY", "go"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("vk.toml:3:1") && ran.stderr.contains("vk models pool --allow-training"), "{ran}");
    assert!(gateway.captured().is_empty());
}

/// A reported cost, and the model is out of use until a person says otherwise: for other tasks and by its name too.
#[test]
fn a_member_that_costs_is_out_of_use_until_it_is_lifted() {
    use crate::support::turn::Turn;
    let costs = Script::sse(&Turn::say("Done.").model("a/first:free").tokens(1_000, 100).cost("0.0001").chat());
    let (gateway, vk) = user(two(), [costs, done("a/second:free")]);
    let (ran, finished) = report(&vk, &FREE, &["go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (4, Some("contradicted")), "{ran}");
    assert_eq!(asked(&gateway), ["a/first:free"], "nobody takes over from a member that costs: {ran}");
    assert!(ran.stdout.contains("vk models pool --lift openrouter/a/first:free"), "{ran}");
    let ran = vk.run(&[&FREE[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(asked(&gateway).last().unwrap(), "a/second:free");
    let ran = vk.run(&[&FREE[..], &["--model", "a/first:free", "go"]].concat());
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("is out of use") && ran.stderr.contains("$0.0001"), "{ran}");
    assert_eq!(gateway.requests().len(), 2);
    for place in [&["doctor"][..], &["models", "list"], &["models", "pool"]] {
        let shown = vk.run(place);
        let all = format!("{}{}", shown.stdout, shown.stderr);
        assert!(all.contains("openrouter/a/first:free") || all.contains("a/first:free"), "{place:?}: {shown}");
    }
    let lift = ["models", "pool", "--lift", "openrouter/a/first:free"];
    assert_eq!(vk.run(&lift).code, 0);
    let again = vk.run(&lift);
    assert_eq!(again.code, 2, "{again}");
    gateway.then(done("a/first:free"));
    assert_eq!(vk.run(&[&FREE[..], &["go"]].concat()).code, 0);
    assert_eq!(asked(&gateway).last().unwrap(), "a/first:free");
}

#[test]
fn a_damaged_record_is_not_taken_for_an_empty_one() {
    let (gateway, vk) = user(two(), []);
    std::fs::write(vk.data_dir().join("free.json"), "{\"version\":1,").unwrap();
    let ran = vk.run(&[&FREE[..], &["go"]].concat());
    assert_eq!(ran.code, 9, "{ran}");
    assert!(ran.stderr.contains("mv ") && gateway.requests().is_empty(), "{ran}");
    // Who pays by key is not kept from it.
    let paid = Provider::start([Script::sse(&crate::support::turn::Turn::say("ok").anthropic())]);
    let vk = vk.provider("anthropic", &paid.url());
    let ran = vk.run(&["run", "--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY", "go"]);
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn what_is_left_of_the_day_is_counted_with_failed_attempts() {
    let reset = vibekit::base::clock::now() + jiff::SignedDuration::from_hours(5);
    let headers = json!({"headers": {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": reset.as_millisecond().to_string()}, "provider_name": null});
    let day = "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day";
    let (gateway, vk) = user(two(), [done("a/first:free"), error(429, day, &headers)]);
    assert_eq!(vk.run(&[&FREE[..], &["go"]].concat()).code, 0);
    let (ran, finished) = report(&vk, &FREE, &["go"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (6, Some("pool_exhausted")), "{ran}");
    // The whole account is closed, so that asking another of its models would only waste a request.
    assert_eq!(asked(&gateway), ["a/first:free", "a/first:free"], "{ran}");
    assert!(finished["error"]["message"].as_str().unwrap().contains(" UTC, in 5 h"), "{ran}");
    let route = ["route", "--path", "free", "--provider", "openrouter", "--key", "env:TEST_OPENROUTER_KEY"];
    let shown = vk.run(&route);
    assert!(shown.stdout.contains("no free model is ready"), "{shown}");
    let shown = vk.run(&[&route[..], &["--model", "a/first:free", "--output", "json"]].concat());
    assert!(shown.stdout.contains("48 of 50 requests left today, by vk's count"), "{shown}");
    let before = gateway.captured().len();
    let ran = vk.run(&[&FREE[..], &["go"]].concat());
    assert_eq!((ran.code, gateway.captured().len()), (6, before), "the next process asks nobody: {ran}");
}

#[test]
fn a_pool_that_names_a_server_names_it() {
    let server = Provider::start([done("qwen3:8b")]);
    let models = json!({"object": "list", "data": [{"id": "qwen3:8b", "object": "model", "owned_by": "library"}]});
    server.answer_get(Script::json(404, "404 page not found"));
    server.answer_get_at("/v1/models", Script::json(200, &models.to_string()));
    let vk = Vk::new().provider("vllm", &format!("{}/v1", server.url())).config("[free]\npool = [\"vllm/*\"]\n");
    let (ran, finished) = report(&vk, &["run", "--path", "free"], &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(finished["payers"][0]["provider"], "vllm", "{ran}");
}

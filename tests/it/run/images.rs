//! `vk run --image`: read by its bytes, sent in each wire's own shape, held for by its tokens and not by its bytes.

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{ANTHROPIC, OPENAI, anthropic, report};
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n-pixels-";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0-pixels-";

fn put(vk: &Vk, name: &str, bytes: &[u8]) -> PathBuf {
    let path = vk.project().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn blocks(message: &Value) -> Vec<Value> {
    let mut blocks = message["content"].as_array().unwrap().clone();
    for block in &mut blocks {
        block.as_object_mut().unwrap().remove("cache_control");
    }
    blocks
}

#[test]
fn each_wire_gets_images_in_its_own_shape_before_the_words() {
    let (png, jpeg) = (BASE64_STANDARD.encode(PNG), BASE64_STANDARD.encode(JPEG));
    let files = ["--image", "a.bin", "--image", "b.png", "what is this?"];

    let provider =
        Provider::start([Script::sse(&Turn::say("ok").anthropic()), Script::sse(&Turn::say("ok").anthropic())]);
    let vk = anthropic(&provider);
    put(&vk, "a.bin", PNG);
    put(&vk, "b.png", JPEG);
    let (ran, _) = report(&vk, &ANTHROPIC, &files);
    assert_eq!(ran.code, 0, "{ran}");
    let image = |kind: &str, data: &str| json!({"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}});
    let sent = blocks(&provider.requests()[0].json()["messages"][0]);
    assert_eq!(
        sent,
        [image("image/png", &png), image("image/jpeg", &jpeg), json!({"type": "text", "text": "what is this?"})]
    );
    // With a follow-up as well, and the first ones are still there.
    let (ran, _) = report(&vk, &ANTHROPIC, &["--continue", "--image", "b.png", "and this?"]);
    assert_eq!(ran.code, 0, "{ran}");
    let request = provider.requests()[1].json();
    assert_eq!(blocks(&request["messages"][0])[0], image("image/png", &png));
    assert_eq!(
        blocks(&request["messages"][2]),
        [image("image/jpeg", &jpeg), json!({"type": "text", "text": "and this?"})]
    );

    let provider = Provider::start([Script::sse(&Turn::say("ok").responses())]);
    let vk = Vk::new().provider("openai", &format!("{}/v1", provider.url()));
    put(&vk, "a.bin", PNG);
    put(&vk, "b.png", JPEG);
    assert_eq!(report(&vk, &OPENAI, &files).0.code, 0);
    let sent = provider.requests()[0].json()["input"].as_array().unwrap().last().unwrap()["content"].clone();
    assert_eq!(sent[0], json!({"type": "input_image", "image_url": format!("data:image/png;base64,{png}")}), "{sent}");
    assert_eq!(sent[2], json!({"type": "input_text", "text": "what is this?"}), "{sent}");

    let provider = Provider::start([Script::sse(&Turn::say("ok").cost("0.0003").chat())]);
    let vk = Vk::new().provider("openrouter", &format!("{}/api/v1", provider.url()));
    put(&vk, "a.bin", PNG);
    put(&vk, "b.png", JPEG);
    let flags = ["run", "--path", "platform", "--provider", "openrouter", "--key", "env:TEST_OPENROUTER_KEY"];
    let (ran, _) = report(&vk, &flags, &files);
    assert_eq!(ran.code, 0, "{ran}");
    let sent = provider.requests()[0].json()["messages"].as_array().unwrap().last().unwrap()["content"].clone();
    assert_eq!(
        sent[1],
        json!({"type": "image_url", "image_url": {"url": format!("data:image/jpeg;base64,{jpeg}")}}),
        "{sent}"
    );
    assert_eq!(sent[2]["text"], "what is this?", "{sent}");
}

#[test]
fn a_large_image_is_held_for_by_its_tokens() {
    let provider = Provider::start([Script::sse(&Turn::say("ok").anthropic())]);
    let vk = anthropic(&provider);
    put(&vk, "large.png", &[PNG, &vec![7; 3_000_000]].concat());
    let ran = vk.run(&[&ANTHROPIC[..], &["--image", "large.png", "--output", "stream-json", "go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    let events = ran.json_lines();
    let held = events.iter().find(|event| event["type"] == "budget.reserved").unwrap();
    let held: f64 = held["hold_usd"].as_str().unwrap().parse().unwrap();
    // 49,152 tokens and the rest of the prompt at the dearest input price of $2.50 a million and more, 16,384 out at $10.
    assert!((0.28..0.40).contains(&held), "{held}");
    // More of them than the cap can hold are refused before anything is sent.
    let many: Vec<&str> = std::iter::repeat_n(["--image", "large.png"], 9).flatten().collect();
    let (ran, _) = report(&vk, &ANTHROPIC, &[&many[..], &["--max-cost", "0.30", "go"]].concat());
    assert_eq!(ran.code, 5, "{ran}");
}

#[test]
fn what_is_no_image_and_who_takes_none_is_exit_2() {
    let provider = Provider::start([]);
    let vk = anthropic(&provider).provider("openai", &format!("{}/v1", provider.url()));
    put(&vk, "text.png", b"<svg xmlns='x'>");
    put(&vk, "huge.png", &[PNG, &vec![7; 3_750_000]].concat());
    put(&vk, "good.png", PNG);
    std::fs::create_dir(vk.project().join("folder.png")).unwrap();
    for (file, words) in [
        ("text.png", "PNG, JPEG, GIF and WebP"),
        ("huge.png", "larger than 3750 KB"),
        ("missing.png", "No such file"),
        ("folder.png", "not a regular file"),
        ("/dev/zero", "not a regular file"),
    ] {
        let (ran, finished) = report(&vk, &ANTHROPIC, &["--image", file, "go"]);
        assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("bad_image")), "{file}: {ran}");
        assert!(finished["error"]["message"].as_str().unwrap().contains(words), "{file}: {finished}");
    }
    let (ran, finished) = report(&vk, &OPENAI, &["--model", "o3-mini", "--image", "good.png", "go"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("no_images")), "{ran}");
    assert!(provider.captured().is_empty());
}

/// The conversation goes on under a model that cannot see: it is told that there was an image.
#[test]
fn a_model_that_takes_no_images_is_told_of_those_that_there_were() {
    let first = Provider::start([Script::sse(&Turn::say("a button").anthropic())]);
    let second = Provider::start([Script::sse(&Turn::say("ok").responses())]);
    let vk = anthropic(&first).provider("openai", &format!("{}/v1", second.url()));
    put(&vk, "good.png", PNG);
    assert_eq!(report(&vk, &ANTHROPIC, &["--image", "good.png", "what is it?"]).0.code, 0);
    let (ran, _) = report(&vk, &OPENAI, &["--model", "o3-mini", "--continue", "and now?"]);
    assert_eq!(ran.code, 0, "{ran}");
    let sent = second.requests()[0].json()["input"].to_string();
    assert!(sent.contains("which this model cannot be shown") && !sent.contains("input_image"), "{sent}");
}

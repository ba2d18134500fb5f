//! Logs that mean no good, or were written by something broken: bounded, escaped, counted, never fatal.

use std::fs;

use serde_json::json;

use super::{Shelf, claude, home_with, json as answer, told};
use crate::support::env::Vk;
use vibekit::ledger::import::Tool;

fn with_log(text: &[u8]) -> Vk {
    let vk = Vk::new();
    let dir = vk.home().join(".claude/projects/p");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("s1.jsonl"), text).unwrap();
    vk
}

#[test]
fn broken_lines_are_counted_and_the_first_are_named() {
    let good = claude("msg_1", "req_1", 10, 5);
    let bad = [
        "not json\n".to_owned(),
        good.replace("\"input_tokens\":10", "\"input_tokens\":-10"),
        good.replace("\"input_tokens\":10", "\"input_tokens\":1e30"),
        good.replace("\"input_tokens\":10", "\"input_tokens\":\"10\""),
        good.replace("2026-05-04T09:00:00.000Z", "some day"),
        format!("{}\n", &good[..good.len() / 2]),
        "[1,2]\n".to_owned(),
    ];
    let text = format!("{good}\n{}{}", bad.concat(), claude("msg_2", "req_2", 3, 4));
    let vk = with_log(text.as_bytes());
    let ran = vk.run(&["import"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("7 lines said nothing"), "{ran}");
    assert!(ran.stderr.contains("s1.jsonl:3: not JSON") && ran.stderr.contains("and 2 more"), "{ran}");
    assert!(ran.stderr.contains("s1.jsonl:4: its figures cannot be right"), "{ran}");
    assert!(ran.stderr.contains("s1.jsonl:7: its time cannot be read"), "{ran}");
    let again = answer(&vk.run(&["import", "--output", "json"]));
    assert_eq!(told(&again, "claude-code")["broken_lines"], 0);
    let report = answer(&vk.run(&["cost", "--output", "json"]));
    assert_eq!(report["rows"][0]["calls"], 2);
}

#[test]
fn lines_of_any_size_and_depth_are_passed_over_in_little_memory() {
    let shelf = Shelf::new();
    let deep = format!("{{\"usage\":{}1{}}}\n", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let long = format!("{{\"usage\":\"{}\"}}\n", "x".repeat(40_000_000));
    let text = [claude("msg_1", "r", 1, 1), deep, long, claude("msg_2", "r", 1, 1)].concat();
    shelf.write("p/s1.jsonl", &text);
    let imported = shelf.import(Tool::ClaudeCode);
    let found = &imported.tools[&Tool::ClaudeCode];
    assert_eq!((found.calls_new, found.broken), (2, 1));
    assert_eq!((found.broken_named[0].line, found.broken_named[0].why), (3, "longer than 16 MiB"));
}

#[test]
fn names_of_strangers_are_shown_and_cannot_act() {
    let line = claude("msg_1", "req_1", 10, 5)
        .replace("claude-sonnet-4-5-20250929", r"evil\u001b[2J\u202emodel<script>")
        .replace("/home/ann/shop", r"/home/ann/=cmd\u001b]52;c;aGk=\u0007")
        .replace("\"s1\"", r#""<img src=x onerror=alert(1)>""#);
    let vk = with_log(line.as_bytes());
    let ran = vk.run(&["import"]);
    assert_eq!(ran.code, 0, "{ran}");
    for args in [
        &["cost"][..],
        &["cost", "--by", "model"],
        &["cost", "--by", "project", "--chart"],
        &["cost", "--output", "csv"],
        &["cost", "--output", "markdown"],
        &["cost", "--by", "session", "--output", "html"],
        &["import", "--output", "json"],
    ] {
        let ran = vk.run(args);
        assert_eq!(ran.code, 0, "{ran}");
        assert!(!ran.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{ran}");
        let marked_up = ran.stdout.contains("<script>") || ran.stdout.contains("<img");
        assert!(!marked_up || !(args.contains(&"html") || args.contains(&"markdown")), "{ran}");
    }
    let csv = vk.run(&["cost", "--by", "project", "--output", "csv"]).stdout;
    assert!(csv.lines().nth(1).unwrap().starts_with("'=cmd"), "{csv}");
}

#[test]
fn bytes_that_are_no_text_are_broken_lines() {
    let mut text = claude("msg_1", "req_1", 1, 1).into_bytes();
    text.extend_from_slice(b"{\"usage\":1,\"type\":\"\xff\xfe\"}\n\0\0\0\n");
    let vk = with_log(&text);
    let told_of = answer(&vk.run(&["import", "--output", "json"]));
    let found = told(&told_of, "claude-code");
    assert_eq!((&found["calls_new"], &found["broken_lines"]), (&json!(1), &json!(2)), "{told_of}");
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_not_opened() {
    let vk = home_with(&["claude"]);
    let dir = vk.home().join(".claude/projects");
    std::os::unix::fs::symlink("/dev/zero", dir.join("zero.jsonl")).unwrap();
    std::os::unix::fs::symlink("/", dir.join("root")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.join("pipe.jsonl"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let told_of = answer(&vk.run(&["import", "--output", "json"]));
    assert_eq!((&told(&told_of, "claude-code")["files"], &told_of["unreadable"]), (&json!(3), &json!([])));
}

#[test]
fn what_is_not_there_is_said_with_where_it_was_looked_for() {
    let vk = Vk::new();
    let ran = vk.run(&["import"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran}");
    assert!(ran.stderr.contains("vk import --dir DIR"), "{ran}");
    let ran = vk.run(&["import", "codex"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains(".codex/sessions"), "{ran}");
    let ran = vk.run(&["import", "--dir", "nowhere"]);
    assert_eq!(ran.code, 2, "{ran}");
}

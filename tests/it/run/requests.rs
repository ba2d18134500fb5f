//! `--debug`: each request to the model with its size, status and time, and nothing of what is in it.

use super::{ANTHROPIC, anthropic};
use crate::support::provider::{Provider, Script};
use crate::support::turn::{Turn, anthropic_error};

#[test]
fn each_request_is_told_of_where_that_was_asked_for() {
    let busy = || Script::json(529, &anthropic_error("overloaded_error", "Overloaded")).header("retry-after-ms", "5");
    let said = || Script::sse(&Turn::say("A secret answer.").anthropic());
    let provider = Provider::start([busy(), said(), said()]);
    let vk = anthropic(&provider);
    for (output, quiet) in [("json", true), ("text", false)] {
        let flags = ["--debug", "--output", output, if quiet { "--quiet" } else { "--sandbox=workspace" }];
        let ran = vk.run(&[&ANTHROPIC[..], &flags, &["a private task"]].concat());
        assert_eq!(ran.code, 0, "{ran}");
        let lines: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("debug: ")).collect();
        let all = lines.join("\n");
        assert_eq!(lines.len(), if output == "json" { 4 } else { 2 }, "{ran}");
        assert!(all.contains(&format!("POST {}/v1/messages, ", provider.url())) && all.contains(" bytes"), "{all}");
        assert!(all.contains(": answered, HTTP 200") && all.contains(" ms"), "{all}");
        assert_eq!(all.contains(": overloaded, HTTP 529"), output == "json", "{all}");
        assert!(!all.contains("private task") && !all.contains("secret answer"), "{all}");
        if output == "json" {
            assert_eq!(ran.stdout.lines().count(), 1, "{ran}");
        }
    }
}

#[test]
fn nothing_is_told_of_requests_unasked() {
    let provider = Provider::start([Script::sse(&Turn::say("Done.").anthropic())]);
    let ran = anthropic(&provider).run(&[&ANTHROPIC[..], &["go"]].concat());
    assert!(ran.code == 0 && !ran.stderr.contains("debug:"), "{ran}");
}

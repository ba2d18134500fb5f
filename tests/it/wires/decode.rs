//! Each recorded stream and the neutral events and reply that it is.

use insta::assert_snapshot;
use vibekit::domain::path::Wire;

use super::{fixture, show};

fn anthropic(name: &str) -> String {
    show(Wire::Anthropic, &fixture(Wire::Anthropic, name))
}

fn responses(name: &str) -> String {
    show(Wire::Responses, &fixture(Wire::Responses, name))
}

fn chat(name: &str) -> String {
    show(Wire::Chat, &fixture(Wire::Chat, name))
}

#[test]
fn anthropic_text_and_cache_counters() {
    assert_snapshot!(anthropic("text"), @r#"
    started
    text "Hé"
    text "llo 🙂"
    ---
    Text "Héllo 🙂"
    EndTurn
    usage in 25 read 2000 write 200+100 out 15 reasoning 0 reported true
    model Some("claude-sonnet-5-5") id Some("msg_01XFDUDYJgAACzvnptvVoYEL") cost None
    "#);
}

#[test]
fn anthropic_thinking_is_kept_whole_beside_the_call() {
    assert_snapshot!(anthropic("thinking_tool"), @r#"
    started
    reasoning "List the "
    reasoning "files."
    text "Let me look."
    tool bash
    ---
    Reasoning anthropic/p/m {"type":"thinking","thinking":"List the files.","signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds"}
    Reasoning anthropic/p/m {"type":"redacted_thinking","data":"EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpPkNRj2YfWXGmKDxH4mPnZ5sQ7vB9URj2pLmN3kF8/dW5hR7xJ0aP1oLs9yTcMnKVf2wRpEGjH9XZaBt4UvDcPrQ"}
    Text "Let me look."
    Call toolu_01T1x1fJ34qAmk2tNTrN7Up6 bash {"command":"ls -la"}
    ToolUse
    usage in 12 read 0 write 0+0 out 89 reasoning 40 reported true
    model Some("claude-opus-5-5") id Some("msg_02") cost None
    "#);
}

#[test]
fn anthropic_parallel_calls_one_empty_one_broken() {
    assert_snapshot!(anthropic("parallel_tools"), @r#"
    started
    tool bash
    tool list
    tool bash
    ---
    Call toolu_a bash {"restart":true}
    Call toolu_b list {}
    Call toolu_c bash BROKEN "{\"command\": \"echo\" \"twice\"}"
    ToolUse
    usage in 9 read 0 write 0+0 out 60 reasoning 0 reported true
    model Some("claude-sonnet-5-5") id Some("msg_03") cost None
    "#);
}

#[test]
fn anthropic_a_call_that_the_limit_cut_is_no_call() {
    assert_snapshot!(anthropic("limit_inside_tool"), @r#"
    started
    text "Writing."
    tool bash
    ---
    Text "Writing."
    MaxTokens
    usage in 9 read 0 write 0+0 out 1024 reasoning 0 reported true
    model Some("claude-sonnet-5-5") id Some("msg_04") cost None
    "#);
}

#[test]
fn anthropic_a_refusal_says_why() {
    assert_snapshot!(anthropic("refusal"), @r#"
    started
    ---
    Refusal("This looks like malware.")
    usage in 9 read 0 write 0+0 out 3 reasoning 0 reported true
    model Some("claude-fable-5-1") id Some("msg_05") cost None
    "#);
}

#[test]
fn anthropic_a_gateway_with_zeros_first_and_its_own_figure() {
    assert_snapshot!(anthropic("gateway"), @r#"
    started
    text "So"
    text " it is."
    ---
    Text "So it is."
    EndTurn
    usage in 700 read 300 write 0+0 out 12 reasoning 0 reported true
    model Some("anthropic/claude-sonnet-5-5") id Some("gen-06") cost Some(ReportedCost { cost: Usd(1510000), is_byok: None })
    "#);
}

#[test]
fn responses_text_with_its_phase() {
    assert_snapshot!(responses("text"), @r#"
    started
    text "Hé"
    text "llo 🙂"
    ---
    Text "Héllo 🙂" phase final_answer
    EndTurn
    usage in 440 read 2048 write 512+0 out 15 reasoning 4 reported true
    model Some("gpt-6.2-sol-2026-11-17") id Some("resp_01") cost None
    "#);
}

#[test]
fn responses_reasoning_and_calls_of_both_kinds() {
    assert_snapshot!(responses("reasoning_tools"), @r#"
    started
    reasoning "Look first."
    reasoning "\n\n"
    reasoning "Then edit."
    tool shell
    tool apply_patch
    ---
    Reasoning responses/p/m {"id":"rs_01","type":"reasoning","summary":[{"type":"summary_text","text":"Look first."},{"type":"summary_text","text":"Then edit."}],"encrypted_content":"gAAAAABo"}
    Call call_a shell {"command":"ls"}
    Call call_b apply_patch text "*** Begin Patch\n*** Delete File: a\n*** End Patch"
    Call call_c shell BROKEN "{\"command\": ls}"
    ToolUse
    usage in 50 read 0 write 0+0 out 120 reasoning 64 reported true
    model Some("gpt-6.2-sol") id Some("resp_02") cost None
    "#);
}

#[test]
fn responses_a_call_that_the_limit_cut_is_no_call() {
    assert_snapshot!(responses("limit_inside_tool"), @r#"
    started
    tool apply_patch
    ---
    Call call_a shell {"command":"ls"}
    MaxTokens
    usage in 50 read 0 write 0+0 out 1024 reasoning 0 reported true
    model Some("gpt-6.2-sol") id Some("resp_03") cost None
    "#);
}

#[test]
fn responses_a_refusal_is_a_stop_and_a_text() {
    assert_snapshot!(responses("refusal"), @r#"
    started
    text "I can't help with that."
    ---
    Text "I can't help with that."
    Refusal("I can't help with that.")
    usage in 5 read 0 write 0+0 out 7 reasoning 0 reported true
    model Some("gpt-6.2-sol") id Some("resp_04") cost None
    "#);
}

#[test]
fn responses_items_that_only_come_at_the_end() {
    assert_snapshot!(responses("items_at_the_end"), @r#"
    started
    text "Hi."
    ---
    Text "Hi."
    EndTurn
    usage in 5 read 0 write 0+0 out 2 reasoning 0 reported true
    model Some("gpt-oss:20b") id Some("resp_05") cost None
    "#);
}

#[test]
fn chat_text_and_usage_after_the_finish() {
    assert_snapshot!(chat("openai_text"), @r#"
    started
    text "Hé"
    text "llo 🙂"
    ---
    Text "Héllo 🙂"
    EndTurn
    usage in 176 read 1024 write 0+0 out 15 reasoning 0 reported true
    model Some("gpt-5.4-mini") id Some("chatcmpl-01") cost None
    "#);
}

#[test]
fn chat_parallel_calls_in_pieces() {
    assert_snapshot!(chat("openai_tools"), @r#"
    started
    tool bash
    tool read
    ---
    Call call_a bash {"command":"ls"}
    Call call_b read {"path":"a"}
    ToolUse
    usage in 80 read 0 write 0+0 out 40 reasoning 0 reported true
    model Some("gpt-5.4-mini") id Some("chatcmpl-02") cost None
    "#);
}

#[test]
fn chat_openrouter_reasoning_details_and_cost() {
    assert_snapshot!(chat("openrouter"), @r#"
    started
    reasoning "Look"
    reasoning " first."
    tool bash
    ---
    Reasoning chat/p/m {"reasoning_details":[{"type":"reasoning.text","text":"Look first.","format":"anthropic-claude-v1","index":0,"signature":"EqQB"}]}
    Call toolu_a bash {"command":"ls"}
    ToolUse
    usage in 194 read 1000 write 0+0 out 44 reasoning 20 reported true
    model Some("anthropic/claude-sonnet-5-5") id Some("gen-1764-abc") cost Some(ReportedCost { cost: Usd(951000), is_byok: Some(false) })
    "#);
}

#[test]
fn chat_ollama_whole_calls_of_one_index_and_a_stop_that_is_none() {
    assert_snapshot!(chat("ollama"), @r#"
    started
    reasoning "Hm."
    tool bash
    tool bash
    ---
    Reasoning chat/p/m {"reasoning":"Hm."}
    Call call_x1 bash {"command":"ls"}
    Call call_x2 bash {"command":"pwd"}
    ToolUse
    usage in 30 read 0 write 0+0 out 9 reasoning 0 reported true
    model Some("qwen3-coder") id Some("chatcmpl-554") cost None
    "#);
}

#[test]
fn chat_deepseek_reasoning_and_cache_hits() {
    assert_snapshot!(chat("deepseek"), @r#"
    started
    reasoning "Think"
    reasoning "ing."
    text "Done."
    ---
    Reasoning chat/p/m {"reasoning_content":"Thinking."}
    Text "Done."
    EndTurn
    usage in 36 read 64 write 0+0 out 12 reasoning 8 reported true
    model Some("deepseek-flash") id Some("ds-1") cost None
    "#);
}

#[test]
fn chat_a_split_name_and_an_end_without_done_or_usage() {
    assert_snapshot!(chat("lm_studio"), @r#"
    started
    tool ba
    ---
    Call 365174485 bash {"command":"ls"}
    ToolUse
    usage in 0 read 0 write 0+0 out 0 reasoning 0 reported false
    model Some("qwen") id Some("chatcmpl-lm") cost None
    "#);
}

#[test]
fn chat_a_call_that_the_limit_cut_is_no_call() {
    assert_snapshot!(chat("limit_inside_tool"), @r#"
    started
    text "Writing."
    tool bash
    ---
    Text "Writing."
    MaxTokens
    usage in 10 read 0 write 0+0 out 1024 reasoning 0 reported true
    model Some("m") id Some("chatcmpl-05") cost None
    "#);
}

#[test]
fn chat_mistral_content_in_parts() {
    assert_snapshot!(chat("mistral"), @r#"
    started
    reasoning "Hm."
    text "Yes."
    ---
    Text "Yes."
    EndTurn
    usage in 10 read 0 write 0+0 out 4 reasoning 0 reported true
    model Some("magistral") id Some("m-1") cost None
    "#);
}

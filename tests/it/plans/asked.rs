//! What a person is asked while a plan's program works, at a real terminal; and that what the program logged of such a
//! task is not counted a second time.

use serde_json::{Value, json};

use super::codex;
use super::stand_in::{Machine, init, whole};
use crate::import::fixtures;
use crate::run::report;
use crate::support::terminal;

const CLAUDE: [&str; 5] = ["run", "--path", "subscription", "--provider", "claude"];
const CODEX: [&str; 5] = ["run", "--path", "subscription", "--provider", "codex"];

fn ask(id: &str, tool: &str, input: &Value) -> Value {
    json!({"type": "control_request", "request_id": id,
        "request": {"subtype": "can_use_tool", "tool_name": tool, "input": input}})
}

/// The program's questions, answered one after the other.
fn claude() -> Machine {
    let questions = [
        init("none"),
        ask("1", "Write", &json!({"file_path": "new.rs", "content": "fn main() {}"})),
        ask("2", "Bash", &json!({"command": "make all"})),
        ask("3", "Bash", &json!({"command": "make clean"})),
    ];
    let script = "say asks; for i in 1 2 3; do hear; done; say whole; hear";
    Machine::new().lines("asks", &questions).lines("whole", &whole("ok")[1..]).logged_in(script)
}

/// What the program was answered.
fn answers(machine: &Machine) -> Vec<String> {
    let heard = machine.heard("claude");
    let answer = |said: &Value| said["response"]["response"]["behavior"].as_str().map(str::to_owned);
    heard.iter().filter_map(answer).collect()
}

#[test]
fn with_ask_each_write_and_command_is_a_question_at_the_terminal() {
    let machine = claude();
    let Some(mut run) = terminal::start(&machine.vk, &[&CLAUDE[..], &["--approve", "ask", "go"]].concat()) else {
        return;
    };
    run.wait_for("Write new.rs?");
    run.wait_for("(n):");
    run.type_line("y");
    // What is asked about is shown verbatim, above the question.
    for (command, typed) in [("make all", "n"), ("make clean", "y")] {
        run.wait_for(command);
        run.wait_for("Run this command?");
        run.wait_for("(n):");
        run.type_line(typed);
    }
    let ran = run.end();
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(answers(&machine), ["allow", "deny", "allow"]);
}

#[test]
fn with_edits_only_commands_are_asked_and_all_of_them_can_be_allowed() {
    let machine = claude();
    let Some(mut run) = terminal::start(&machine.vk, &[&CLAUDE[..], &["--approve", "edits", "go"]].concat()) else {
        return;
    };
    let shown = run.wait_for("Run this command?");
    assert!(!shown.contains("Write new.rs?"), "{shown}");
    run.wait_for("(n):");
    run.type_line("a");
    let ran = run.end();
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(answers(&machine), ["allow", "allow", "allow"]);
    assert_eq!(ran.stdout.matches("Run this command?").count(), 1, "{ran}");
}

/// codex runs what it knows as harmless without a question, so it cannot hold those; what leaves its sandbox it asks.
#[test]
fn codex_asks_a_person_before_it_leaves_its_sandbox_and_holds_no_other_questions() {
    for approve in ["ask", "edits"] {
        let machine = codex::machine_with(&codex::chatgpt(), &codex::limits("0"), &codex::answer("0"));
        let Some(run) = terminal::start(&machine.vk, &[&CODEX[..], &["--approve", approve, "go"]].concat()) else {
            return;
        };
        let ran = run.end();
        assert_eq!(ran.code, 2, "{ran}");
        assert!(machine.read("codex.args").is_empty());
    }
    for (typed, decision) in [("y", "accept"), ("n", "decline")] {
        let ask = json!({"id": 77, "method": "item/commandExecution/requestApproval",
            "params": {"command": "ls /outside", "itemId": "call_1", "threadId": "th", "turnId": "tu"}});
        let machine = codex::machine_with(&codex::chatgpt(), &codex::limits("0"), &[ask]);
        let machine = machine.lines("6", &codex::answer("0"));
        machine.write("codex", &machine.read("codex").replace("say 5; hear", "say 5; hear; say 6; hear"));
        let Some(mut run) = terminal::start(&machine.vk, &[&CODEX[..], &["go"]].concat()) else { return };
        run.wait_for("ls /outside");
        run.wait_for("Do this outside of the sandbox?");
        run.wait_for("(n):");
        run.type_line(typed);
        let ran = run.end();
        assert_eq!(ran.code, 0, "{ran}");
        let said = machine.heard("codex").into_iter().find(|said| said["id"] == 77).unwrap();
        assert_eq!(said["result"]["decision"], decision, "{typed}");
    }
}

/// A program that keeps a log of the session that vk drove: its calls are vk's rows already.
#[test]
fn what_a_driven_program_logged_is_not_counted_again() {
    let machine = Machine::new().lines("whole", &whole("ok")).logged_in("say whole; hear");
    let (ran, _) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    let home = machine.vk.home();
    let copy = |from: &str, to: &str, session: &str, own: &str| {
        let log = std::fs::read_to_string(fixtures().join(from)).unwrap();
        let to = home.join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, log.replace(session, own)).unwrap();
    };
    let session = "7c1b2a90-3f1e-4c56-9d0a-5e2f8b7a1c01";
    let log = format!("claude/projects/-home-ann-shop/{session}.jsonl");
    let driven = "5e551011-0000-4000-8000-000000000001";
    copy(&log, &format!(".claude/projects/-p/{driven}.jsonl"), session, driven);

    let machine_of_codex = codex::machine_with(&codex::chatgpt(), &codex::limits("0"), &codex::answer("0"));
    let (ran, _) = report(&machine_of_codex.vk, &CODEX, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    let of_tools = |machine: &Machine| {
        let ran = machine.vk.run(&["import", "--output", "json"]);
        assert_eq!(ran.code, 0, "{ran}");
        let cost = machine.vk.run(&["cost", "--by", "tool", "--output", "json"]).json_lines().remove(0);
        let row = |row: &Value| format!("{} {}", row["group"].as_str().unwrap(), row["calls"]);
        cost["rows"].as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(of_tools(&machine), ["vk 1"]);
    // The same log of a session that vk did not drive counts: the test could fail.
    copy(&log, &format!(".claude/projects/-p/{session}.jsonl"), session, session);
    assert!(of_tools(&machine).iter().any(|row| row.starts_with("claude-code ")));

    let home = machine_of_codex.vk.home();
    let name = "rollout-2026-05-06T09-00-00-019de000-0000-7000-8000-00000000000c.jsonl";
    let text = std::fs::read_to_string(fixtures().join("codex/archived_sessions").join(name)).unwrap();
    let (session, driven) = ("019de000-0000-7000-8000-00000000000c", "01a20e40-fcbf-70a0-926d-3dc48674e376");
    let folder = home.join(".codex/sessions/2026/11/24");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name.replace(session, driven)), text.replace(session, driven)).unwrap();
    assert_eq!(of_tools(&machine_of_codex), ["vk 2"]);
    std::fs::write(folder.join(name), text).unwrap();
    assert!(of_tools(&machine_of_codex).iter().any(|row| row.starts_with("codex ")));
}

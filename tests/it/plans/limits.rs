//! `quota` and `tasks_day`: a plan of which that much is used, or that so many tasks used today, is not used further.

use serde_json::{Value, json};

use super::codex;
use super::stand_in::{Machine, answer, init, limits, login, result, text, whole};
use crate::run::report;
use crate::support::env::code_of;

const CLAUDE: [&str; 5] = ["run", "--path", "subscription", "--provider", "claude"];
const CODEX: [&str; 5] = ["run", "--path", "subscription", "--provider", "codex"];
/// Far away, so that no test depends on the day.
const RESETS_AT: i64 = 2_000_000_000;

fn usage(used: u32) -> Value {
    json!({"five_hour": {"utilization": used, "resets_at": "2033-05-18T03:33:20Z"}})
}

fn seen(utilization: f64) -> Value {
    limits(&json!({"status": "allowed", "rateLimitType": "five_hour", "isUsingOverage": false, "unifiedWindows":
        {"five_hour": {"utilization": utilization, "resetsAt": RESETS_AT}}}))
}

fn claude(told: &Value) -> Machine {
    Machine::new().lines("whole", &whole("ok")).usage(told).logged_in("say whole; hear")
}

fn budget(machine: &Machine, args: &[&str]) -> String {
    let ran = machine.vk.run(&[&["budget"], args].concat());
    assert_eq!(ran.code, 0, "{ran}");
    ran.stderr
}

fn code(finished: &Value) -> &str {
    finished["error"]["code"].as_str().unwrap_or_default()
}

fn told(finished: &Value) -> String {
    format!("{} {}", finished["error"]["message"].as_str().unwrap(), finished["error"]["fix"].as_str().unwrap())
}

#[test]
fn a_plan_at_its_quota_is_not_begun() {
    let machine = claude(&usage(80));
    let said = budget(&machine, &["set", "--quota", "80%"]);
    assert!(said.contains("budget.quota = \"80%\""), "{said}");
    let (ran, finished) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!((ran.code, code(&finished), &finished["status"]), (5, "plan_quota", &json!("budget")), "{ran}");
    assert!(machine.read("claude.args").is_empty(), "it was started");
    let told = told(&finished);
    for part in [
        "80 % of the claude plan's 5 h window is used, and your budget stops tasks at 80%",
        "config.toml:2)",
        "begins anew 2033-05-18 03:33 UTC",
        "vk budget set --quota 90%",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // The command that it names is one, and helps.
    budget(&machine, &["set", "--quota", "90%"]);
    let (ran, _) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    budget(&machine, &["clear", "--quota"]);
    let config = std::fs::read_to_string(machine.vk.config_dir().join("config.toml")).unwrap();
    assert!(!config.contains("quota"), "{config}");
}

/// Where the program does not say what is used, what it said last stands, until that window begins anew.
#[test]
fn what_was_seen_last_binds_where_nothing_newer_is_told() {
    let mut lines = vec![init("none")];
    lines.extend(answer("msg_1", &text("ok")));
    lines.extend([seen(0.85), result("ok")]);
    let machine = Machine::new().lines("whole", &lines).logged_in("say whole; hear");
    budget(&machine, &["set", "--quota", "80%"]);
    // Its last answer crosses the quota: it is an answer all the same.
    let (ran, finished) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("plan: 5 h: 85 % used until 2033-05-18 03:33 UTC"), "{ran}");
    let task = finished["task_id"].as_str().unwrap();
    let shown = machine.vk.run(&["cost", "show", task, "--output", "json"]).json_lines().remove(0);
    let kept = &shown["plans"][0];
    assert_eq!((&kept["window"], &kept["used_before"], &kept["used_after"]), (&json!("5 h"), &json!(85), &json!(85)));
    assert_eq!(kept["resets_at"], "2033-05-18T03:33:20.000Z");
    let (ran, finished) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!((ran.code, code(&finished)), (5, "plan_quota"), "{ran}");
    // Another account's window is another.
    // The token is not that of the login, which the program then says: it was started.
    let (ran, finished) = report(&machine.vk, &CLAUDE, &["--key", "env:PLAN_TOKEN", "go"]);
    assert_eq!((ran.code, code(&finished)), (3, "not_logged_in"), "{ran}");
}

/// A tool that ended is followed by another call: the quota stops the task there, whole, and it goes on later.
#[test]
fn a_quota_that_is_crossed_stops_the_task_whole() {
    let mut lines = vec![init("none")];
    let tool = json!([{"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "true"}}]);
    lines.extend(answer("msg_1", &tool));
    lines.push(seen(0.8));
    let results = json!([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "hi"}]);
    lines.push(json!({"type": "user", "message": {"role": "user", "content": results}}));
    lines.extend(answer("msg_2", &text("More.")));
    lines.push(result("More."));
    let machine = Machine::new().lines("whole", &lines).usage(&usage(79)).logged_in("say whole; hear");
    let machine = Machine { vk: machine.vk.config("[budget]\nquota = \"80%\"\n"), ..machine };
    let (ran, finished) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!((ran.code, code(&finished), &finished["turns"]), (5, "plan_quota", &json!(1)), "{ran}");
    assert!(finished["error"]["fix"].as_str().unwrap().contains("vk run --continue"), "{finished}");
    assert_eq!((&finished["cost_state"], &finished["usage"]["input"]), (&json!("covered"), &json!(1000)));
    let shown = machine.vk.run(&["cost", "show", "--output", "json"]).json_lines().remove(0);
    assert_eq!((&shown["plans"][0]["used_before"], &shown["plans"][0]["used_after"]), (&json!(79), &json!(80)));
    machine.write("whole", &(whole("Done.").iter().map(Value::to_string).collect::<Vec<_>>().join("\n") + "\n"));
    machine.write("claude.usage", &machine.read("claude.usage").replace("79", "3"));
    let (ran, finished) = report(&machine.vk, &[&CLAUDE[..], &["--continue"]].concat(), &["go on"]);
    assert_eq!((ran.code, &finished["answer"]), (0, &json!("Done.")), "{ran}");
    let heard = machine.read("claude.heard");
    assert!(heard.contains("[tool Bash]") && heard.contains("go on"), "{heard}");

    // codex says what is used after each answer, and is stopped while its command runs.
    let machine = codex::machine_with(&codex::chatgpt(), &codex::limits("0"), &codex::answer("0"));
    let machine = Machine { vk: machine.vk.config("[budget]\nquota = \"43%\"\n"), ..machine };
    let raised = machine.read("5").replace("\"usedPercent\":42", "\"usedPercent\":43");
    machine.write("5", &raised);
    let (ran, finished) = report(&machine.vk, &CODEX, &["go"]);
    assert_eq!((ran.code, code(&finished), &finished["turns"]), (5, "plan_quota", &json!(1)), "{ran}");
    budget(&machine, &["set", "--quota", "42%"]);
    let (ran, finished) = report(&machine.vk, &CODEX, &["go"]);
    assert_eq!((ran.code, code(&finished), &finished["turns"]), (5, "plan_quota", &json!(0)), "{ran}");
}

#[test]
fn a_days_tasks_are_counted_and_no_more_are_begun() {
    let machine = claude(&usage(3));
    budget(&machine, &["set", "--tasks-day", "2"]);
    for _ in 0..2 {
        let (ran, _) = report(&machine.vk, &CLAUDE, &["go"]);
        assert_eq!(ran.code, 0, "{ran}");
    }
    let listed = machine.vk.run(&["budget", "list", "--output", "json"]).json_lines().remove(0);
    let row = &listed["plans"][0];
    assert_eq!((&row["limit"], &row["value"], &row["used"]), (&json!("tasks_day"), &json!(2), &json!(2)), "{listed}");
    assert_eq!((&row["provider"], &row["scope"]), (&json!("claude"), &json!("all")));
    let (ran, finished) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!((ran.code, code(&finished)), (5, "plan_tasks_day"), "{ran}");
    let said = told(&finished);
    for part in
        ["2 tasks have used the claude plan today", "config.toml:2)", "00:00 UTC", "vk budget set --tasks-day 12"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    // Another plan has a day of its own, and the raised limit lets one more through.
    let (ran, _) = report(&machine.vk, &CLAUDE, &["--key", "env:PLAN_TOKEN", "--dry-run", "go"]);
    assert_eq!(ran.code, 0, "{ran}");
    budget(&machine, &["set", "--tasks-day", "12"]);
    let (ran, _) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    // A task that is refused before it uses the plan is none of its tasks.
    machine.write("claude.status", &json!({"loggedIn": false}).to_string());
    report(&machine.vk, &CLAUDE, &["go"]);
    machine.write("claude.status", &login().to_string());
    machine.write("whole", &format!("{}\n", init("ANTHROPIC_API_KEY")));
    let (ran, _) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!(ran.code, 4, "{ran}");
    let listed = machine.vk.run(&["budget", "list", "--output", "json"]).json_lines().remove(0);
    assert_eq!(listed["plans"][0]["used"], 3, "{listed}");
    let shown = machine.vk.run(&["budget", "list"]).stdout;
    assert!(shown.contains("12 tasks a day") && shown.contains("Plans, which charge no dollars"), "{shown}");
}

/// A project lowers the user's limits and never raises them.
#[test]
fn a_projects_limits_bind_beside_the_users() {
    let machine = claude(&usage(50));
    budget(&machine, &["set", "--quota", "80%", "--tasks-day", "5"]);
    let ran = machine.vk.run(&["budget", "set", "--quota", "90%", "--project"]);
    assert_eq!(ran.code, 2, "{ran}");
    budget(&machine, &["set", "--quota", "40%", "--tasks-day", "1", "--project"]);
    let (ran, finished) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!((ran.code, code(&finished)), (5, "plan_quota"), "{ran}");
    assert!(told(&finished).contains("vk budget set --quota 60% --project"), "{finished}");
    budget(&machine, &["set", "--quota", "60%", "--project"]);
    let (ran, _) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    let (ran, finished) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!((ran.code, code(&finished)), (5, "plan_tasks_day"), "{ran}");
    let said = told(&finished);
    assert!(said.contains("in project ") && said.contains("--tasks-day 11 --project"), "{said}");
    // What it asks for is more than the user's five allow: both are named.
    assert!(said.contains("vk budget set --tasks-day 11"), "{said}");
    let ran = machine.vk.run(&["budget", "set", "--quota", "80"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("vk budget set --quota 80%"), "{ran}");
}

/// Sixty-four at once: as many as the limit says are begun, and no more.
#[test]
fn no_number_of_processes_passes_a_days_tasks() {
    let machine = claude(&usage(3));
    budget(&machine, &["set", "--tasks-day", "5"]);
    let folders: Vec<tempfile::TempDir> = (0..64).map(|_| tempfile::tempdir().unwrap()).collect();
    let running: Vec<_> = folders
        .iter()
        .map(|folder| {
            let mut command = machine.vk.command(&[&CLAUDE[..], &["--output", "json", "go"]].concat());
            command.current_dir(folder.path()).spawn().unwrap()
        })
        .collect();
    let ended: Vec<i32> =
        running.into_iter().map(|process| code_of(process.wait_with_output().unwrap().status)).collect();
    assert_eq!(ended.iter().filter(|code| **code == 0).count(), 5, "{ended:?}");
    assert_eq!(ended.iter().filter(|code| **code == 5).count(), 59, "{ended:?}");
    let calls = machine.vk.run(&["cost", "--output", "json"]).json_lines().remove(0);
    assert_eq!(calls["rows"].as_array().unwrap().len(), 5);
}

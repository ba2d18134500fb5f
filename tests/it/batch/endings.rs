//! What ends a batch before its last task, and the exit code that says so.

use serde_json::json;

use super::{args, batch, ends, project, says, task_of, tasks};
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};

#[test]
fn what_every_further_task_would_meet_ends_the_batch() {
    for (script, exit, status) in [
        (
            Script::json(401, r#"{"type":"error","error":{"type":"authentication_error","message":"no"}}"#),
            3,
            "no_credential",
        ),
        (
            Script::json(
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#,
            ),
            4,
            "payer_blocked",
        ),
    ] {
        let provider =
            Provider::answering(move |request| if task_of(request) == "task 1" { script.clone() } else { says(1) });
        let vk = project(&provider, &tasks(5));
        let (ran, end) = batch(&vk, "tasks.jsonl", &["--jobs", "1"]);
        assert_eq!((ran.code, &end["status"]), (exit, &json!(status)), "{ran}");
        assert_eq!(ends(&vk), ["n0 done".to_owned(), format!("n1 {status}")]);
        assert_eq!(end["tasks"]["not_started"], 3, "{end}");
        assert!(end["error"]["message"].as_str().unwrap().contains("(task n1)"), "{end}");
        assert!(end["error"]["fix"].as_str().unwrap().contains("vk batch tasks.jsonl --jobs 1"), "{end}");
    }
}

#[test]
fn those_at_work_are_stopped_when_the_payer_cannot_pay() {
    let provider = Provider::answering(move |request| {
        if task_of(request) == "task 0" {
            return Script::json(402, r#"{"type":"error","error":{"type":"billing_error","message":"no credits"}}"#);
        }
        Script::silence()
    });
    let vk = project(&provider, &tasks(4));
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--jobs", "3"]);
    assert_eq!((ran.code, &end["status"]), (4, &json!("payer_blocked")), "{ran}");
    assert_eq!((&end["tasks"]["interrupted"], &end["tasks"]["not_started"]), (&json!(2), &json!(1)), "{end}");
}

#[test]
fn a_provider_that_is_down_ends_it_after_as_many_as_run_at_once() {
    let provider = Provider::answering(|_| Script::json(400, r#"{"error":{"message":"no such thing"}}"#));
    let vk = project(&provider, &tasks(8));
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--jobs", "1"]);
    let failed = end["tasks"]["failed"].as_u64().unwrap();
    assert_eq!((ran.code, failed), (6, 3), "{ran}");
    assert_eq!(end["tasks"]["not_started"], 5);
}

#[test]
fn a_task_is_never_paid_by_another_account_than_the_batch_was_shown_to_be() {
    let vk: std::sync::Arc<std::sync::Mutex<Option<std::path::PathBuf>>> = std::sync::Arc::default();
    let (seen, other) = (std::sync::Arc::clone(&vk), Provider::start([]));
    let elsewhere = other.url();
    let provider = Provider::answering(move |_| {
        // While the first task runs, somebody changes where requests go.
        if let Some(file) = seen.lock().unwrap().as_ref() {
            std::fs::write(file, format!("[providers.anthropic]\nbase_url = \"{elsewhere}\"\n")).unwrap();
        }
        says(1)
    });
    let project = project(&provider, &tasks(6));
    *vk.lock().unwrap() = Some(project.config_dir().join("config.toml"));
    let (ran, end) = batch(&project, "tasks.jsonl", &["--jobs", "1"]);
    assert_eq!((ran.code, &end["error"]["code"]), (2, &json!("batch_payer_changed")), "{ran}");
    assert_eq!(end["tasks"]["done"], 1);
    assert!(other.captured().is_empty(), "nothing was sent under the other payer");
}

#[test]
fn a_job_of_github_gets_one_table_and_outputs_of_its_own() {
    let provider = Provider::answering(|_| says(1));
    let vk = project(&provider, &tasks(3));
    let (summary, output) = (vk.home().join("summary"), vk.home().join("output"));
    let vk = github(vk, &summary, &output);
    let (ran, end) = batch(&vk, "tasks.jsonl", &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let summary = std::fs::read_to_string(summary).unwrap();
    assert_eq!(summary.matches("### vk").count(), 1, "{summary}");
    assert!(summary.starts_with("### vk batch: 3 of 3 done\n") && summary.contains("| n2 | done | 1 |"), "{summary}");
    let output = std::fs::read_to_string(output).unwrap();
    let value = |name: &str| {
        let mut lines = output.lines().skip_while(|line| !line.starts_with(&format!("{name}<<")));
        lines.nth(1).unwrap_or_else(|| panic!("{name}: {output}")).to_owned()
    };
    assert_eq!(json!(value("batch_id")), end["batch_id"]);
    let found = ["status", "done", "failed", "left", "cost_usd", "cost_state", "payer", "results"].map(value);
    let expected = ["done", "3", "0", "0", "0.03", "billed", "you pay Anthropic at list price", "tasks.results.jsonl"];
    assert_eq!(found, expected);
}

fn github(vk: Vk, summary: &std::path::Path, output: &std::path::Path) -> Vk {
    vk.var("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()).var("GITHUB_OUTPUT", output.to_str().unwrap())
}

#[test]
fn a_failed_task_goes_on_under_the_account_that_paid_for_it() {
    let provider = Provider::start([says(1), says(1)]);
    let vk = project(&provider, &tasks(1));
    // What the project's files choose is another account.
    let ran = vk.run(&args("tasks.jsonl", &["--check", "false", "--check-rounds", "1"]));
    assert_eq!(ran.code, 1, "{ran}");
    let line = ran.stderr.lines().find(|line| line.contains("failed   vk run --continue=")).unwrap_or_default();
    assert!(line.contains(" --path byok --provider anthropic --key env:TEST_ANTHROPIC_KEY \"...\""), "{ran}");
    let finished = &vk.run(&args("tasks.jsonl", &["--output", "json", "--mcp", "none"])).json_lines()[0];
    assert_eq!((&finished["type"], &finished["status"]), (&json!("batch.finished"), &json!("failed")), "{finished}");
}

#[test]
fn a_payer_that_cannot_pay_leaves_its_task_to_the_batch() {
    let body = r#"{"type":"error","error":{"type":"billing_error","message":"no credit"}}"#;
    let provider = Provider::start([Script::json(402, body)]);
    let ran = project(&provider, &tasks(1)).run(&args("tasks.jsonl", &[]));
    assert_eq!(ran.code, 4, "{ran}");
    let fixes: Vec<&str> = ran.stderr.lines().skip_while(|line| !line.contains("fix:")).collect();
    let fixes = fixes.join("\n");
    assert!(fixes.contains("vk batch tasks.jsonl") && !fixes.contains("fix: vk run --continue"), "{ran}");
}

#[test]
fn what_is_done_in_one_project_is_not_done_in_another() {
    let provider = Provider::start([says(1)]);
    let vk = project(&provider, &tasks(1));
    assert_eq!(vk.run(&args("tasks.jsonl", &[])).code, 0);
    let ran = vk.run(&args("tasks.jsonl", &["--output", "json"]));
    assert_eq!((ran.code, provider.requests().len()), (0, 1), "{ran}");
    let path = super::results(&vk);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"project\":\"project\""), "{text}");
    std::fs::write(&path, text.replace("\"project\":\"project\"", "\"project\":\"elsewhere\"")).unwrap();
    let ran = vk.run(&args("tasks.jsonl", &[]));
    assert!(ran.code == 2 && ran.stderr.contains("results of another project"), "{ran}");
    assert!(ran.stderr.contains("they are of elsewhere, and this is project"), "{ran}");
}

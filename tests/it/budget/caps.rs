//! Each kind of budget stops a task before the call that would pass it, with exit 5, who spent it and what raises it.

use super::{costs, route_line, with_key, works};
use crate::run::{ANTHROPIC, anthropic, report};
use crate::support::provider::Provider;

const STORED: [&str; 5] = ["run", "--path", "byok", "--provider", "anthropic"];

#[test]
fn a_day_stops_the_second_task_and_says_who_spent_it() {
    let provider = Provider::start([costs(15)]);
    let vk = anthropic(&provider).config("[budget]\nday = \"0.17\"\n").var("USER", "ann");
    let first = vk.run(&[&ANTHROPIC[..], &["refactor the parser"]].concat());
    assert_eq!(first.code, 0, "{first}");
    assert!(route_line(&first).ends_with("stops at $5.00 · $0.17 of $0.17 left today in all projects"), "{first}");
    assert!(
        first.stderr.contains("budget   88 % of the budget for today in all projects is used: $0.15 of"),
        "{first}"
    );

    let (ran, finished) = report(&vk, &ANTHROPIC, &["and the lexer"]);
    assert_eq!((ran.code, finished["status"].as_str()), (5, Some("budget")), "{ran}");
    let message = finished["error"]["message"].as_str().unwrap();
    assert!(message.contains("no longer fits the budget for today in all projects:\n$0.15 of $0.17 is spent"), "{ran}");
    assert!(message.contains("\n$0.15 by ann in task t") && message.contains(": refactor the parser\n"), "{ran}");
    assert!(message.contains("\nit begins anew 20"), "{ran}");
    assert!(finished["error"]["fix"].as_str().unwrap().starts_with("vk budget set 1.00 --per day\n"), "{ran}");
    assert!(ran.stderr.contains("warning: 88 % of the budget for today in all projects is used"), "{ran}");
    assert_eq!(finished["budgets"][0]["percent"], 88);
}

#[test]
fn every_subject_binds_and_none_binds_another() {
    for (config, project, whose) in [
        ("[budget.paths.byok]\nweek = \"0.17\"\n", "", "this week on path byok"),
        ("[budget.keys.\"anthropic/client-a\"]\nmonth = \"0.17\"\n", "", "this month with key anthropic/client-a"),
        ("", "name = \"shop\"\n[budget]\nday = \"0.17\"\n", "today in project shop"),
        ("", "name = \"shop\"\n[budget]\nmonth = \"0.17\"\n", "this month in project shop"),
    ] {
        let provider = Provider::start([costs(15)]);
        let vk = with_key(anthropic(&provider).config(config).file("vk.toml", project), "client-a");
        assert_eq!(vk.run(&[&STORED[..], &["go"]].concat()).code, 0);
        let (ran, finished) = report(&vk, &STORED, &["go"]);
        assert_eq!(ran.code, 5, "{whose}: {ran}");
        let message = finished["error"]["message"].as_str().unwrap();
        assert!(message.contains(&format!("the budget for {whose}:")), "{whose}: {message}");
    }
    // Another path, another key, another project: none of their budgets is this task's.
    let config = "[budget.paths.platform]\nday = \"0.01\"\n[budget.keys.\"anthropic/other\"]\nday = \"0.01\"\n\
                  [projects.\"/elsewhere\".budget]\nday = \"0.01\"\n";
    let provider = Provider::start([costs(15)]);
    let vk = with_key(anthropic(&provider).config(config), "client-a");
    let ran = vk.run(&[&STORED[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert!(route_line(&ran).ends_with("stops at $5.00"), "{ran}");
}

#[test]
fn a_task_budget_of_a_path_or_a_key_is_lower_than_the_general_one_and_a_flag_is_above_both() {
    let config = "[budget]\ntask = \"3.00\"\n[budget.paths.byok]\ntask = \"2.00\"\n\
                  [budget.keys.\"anthropic/client-a\"]\ntask = \"1.50\"\n";
    let provider = Provider::start([]);
    let vk = with_key(anthropic(&provider).config(config), "client-a");
    let line = |more: &[&str]| {
        let ran = vk.run(&[&STORED[..], &["--dry-run"], more, &["go"]].concat());
        assert_eq!(ran.code, 0, "{ran}");
        route_line(&ran).rsplit(" · ").next().unwrap().to_owned()
    };
    assert_eq!(line(&[]), "stops at $1.50");
    assert_eq!(line(&["--key", "env:TEST_ANTHROPIC_KEY"]), "stops at $2.00");
    assert_eq!(line(&["--max-cost", "2.50"]), "stops at $2.50");
    let route = vk.run(&["route", "--path", "byok", "--output", "json"]).json_lines().remove(0);
    let cap = route["sources"].as_array().unwrap().iter().find(|step| step["decision"] == "cap").unwrap();
    assert!(cap["source"].as_str().unwrap().contains("config.toml:"), "{cap}");
    assert_eq!(route["chosen"]["cap_usd"], "1.50");
}

#[test]
fn a_day_that_ends_in_the_middle_of_a_task_ends_it_there() {
    let provider = Provider::start([works("a", 16), works("b", 16), costs(1)]);
    provider.allow_leftovers();
    let vk = anthropic(&provider).config("[budget]\nday = \"0.33\"\n");
    let (ran, finished) = report(&vk, &ANTHROPIC, &["go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (5, Some("budget")), "{ran}");
    let cost: f64 = finished["cost_usd"].as_str().unwrap().parse().unwrap();
    assert!((0.32..=0.33).contains(&cost), "{cost}");
    assert!(finished["error"]["message"].as_str().unwrap().contains("today in all projects"), "{ran}");
}

#[test]
fn what_costs_nothing_is_bound_by_no_budget() {
    let provider =
        Provider::start([crate::support::provider::Script::sse(&crate::support::turn::Turn::say("done").chat())]);
    let config = format!("[budget]\nday = \"0.00\"\n[providers.ollama]\nbase_url = \"{}/v1\"\n", provider.url());
    let vk = crate::support::env::Vk::new().config(&config);
    let ran = vk.run(&["run", "--path", "free", "--provider", "ollama", "--model", "qwen", "go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!route_line(&ran).contains("left today"), "{ran}");
}

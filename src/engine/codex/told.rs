//! What `codex app-server` says of its account before a task: whose it is, how much of the plan is used, and whether
//! credits would pay once it is used up.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::command::server;
use super::messages::{Message, limits, parse};
use crate::domain::quota::{Credits, Overage, Told};
use crate::engine::driven::told::ask;

/// Gives what it says of the plan, and the account and the plan's name where it names them.
pub(in crate::engine) async fn told(
    program: &Path,
    base_url: &str,
    vars: &BTreeMap<String, String>,
) -> (Told, Option<String>, Option<String>) {
    let mut command = server(program, base_url);
    command.env_clear().envs(vars).current_dir("/");
    let client = json!({"name": "vk", "title": "vk", "version": env!("CARGO_PKG_VERSION")});
    let questions = [
        json!({"id": 1, "method": "initialize", "params": {"clientInfo": client}}),
        json!({"method": "initialized"}),
        json!({"id": 2, "method": "account/read", "params": {"refreshToken": false}}),
        json!({"id": 3, "method": "account/rateLimits/read", "params": null}),
    ];
    let said = ask(command, &questions, |value| matches!(parse(value), Message::Answer(3, _))).await;
    of(&said)
}

fn of(said: &[Value]) -> (Told, Option<String>, Option<String>) {
    let (mut told, mut account, mut plan) = (Told::default(), None, None);
    for value in said {
        match parse(value) {
            Message::Answer(2, Ok(answer)) if answer["account"]["type"] == "chatgpt" => {
                account = answer["account"]["email"].as_str().map(str::to_owned);
                plan = answer["account"]["planType"].as_str().map(str::to_owned);
            }
            Message::Answer(3, Ok(answer)) => {
                let said = limits(&answer["rateLimits"]);
                told.overage = match &said.credits {
                    Some(credits) if Credits::would_pay(credits) => Overage::On,
                    Some(_) => Overage::Off,
                    None => Overage::Untold,
                };
                told.said = said;
            }
            _ => {}
        }
    }
    (told, account, plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_are_what_would_pay_beyond_the_plan() {
        let answers = |credits: Value| {
            let limits = json!({"primary": {"usedPercent": 42, "windowDurationMins": 300}, "credits": credits});
            let account = json!({"type": "chatgpt", "email": "a@b.c", "planType": "pro"});
            [json!({"id": 2, "result": {"account": account}}), json!({"id": 3, "result": {"rateLimits": limits}})]
        };
        for (credits, overage) in [
            (json!({"hasCredits": true, "unlimited": false, "balance": "5"}), Overage::On),
            (json!({"hasCredits": false, "unlimited": true}), Overage::On),
            (json!({"hasCredits": false, "unlimited": false, "balance": "0"}), Overage::Off),
            (Value::Null, Overage::Untold),
        ] {
            let (told, account, plan) = of(&answers(credits.clone()));
            assert_eq!(told.overage, overage, "{credits}");
            assert_eq!(told.said.windows[0].used, 42);
            assert_eq!((account.as_deref(), plan.as_deref()), (Some("a@b.c"), Some("pro")));
        }
        let refused = json!({"id": 3, "error": {"message": "not logged in"}});
        assert_eq!(of(&[refused]), (Told::default(), None, None));
    }
}

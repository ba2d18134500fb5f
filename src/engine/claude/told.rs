//! What `claude` says of its login's plan before a task: how much of it is used, and whether extra usage is on.
//!
//! Measured with claude 2.1.331 (2026-11-24): the control request `get_usage` is answered within a second, also without
//! a network, then with `rate_limits: null`; for a setup-token `rate_limits_available` is false. The shape of
//! `rate_limits` is the program's own schema: `five_hour` and `seven_day` with `utilization` (0 to 100) and `resets_at`,
//! and `extra_usage.is_enabled`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::command::at;
use super::lines::{Line, parse, window_name};
use crate::domain::quota::{Overage, Said, Told, Window, percent};
use crate::engine::driven::told::ask;

const QUESTION: &str = "vk-usage";

/// Asks the program at this path, about its account at this address.
pub(in crate::engine) async fn told(program: &Path, base_url: &str, vars: &BTreeMap<String, String>) -> Told {
    let mut command = Command::new(program);
    command.args(["-p", "--output-format", "stream-json", "--input-format", "stream-json", "--verbose"]);
    command.args(["--setting-sources", "", "--strict-mcp-config", "--disable-slash-commands"]);
    command.arg("--no-session-persistence").env_clear().envs(vars).current_dir("/");
    at(&mut command, base_url);
    let question =
        |id: &str, subtype: &str| json!({"type": "control_request", "request_id": id, "request": {"subtype": subtype}});
    let questions = [question("vk-initialize", "initialize"), question(QUESTION, "get_usage")];
    let said = ask(command, &questions, |value| answer(value).is_some()).await;
    said.iter().find_map(answer).map(|answer| of(&answer["rate_limits"])).unwrap_or_default()
}

fn answer(value: &Value) -> Option<Value> {
    match parse(value) {
        Line::Answer(answer) if answer["request_id"] == QUESTION => Some(answer["response"].clone()),
        _ => None,
    }
}

/// The windows that bind every model, and whether extra usage is on.
fn of(limits: &Value) -> Told {
    let window = |name: &str| {
        Some(Window {
            name: window_name(name),
            used: percent(limits[name]["utilization"].as_number()?)?,
            resets_at: limits[name]["resets_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok()),
        })
    };
    let windows = ["five_hour", "seven_day"].into_iter().filter_map(window).collect();
    let overage = match (&limits["extra_usage"], limits["extra_usage"]["is_enabled"].as_bool()) {
        (_, Some(true)) => Overage::On,
        (_, Some(false)) => Overage::Off,
        _ => Overage::Untold,
    };
    Told { overage, said: Said { windows, credits: None, reached: false } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_not_guessed() {
        let limits = json!({"five_hour": {"utilization": 41.2, "resets_at": "2026-11-25T00:00:00Z"},
            "seven_day": {"utilization": null, "resets_at": null}, "extra_usage": {"is_enabled": true}});
        let told = of(&limits);
        assert_eq!(told.overage, Overage::On);
        let shown: Vec<String> = told.said.windows.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["5 h: 42 % used until 2026-11-25 00:00 UTC"]);
        assert_eq!(of(&json!({"extra_usage": {"is_enabled": false}})).overage, Overage::Off);
        for silent in
            [Value::Null, json!({}), json!({"extra_usage": null}), json!({"extra_usage": {"is_enabled": "yes"}})]
        {
            assert_eq!(of(&silent), Told::default(), "{silent}");
        }
    }
}

//! The run as it was typed, for the commands that errors offer: one that goes on with a task, or starts it again,
//! keeps who was named to pay, the checks, the limits and what holds the task. Pasted, it works as it stands.

use super::order::{CHECK_ROUNDS, Dirty, From, Order};
use crate::agent::approvals::Mode as Approval;
use crate::base::shell;
use crate::domain::failure::Failure;
use crate::sandbox::{Mode, Network};

/// A task longer than this is not repeated in a command.
const LONGEST_TASK: usize = 200;
/// What stands for the task in a command that does not know it.
const WORDS_OF_TASK: [&str; 2] = ["\"...\"", "\"TASK\""];
/// The flags that say who pays: a command that names one of the first three is a choice of its own.
const PAYER: [&str; 4] = ["--path", "--provider", "--key", "--model"];

/// The failure with its `vk run` commands made whole.
#[must_use]
pub fn completed(mut failure: Failure, order: &Order) -> Failure {
    // The demo's own task is not one that anybody typed.
    if !order.rehearsed {
        for fix in &mut failure.fix {
            if let Some(command) = whole(fix, order) {
                *fix = command;
            }
        }
    }
    failure
}

/// The failure of a batch, its `vk run` commands made those of the batch. `own` is what only a batch has: its file and
/// its own flags, as typed.
#[must_use]
pub fn of_batch(mut failure: Failure, order: &Order, own: &str) -> Failure {
    for fix in &mut failure.fix {
        let (command, comment) = fix.split_once("  #").unwrap_or((fix, ""));
        let flags = command.trim_end().strip_prefix("vk run").filter(|rest| rest.is_empty() || rest.starts_with(' '));
        // A single task that goes on is not the batch's.
        let Some(flags) = flags.filter(|flags| !flags.contains("--continue")) else { continue };
        let flags = flags.find(" \"").map_or(flags, |at| &flags[..at]);
        let comment = if comment.is_empty() { String::new() } else { format!("   #{comment}") };
        *fix = batch(order, own, flags) + &comment;
    }
    failure
}

/// The batch as it was typed, with `flags` in place of those of the same name.
#[must_use]
pub fn batch(order: &Order, own: &str, flags: &str) -> String {
    let named = |flag: &str| flags.split(' ').any(|word| word == flag || word.starts_with(&format!("{flag}=")));
    let chooses = PAYER[..3].iter().any(|flag| named(flag));
    let mut whole = vec![format!("vk batch {own}{flags}")];
    for (flag, typed) in typed(order) {
        // Every task of a batch has a worktree.
        let implied = flag == "--worktree" && order.worktree == Some(Dirty::Ask);
        if implied || named(flag) || chooses && PAYER.contains(&flag) {
            continue;
        }
        whole.push(if flag == "--max-cost" { typed.replacen("--max-cost", "--max-task-cost", 1) } else { typed });
    }
    whole.join(" ")
}

/// `None` where the fix is another command.
fn whole(fix: &str, order: &Order) -> Option<String> {
    let (command, comment) = fix.split_once("  #").map_or((fix, None), |(command, comment)| (command, Some(comment)));
    let rest = command.trim_end().strip_prefix("vk run").filter(|rest| rest.is_empty() || rest.starts_with(' '))?;
    let (flags, words) = rest.find(" \"").map_or((rest, ""), |at| rest.split_at(at));
    let named = |flag: &str| flags.split(' ').any(|word| word == flag || word.starts_with(&format!("{flag}=")));
    let mut whole = vec![format!("vk run{flags}")];
    // A bare `vk run` is offered where there is nothing to go on from.
    if !named("--continue") && !flags.is_empty() {
        match &order.from {
            From::Nothing => {}
            From::Last => whole.push("--continue".to_owned()),
            From::Task(id) => whole.push(format!("--continue={}", shell::word(id))),
        }
    }
    let chooses = PAYER[..3].iter().any(|flag| named(flag));
    let kept = typed(order).into_iter().filter(|(flag, _)| !(named(flag) || chooses && PAYER.contains(flag)));
    whole.extend(kept.map(|(_, typed)| typed));
    let words = words.trim_start();
    if WORDS_OF_TASK.contains(&words) || words.is_empty() && !named("--continue") {
        whole.extend(task_of(order));
    } else if !words.is_empty() {
        whole.push(words.to_owned());
    }
    whole.extend(comment.map(|comment| format!("  #{comment}")));
    Some(whole.join(" "))
}

/// The task's words; nothing for a run that only went on.
fn task_of(order: &Order) -> Option<String> {
    match order.task.as_str() {
        "" if order.from != From::Nothing => None,
        task if task.is_empty() || task.len() > LONGEST_TASK || task.contains(['\n', '\r']) => {
            Some("\"...\"".to_owned())
        }
        task => Some(shell::sentence(task)),
    }
}

/// The flags of this run, each with its name. What only says how the result is written is not among them.
fn typed(order: &Order) -> Vec<(&'static str, String)> {
    let given =
        |flag: &'static str, value: Option<&str>| value.map(|value| (flag, format!("{flag} {}", shell::word(value))));
    let flags = &order.flags;
    let approve = order.approve.map(|mode| match mode {
        Approval::Ask => "ask",
        Approval::Edits => "edits",
        Approval::All => "all",
    });
    let sandbox = match order.mode {
        Mode::Workspace => None,
        Mode::ReadOnly => Some("read-only"),
        Mode::Off => Some("off"),
    };
    let network = match &order.network {
        Network::None => None,
        Network::Any => Some("--allow-network".to_owned()),
        Network::Registries => Some("--allow-network=registries".to_owned()),
        Network::Hosts(hosts) => Some(format!("--allow-network={}", hosts.join(","))),
    };
    let max_turns = order.max_turns.map(|turns| turns.to_string());
    let timeout = order.timeout.map(|timeout| format!("{}s", timeout.as_secs()));
    let rounds = (order.check_rounds != CHECK_ROUNDS).then(|| order.check_rounds.to_string());
    let one = [
        given("--path", flags.path.as_deref()),
        given("--provider", flags.provider.as_deref()),
        given("--model", flags.model.as_deref()),
        given("--key", flags.key.as_deref()),
        given("--engine", order.engine.as_deref()),
        given("--max-cost", flags.max_cost.as_deref()),
        given("--max-turns", max_turns.as_deref()),
        given("--timeout", timeout.as_deref()),
        given("--check-rounds", rounds.as_deref()),
        given("--approve", approve),
        given("--sandbox", sandbox),
        network.map(|typed| ("--allow-network", typed)),
        given("--mcp", flags.mcp.as_deref()),
        order.worktree.map(|dirty| ("--worktree", worktree(dirty).to_owned())),
        (order.commit && !order.pull_request).then(|| ("--commit", "--commit".to_owned())),
        order.pull_request.then(|| ("--pr", "--pr".to_owned())),
        given("--trust", order.trust.as_deref()),
    ];
    let several = |flag: &'static str, values: &[String]| {
        values.iter().filter_map(|value| given(flag, Some(value))).collect::<Vec<_>>()
    };
    let edges = several("--fallback", &flags.fallback);
    // A conversation that goes on has its images already.
    let images = if order.from == From::Nothing { several("--image", &order.image_files) } else { Vec::new() };
    one.into_iter().flatten().chain(edges).chain(images).chain(several("--check", &flags.checks)).collect()
}

const fn worktree(dirty: Dirty) -> &'static str {
    match dirty {
        Dirty::Ask => "--worktree",
        Dirty::Carry => "--worktree=carry",
        Dirty::Leave => "--worktree=clean",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Flags;

    fn order() -> Order {
        Order {
            task: "fix the test".to_owned(),
            stdin: None,
            engine: None,
            flags: Flags {
                path: Some("byok".to_owned()),
                key: Some("env:K".to_owned()),
                checks: vec!["cargo test".to_owned(), "true".to_owned()],
                ..Flags::default()
            },
            from: From::Nothing,
            approve: None,
            mode: Mode::Off,
            network: Network::Registries,
            max_turns: None,
            timeout: Some(Duration::from_mins(2)),
            check_rounds: CHECK_ROUNDS,
            images: Vec::new(),
            image_files: Vec::new(),
            debug: false,
            worktree: None,
            commit: false,
            pull_request: false,
            trust: None,
            dry_run: false,
            rehearsed: false,
            batch: None,
            apart: Vec::new(),
        }
    }

    #[test]
    fn a_command_keeps_what_was_typed() {
        let whole = |fix: &str, order: &Order| super::whole(fix, order).unwrap();
        let held = "--timeout 120s --sandbox off --allow-network=registries --check 'cargo test' --check true";
        for (fix, expected) in [
            ("vk run --continue", format!("vk run --continue --path byok --key env:K {held}")),
            (
                "vk run --continue --model best \"go on\"",
                format!("vk run --continue --model best --path byok --key env:K {held} \"go on\""),
            ),
            (
                "vk run --continue --timeout 30m \"go on\"",
                format!(
                    "vk run --continue --timeout 30m --path byok --key env:K {} \"go on\"",
                    held.split_once(' ').unwrap().1.split_once(' ').unwrap().1
                ),
            ),
            ("vk run --provider b \"...\"", format!("vk run --provider b {held} \"fix the test\"")),
            (
                "vk run --approve all \"...\"   # why",
                format!("vk run --approve all --path byok --key env:K {held} \"fix the test\"   # why"),
            ),
        ] {
            assert_eq!(whole(fix, &order()), expected);
        }
        assert_eq!(super::whole("vk runs", &order()), None);
        assert_eq!(super::whole("vk tasks diff", &order()), None);
        let went_on = Order { from: From::Last, task: String::new(), flags: Flags::default(), ..order() };
        let held = "--timeout 120s --sandbox off --allow-network=registries";
        assert_eq!(whole("vk run --approve all \"...\"", &went_on), format!("vk run --approve all --continue {held}"));
        assert!(!whole("vk run \"...\"", &Order { from: From::Last, ..order() }).contains("--continue"));
        let long = Order { task: "a\nb".to_owned(), ..order() };
        assert!(whole("vk run --sandbox off", &long).ends_with(" \"...\""));
    }
}

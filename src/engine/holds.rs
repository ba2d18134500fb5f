//! What each engine holds of what a run can ask for: one table, from which flags are refused and the README is written.

use std::fmt::Write as _;

use crate::agent::approvals::Mode as Approval;
use crate::domain::failure::Failure;
use crate::domain::path::PayPath;
use crate::domain::route::{EngineKind, Route};
use crate::sandbox::{Mode, Network};

const ENGINES: [EngineKind; 3] = [EngineKind::Builtin, EngineKind::Claude, EngineKind::Codex];

/// A row of the README's table: what is held, by `builtin`, `claude` and `codex`.
const TABLE: &[(&str, [&str; 3])] = &[
    (
        "approvals",
        [
            "`ask`, `edits`, `all`",
            "`ask`, `edits`, `all`, over its permission channel",
            "`all`; leaving its sandbox is a question; `ask`, `edits`: exit 2",
        ],
    ),
    (
        "sandbox",
        [
            "vk's own: `workspace`, `read-only`, `off`",
            "its own, required: `workspace`, `read-only`, `off`; HOME hidden",
            "its own, required: `workspace`, `read-only`, `off`; HOME can be read",
        ],
    ),
    (
        "network",
        [
            "off; a question; `--allow-network[=registries\\|HOST]`",
            "off; a question; `--allow-network=HOST`; others: exit 2",
            "off; `--allow-network`; others: exit 2",
        ],
    ),
    (
        "cap",
        [
            "dollars before each call, a plan's quota, `--max-turns`, `--timeout`",
            "the plan's quota, `--max-turns`, `--timeout`; `--max-cost` alone: exit 2",
            "the plan's quota, `--timeout`; `--max-cost` alone, `--max-turns`: exit 2",
        ],
    ),
    ("checks", ["in vk's sandbox", "in vk's sandbox", "in vk's sandbox"]),
    ("images", ["`--image`", "exit 2", "exit 2"]),
    (
        "MCP servers",
        ["yes", "no, and that is said; `--mcp NAME`: exit 2", "no, and that is said; `--mcp NAME`: exit 2"],
    ),
    ("requests", ["`--debug`", "exit 2", "exit 2"]),
    ("undo", ["yes, ignored files too", "yes; ignored files that its file tools write", "yes; not of ignored files"]),
    ("continue", ["on any path", "on any path", "on any path"]),
    ("notes", ["given by vk", "given by vk, its own reading is off", "given by vk, its own reading is off"]),
    (
        "proof",
        [
            "organization or reported cost; on a Codex plan its quota and credit balance",
            "account asked before the task, `apiKeySource`, plan limits, no extra usage",
            "account asked before the task, quota reported, credit balance not falling",
        ],
    ),
];

/// What the command line asks for beside who pays.
#[derive(Clone, Copy, Debug)]
pub struct Wants<'a> {
    pub engine: Option<&'a str>,
    /// `--max-cost` was typed.
    pub max_cost: bool,
    /// An edge may lead to a payer that costs money.
    pub has_edges: bool,
    pub approve: Option<Approval>,
    pub mode: Mode,
    pub network: &'a Network,
    pub max_turns: bool,
    /// `--image` was typed.
    pub images: bool,
    /// `--mcp` was typed, and names a server.
    pub mcp: bool,
    /// `--debug` was typed.
    pub debug: bool,
}

/// Who would run the loop, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Runs<'a> {
    pub engine: EngineKind,
    pub path: PayPath,
    pub provider: &'a str,
}

impl<'a> Runs<'a> {
    #[must_use]
    pub fn of(route: &'a Route) -> Self {
        Self { engine: route.engine, path: route.path, provider: &route.provider }
    }
}

/// Whether the engine holds all that was asked for.
///
/// # Errors
/// Exit 2, with what it holds instead: a flag is never ignored.
pub fn check(wants: &Wants<'_>, runs: Runs<'_>) -> Result<(), Failure> {
    let engine = runs.engine;
    if let Some(named) = wants.engine.filter(|named| *named != engine.as_str()) {
        return Err(other_engine(named, runs));
    }
    let refuse = |flag: &str, why: &str| {
        Failure::usage("engine_cannot_hold", format!("the engine {} does not hold {flag}", engine.as_str())).why(why)
    };
    if wants.max_cost && !wants.has_edges && runs.path == PayPath::Subscription {
        return Err(refuse("--max-cost", "a plan is charged nothing per token, so there are no dollars to stop at")
            .fix("vk run --timeout 30m \"...\""));
    }
    if engine == EngineKind::Builtin {
        return Ok(());
    }
    if wants.images {
        return Err(
            refuse("--image", "vk hands a plan's program words only").fix("vk run --path byok --image FILE \"...\"")
        );
    }
    if wants.mcp {
        return Err(refuse("--mcp", "a plan's program runs its own loop and is given no servers by vk")
            .fix("vk run --path byok --mcp NAME \"...\""));
    }
    if wants.debug {
        return Err(refuse("--debug", "a plan's program makes its requests itself, where vk does not see them")
            .fix("vk run --output stream-json \"...\"   # what it tells"));
    }
    let contained = wants.mode != Mode::Off;
    match (engine, wants.network) {
        (_, Network::None) | (EngineKind::Claude, Network::Hosts(_)) | (EngineKind::Codex, Network::Any) => {}
        (EngineKind::Claude, _) if contained => {
            return Err(refuse("this --allow-network", "its sandbox takes hosts by name")
                .fix("vk run --allow-network=crates.io,static.crates.io \"...\""));
        }
        (EngineKind::Codex, _) if contained => {
            return Err(refuse("this --allow-network", "its sandbox takes the whole network or none")
                .fix("vk run --allow-network \"...\""));
        }
        _ => {}
    }
    if engine == EngineKind::Codex {
        if let Some(mode) = wants.approve {
            check_answers(mode)?;
        }
        if wants.max_turns {
            return Err(refuse("--max-turns", "it has no limit on its turns").fix("vk run --timeout 30m \"...\""));
        }
    }
    Ok(())
}

/// Whether codex can hold these approvals.
///
/// # Errors
/// Exit 2 where each command would have to be a question.
pub fn check_answers(mode: Approval) -> Result<(), Failure> {
    if !mode.must_ask() {
        return Ok(());
    }
    Err(Failure::usage("engine_cannot_hold", "the engine codex cannot ask before each command")
        .why("it runs commands that it knows as harmless without a question")
        .fix("vk run --approve all \"...\""))
}

fn other_engine(named: &str, runs: Runs<'_>) -> Failure {
    let (provider, own) = (runs.provider, runs.engine.as_str());
    let failure = Failure::usage("engine_of_other_payer", format!("the engine of {provider} is {own}, not {named}"));
    match (named, runs.path) {
        ("builtin", PayPath::Subscription) if provider == "claude" => failure
            .why("Anthropic lets a Claude plan pay in its own programs only")
            .fix(format!("vk run --engine {own} \"...\"")),
        ("builtin", _) => {
            failure.why("a plan pays through its own program").fix(format!("vk run --engine {own} \"...\""))
        }
        _ => failure
            .why(format!("{named} runs on its own plan and no other account"))
            .fix(format!("vk run --engine {own} \"...\""))
            .fix(format!("vk run --path subscription --provider {named} \"...\"")),
    }
}

/// The table as the README has it.
#[must_use]
pub fn markdown() -> String {
    let names: Vec<String> = ENGINES.iter().map(|engine| format!("`{}`", engine.as_str())).collect();
    let mut table = format!("| | {} |\n|---|---|---|---|\n", names.join(" | "));
    for (row, cells) in TABLE {
        let _ = writeln!(table, "| {row} | {} |", cells.join(" | "));
    }
    table
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_has_the_table_as_it_is_here() {
        let readme = include_str!("../../README.md");
        assert!(readme.contains(&super::markdown()), "README.md must contain:\n{}", super::markdown());
    }
}

//! Every tool of every family by cases that are data, through the built binary: a scripted model lays out the tree of
//! each case with its own shell, makes the calls, and lists what has become of the tree.

mod case;
mod hostile;
mod limits;
mod listing;
mod names;
mod undone;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use case::{Case, Input, load};
use listing::Listing;
use serde_json::{Value, json};

use crate::run::{ANTHROPIC, OPENAI};
use crate::support::env::{Ran, Vk};
use crate::support::provider::{Captured, Provider, Script};
use crate::support::turn::Turn;

/// Cases in one answer of the model.
const PER_ANSWER: usize = 40;

/// The shape of the tools, which follows from the wire and the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Anthropic,
    OpenAi,
    Plain,
}

impl Family {
    const fn shell(self) -> &'static str {
        if matches!(self, Self::OpenAi) { "shell" } else { "bash" }
    }

    fn stream(self, turn: &Turn) -> Script {
        Script::sse(&match self {
            Self::Anthropic => turn.anthropic(),
            Self::OpenAi => turn.responses(),
            Self::Plain => turn.chat(),
        })
    }

    /// A `vk` whose model speaks this family's wire, and the flags of a run with it.
    pub fn vk(self, provider: &Provider) -> (Vk, Vec<&'static str>) {
        match self {
            Self::Anthropic => (Vk::new().provider("anthropic", &provider.url()), ANTHROPIC.to_vec()),
            Self::OpenAi => (Vk::new().provider("openai", &format!("{}/v1", provider.url())), OPENAI.to_vec()),
            Self::Plain => {
                let config = format!(
                    "[providers.work]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"{}/v1\"\nauth = \"bearer\"\n\
                     [providers.work.prices.\"house\"]\nas = \"anthropic/claude-sonnet-5-5\"\n",
                    provider.url()
                );
                let flags = ["run", "--path", "platform", "--provider", "work", "--key", "env:WORK_KEY"];
                (Vk::new().config(&config).var("WORK_KEY", "house-key-1"), [&flags[..], &["--model", "house"]].concat())
            }
        }
    }

    /// What the model was told of each call.
    pub fn told(self, last: &Captured) -> BTreeMap<String, String> {
        let body = last.json();
        let (items, id, text): (Vec<Value>, _, _) = match self {
            Self::Anthropic => {
                let messages = body["messages"].as_array().unwrap().iter();
                let blocks = messages.flat_map(|message| message["content"].as_array().cloned().unwrap_or_default());
                (blocks.collect(), "tool_use_id", "content")
            }
            Self::OpenAi => (body["input"].as_array().unwrap().clone(), "call_id", "output"),
            Self::Plain => (body["messages"].as_array().unwrap().clone(), "tool_call_id", "content"),
        };
        let result = |item: &Value| Some((item[id].as_str()?.to_owned(), item[text].as_str()?.to_owned()));
        items.iter().filter_map(result).collect()
    }
}

/// Which calls did what they were asked, by the events of the run.
pub fn succeeded(ran: &Ran) -> BTreeMap<String, bool> {
    let finished = ran.json_lines().into_iter().filter(|event| event["type"] == "tool.finished");
    finished.map(|event| (event["call_id"].as_str().unwrap().to_owned(), event["ok"] == true)).collect()
}

/// Makes the tree of a case and nothing else, and lists it.
fn laid_out(case: &Case, number: usize, root: &str) -> String {
    let mut script = format!("cd '{root}' && chmod -R u+rwX . && find . -mindepth 1 -delete || exit 90\n");
    for (path, text) in &case.files {
        let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.map_or(".".into(), Path::to_string_lossy);
        let text = BASE64_STANDARD.encode(text);
        let _ = writeln!(script, "mkdir -p -- './{folder}' && base64 -d > './{path}' <<< '{text}' || exit 91");
    }
    let _ = writeln!(script, "{}cd '{root}'", case.setup);
    script + &listing::script("before", number, &[])
}

/// The calls of the cases, and between them those of the test: what has become of one tree, and the next one.
fn calls(family: Family, cases: &[Case], from: usize, root: &str) -> Turn {
    let mut turn = Turn::new();
    let mut script = String::new();
    for (number, case) in (from..).zip(cases) {
        script += &laid_out(case, number, root);
        turn = turn.tool(&format!("between-{number}"), family.shell(), json!({"command": script}));
        for (at, call) in case.calls.iter().enumerate() {
            let id = format!("call-{number}-{at}");
            turn = match &call.input {
                Input::Arguments(input) => turn.tool(&id, &call.tool, input.clone()),
                Input::Text(text) => turn.custom(&id, &call.tool, text),
            };
        }
        script = format!("cd '{root}'\n{}", listing::script("after", number, &case.checks));
    }
    turn.tool(&format!("end-{}", from + cases.len()), family.shell(), json!({"command": script}))
}

/// Runs the cases in one task and gives what is wrong with each.
fn wrong(family: Family, names: &[&str]) -> (usize, Vec<String>) {
    let provider = Provider::start([]);
    let (vk, flags) = family.vk(&provider);
    let root = vk.project().canonicalize().unwrap().display().to_string();
    let cases: Vec<Case> = names.iter().flat_map(|name| load(name, &root)).collect();
    for (at, some) in cases.chunks(PER_ANSWER).enumerate() {
        provider.then(family.stream(&calls(family, some, at * PER_ANSWER, &root)));
    }
    provider.then(family.stream(&Turn::say("Done.")));
    let more = ["--output", "stream-json", "--approve", "all", "--max-cost", "1000", "do them"];
    let ran = vk.run(&[&flags[..], &more].concat());
    assert_eq!(ran.code, 0, "{names:?}: {ran}");
    let told = family.told(provider.requests().last().unwrap());
    let lists = |(id, text): (&String, &String)| id.starts_with(['b', 'e']).then(|| text.clone());
    let lists: Vec<String> = told.iter().filter_map(lists).collect();
    let lists = Listing::read_all(&lists);
    let ok = succeeded(&ran);
    let judged = cases.iter().enumerate().flat_map(|(number, case)| {
        let faults = judge(case, number, &told, &ok, &lists);
        faults.into_iter().map(|fault| format!("{}\n  {fault}", case.name))
    });
    let faults = judged.collect();
    (cases.len(), faults)
}

fn judge(
    case: &Case,
    number: usize,
    told: &BTreeMap<String, String>,
    ok: &BTreeMap<String, bool>,
    lists: &BTreeMap<String, Listing>,
) -> Vec<String> {
    let mut faults = Vec::new();
    let ids: Vec<String> = (0..case.calls.len()).map(|at| format!("call-{number}-{at}")).collect();
    let last = ids.last().unwrap();
    let answer = told.get(last).map_or("", String::as_str);
    for (id, call) in ids.iter().zip(&case.calls) {
        let must_fail = id == last && !case.errors.is_empty();
        if ok[id] == must_fail && !call.may_fail {
            let how = if ok[id] { "did not fail" } else { "failed" };
            faults.push(format!("{} {how}: {}", call.tool, told[id]));
        }
    }
    let whole = case.answer.as_ref().map(|text| text.trim_end_matches('\n'));
    if whole.is_some_and(|whole| whole != answer.trim_end_matches('\n')) {
        faults.push(format!("answered {answer:?}\n  not      {:?}", whole.unwrap_or_default()));
    }
    for text in case.says.iter().chain(&case.errors).filter(|text| !answer.contains(text.as_str())) {
        faults.push(format!("{text:?} is not in the answer {answer:?}"));
    }
    for text in case.hides.iter().filter(|text| answer.contains(text.as_str())) {
        faults.push(format!("{text:?} is in the answer {answer:?}"));
    }
    match (lists.get(&format!("before {number}")), lists.get(&format!("after {number}"))) {
        (Some(before), Some(after)) => faults.extend(after.differs(case, before)),
        _ => faults.push(format!("it was not listed: {}", told[&format!("between-{number}")])),
    }
    faults
}

#[allow(clippy::print_stdout, reason = "how many cases there are is told")]
fn all_hold(family: Family, names: &[&str]) {
    let (count, faults) = wrong(family, names);
    println!("{}: {count} cases", names.join(", "));
    assert!(faults.is_empty(), "of {count} cases some are wrong:\n{}", faults.join("\n"));
}

#[test]
fn the_editor_of_the_anthropic_family() {
    all_hold(Family::Anthropic, &["editor", "view"]);
}

#[test]
fn the_shell_of_the_anthropic_family() {
    all_hold(Family::Anthropic, &["shell"]);
}

#[test]
fn patches_of_the_openai_family() {
    all_hold(Family::OpenAi, &["add", "anchors", "endings", "envelope", "moves", "update", "whitespace"]);
}

#[test]
fn what_a_patch_must_not_do() {
    all_hold(Family::OpenAi, &["refused"]);
}

#[test]
fn the_shell_of_the_openai_family() {
    all_hold(Family::OpenAi, &["script"]);
}

#[test]
fn the_functions_that_write_of_every_other_model() {
    all_hold(Family::Plain, &["plain", "edit", "write"]);
}

#[test]
fn the_functions_that_read_of_every_other_model() {
    all_hold(Family::Plain, &["read", "grep"]);
}

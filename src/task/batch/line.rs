//! The file of tasks: one JSON object a line, read whole and refused whole before anything is spent.
//!
//! A line says what is to be done and may set tighter limits for it. Who pays and what holds the commands is the
//! command's to say, once for the whole batch.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::agent::limits::parse_duration;
use crate::base::money::Usd;
use crate::base::secret::sha256_hex;
use crate::base::shell;
use crate::domain::failure::Failure;

/// Lines that are told of at once.
const TOLD: usize = 5;
const LONGEST_ID: usize = 80;

const FIELDS: [&str; 8] = ["id", "task", "model", "max_cost", "max_turns", "timeout", "checks", "check_rounds"];
/// What is the same for every task, with the flag that says it.
const OF_THE_COMMAND: [(&str, &str); 12] = [
    ("path", "--path"),
    ("provider", "--provider"),
    ("key", "--key"),
    ("engine", "--engine"),
    ("fallback", "--fallback"),
    ("approve", "--approve"),
    ("sandbox", "--sandbox"),
    ("allow_network", "--allow-network"),
    ("trust", "--trust"),
    ("worktree", "--worktree"),
    ("commit", "--commit"),
    ("pr", "--pr"),
];

/// One task as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Counted from 1.
    pub number: usize,
    pub id: String,
    pub task: String,
    /// What is asked, in one word: the task, its model and its checks. Limits are no part of it.
    pub hash: String,
    pub model: Option<String>,
    pub max_cost: Option<Usd>,
    pub max_turns: Option<u32>,
    pub timeout: Option<Duration>,
    pub checks: Option<Vec<String>>,
    pub check_rounds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    id: Option<String>,
    task: String,
    model: Option<String>,
    #[serde(borrow)]
    max_cost: Option<&'a RawValue>,
    max_turns: Option<u32>,
    timeout: Option<String>,
    checks: Option<Vec<String>>,
    check_rounds: Option<u32>,
}

/// Every task of the file. `name` is the file's, for what is said about it.
///
/// # Errors
/// Exit 2 with the lines that cannot be used, each with why; a file without any task.
pub fn read(name: &str, bytes: &[u8]) -> Result<Vec<Line>, Failure> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (mut lines, mut wrong): (Vec<Line>, Vec<(usize, String)>) = Default::default();
    for (at, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = at + 1;
        let read = std::str::from_utf8(text).map_err(|_| "it is not UTF-8 text".to_owned());
        match read.and_then(|text| one(number, text)) {
            Ok(line) => lines.extend(line),
            Err(why) => wrong.push((number, why)),
        }
    }
    wrong.extend(named(&mut lines));
    wrong.sort();
    if !wrong.is_empty() {
        return Err(refused(name, &wrong));
    }
    if lines.is_empty() {
        return Err(Failure::usage("empty_batch", format!("{name} has no task"))
            .why("it needs one JSON object a line, with a \"task\" at least")
            .fix("vk batch --help"));
    }
    Ok(lines)
}

/// Lines that cannot be used, as one failure.
#[must_use]
pub fn refused(name: &str, wrong: &[(usize, String)]) -> Failure {
    let what = match wrong {
        [_] => format!("a line of {name} cannot be used"),
        _ => format!("{} lines of {name} cannot be used", wrong.len()),
    };
    let mut why: Vec<String> = wrong.iter().take(TOLD).map(|(number, why)| format!("{name}:{number}: {why}")).collect();
    if wrong.len() > TOLD {
        why.push(format!("and {} more", wrong.len() - TOLD));
    }
    let failure = Failure::usage("bad_batch_line", what).why(why.join("\n"));
    let failure = match wrong.first() {
        Some((number, _)) if name != "-" => failure.fix(format!("sed -n {number}p {}", shell::word(name))),
        _ => failure,
    };
    failure.fix("vk batch --help   # what a line may say")
}

/// `None` for a blank line.
fn one(number: usize, text: &str) -> Result<Option<Line>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    if !text.trim_start().starts_with('{') {
        return Err("it is no JSON object, such as {\"task\": \"fix the tests\"}".to_owned());
    }
    let known: HashMap<String, &RawValue> = serde_json::from_str(text).map_err(|error| said(&error))?;
    let mut unknown: Vec<&String> = known.keys().filter(|field| !FIELDS.contains(&field.as_str())).collect();
    unknown.sort();
    if let Some(field) = unknown.first() {
        return Err(unknown_field(field));
    }
    let written: Written<'_> = serde_json::from_str(text).map_err(|error| said(&error))?;
    let task = written.task.trim().to_owned();
    if task.is_empty() {
        return Err("its task has no words".to_owned());
    }
    if let Some(id) = written.id.as_ref().filter(|id| !is_id(id)) {
        return Err(format!(
            "{} is no id: up to {LONGEST_ID} letters, digits and ._-/:#@+",
            if id.is_empty() { "nothing".to_owned() } else { format!("{id:?}") }
        ));
    }
    if written.model.as_ref().is_some_and(|model| model.trim().is_empty()) {
        return Err("its model has no name".to_owned());
    }
    if written.max_turns == Some(0) {
        return Err("max_turns is 1 at least".to_owned());
    }
    if written.checks.iter().flatten().any(|check| check.trim().is_empty()) {
        return Err("a check without a command".to_owned());
    }
    let timeout = written.timeout.as_deref().map(parse_duration).transpose().map_err(|failure| failure.message())?;
    let hash = hash(&task, written.model.as_deref(), written.checks.as_deref());
    Ok(Some(Line {
        number,
        id: written.id.unwrap_or_default(),
        task,
        hash,
        model: written.model,
        max_cost: written.max_cost.map(usd).transpose()?,
        max_turns: written.max_turns,
        timeout,
        checks: written.checks,
        check_rounds: written.check_rounds,
    }))
}

/// What the reader says, without its place on a line that is the only one.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line 1 column ") {
        Some((what, column)) => format!("{what} (column {column})"),
        None => text,
    }
}

fn unknown_field(field: &str) -> String {
    if let Some((_, flag)) = OF_THE_COMMAND.iter().find(|(name, _)| *name == field) {
        return format!("\"{field}\" is said once for the whole batch: vk batch {flag}");
    }
    let shown: String = field.chars().take(40).collect();
    let near =
        FIELDS.iter().map(|known| (strsim::jaro_winkler(known, field), known)).max_by(|a, b| a.0.total_cmp(&b.0));
    match near.filter(|(likeness, _)| *likeness > 0.8) {
        Some((_, near)) => format!("there is no field {shown:?}; did you mean \"{near}\"?"),
        None => format!("there is no field {shown:?}; a line may have {}", FIELDS.join(", ")),
    }
}

/// As text or as a number, taken by its digits either way.
fn usd(written: &RawValue) -> Result<Usd, String> {
    let text = written.get().trim_matches('"');
    text.parse::<Usd>().map_err(|error| format!("max_cost: {error}"))
}

fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:#@+".contains(&byte))
}

fn hash(task: &str, model: Option<&str>, checks: Option<&[String]>) -> String {
    let all = serde_json::to_vec(&(task, model, checks)).unwrap_or_default();
    sha256_hex(&all)[..16].to_owned()
}

/// Gives each task without a name one that stays when lines are added around it; tells of names that are used twice.
fn named(lines: &mut [Line]) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    let mut taken: HashMap<String, usize> = HashMap::new();
    for line in lines.iter().filter(|line| !line.id.is_empty()) {
        if let Some(first) = taken.get(&line.id) {
            wrong.push((line.number, format!("the id {} is that of line {first} already", line.id)));
        } else {
            taken.insert(line.id.clone(), line.number);
        }
    }
    for line in lines.iter_mut().filter(|line| line.id.is_empty()) {
        let own = &line.hash[..8];
        let mut id = own.to_owned();
        let mut count = 1;
        while taken.contains_key(&id) {
            count += 1;
            id = format!("{own}-{count}");
        }
        taken.insert(id.clone(), line.number);
        line.id = id;
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn why(text: &str) -> String {
        read("t.jsonl", text.as_bytes()).unwrap_err().why.unwrap()
    }

    #[test]
    fn a_line_is_read_with_everything_it_may_say() {
        let text = "\u{feff}{\"task\": \" fix it \"}\r\n\n{\"id\":\"a/b#1\",\"task\":\"t\",\"model\":\"best\",\
            \"max_cost\":0.1,\"max_turns\":3,\"timeout\":\"10m\",\"checks\":[\"make\"],\"check_rounds\":0}\n";
        let lines = read("t.jsonl", text.as_bytes()).unwrap();
        assert_eq!((lines[0].number, lines[0].task.as_str(), lines[0].id.as_str()), (1, "fix it", &lines[0].hash[..8]));
        let second = &lines[1];
        assert_eq!((second.number, second.id.as_str(), second.max_turns), (3, "a/b#1", Some(3)));
        assert_eq!(second.max_cost, Some(Usd::from_cents(10)), "a number is taken by its digits");
        assert_eq!((second.timeout, second.check_rounds), (Some(Duration::from_mins(10)), Some(0)));
        assert_eq!(
            read("t", b"{\"task\":\"x\",\"max_cost\":\"1.50\"}").unwrap()[0].max_cost,
            Some(Usd::from_cents(150))
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_by_its_line() {
        let text = "{\"task\":\"a\",\"id\":\"x\"}\nfix it\n{\"tsk\":\"a\"}\n{\"task\":\"a\",\"path\":\"byok\"}\n\
            {\"task\":\"b\",\"id\":\"x\"}\n{\"task\":\"\"}\n{\"task\":1}";
        let failure = read("t.jsonl", text.as_bytes()).unwrap_err();
        assert_eq!((failure.exit_code(), failure.code), (2, "bad_batch_line"));
        insta::assert_snapshot!(crate::domain::failure::Failure::message(&failure), @r#"
        6 lines of t.jsonl cannot be used:
        t.jsonl:2: it is no JSON object, such as {"task": "fix the tests"}
        t.jsonl:3: there is no field "tsk"; did you mean "task"?
        t.jsonl:4: "path" is said once for the whole batch: vk batch --path
        t.jsonl:5: the id x is that of line 1 already
        t.jsonl:6: its task has no words
        and 1 more
        "#);
        assert_eq!(failure.fix[0], "sed -n 2p t.jsonl");
    }

    #[test]
    fn what_no_task_can_be_is_refused() {
        for (text, word) in [
            (r#"{"task":"a","max_cost":-1}"#, "max_cost"),
            (r#"{"task":"a","max_cost":1e3}"#, "max_cost"),
            (r#"{"task":"a","max_cost":null,"timeout":"10"}"#, "10m"),
            (r#"{"task":"a","timeout":10}"#, "expected a string"),
            (r#"{"task":"a","max_turns":0}"#, "1 at least"),
            (r#"{"task":"a","max_turns":-3}"#, "expected u32"),
            (r#"{"task":"a","checks":"make"}"#, "expected a sequence"),
            (r#"{"task":"a","checks":[" "]}"#, "without a command"),
            (r#"{"task":"a","id":""}"#, "nothing is no id"),
            (r#"{"task":"a","id":"a b"}"#, "no id"),
            (r#"{"task":"a","model":" "}"#, "no name"),
            (r#"{"task":"a","task":"b"}"#, "duplicate field"),
            (r#"{"task":"a"} x"#, "trailing characters (column 14)"),
            (r#"["a"]"#, "no JSON object"),
            (r#"{"task":"a""#, "EOF"),
            (r#"{"task":"a","allow_network":true}"#, "vk batch --allow-network"),
        ] {
            assert!(why(text).contains(word), "{text}: {}", why(text));
        }
        assert!(read("t", b"{\"task\":\"\xff\"}").unwrap_err().why.unwrap().contains("UTF-8"));
        for empty in ["", "\n\n", "  \r\n"] {
            assert_eq!(read("t", empty.as_bytes()).unwrap_err().code, "empty_batch");
        }
    }

    #[test]
    fn a_task_keeps_its_name_when_others_come_before_it() {
        let ids = |text: &str| -> Vec<String> {
            read("t", text.as_bytes()).unwrap().into_iter().map(|line| line.id).collect()
        };
        let (a, b) = ("{\"task\":\"a\"}\n", "{\"task\":\"b\"}\n");
        assert_eq!(ids(&format!("{b}{a}"))[1], ids(a)[0]);
        let twice = ids(&format!("{a}{a}"));
        assert_eq!(twice[1], format!("{}-2", twice[0]));
        let limits = read("t", b"{\"task\":\"a\",\"max_turns\":9,\"max_cost\":1}").unwrap().remove(0).hash;
        assert_eq!(limits, read("t", a.as_bytes()).unwrap()[0].hash);
        assert_ne!(limits, read("t", b"{\"task\":\"a\",\"model\":\"best\"}").unwrap()[0].hash);
    }

    proptest! {
        /// Any bytes are read or refused, and the names of what is read differ.
        #[test]
        fn any_file_is_read_or_refused(lines in proptest::collection::vec(prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..20),
            "\\{\"task\":\"[ab]\"(,\"id\":\"[xy]\")?\\}".prop_map(String::into_bytes),
        ], 0..12)) {
            match read("t", &lines.join(&b'\n')) {
                Ok(lines) => {
                    let ids: std::collections::HashSet<&String> = lines.iter().map(|line| &line.id).collect();
                    prop_assert_eq!(ids.len(), lines.len());
                }
                Err(failure) => prop_assert_eq!(failure.exit_code(), 2),
            }
        }
    }
}

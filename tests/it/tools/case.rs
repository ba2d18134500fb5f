//! Reads the cases of `tests/fixtures/tools`; their format is in the README beside them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

/// One call of a model.
#[derive(Clone, Debug)]
pub struct Call {
    pub tool: String,
    pub input: Input,
    /// What comes of it is not looked at, unless it is the last one.
    pub may_fail: bool,
}

#[derive(Clone, Debug)]
pub enum Input {
    Arguments(Value),
    /// The text of a freeform tool.
    Text(String),
}

/// A tree, what a model does to it, and what must have come of that.
#[derive(Clone, Debug, Default)]
pub struct Case {
    pub name: String,
    pub files: BTreeMap<String, String>,
    /// Commands that make what no text file is.
    pub setup: String,
    pub calls: Vec<Call>,
    /// The files afterwards; `None` where nothing may have changed.
    pub expect: Option<BTreeMap<String, String>>,
    /// The last answer, whole.
    pub answer: Option<String>,
    pub says: Vec<String>,
    pub hides: Vec<String>,
    /// The last call must have failed, with all of this in its answer.
    pub errors: Vec<String>,
    /// Commands that must succeed afterwards.
    pub checks: Vec<String>,
}

/// The cases of one file; `root` is put wherever one says `$ROOT`.
pub fn load(name: &str, root: &str) -> Vec<Case> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tools").join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut cases: Vec<Case> = Vec::new();
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("=== ") {
            sections.push(("===".to_owned(), format!("{name}: {title}")));
        } else if let Some(head) = line.strip_prefix("--- ") {
            sections.push((head.to_owned(), String::new()));
        } else if let Some((_, body)) = sections.last_mut() {
            *body += line;
            body.push('\n');
        }
    }
    for (head, body) in sections {
        if head == "===" {
            cases.push(Case { name: body.trim_end().to_owned(), ..Case::default() });
            continue;
        }
        let case = cases.last_mut().expect("a section belongs to a case");
        case.section(&head, &body, root);
    }
    for case in &cases {
        assert!(!case.calls.is_empty(), "{}: nothing is called", case.name);
    }
    cases
}

impl Case {
    fn section(&mut self, head: &str, body: &str, root: &str) {
        let (kind, argument) = head.split_once(' ').unwrap_or((head, ""));
        let argument = plain(argument).replace("$ROOT", root);
        let body = plain(body);
        let call = |may_fail| Call {
            tool: argument.clone(),
            input: Input::Arguments(
                serde_json::from_str(&body.replace("$ROOT", root))
                    .unwrap_or_else(|error| panic!("{}: {error}: {body}", self.name)),
            ),
            may_fail,
        };
        match kind {
            "file" => drop(self.files.insert(argument, body)),
            "setup" => self.setup += &body,
            "call" => self.calls.push(call(false)),
            "try" => self.calls.push(call(true)),
            "patch" => {
                let input = Input::Text(body.replace("$ROOT", root));
                self.calls.push(Call { tool: "apply_patch".into(), input, may_fail: false });
            }
            "expect" => {
                let expected = self.expect.get_or_insert_default();
                if !argument.is_empty() {
                    expected.insert(argument, body);
                }
            }
            "answer" => self.answer = Some(body.replace("$ROOT", root)),
            "says" => self.says.push(argument),
            "hides" => self.hides.push(argument),
            "error" => self.errors.push(argument),
            "check" => self.checks.push(argument),
            other => panic!("{}: what is {other}?", self.name),
        }
    }
}

/// The characters that the signs of the format stand for.
fn plain(text: &str) -> String {
    let signs = [('␍', "\r"), ('␠', " "), ('␉', "\t"), ('␀', "\0"), ('‑', "-"), ('␛', "\u{1b}"), ('⏎', "\n")];
    let mut text = signs.iter().fold(text.to_owned(), |text, (sign, meant)| text.replace(*sign, meant));
    while let Some((before, rest)) = text.split_once('⟦') {
        let (repeated, after) = rest.split_once('⟧').expect("a closing ⟧");
        let (piece, times) = repeated.rsplit_once('×').expect("⟦TEXT×TIMES⟧");
        text = format!("{before}{}{after}", piece.repeat(times.parse().expect("a number")));
    }
    text.strip_suffix("∅\n").map(str::to_owned).unwrap_or(text)
}

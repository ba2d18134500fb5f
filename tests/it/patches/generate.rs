//! Random trees and patches for them, with the liberties that models take: little context, wrong white space,
//! typographic quotes, `@@` lines that name a function, hunks at the end of the file, padded markers, heredocs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::support::random::Random;

/// A folder of files and a patch for it.
pub struct Case {
    pub folder: String,
    /// With their folder.
    pub files: BTreeMap<String, String>,
    pub patch: String,
}

/// Few enough to be repeated within a file, so that places are ambiguous.
const LINES: &[&str] = &[
    "fn one() {",
    "fn two() {",
    "    let a = 1;",
    "    let b = \"it\u{2019}s \u{2014} b\";",
    "    call(a, b);",
    "\tindented by a tab",
    "}",
    "",
    "",
    "  ",
    "// comment",
    "- a list item",
    "+ a sum",
    "@@ not a marker",
    "間に漢字",
    "trailing  ",
];

const NEW: &[&str] = &["    let c = 3;", "new line", "", "\tnew by a tab", "    // caf\u{e9}", "*** not a header", "}"];

impl Case {
    pub fn make(number: usize, random: &mut Random) -> Self {
        let folder = format!("c{number}");
        let mut files = BTreeMap::new();
        let mut body = String::new();
        for name in ["a.rs", "b/c.txt", "d"].iter().take(1 + random.below(3)) {
            let path = format!("{folder}/{name}");
            let lines: Vec<&str> = (0..=random.below(14)).map(|_| random.pick(LINES)).collect();
            let ending = if random.once_in(6) { "\r\n" } else { "\n" };
            let mut text = lines.join(ending);
            let is_ended = !random.once_in(5);
            if is_ended {
                text.push_str(ending);
            }
            // Models see an empty last line where the file ends with a newline. It is none, and a hunk of nothing
            // else is put at the top of the file by codex; vk refuses it.
            let no_line = (!is_ended && lines.last() == Some(&"")).then(|| lines.len() - 1);
            match random.below(12) {
                0 => {
                    let _ = writeln!(body, "*** Delete File: {path}");
                }
                kind => {
                    let _ = writeln!(body, "*** Update File: {path}{}", if random.once_in(10) { "  " } else { "" });
                    if kind == 1 {
                        let _ = writeln!(body, "*** Move to: {folder}/moved/{name}");
                    }
                    body.push_str(&update(&lines, no_line, random));
                }
            }
            files.insert(path, text);
        }
        if random.once_in(3) {
            let _ = writeln!(body, "*** Add File: {folder}/new/{number}.txt");
            for _ in 0..=random.below(4) {
                let _ = writeln!(body, "+{}", random.pick(NEW));
            }
        }
        Self { folder, files, patch: wrapped(&body, random) }
    }
}

fn wrapped(body: &str, random: &mut Random) -> String {
    let pad = if random.once_in(8) { " " } else { "" };
    let patch = format!("*** Begin Patch{pad}\n{body}*** End Patch{pad}");
    match random.below(12) {
        0 => format!("<<'EOF'\n{patch}\nEOF"),
        1 => format!("\n{patch}\n\n"),
        _ => patch,
    }
}

/// One to three hunks in the file's order, each with some context.
fn update(lines: &[&str], no_line: Option<usize>, random: &mut Random) -> String {
    let mut body = String::new();
    let mut from = 0;
    for number in 0..=random.below(3) {
        if from >= lines.len() {
            break;
        }
        let start = from + random.below(lines.len() - from);
        let removed = random.below(3).min(lines.len() - start);
        let before = random.below(4).min(start - from);
        let after = random.below(4).min(lines.len() - start - removed);
        if no_line == Some(start - before) {
            break;
        }
        body.push_str(&opening(lines, start - before, number == 0, random));
        for line in &lines[start - before..start] {
            let _ = writeln!(body, " {}", mistaken(line, random));
        }
        for line in &lines[start..start + removed] {
            let _ = writeln!(body, "-{}", mistaken(line, random));
        }
        for _ in 0..random.below(3) + usize::from(removed == 0) {
            let _ = writeln!(body, "+{}", random.pick(NEW));
        }
        for line in &lines[start + removed..start + removed + after] {
            let _ = writeln!(body, " {}", mistaken(line, random));
        }
        from = start + removed + after;
        if from == lines.len() && random.once_in(3) {
            body.push_str("*** End of File\n");
        }
    }
    body
}

/// How a hunk begins: bare, with a line above it, or, where it is the first, not at all.
fn opening(lines: &[&str], at: usize, is_first: bool, random: &mut Random) -> String {
    match random.below(6) {
        0 if is_first => String::new(),
        1 | 2 if at > 0 => format!("@@ {}\n", mistaken(lines[random.below(at)], random)),
        _ => "@@\n".to_owned(),
    }
}

/// A line as a model may remember it.
fn mistaken(line: &str, random: &mut Random) -> String {
    match random.below(14) {
        0 => line.trim_end().to_owned(),
        1 => line.trim().to_owned(),
        2 => format!("{line} "),
        3 => line.replace('\u{2019}', "'").replace('\u{2014}', "-"),
        4 => line.replace("    ", "\t"),
        _ => line.to_owned(),
    }
}

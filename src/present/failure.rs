//! What went wrong, why, and the commands that fix it: one shape for every error of every command.

use std::io::{self, Write as _};

use super::escape::escape;
use super::json;
use super::table::fold;
use super::terminal::Mode;
use crate::base::mask::mask;
use crate::domain::event::Event;
use crate::domain::failure::Failure;
use crate::task::batch;

/// What a remedy begins with that is said in words: all others are commands and settings, which stay on one line so
/// that they can be pasted.
const IN_WORDS: [&str; 9] = ["add ", "cd into ", "give ", "leave ", "name ", "put ", "remove ", "wait ", "free "];

/// The text of a failure, as it stands on stderr. `width` is the terminal's, if it is one.
#[must_use]
pub fn text(failure: &Failure, width: Option<usize>) -> String {
    let mut shown = String::new();
    section(&mut shown, "error", std::slice::from_ref(&failure.what), |_| width);
    if let Some(why) = &failure.why {
        section(&mut shown, "  why", std::slice::from_ref(why), |_| width);
    }
    let in_words = |line: &str| IN_WORDS.iter().any(|words| line.starts_with(words));
    section(&mut shown, "  fix", &failure.fix, |line| width.filter(|_| in_words(line)));
    shown
}

/// A label, and each text on lines of its own beside it. Texts may hold a provider's words, and what was typed in the
/// wrong place: they are escaped, and keys are hidden.
fn section(shown: &mut String, label: &str, texts: &[String], width: impl Fn(&str) -> Option<usize>) {
    let mut first = true;
    let next = " ".repeat(label.chars().count() + 2);
    for line in texts.iter().flat_map(|text| text.trim_end().split('\n')) {
        let line = mask(line.trim_end_matches('\r'));
        let line = escape(&line);
        let begin = if first { format!("{label}: ") } else { next.clone() };
        shown.push_str(&fold(&line, width(&line), &begin, &next));
        first = false;
    }
}

/// What the last line of a command's JSON is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// `task.finished`
    WithTask,
    /// `batch.finished`
    WithBatch,
}

/// Tells of a failure where no task's view stands: text on stderr, and in the JSON modes the last line on stdout,
/// so that each exit ends with it.
pub fn print(failure: &Failure, mode: Mode, ends: Ends) {
    if mode != Mode::Text {
        let end = match ends {
            Ends::WithTask => json::finished_from_failure(failure),
            Ends::WithBatch => Event::BatchFinished(Box::new(batch::refused(failure.clone()))),
        };
        let line = json::line(&end, crate::base::clock::now());
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
    let width = console::Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
    let _ = io::stderr().lock().write_all(text(failure, width).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_why_and_what_to_type() {
        let failure = Failure::usage("key_rejected", "anthropic does not accept the key client-a")
            .why("HTTP 401: \x1b[31minvalid x-api-key\nrequest req_01")
            .fix("vk keys test client-a")
            .fix("vk keys add anthropic --label client-a");
        insta::assert_snapshot!(text(&failure, None), @r"
        error: anthropic does not accept the key client-a
          why: HTTP 401: \x1b[31minvalid x-api-key
               request req_01
          fix: vk keys test client-a
               vk keys add anthropic --label client-a
        ");
        insta::assert_snapshot!(text(&Failure::usage("x", "no task was given"), None), @"error: no task was given");
    }

    #[test]
    fn words_are_broken_and_commands_are_not() {
        let failure = Failure::usage("unknown_model", "no provider here has a model of that name")
            .why("the catalog of this provider has others")
            .fix("vk run --path byok --provider anthropic --model sonnet")
            .fix("put it in a file of the project and name the file in the task");
        insta::assert_snapshot!(text(&failure, Some(40)), @"
        error: no provider here has a model of
               that name
          why: the catalog of this provider has
               others
          fix: vk run --path byok --provider anthropic --model sonnet
               put it in a file of the project
               and name the file in the task
        ");
    }
}

//! What went wrong, why, and the commands that fix it: one shape for every error of every command.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use super::escape::escape;
use super::json;
use super::terminal::Mode;
use crate::base::mask::mask;
use crate::domain::failure::Failure;

/// The text of a failure, as it stands on stderr.
#[must_use]
pub fn text(failure: &Failure) -> String {
    let mut shown = String::new();
    section(&mut shown, "error", std::slice::from_ref(&failure.what));
    if let Some(why) = &failure.why {
        section(&mut shown, "  why", std::slice::from_ref(why));
    }
    section(&mut shown, "  fix", &failure.fix);
    shown
}

/// A label, and each text on lines of its own beside it. Texts may hold a provider's words, and what was typed in the
/// wrong place: they are escaped, and keys are hidden.
fn section(shown: &mut String, label: &str, texts: &[String]) {
    let mut first = true;
    for line in texts.iter().flat_map(|text| text.trim_end().split('\n')) {
        let line = mask(line.trim_end_matches('\r'));
        let line = escape(&line);
        if first {
            let _ = writeln!(shown, "{label}: {line}");
        } else {
            let _ = writeln!(shown, "{:width$}{line}", "", width = label.chars().count() + 2);
        }
        first = false;
    }
}

/// Tells of a failure where no task's view stands: text on stderr, and in the JSON modes `task.finished` on stdout,
/// so that each exit ends with it.
pub fn print(failure: &Failure, mode: Mode) {
    if mode != Mode::Text {
        let line = json::line(&json::finished_from_failure(failure), crate::base::clock::now());
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
    let _ = io::stderr().lock().write_all(text(failure).as_bytes());
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
        insta::assert_snapshot!(text(&failure), @r"
        error: anthropic does not accept the key client-a
          why: HTTP 401: \x1b[31minvalid x-api-key
               request req_01
          fix: vk keys test client-a
               vk keys add anthropic --label client-a
        ");
        insta::assert_snapshot!(text(&Failure::usage("x", "no task was given")), @"error: no task was given");
    }
}

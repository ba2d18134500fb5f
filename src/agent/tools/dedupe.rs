//! A result that stands word for word in the context already is sent as a reference to it. Never an error, never
//! anything short, and never across a compaction, after which the earlier text is gone.

use sha2::{Digest as _, Sha256};

use crate::domain::message::ToolResult;

/// Results shorter than this are sent as they are, in bytes.
pub const WORTH_FOLDING: usize = 1024;
/// Most of a first or last line that is repeated, in characters.
const LINE: usize = 200;

/// The long results that are verbatim in the context.
#[derive(Debug, Default)]
pub struct History {
    calls: u32,
    verbatim: Vec<Seen>,
}

#[derive(Debug)]
struct Seen {
    hash: [u8; 32],
    call: u32,
    summary: String,
}

impl History {
    /// Counts a call and gives what to send for it: the result itself, or a line that says which earlier call of
    /// this context gave exactly the same. `summary` names the call for the model.
    pub fn fold(&mut self, summary: &str, mut result: ToolResult) -> ToolResult {
        self.calls += 1;
        if result.is_error || result.content.len() < WORTH_FOLDING {
            return result;
        }
        let hash: [u8; 32] = Sha256::digest(result.content.as_bytes()).into();
        if let Some(seen) = self.verbatim.iter().find(|seen| seen.hash == hash) {
            result.content = reference(seen, self.calls, &result.content);
        } else {
            self.verbatim.push(Seen { hash, call: self.calls, summary: summary.to_owned() });
        }
        result
    }

    /// To be called when the context is compacted: nothing is verbatim any more. The numbers go on.
    pub fn reset(&mut self) {
        self.verbatim.clear();
    }
}

fn reference(seen: &Seen, now: u32, content: &str) -> String {
    let mut lines = content.lines();
    let first = cut(lines.next().unwrap_or_default());
    let last = cut(lines.next_back().unwrap_or_default());
    let back = match now - seen.call {
        1 => "the call before this".to_owned(),
        n => format!("{n} calls ago"),
    };
    format!(
        "[same output as call {} (`{}`, {back}), {} lines]\nfirst: {first}\nlast: {last}",
        seen.call,
        seen.summary,
        content.lines().count()
    )
}

fn cut(line: &str) -> String {
    let mut short: String = line.chars().take(LINE).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(content: &str, is_error: bool) -> ToolResult {
        ToolResult { call_id: "c".into(), content: content.into(), is_error }
    }

    #[test]
    fn a_long_result_is_sent_once() {
        let text = format!("one\n{}\nend", "line\n".repeat(400));
        let mut history = History::default();
        assert_eq!(history.fold("bash ls", result(&text, false)).content, text);
        history.fold("bash true", result("", false));
        let again = history.fold("bash ls", result(&text, false));
        insta::assert_snapshot!(again.content, @r"
        [same output as call 1 (`bash ls`, 2 calls ago), 403 lines]
        first: one
        last: end
        ");
        let once_more = history.fold("bash ls", result(&text, false));
        assert!(once_more.content.starts_with("[same output as call 1 "), "never a reference to a reference");
        history.reset();
        assert_eq!(history.fold("bash ls", result(&text, false)).content, text);
    }

    #[test]
    fn errors_and_short_results_are_sent_whole() {
        let (short, long) = ("x".repeat(WORTH_FOLDING - 1), "x".repeat(WORTH_FOLDING));
        let mut history = History::default();
        for _ in 0..3 {
            assert_eq!(history.fold("s", result(&short, false)).content, short);
            assert_eq!(history.fold("s", result(&long, true)).content, long);
        }
        assert_eq!(history.fold("s", result(&long, false)).content, long, "an error is not a verbatim result");
    }
}

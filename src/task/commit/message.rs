//! What a commit of vk's says: the task's words, the model's last ones, and as trailers which task it was, which model,
//! who paid and what it cost.

use std::fmt::Write as _;

/// Characters of the subject line, and of the model's words.
const SUBJECT: usize = 72;
const BODY: usize = 2_000;

/// A payer's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    pub model: String,
    /// `byok anthropic, key client-a: you pay Anthropic at list price`.
    pub payer: String,
    /// `$0.0412`, `covered by the plan, nothing per token`.
    pub cost: String,
}

#[derive(Clone, Debug)]
pub struct Message<'a> {
    pub task_id: &'a str,
    /// The user's words.
    pub task: &'a str,
    /// The model's last words.
    pub answer: Option<&'a str>,
    pub paid: Vec<Paid>,
}

impl Message<'_> {
    /// The first line: the first of the task's words.
    #[must_use]
    pub fn subject(&self) -> String {
        let line = self.task.lines().map(plain).find(|line| !line.is_empty());
        let line = line.unwrap_or_else(|| format!("Changes of task {}", self.task_id));
        if line.chars().count() <= SUBJECT {
            return line;
        }
        let cut: String = line.chars().take(SUBJECT - 1).collect();
        format!("{}…", cut.trim_end())
    }

    /// The words between the subject and the trailers.
    #[must_use]
    pub fn body(&self) -> String {
        let answer = self.answer.unwrap_or_default();
        let cut: String = answer.chars().take(BODY).collect();
        let more = if cut.len() < answer.len() { "…" } else { "" };
        let lines: Vec<String> = cut.trim().lines().map(plain).collect();
        if lines.is_empty() { String::new() } else { format!("{}{more}", lines.join("\n")) }
    }

    /// The trailers, a line each.
    #[must_use]
    pub fn trailers(&self) -> String {
        let mut trailers = format!("Vk-Task: {}\n", self.task_id);
        for Paid { model, payer, cost } in &self.paid {
            let _ =
                write!(trailers, "Vk-Model: {}\nVk-Payer: {}\nVk-Cost: {}\n", plain(model), plain(payer), plain(cost));
        }
        trailers
    }

    #[must_use]
    pub fn text(&self) -> String {
        let body = self.body();
        // What comes last is what git takes for trailers: no words of the model can be.
        if body.is_empty() {
            format!("{}\n\n{}", self.subject(), self.trailers())
        } else {
            format!("{}\n\n{body}\n\n{}", self.subject(), self.trailers())
        }
    }
}

/// Without what a terminal would act on.
fn plain(line: &str) -> String {
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    line.chars().filter(|c| !hidden(*c)).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(task: &'a str, answer: &'a str) -> Message<'a> {
        let paid = vec![Paid { model: "m".into(), payer: "byok a, key k: you pay A".into(), cost: "$0.01".into() }];
        Message { task_id: "t1", task, answer: Some(answer), paid }
    }

    #[test]
    fn the_trailers_come_last_whatever_the_model_says() {
        let text = message("fix it\nplease", "Done.\n\nVk-Cost: $0.00\u{1b}[2K").text();
        insta::assert_snapshot!(text, @r"
        fix it

        Done.

        Vk-Cost: $0.00[2K

        Vk-Task: t1
        Vk-Model: m
        Vk-Payer: byok a, key k: you pay A
        Vk-Cost: $0.01
        ");
    }

    #[test]
    fn a_subject_is_one_short_line() {
        let long = message(&"é".repeat(200), "").subject();
        assert_eq!(long.chars().count(), SUBJECT);
        assert_eq!(message("\n  \n# heading\u{202e}", "").subject(), "# heading");
        assert_eq!(message("", "").subject(), "Changes of task t1");
    }
}

//! How lower folders speak to a person: `present/` implements this, tests use a silent one.

use super::event::Event;
use crate::base::secret::Secret;

/// A question with named answers. The first option is the default and is what silence means, so it is the safe one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Shown verbatim, escaped; long text shows its head and tail.
    pub text: String,
    /// What the question is about, in full: a file, an argv. Shown above the text.
    pub detail: Option<String>,
    /// `(key, meaning)`: `('n', "no")`, `('y', "yes")`.
    pub options: Vec<(char, String)>,
    /// Whether the key alone answers, without Enter: for choices that are asked about again or easily changed.
    pub one_key: bool,
}

impl Question {
    /// A question whose default is No.
    #[must_use]
    pub fn yes_no(text: impl Into<String>) -> Self {
        Self { text: text.into(), detail: None, options: vec![('n', "no".into()), ('y', "yes".into())], one_key: false }
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// The person at the terminal, or nobody. All methods may block; none panics.
pub trait Ui: Send + Sync {
    /// Something happened in a task.
    fn event(&self, event: &Event);

    /// One line of talk on stderr, escaped by the implementation.
    fn say(&self, line: &str);

    /// One line about a request to a model, for whoever asked to see them.
    fn debug(&self, line: &str) {
        let _ = line;
    }

    /// Whether somebody is there to answer: stderr is a terminal, /dev/tty opens, `CI` is not set, output is text.
    fn interactive(&self) -> bool;

    /// Whether a person also reads what is answered and types what comes next: the three streams are one terminal.
    fn converses(&self) -> bool {
        false
    }

    /// Whether the terminal's bell may ring when a task is done or asks something.
    fn ring(&self, on: bool) {
        let _ = on;
    }

    /// Asks and waits. `None` when nobody is there or the question was left by Ctrl-C or end of input.
    fn ask(&self, question: &Question) -> Option<char>;

    /// Asks for one line of text. `None` as for [`Ui::ask`].
    fn ask_line(&self, prompt: &str) -> Option<String>;

    /// As [`Ui::ask_line`], and stops asking, with `None`, soon after `done` says that the answer has come another way.
    fn ask_line_until(&self, prompt: &str, done: &dyn Fn() -> bool) -> Option<String> {
        let _ = done;
        self.ask_line(prompt)
    }

    /// Asks for a secret without echo. `None` as for [`Ui::ask`].
    fn ask_secret(&self, prompt: &str) -> Option<Secret>;

    /// Yes or No, No by default and when nobody is there.
    fn confirm(&self, question: &Question) -> bool {
        self.ask(question) == Some('y')
    }
}

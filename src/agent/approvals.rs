//! What a person is asked before a tool acts. There is no list of safe commands: under `ask` every write and every
//! command is a question, and what is not asked is held by the sandbox.

use std::sync::Arc;

use super::cancel::{Cancel, Signal};
use crate::domain::ui::{Question, Ui};

/// What is asked about; reaching out of the sandbox is asked in every mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each write and each command.
    Ask,
    /// Each command.
    Edits,
    /// Nothing inside the sandbox.
    All,
}

impl Mode {
    /// Whether a person must be there: headless, such a mode is refused before anything is sent (exit 7).
    #[must_use]
    pub const fn must_ask(self) -> bool {
        matches!(self, Self::Ask | Self::Edits)
    }
}

/// An answer, for the model's ears where it is no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Command,
    Write,
    /// Calls of one MCP server.
    Server(String),
}

/// The answers of one task. "Always" holds for its kind and ends with the task.
pub struct Approvals {
    mode: Mode,
    ui: Arc<dyn Ui>,
    cancel: Cancel,
    always: Vec<Kind>,
    /// Who asked for which host.
    hosts_refused: Vec<(String, String)>,
    refused: Vec<String>,
}

impl Approvals {
    #[must_use]
    pub fn new(mode: Mode, ui: Arc<dyn Ui>) -> Self {
        Self { mode, ui, cancel: Cancel::default(), always: Vec::new(), hosts_refused: Vec::new(), refused: Vec::new() }
    }

    /// What Ctrl-C at a question ends.
    #[must_use]
    pub fn of_task(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }

    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Everything that was not allowed, with who did not allow it, in order and once each: `task.finished` names it.
    #[must_use]
    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    /// Records that a path outside of what the task may reach was refused, without a question.
    pub fn refuse_path(&mut self, path: &str) {
        self.record(&format!("path: {path}"), "outside of what this task may reach");
    }

    /// Tells people something that is no question.
    pub fn note(&self, line: &str) {
        self.ui.say(line);
    }

    /// Someone who leaves a question leaves the task: that is told as the task's end.
    fn refuse(&mut self, what: &str, reply: Option<char>) {
        if reply.is_some() {
            self.record(what, "you said no");
        } else if !self.ui.interactive() {
            self.record(what, "nobody was there to answer");
        }
    }

    fn record(&mut self, what: &str, who: &str) {
        let line = format!("{what} ({who})");
        if !self.refused.contains(&line) {
            self.refused.push(line);
        }
    }

    /// `script` is shown verbatim.
    pub async fn command(&mut self, script: &str) -> Answer {
        if self.mode == Mode::All {
            return Answer::Yes;
        }
        self.ask(Kind::Command, "Run this command?", "every command of this task", script, "command").await
    }

    /// `paths` names what is written for people, `patch` is the change in full.
    pub async fn write(&mut self, paths: &str, patch: &str) -> Answer {
        if self.mode != Mode::Ask {
            return Answer::Yes;
        }
        self.ask(Kind::Write, &format!("Write {paths}?"), "every write of this task", patch, "write").await
    }

    /// A call of an MCP server's tool counts as a command. `call` is the tool and its arguments, shown verbatim.
    pub async fn mcp(&mut self, server: &str, call: &str) -> Answer {
        if self.mode == Mode::All {
            return Answer::Yes;
        }
        let text = format!("Make this call of the MCP server {server}?");
        let always = format!("every call of {server} in this task");
        self.ask(Kind::Server(server.to_owned()), &text, &always, call, "call").await
    }

    /// Asks, naming the host, whether commands may reach it from now on. A host that was refused is not asked again.
    pub async fn network(&mut self, host: &str) -> Answer {
        self.reach("this task's commands", host).await
    }

    /// The same of an MCP server.
    pub async fn network_of(&mut self, server: &str, host: &str) -> Answer {
        self.reach(&format!("the MCP server {server}"), host).await
    }

    async fn reach(&mut self, who: &str, host: &str) -> Answer {
        let asked = (who.to_owned(), host.to_owned());
        if self.hosts_refused.contains(&asked) {
            return Answer::No(format!("the network is off for {host}"));
        }
        let question = Question::yes_no(format!("Let {who} reach {host}?"));
        match self.put(question).await {
            Some('y') => Answer::Yes,
            reply => {
                self.hosts_refused.push(asked);
                self.refuse(&format!("network: {host}"), reply);
                Answer::No(match reply {
                    Some(_) => format!("the user said no to {host}"),
                    None => format!("the network is off for {host} and nobody is there to allow it"),
                })
            }
        }
    }

    /// Asks whether something may be done outside of the sandbox: in every mode, and each time.
    pub async fn outside(&mut self, what: &str) -> Answer {
        let question = Question::yes_no("Do this outside of the sandbox?").detail(what);
        match self.put(question).await {
            Some('y') => Answer::Yes,
            reply => {
                self.refuse(&format!("outside of the sandbox: {}", what.lines().next().unwrap_or_default()), reply);
                Answer::No("not outside of the sandbox".to_owned())
            }
        }
    }

    async fn ask(&mut self, kind: Kind, text: &str, always: &str, detail: &str, word: &str) -> Answer {
        if self.always.contains(&kind) {
            return Answer::Yes;
        }
        let options = vec![('n', "no".into()), ('y', "yes".into()), ('a', format!("yes, and {always}"))];
        let question = Question { text: text.to_owned(), detail: Some(detail.to_owned()), options, one_key: false };
        match self.put(question).await {
            Some('y') => Answer::Yes,
            Some('a') => {
                self.always.push(kind);
                Answer::Yes
            }
            reply => {
                self.refuse(&format!("{word}: {}", detail.lines().next().unwrap_or_default()), reply);
                Answer::No(match reply {
                    Some(_) => format!("the user said no to this {word}"),
                    None => format!("this {word} needs an approval and nobody is there to give it"),
                })
            }
        }
    }

    /// Asks on a thread of its own, so that leases are renewed and signals are heard while a person thinks. Someone
    /// who leaves the question without an answer, by Ctrl-C or by going away, leaves the task.
    async fn put(&self, question: Question) -> Option<char> {
        if !self.ui.interactive() {
            return None;
        }
        let ui = Arc::clone(&self.ui);
        let reply = tokio::task::spawn_blocking(move || ui.ask(&question)).await.ok().flatten();
        if reply.is_none() {
            self.cancel.send(Signal::Interrupt);
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::domain::event::Event;
    use std::sync::Mutex;

    /// Answers from a list and keeps what it was asked; an empty list is nobody.
    struct Scripted {
        answers: Mutex<Vec<Option<char>>>,
        asked: Mutex<Vec<Question>>,
        interactive: bool,
    }

    impl Scripted {
        fn new(answers: &[Option<char>], interactive: bool) -> Arc<Self> {
            let answers = Mutex::new(answers.iter().rev().copied().collect());
            Arc::new(Self { answers, asked: Mutex::new(Vec::new()), interactive })
        }

        fn asked(&self) -> Vec<Question> {
            self.asked.lock().unwrap().clone()
        }
    }

    impl Ui for Scripted {
        fn event(&self, _: &Event) {}
        fn say(&self, _: &str) {}
        fn interactive(&self) -> bool {
            self.interactive
        }
        fn ask(&self, question: &Question) -> Option<char> {
            self.asked.lock().unwrap().push(question.clone());
            self.answers.lock().unwrap().pop().flatten()
        }
        fn ask_line(&self, _: &str) -> Option<String> {
            None
        }
        fn ask_secret(&self, _: &str) -> Option<Secret> {
            None
        }
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn each_mode_asks_what_it_says() {
        for (mode, asked) in [(Mode::Ask, 2), (Mode::Edits, 1), (Mode::All, 0)] {
            let ui = Scripted::new(&[Some('y'), Some('y')], true);
            let mut approvals = Approvals::new(mode, ui.clone());
            assert_eq!(block_on(approvals.command("ls")), Answer::Yes);
            assert_eq!(block_on(approvals.write("a", "+x")), Answer::Yes);
            assert_eq!(ui.asked().len(), asked, "{mode:?}");
        }
    }

    #[test]
    fn the_default_is_no_and_the_whole_text_is_shown() {
        let ui = Scripted::new(&[Some('n'), None, Some('y')], true);
        let cancel = Cancel::default();
        let mut approvals = Approvals::new(Mode::Ask, ui.clone()).of_task(&cancel);
        let script = "echo ok\nrm -rf \u{1b}[2K/";
        assert!(matches!(block_on(approvals.command(script)), Answer::No(why) if why.contains("the user said no")));
        assert_eq!(cancel.signal(), None, "no is an answer");
        assert!(matches!(block_on(approvals.command(script)), Answer::No(_)), "a question left is a no");
        assert_eq!(cancel.signal(), Some(Signal::Interrupt), "and ends the task");
        assert_eq!(block_on(approvals.command(script)), Answer::Yes);
        let question = &ui.asked()[0];
        assert_eq!(question.options[0].0, 'n');
        assert_eq!(question.detail.as_deref(), Some(script));
    }

    #[test]
    fn always_holds_for_its_kind_only() {
        let ui = Scripted::new(&[Some('a'), Some('n')], true);
        let mut approvals = Approvals::new(Mode::Ask, ui.clone());
        for _ in 0..3 {
            assert_eq!(block_on(approvals.command("ls")), Answer::Yes);
        }
        assert!(matches!(block_on(approvals.write("a", "+x")), Answer::No(_)));
        assert_eq!(ui.asked().len(), 2);
    }

    #[test]
    fn a_host_is_named_and_asked_once() {
        let ui = Scripted::new(&[Some('n'), Some('y')], true);
        let mut approvals = Approvals::new(Mode::All, ui.clone());
        assert!(matches!(block_on(approvals.network("evil.example")), Answer::No(_)));
        assert!(matches!(block_on(approvals.network("evil.example")), Answer::No(_)));
        assert_eq!(block_on(approvals.network("crates.io")), Answer::Yes);
        assert_eq!(ui.asked().len(), 2);
        assert!(ui.asked()[0].text.contains("evil.example"));
        assert_eq!(approvals.refused(), ["network: evil.example (you said no)"]);
    }

    #[test]
    fn nobody_there_is_no_without_a_question() {
        let ui = Scripted::new(&[Some('y')], false);
        let mut approvals = Approvals::new(Mode::Ask, ui.clone());
        assert!(matches!(block_on(approvals.command("make\nall")), Answer::No(why) if why.contains("nobody")));
        assert!(matches!(block_on(approvals.network("a.b")), Answer::No(_)));
        assert!(ui.asked().is_empty());
        assert_eq!(
            approvals.refused(),
            ["command: make (nobody was there to answer)", "network: a.b (nobody was there to answer)"]
        );
    }
}

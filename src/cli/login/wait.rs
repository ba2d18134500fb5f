//! Waiting for the one who logs in: the browser's callback or what the person pastes, whichever comes first.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use super::super::context::Context;
use super::super::run::listen;
use super::browser;
use crate::agent::cancel::{Cancel, Signal};
use crate::credential::login::callback::Answer;
use crate::credential::login::{Code, Expected, Listener, pasted};
use crate::domain::failure::{Failure, Status};

/// From the page being shown to its answer. A port is not held open longer.
const PATIENCE: Duration = Duration::from_mins(5);

/// A page that was made for one login, and the port that its answer comes to.
pub(super) struct Page<'a> {
    /// As `vk login` names it.
    pub service: &'a str,
    pub address: &'a str,
    pub listener: Listener,
    pub expected: &'a Expected,
    /// The project, whose own programs open nothing.
    pub tree: &'a Path,
    /// What stores a credential without a browser.
    pub otherwise: &'a str,
}

/// Shows the page and waits for its code.
///
/// # Errors
/// Exit 3 where nobody is there to log in, the service said no or nothing came in time; 130 and 143.
pub(super) async fn code(context: &Context, page: Page<'_>) -> Result<Code, Failure> {
    let ui = &context.ui;
    let attended = ui.interactive();
    let opened = !context.env.flag("CI") && browser::open(&context.env, page.address, Some(page.tree)).await;
    if !attended && !opened {
        return Err(Failure::new(
            Status::NoCredential,
            "nobody_here",
            "nobody is here to log in, and no browser opens",
        )
        .why("a login needs a person at a terminal")
        .fix(page.otherwise));
    }
    ui.say(if opened {
        "Your browser shows a page; agree there. If it does not, open this address:"
    } else {
        "Open this address in a browser, on any machine, and agree there:"
    });
    ui.say(page.address);
    let cancel = Cancel::default();
    listen(&cancel);
    let (asking, pasted) = if attended { ask(context, page.expected) } else { Asking::nobody() };
    let answer = tokio::select! {
        signal = cancel.cancelled() => Err(signal.failure()),
        () = tokio::time::sleep(PATIENCE) => Err(too_late(&page)),
        Ok(answer) = pasted => answer.ok_or_else(|| Signal::Interrupt.failure()),
        answer = page.listener.wait(page.expected) => answer.map_err(|error| {
            Failure::new(Status::NoCredential, "no_callback", "this machine's port for the login broke").why(error.to_string()).fix(format!("vk login {}", page.service))
        }),
    };
    asking.end();
    match answer? {
        Answer::Code(code) => Ok(code),
        Answer::Refused { error, description } => {
            Err(Failure::new(Status::NoCredential, "login_refused", format!("the login was refused: {error}"))
                .why(description.unwrap_or_else(|| "nothing was stored".to_owned()))
                .fix(format!("vk login {}", page.service)))
        }
    }
}

fn too_late(page: &Page<'_>) -> Failure {
    Failure::new(Status::NoCredential, "login_timeout", "nobody logged in within 5 minutes")
        .why("nothing was stored, and the page that was shown is of no use any more")
        .fix(format!("vk login {}", page.service))
        .fix(page.otherwise)
}

/// The question that stands in the terminal meanwhile. Ending it puts the terminal back as it was.
#[derive(Default)]
struct Asking {
    done: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Asking {
    /// No question: what comes in its place ends at once and is passed over.
    fn nobody() -> (Self, oneshot::Receiver<Option<Answer>>) {
        (Self::default(), oneshot::channel().1)
    }

    fn end(self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread {
            let _ = thread.join();
        }
    }
}

/// Asks on a thread of its own; `None` comes where the question was left.
fn ask(context: &Context, expected: &Expected) -> (Asking, oneshot::Receiver<Option<Answer>>) {
    let (sender, receiver) = oneshot::channel();
    let done = Arc::new(AtomicBool::new(false));
    let (ui, expected, ended) = (Arc::clone(&context.ui), expected.clone(), Arc::clone(&done));
    let thread = std::thread::spawn(move || {
        let is_over = || ended.load(Ordering::Relaxed);
        let prompt =
            "Waiting. If the browser is elsewhere and ends at a page that does not load, paste its address here: ";
        while let Some(text) = ui.ask_line_until(prompt, &is_over) {
            match pasted::read(&text, &expected) {
                Ok(answer) => {
                    let _ = sender.send(Some(answer));
                    return;
                }
                Err(problem) => ui.say(problem),
            }
        }
        if !is_over() {
            let _ = sender.send(None);
        }
    });
    (Asking { done, thread: Some(thread) }, receiver)
}

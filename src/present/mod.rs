//! The only place that prints or asks. Everything that comes from a model, a provider or a repository passes
//! through [`escape`] on its way to a terminal.

mod ask;
pub mod batch;
pub mod budget;
mod canvas;
pub mod compare;
pub mod cost;
pub mod doctor;
pub mod escape;
pub mod failure;
pub mod first_contact;
mod foot;
mod github;
pub mod grid;
pub mod handed_over;
pub mod import;
pub mod json;
pub mod keys;
pub mod ledger;
mod live;
pub mod models;
pub mod pool;
pub mod prices;
mod prose;
pub mod reconcile;
pub mod route;
mod screen;
pub mod summary;
pub mod table;
mod talk;
pub mod tasks;
pub mod terminal;
pub mod whoami;

use std::io::{self, Write};

use crate::domain::failure::{Failure, Status};

/// Writes data to stdout, with a line feed at its end. A reader that has gone away is not a failure: the rest is
/// silently dropped, as `head` expects.
///
/// # Errors
/// When stdout cannot be written for any other reason (a full disk), so that a script never takes half an answer
/// for a whole one.
pub fn stdout(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(newline.as_bytes())).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritable(&error.to_string())),
        _ => Ok(()),
    }
}

/// The failure of an output that cannot be written.
fn unwritable(why: &str) -> Failure {
    Failure::new(Status::Usage, "stdout_unwritable", "stdout cannot be written").why(why)
}

//! What a model can do here: one implementation under three shapes, each the shape its family was trained on.
//! The loop gives a call and gets a result; nothing in here talks to a provider.

mod arguments;
mod change;
mod commit;
pub mod dedupe;
mod edit;
mod family;
mod foreign;
mod grep;
mod nearest;
mod output;
mod patch;
mod place;
mod shell;
mod specs;
mod summary;
mod text;
mod toolbox;
mod view;
mod walk;

use std::path::Path;

pub use self::family::Family;
pub use self::specs::specs;
pub use self::summary::{summary, written};
pub use self::toolbox::Toolbox;

use crate::domain::failure::Failure;
use crate::domain::message::{Block, ToolResult};

/// What came of one tool call.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What goes back to the model; bounded.
    pub result: ToolResult,
    /// Images that go with it.
    pub images: Vec<Block>,
    /// Whether it did what was asked: a command that ends with a non-zero status did not.
    pub ok: bool,
    /// Of a command that ended by itself.
    pub exit_code: Option<i32>,
    /// One line for people, as [`summary`] gives it.
    pub summary: String,
    /// Set when the task must not go on: the sandbox broke, or a protected file was changed behind its back.
    pub end: Option<Failure>,
}

/// Called with each path a file tool is about to write, before it is written: undo takes the pre-images of
/// files that git ignores. Commands are not covered; they may write any file.
pub trait Before: Send + Sync {
    /// `rel` is relative to the project's root. Never fails: what cannot be kept is the implementation's to say.
    fn before_write(&self, rel: &Path);
}

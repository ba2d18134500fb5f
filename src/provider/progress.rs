//! What a call has done so far, readable while it runs and after its future was dropped.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::request::Partial;

/// A shared view of one call. Give a fresh one to each [`send`](super::send): if the future is dropped (Ctrl-C,
/// a time limit), this still says whether the request left and what had arrived, which is what settles its cost.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    sent: bool,
    partial: Partial,
}

impl Progress {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether any byte of the request may have left: from here on the call may have cost something.
    #[must_use]
    pub fn sent(&self) -> bool {
        self.with(|state| state.sent)
    }

    #[must_use]
    pub fn partial(&self) -> Partial {
        self.with(|state| state.partial.clone())
    }

    pub(super) fn mark_sent(&self) {
        self.with(|state| state.sent = true);
    }

    pub(super) fn update(&self, partial: &Partial) {
        self.with(|state| state.partial.clone_from(partial));
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

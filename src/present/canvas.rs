//! Rows at the foot of the terminal that are redrawn in place by `indicatif`; everything that is to stay is written
//! above them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::foot::Foot;

/// Redrawn this often: enough for a spinner and for text that comes in.
const TICK: Duration = Duration::from_millis(100);

/// Its lock comes before those of what is drawn, never after.
pub(super) struct Canvas {
    term: console::Term,
    bar: Mutex<Option<ProgressBar>>,
}

impl Canvas {
    pub(super) fn new(term: console::Term) -> Self {
        Self { term, bar: Mutex::new(None) }
    }

    /// Begins to draw what `view` gives for a width and a height.
    pub(super) fn show(&self, view: impl Fn(usize, usize) -> String + Send + Sync + Clone + 'static) {
        let mut slot = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_some() {
            return;
        }
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(Foot::new(self.term.clone())), 20);
        let bar = ProgressBar::with_draw_target(None, target);
        let term = self.term.clone();
        let draw = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            let (rows, width) = term.size();
            let _ = out.write_str(&view(usize::from(width), usize::from(rows)));
        };
        if let Ok(style) = ProgressStyle::with_template("{view}") {
            bar.set_style(style.with_key("view", draw));
        }
        bar.enable_steady_tick(TICK);
        *slot = Some(bar);
    }

    /// Runs `write` with the rows out of the way.
    pub(super) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the rows away; the terminal is as if they had never been there.
    pub(super) fn hide(&self) {
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(bar) = bar {
            bar.disable_steady_tick();
            bar.finish_and_clear();
        }
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        self.hide();
    }
}

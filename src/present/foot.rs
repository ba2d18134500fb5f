//! Where `indicatif` draws: the rows at the foot of the terminal, taken away and written again in one piece.
//!
//! `indicatif` pads every row to the terminal's width and counts on it staying the same. Here rows are as long as
//! their text, and after a resize as many rows are taken away as the terminal has made of them.

use std::fmt::Write as _;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use console::{Term, measure_text_width};
use indicatif::TermLike;

#[derive(Debug)]
pub(super) struct Foot {
    term: Term,
    drawing: Mutex<Drawing>,
}

#[derive(Debug, Default)]
struct Drawing {
    /// The columns of each row that stands on the terminal.
    rows: Vec<usize>,
    /// What is written at the next flush.
    pending: String,
    /// Each row comes as its text, then as blanks up to the width; the blanks are not wanted.
    blanks_next: bool,
}

impl Foot {
    pub(super) fn new(term: Term) -> Self {
        Self { term, drawing: Mutex::default() }
    }

    fn drawing(&self) -> MutexGuard<'_, Drawing> {
        self.drawing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes away the rows that stand. The moves that `indicatif` makes for it are all this one thing.
    fn erase(&self) {
        let width = usize::from(self.width()).max(1);
        let mut drawing = self.drawing();
        let rows: usize = drawing.rows.drain(..).map(|columns| columns.div_ceil(width).max(1)).sum();
        match rows {
            0 => {}
            1 => drawing.pending.push_str("\r\x1b[J"),
            rows => {
                let _ = write!(drawing.pending, "\r\x1b[{}A\x1b[J", rows - 1);
            }
        }
    }
}

impl TermLike for Foot {
    fn width(&self) -> u16 {
        self.term.size().1
    }

    fn height(&self) -> u16 {
        self.term.size().0
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        self.erase();
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        self.erase();
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.erase();
        Ok(())
    }

    fn write_line(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut drawing = self.drawing();
        let blanks = drawing.blanks_next;
        drawing.blanks_next = !blanks;
        if blanks {
            return Ok(());
        }
        if !drawing.rows.is_empty() {
            drawing.pending.push('\n');
        }
        drawing.rows.push(measure_text_width(text));
        drawing.pending.push_str(text);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut drawing = self.drawing();
        drawing.blanks_next = false;
        let pending = std::mem::take(&mut drawing.pending);
        if pending.is_empty() {
            return Ok(());
        }
        self.term.write_str(&pending)?;
        self.term.flush()
    }
}

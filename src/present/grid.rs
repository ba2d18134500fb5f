//! A table that fits: which columns are shown at which width, and which one gives way.

use std::io::IsTerminal as _;

use comfy_table::{Attribute, Cell, CellAlignment, Color};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::escape::{columns, escape_line, shorten};
use super::table::{new_table, render, width};
use crate::base::env::Env;
use crate::domain::cost::CostState;

/// The narrowest that a column of free text is made, and what it keeps before columns of a high rank get room.
const NARROWEST: usize = 12;
const COMFORTABLE: usize = 32;
/// The last rank that may squeeze free text.
const SQUEEZES: u8 = 3;
/// The widest that free text is shown where nothing limits it.
const WIDEST: usize = 72;
/// Blanks around the text of a cell.
const PADDING: usize = 2;

/// Where a table is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal; `None` in a pipe, where every column is shown in full.
    pub width: Option<u16>,
    pub colour: bool,
    /// Whether the terminal shows more than ASCII, by its locale.
    pub unicode: bool,
    /// Dates of this year are shown without it.
    pub now: Timestamp,
}

impl Style {
    /// That of stdout.
    #[must_use]
    pub fn of(env: &Env, now: Timestamp) -> Self {
        let dumb = env.get("TERM").is_none_or(|term| term == "dumb");
        let colour = std::io::stdout().is_terminal() && !dumb && env.get("NO_COLOR").is_none();
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env.get(name).filter(|text| !text.is_empty()));
        let unicode = locale.is_some_and(|text| text.to_ascii_lowercase().replace('-', "").contains("utf8"));
        Self { width: width(env), colour, unicode, now }
    }
}

/// One column: its cells in the order of the rows.
pub(super) struct Column {
    name: &'static str,
    /// Columns of a low rank stay where there is little room; those of rank 0 always do.
    rank: u8,
    right: bool,
    /// Free text: shortened where there is little room.
    gives_way: bool,
    cells: Vec<String>,
    tints: Vec<Option<CostState>>,
}

impl Column {
    pub(super) fn text(name: &'static str, rank: u8, cells: impl Iterator<Item = String>) -> Self {
        let cells: Vec<String> = cells.map(|text| escape_line(&text).into_owned()).collect();
        Self { name, rank, right: false, gives_way: false, tints: vec![None; cells.len()], cells }
    }

    /// Digits line up on the right.
    pub(super) fn number(name: &'static str, rank: u8, cells: impl Iterator<Item = String>) -> Self {
        Self { right: true, ..Self::text(name, rank, cells) }
    }

    pub(super) fn giving_way(self) -> Self {
        Self { gives_way: true, ..self }
    }

    pub(super) fn tinted(self, states: impl Iterator<Item = CostState>) -> Self {
        Self { tints: states.map(Some).collect(), ..self }
    }

    fn natural(&self) -> usize {
        let widest = self.cells.iter().map(|cell| columns(cell)).max().unwrap_or(0);
        let widest = if self.gives_way { widest.min(WIDEST) } else { widest };
        widest.max(self.name.len())
    }

    /// A column that does not give way keeps all it needs.
    fn least(&self) -> usize {
        if self.gives_way { self.natural().min(NARROWEST) } else { self.natural() }
    }
}

/// A moment in UTC: `11-25 12:00`, and the day alone, `2025-12-31`, where it is not of this year.
pub(super) fn when(at: Timestamp, now: Timestamp) -> String {
    let year = |t: Timestamp| t.to_zoned_datetime(TimeZone::UTC).year();
    let form = if year(at) == year(now) { "%m-%d %H:%M" } else { "%Y-%m-%d" };
    at.strftime(form).to_string()
}

/// The columns as a table: those that fit, by rank; what room is left goes to the free text.
pub(super) fn table(all: Vec<Column>, style: Style) -> String {
    let mut shown: Vec<bool> = vec![false; all.len()];
    let room = style.width.map_or(usize::MAX, usize::from);
    let mut ranked: Vec<usize> = (0..all.len()).collect();
    ranked.sort_by_key(|at| all[*at].rank);
    let mut used = 0_usize;
    let mut comfort = 0;
    for at in ranked {
        let column = &all[at];
        let needs = column.least() + PADDING;
        let keeps = if column.rank > SQUEEZES { comfort } else { 0 };
        if column.rank == 0 || used.saturating_add(needs + keeps) <= room {
            shown[at] = true;
            used = used.saturating_add(needs);
            comfort += if column.gives_way { column.natural().min(COMFORTABLE) - column.least() } else { 0 };
        }
    }
    let mut chosen: Vec<Column> =
        all.into_iter().zip(shown).filter_map(|(column, shown)| shown.then_some(column)).collect();
    let mut spare = room.saturating_sub(used);
    for column in chosen.iter_mut().filter(|column| column.gives_way) {
        let width = column.natural().min(column.least().saturating_add(spare));
        spare = spare.saturating_sub(width - column.least());
        for cell in &mut column.cells {
            *cell = shorten(cell, width).into_owned();
        }
    }
    draw(&chosen, style)
}

fn draw(columns: &[Column], style: Style) -> String {
    let mut table = new_table(&[], style.width);
    if style.colour {
        table.enforce_styling();
    }
    table.set_header(columns.iter().map(|column| {
        let cell = Cell::new(column.name).add_attribute(Attribute::Dim);
        if column.right { cell.set_alignment(CellAlignment::Right) } else { cell }
    }));
    let rows = columns.first().map_or(0, |column| column.cells.len());
    for row in 0..rows {
        table.add_row(columns.iter().map(|column| {
            let cell = Cell::new(&column.cells[row]);
            let cell = if column.right { cell.set_alignment(CellAlignment::Right) } else { cell };
            match column.tints[row].and_then(tint) {
                Some(colour) => cell.fg(colour),
                None => cell,
            }
        }));
    }
    render(&table)
}

/// The word says it; the colour only helps to find it.
const fn tint(state: CostState) -> Option<Color> {
    match state {
        CostState::Billed | CostState::Rehearsed => None,
        CostState::Covered | CostState::Free => Some(Color::DarkGreen),
        CostState::Estimated => Some(Color::DarkYellow),
        CostState::Unknown => Some(Color::DarkRed),
    }
}

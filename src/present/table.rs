//! Tables for people: one look for every command, as wide as the terminal, plain text in a pipe.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

use super::escape::{columns, escape_line};
use crate::base::env::Env;

/// The columns of the terminal that stdout is, or `None` where it is none: a pipe gets lines of any length.
#[must_use]
pub fn width(env: &Env) -> Option<u16> {
    use std::io::IsTerminal as _;
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let told = env.get("COLUMNS").and_then(|text| text.parse::<u16>().ok()).filter(|columns| *columns > 0);
    told.or_else(|| console::Term::stdout().size_checked().map(|(_, columns)| columns)).filter(|columns| *columns > 0)
}

/// A table with a header and no borders. `width` is what [`width`] says; rows wrap to it.
/// Cells are made with [`cell`] or [`number`], which escape.
#[must_use]
pub fn new_table(header: &[&str], width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).force_no_tty();
    match width {
        Some(columns) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns.max(20)),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table.set_header(header.iter().map(Cell::new));
    table
}

/// A cell of text of any origin.
#[must_use]
pub fn cell(text: &str) -> Cell {
    Cell::new(escape_line(text))
}

/// A cell whose digits line up on the right.
#[must_use]
pub fn number(text: &str) -> Cell {
    cell(text).set_alignment(CellAlignment::Right)
}

/// Words in lines of at most `columns`, the first line after `first`, the others after `next`. A longer word stands
/// alone on its line. The text may be of any origin.
#[must_use]
pub fn wrap(text: &str, columns: usize, first: &str, next: &str) -> String {
    fold(&escape_line(text), Some(columns), first, next)
}

/// The same for text that is escaped already and may have colours. Without a width it stays one line.
#[must_use]
pub fn fold(text: &str, width: Option<usize>, first: &str, next: &str) -> String {
    let options = textwrap::Options::new(width.unwrap_or(usize::MAX))
        .initial_indent(first)
        .subsequent_indent(next)
        .break_words(false)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(text, options) + "\n"
}

/// Talk: what goes on below is set in like its beginning. A line that is a command or an
/// address stays whole, so that it can be pasted.
#[must_use]
pub fn talk(line: &str, width: Option<usize>) -> String {
    let text = line.trim_start();
    let indent = " ".repeat(line.len() - text.len());
    let width = width.filter(|_| !["vk ", "https://", "http://"].iter().any(|begin| text.starts_with(begin)));
    let shown = fold(&escape_line(text), width, &indent, &indent);
    shown.trim_end_matches('\n').to_owned()
}

/// `label` and, beside it, a text that wraps to `width` under itself.
#[must_use]
pub fn hanging(label: &str, text: &str, width: Option<u16>) -> String {
    let indent = " ".repeat(columns(label));
    let width = width.map_or(usize::MAX, |width| usize::from(width).max(columns(label) + 20));
    wrap(text, width, label, &indent)
}

/// The table as text, without blanks at the ends of its lines.
#[must_use]
pub fn render(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(width: Option<u16>) -> String {
        let mut table = new_table(&["task", "words", "cost"], width);
        table.add_row([
            cell("t01"),
            cell("fix the \x1b[31mparser\u{202e} so that it reads empty files"),
            number("$1.24"),
        ]);
        table.add_row([cell("t02"), cell("docs"), number("$0.0042")]);
        render(&table)
    }

    #[test]
    fn words_wrap_with_a_hanging_indent() {
        assert_eq!(wrap("one two three four", 9, "- ", "  "), "- one two\n  three\n  four\n");
        assert_eq!(wrap("a\x1b[2Jb averylongword c", 8, "", ""), "a\\x1b[2Jb\naverylongword\nc\n");
    }

    #[test]
    fn tables_wrap_to_the_terminal_and_not_in_a_pipe() {
        insta::assert_snapshot!(sample(Some(40)), @r"
        task  words                    cost
        t01   fix the                    $1.24
              \x1b[31mparser\u{202e}
              so that it reads empty
              files
        t02   docs                     $0.0042
        ");
        insta::assert_snapshot!(sample(None), @r"
        task  words                                                        cost
        t01   fix the \x1b[31mparser\u{202e} so that it reads empty files    $1.24
        t02   docs                                                         $0.0042
        ");
    }
}

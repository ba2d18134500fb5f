//! Records as CSV (RFC 4180) that a spreadsheet opens without running any of it.

use super::flat::{Field, Records};
use crate::present::escape::escape_line;

/// One line a record, ended by CRLF as the RFC has it.
pub(super) fn text(records: &Records) -> String {
    let mut out = records.names.join(",");
    out.push_str("\r\n");
    for row in &records.rows {
        let cells: Vec<String> = row.iter().map(cell).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

fn cell(field: &Field) -> String {
    match field {
        Field::Nothing | Field::Unknown => String::new(),
        Field::Number(digits) => digits.clone(),
        Field::Text(text) => quoted(&harmless(text)),
    }
}

/// Text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection); line
/// feeds and other control characters are written out.
fn harmless(text: &str) -> String {
    let shown = escape_line(text);
    let first = shown.trim_start().chars().next();
    let formula = matches!(first, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'));
    if formula { format!("'{shown}") } else { shown.into_owned() }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_a_formula_or_another_cell() {
        let told = |text: &str| cell(&Field::Text(text.to_owned()));
        assert_eq!(told("=HYPERLINK(\"http://x\",\"y\")"), "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
        assert_eq!(told("+1"), "'+1");
        assert_eq!(told("-cmd|' /C calc'!A0"), "'-cmd|' /C calc'!A0");
        assert_eq!(told("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(told("  =1"), "'  =1");
        assert_eq!(told("\t=1"), "\\t=1");
        assert_eq!(told("＝1"), "'＝1");
        assert_eq!(told("a,b\n\x1b[31m"), "\"a,b\\n\\x1b[31m\"");
        assert_eq!(told("a - b"), "a - b");
        assert_eq!(cell(&Field::Number("-1.50".to_owned())), "-1.50");
    }
}

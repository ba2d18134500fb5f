//! A comparison as markdown, for pages and pull requests.

use std::fmt::Write as _;

use super::words::{self, Paces, beats_own, short};
use crate::present::github::markdown as shown;
use crate::routing::compare::Comparison;

#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    // Writing to a String cannot fail.
    let mut text = String::new();
    let _ = writeln!(text, "**{}**\n\n{}\n", shown(&comparison.advice), shown(&words::workload(comparison)));
    text += "| path | with | a month | 1,000 tasks | beats own keys |\n| --- | --- | ---: | ---: | --- |\n";
    let paces = Paces::against_own(comparison);
    for (at, path) in comparison.paths.iter().enumerate() {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            path.path,
            shown(&path.name),
            shown(&words::month(comparison, path)),
            shown(&words::thousand(comparison, path)),
            shown(&beats_own(comparison, at, paces)),
        );
    }
    if comparison.used.calls > 0 {
        text += "\n| model | calls | input | cached | written | output | at list |\n";
        text += "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    }
    for one in comparison.used.models.iter().filter(|one| one.calls > 0) {
        let usage = &one.usage;
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            shown(&one.id),
            one.calls,
            short(usage.input),
            short(usage.cache_read),
            short(usage.cache_write_5m.saturating_add(usage.cache_write_1h)),
            short(usage.output),
            shown(&words::at_list(comparison, one)),
        );
    }
    for (head, lines) in [
        ("Limits", words::limits(comparison)),
        ("Assumed", comparison.assumptions.clone()),
        ("Prices of", words::sources(comparison)),
    ] {
        if !lines.is_empty() {
            let _ = writeln!(text, "\n{head}:\n");
        }
        for line in lines {
            let _ = writeln!(text, "- {}", shown(&line));
        }
    }
    text
}

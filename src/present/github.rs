//! The step summary and the step outputs of a GitHub Actions job.
//!
//! Only files that the environment names are written, and only by appending. Values come from providers and
//! configuration: none of them can end its own field, since each is framed by a word that nobody could guess.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::escape::escape_line;
use super::summary::{cost_words, thousands};
use crate::base::env::Env;
use crate::base::money::Usd;
use crate::base::secret::hex;
use crate::domain::batch::{BatchFinished, BatchTask};
use crate::domain::event::{RouteResolved, TaskFinished};

#[derive(Clone, Debug, Default)]
pub(super) struct Github {
    summary: Option<PathBuf>,
    output: Option<PathBuf>,
}

impl Github {
    pub(super) fn of(env: &Env) -> Self {
        Self { summary: env.path("GITHUB_STEP_SUMMARY"), output: env.path("GITHUB_OUTPUT") }
    }

    /// Appends what is known of a batch, each of its tasks on a row.
    pub(super) fn report_batch(
        &self,
        route: Option<&RouteResolved>,
        end: &BatchFinished,
        tasks: &[&BatchTask],
        spent: Usd,
    ) -> Vec<String> {
        self.write(batch_table(end, tasks, spent), batch_outputs(route, end))
    }

    /// Appends what is known of a task. The notes are for people: a job does not fail because its report does.
    pub(super) fn report(&self, route: Option<&RouteResolved>, end: &TaskFinished, spent: Usd) -> Vec<String> {
        self.write(table(route, end, spent), outputs(route, end))
    }

    fn write(&self, summary: String, outputs: io::Result<String>) -> Vec<String> {
        let write = |path: &Option<PathBuf>, name: &str, text: io::Result<String>| {
            let path = path.as_deref()?;
            let result = text.and_then(|text| append(path, &text));
            result.err().map(|error| format!("{name} could not be written: {error}"))
        };
        [write(&self.summary, "GITHUB_STEP_SUMMARY", Ok(summary)), write(&self.output, "GITHUB_OUTPUT", outputs)]
            .into_iter()
            .flatten()
            .collect()
    }
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    std::fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}

/// `name<<delimiter`, the value, the delimiter: a new delimiter for each value.
fn outputs(route: Option<&RouteResolved>, end: &TaskFinished) -> io::Result<String> {
    let payer: Vec<&str> = end.payers.iter().map(|share| share.payer.as_str()).collect();
    let fields = [
        ("task_id", end.task_id.clone().unwrap_or_default()),
        ("payer", payer.join(", ")),
        ("model", route.map(|route| route.model.clone()).unwrap_or_default()),
        ("cost_usd", end.cost_usd.map(Usd::exact).unwrap_or_default()),
        ("cost_state", end.cost_state.map(|state| state.as_str().to_owned()).unwrap_or_default()),
    ];
    fields_of(&fields)
}

fn batch_outputs(route: Option<&RouteResolved>, end: &BatchFinished) -> io::Result<String> {
    let payer: Vec<&str> = end.payers.iter().map(|share| share.payer.as_str()).collect();
    fields_of(&[
        ("batch_id", end.batch_id.clone().unwrap_or_default()),
        ("status", end.status.to_owned()),
        ("done", end.tasks.done.to_string()),
        ("failed", end.tasks.failed.to_string()),
        ("left", (end.tasks.interrupted + end.tasks.not_started).to_string()),
        ("results", end.results.clone().unwrap_or_default()),
        ("payer", payer.join(", ")),
        ("model", route.map(|route| route.model.clone()).unwrap_or_default()),
        ("cost_usd", end.cost_usd.map(Usd::exact).unwrap_or_default()),
        ("cost_state", end.cost_state.map(|state| state.as_str().to_owned()).unwrap_or_default()),
    ])
}

fn fields_of(fields: &[(&str, String)]) -> io::Result<String> {
    let mut text = String::new();
    for (name, value) in fields {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let delimiter = format!("vk_{}", hex(&random));
        let _ = write!(text, "{name}<<{delimiter}\n{}\n{delimiter}\n", escape_line(value));
    }
    Ok(text)
}

/// The cost table as GitHub's markdown.
fn table(route: Option<&RouteResolved>, end: &TaskFinished, spent: Usd) -> String {
    let mut text = format!("### vk: {}\n\n", end.status.as_str());
    if let Some(error) = &end.error {
        let _ = writeln!(text, "{}\n", markdown(&error.message()));
    }
    text.push_str("| task | model | who paid | tokens in | cached | to cache | out | cost | proof |\n");
    text.push_str("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |\n");
    let payers: Vec<String> = end.payers.iter().map(|share| markdown(&share.payer)).collect();
    let cells = [
        markdown(end.task_id.as_deref().unwrap_or("-")),
        markdown(route.map_or("-", |route| route.model.as_str())),
        if payers.is_empty() { "nobody".to_owned() } else { payers.join(", ") },
        thousands(end.usage.input),
        thousands(end.usage.cache_read),
        thousands(end.usage.cache_written()),
        thousands(end.usage.output),
        markdown(&cost_words(end.cost_usd, end.cost_state, spent)),
        end.proof.map_or("-", |proof| proof.as_str()).to_owned(),
    ];
    let _ = writeln!(text, "| {} |\n", cells.join(" | "));
    text
}

/// The tasks of a batch, those that were charged with who paid.
fn batch_table(end: &BatchFinished, tasks: &[&BatchTask], spent: Usd) -> String {
    let counts = &end.tasks;
    let mut text = format!("### vk batch: {} of {} done\n\n", counts.done, counts.total);
    if let Some(error) = &end.error {
        let _ = writeln!(text, "{}\n", markdown(&error.message()));
    }
    text.push_str("| id | status | turns | files | cost | branch |\n| --- | --- | ---: | ---: | ---: | --- |\n");
    for task in tasks {
        let tree = task.end.worktree.as_ref().filter(|tree| !tree.removed);
        let cells = [
            markdown(&task.id),
            task.end.status.as_str().replace('_', " "),
            task.end.turns.to_string(),
            task.end.files_changed.len().to_string(),
            markdown(&cost_words(task.end.cost_usd, task.end.cost_state, Usd::ZERO)),
            tree.map_or_else(|| "-".to_owned(), |tree| markdown(&tree.branch)),
        ];
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    let payers: Vec<String> = end.payers.iter().map(|share| markdown(&share.payer)).collect();
    let payers = if payers.is_empty() { "nobody".to_owned() } else { payers.join(", ") };
    let cost = markdown(&cost_words(end.cost_usd, end.cost_state, spent));
    let _ = writeln!(text, "\nCost: {cost}. Paid by: {payers}.\n");
    text
}

/// Text that markdown shows as it is: no markup, no HTML, no new cell, no mention of anybody.
pub(super) fn markdown(text: &str) -> String {
    let mut shown = String::new();
    for c in escape_line(text).chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '@' => shown.push_str("&#64;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '~' | '$' => {
                shown.push('\\');
                shown.push(c);
            }
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::finished;
    use super::*;

    #[test]
    fn the_table_is_plain_markdown_whatever_the_names_are() {
        let mut end = finished();
        end.payers[0].payer = "evil | <img src=x> `@team`\n::set-env".into();
        insta::assert_snapshot!(table(None, &end, Usd::ZERO), @r"
        ### vk: done

        | task | model | who paid | tokens in | cached | to cache | out | cost | proof |
        | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |
        | t01jd3k9x2 | - | evil \| &lt;img src=x&gt; \`&#64;team\`\\n::set-env | 1,234 | 80,000 | 2,000 | 912 | \$0.0412 | verified |
        ");
    }

    #[test]
    fn a_value_cannot_start_a_field_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path().join("output");
        std::fs::write(&output, "before=1\n").unwrap();
        let env = Env::of(&[("GITHUB_OUTPUT", output.to_str().unwrap())], dir.path());
        let mut end = finished();
        end.payers[0].payer = "x\nEOF\nadmin=true".into();
        assert!(Github::of(&env).report(None, &end, Usd::ZERO).is_empty());
        let written = std::fs::read_to_string(&output).unwrap();
        let lines: Vec<&str> = written.lines().collect();
        assert_eq!(lines[0], "before=1");
        assert_eq!(lines.len(), 1 + 5 * 3);
        for field in lines[1..].chunks(3) {
            assert_eq!(field[0].split_once("<<").unwrap().1, field[2]);
        }
        assert!(written.contains("\nx\\nEOF\\nadmin=true\n"));
        assert!(written.contains("\n0.0412\n"));
    }

    #[test]
    fn a_report_that_cannot_be_written_is_only_a_note() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env::of(&[("GITHUB_STEP_SUMMARY", dir.path().to_str().unwrap())], dir.path());
        let notes = Github::of(&env).report(None, &finished(), Usd::ZERO);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].starts_with("GITHUB_STEP_SUMMARY could not be written"));
    }
}

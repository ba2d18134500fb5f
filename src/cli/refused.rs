//! Arguments that cannot be read, told as every other error is: what, why, and a command that works when pasted.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory as _};

use super::args::Cli;
use super::mode_of;
use crate::base::shell;
use crate::domain::failure::Failure;
use crate::present::failure::Ends;
use crate::present::terminal::Mode;

/// The failure that the reader's error is.
pub(super) fn failure(error: &clap::Error, args: &[OsString]) -> Failure {
    let (what, why) = words(&error.to_string());
    let failure = Failure::usage("bad_arguments", what);
    let failure = if why.is_empty() { failure } else { failure.why(why) };
    suggested(error, args)
        .or_else(|| as_a_task(error, args))
        .into_iter()
        .chain([help(args)])
        .fold(failure, Failure::fix)
}

/// The reader's text without its labels: the first paragraph says what, the others why, the last one names `--help`.
fn words(told: &str) -> (String, String) {
    let mut paragraphs = told.trim().split("\n\n").map(|paragraph| {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    });
    let first = paragraphs.next().unwrap_or_default();
    let first = first.trim_start_matches("error: ");
    let (what, beside) = match first.split_once('\n') {
        Some((what, list)) if what.ends_with(':') => (format!("{what} {}", list.replace('\n', " ")), None),
        Some((what, beside)) => (what.to_owned(), Some(beside.trim_matches(['[', ']']).to_owned())),
        None => (first.to_owned(), None),
    };
    let rest = paragraphs
        .filter(|paragraph| !paragraph.starts_with("For more information"))
        .map(|paragraph| paragraph.trim_start_matches("tip: ").replace("\ntip: ", "\n").replace("Usage: ", "usage: "));
    (what, beside.into_iter().chain(rest).collect::<Vec<_>>().join("\n"))
}

/// What was typed with the word that was meant in place of the wrong one, where that can be read.
fn suggested(error: &clap::Error, args: &[OsString]) -> Option<String> {
    const PAIRS: [(ContextKind, ContextKind); 3] = [
        (ContextKind::InvalidArg, ContextKind::SuggestedArg),
        (ContextKind::InvalidValue, ContextKind::SuggestedValue),
        (ContextKind::InvalidSubcommand, ContextKind::SuggestedSubcommand),
    ];
    let (wrong, right) = PAIRS.iter().find_map(|(wrong, right)| Some((one(error, *wrong)?, one(error, *right)?)))?;
    let mut done = false;
    let mended: Option<Vec<String>> = args.iter().skip(1).map(|arg| arg.to_str().map(str::to_owned)).collect();
    let mut mended = mended?;
    for arg in &mut mended {
        let value = arg.split_once('=').map(|(flag, value)| (flag.to_owned(), value.to_owned()));
        let new = match value {
            _ if *arg == wrong => Some(right.clone()),
            Some((flag, value)) if flag == wrong => Some(format!("{right}={value}")),
            Some((flag, value)) if value == wrong => Some(format!("{flag}={right}")),
            _ => None,
        };
        if let Some(new) = new.filter(|_| !done) {
            (*arg, done) = (new, true);
        }
    }
    let whole = ["vk".to_owned()].into_iter().chain(mended.iter().cloned());
    let works = done && Cli::command().try_get_matches_from(whole).is_ok();
    works.then(|| format!("vk {}", mended.iter().map(|arg| shell::word(arg)).collect::<Vec<_>>().join(" ")))
}

/// `vk fix the tests`: words that are no command are most likely a task.
fn as_a_task(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let words: Option<Vec<&str>> = args.iter().skip(1).map(|arg| arg.to_str()).collect();
    let task = words?.join(" ");
    let is_task = error.kind() == ErrorKind::InvalidSubcommand && task.contains(' ') && !task.contains(['\n', '-']);
    is_task.then(|| format!("vk run {}", shell::sentence(&task)))
}

fn one(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        // The likeliest is the last.
        ContextValue::Strings(texts) => texts.last().cloned(),
        _ => None,
    }
}

/// `vk keys add --help`, of the command that was meant.
fn help(args: &[OsString]) -> String {
    let mut command = Cli::command();
    // The inner commands are only put together when they are asked for.
    command.build();
    let mut typed = vec!["vk".to_owned()];
    for arg in args.iter().skip(1).filter_map(|arg| arg.to_str()) {
        if !command.has_subcommands() {
            break;
        }
        let known = command.find_subcommand(arg).filter(|inner| !inner.is_hide_set()).map(Command::to_owned);
        if let Some(inner) = known {
            typed.push(arg.to_owned());
            command = inner;
        }
    }
    format!("{} --help", typed.join(" "))
}

/// The output that `vk run` or `vk batch` was asked for, also where nothing else of the line can be read: scripts wait
/// for its end.
pub(super) fn output_asked_for(args: &[OsString]) -> (Mode, Ends) {
    let mut words = args.iter().skip(1).take_while(|arg| *arg != OsStr::new("--")).filter_map(|arg| arg.to_str());
    // The flags before the command, if any, are not its own.
    let ends = match words.find(|word| ["run", "batch"].contains(word)) {
        None => return (Mode::Text, Ends::WithTask),
        Some("batch") => Ends::WithBatch,
        Some(_) => Ends::WithTask,
    };
    let mut mode = Mode::Text;
    while let Some(word) = words.next() {
        let value = if word == "--output" { words.next() } else { word.strip_prefix("--output=") };
        if let Some(output) =
            value.and_then(|value| <super::args::RunOutput as clap::ValueEnum>::from_str(value, false).ok())
        {
            mode = mode_of(output);
        }
    }
    (mode, ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::failure::text;

    fn told(line: &str) -> String {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        text(&failure(&Cli::command().try_get_matches_from(&args).unwrap_err(), &args), None)
    }

    #[test]
    fn a_wrong_line_is_told_with_a_command_that_works() {
        insta::assert_snapshot!(told("vk run --bogus go"), @r"
        error: unexpected argument '--bogus' found
          why: to pass '--bogus' as a value, use '-- --bogus'
               usage: vk run [OPTIONS] [TASK]
          fix: vk run --help
        ");
        insta::assert_snapshot!(told("vk run --chek=x go"), @r"
        error: unexpected argument '--chek' found
          why: a similar argument exists: '--check'
               usage: vk run --check <CMD> [TASK]
          fix: vk run --check=x go
               vk run --help
        ");
        insta::assert_snapshot!(told("vk run go --output jsn"), @r"
        error: invalid value 'jsn' for '--output <FORMAT>'
          why: possible values: text, json, stream-json
               a similar value exists: 'json'
          fix: vk run go --output json
               vk run --help
        ");
        assert!(told("vk ruun go").contains("  fix: vk run go\n       vk --help\n"), "{}", told("vk ruun go"));
        assert!(told("vk fix the tests").contains("  fix: vk run \"fix the tests\"\n"), "{}", told("vk fix the tests"));
        insta::assert_snapshot!(told("vk keys remove"), @r"
        error: the following required arguments were not provided: <LABEL>
          why: usage: vk keys remove <LABEL>
          fix: vk keys remove --help
        ");
        insta::assert_snapshot!(told("vk run --max-turns 0 go"), @r"
        error: invalid value '0' for '--max-turns <N>': 0 is not in 1..=4294967295
          fix: vk run --help
        ");
        insta::assert_snapshot!(told("vk run --model"), @r"
        error: a value is required for '--model <MODEL>' but none was supplied
          fix: vk run --help
        ");
    }

    #[test]
    fn the_output_is_found_wherever_it_stands() {
        let asked = |line: &str| output_asked_for(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        let mode = |line: &str| asked(line).0;
        assert_eq!(asked("vk batch --output json"), (Mode::Json, Ends::WithBatch));
        for line in ["vk run --bogus --output json", "vk run --output=json --bogus", "vk --bogus run --output json x"] {
            assert_eq!(mode(line), Mode::Json, "{line}");
        }
        assert_eq!(mode("vk run --output stream-json --model"), Mode::StreamJson);
        for line in ["vk cost --output json", "vk run -- --output json", "vk run --output", "vk run --output yaml"] {
            assert_eq!(mode(line), Mode::Text, "{line}");
        }
    }
}

//! `cargo bench --bench import`: 200 MB of made-up Claude Code logs into an empty ledger, the same import again, and
//! `vk cost --by day` over a million calls, measured on the release binary. Medians of several runs; processor time
//! and peak memory are the kernel's own figures.
//!
//! With `CCUSAGE=/path/to/ccusage` (the native binary of the npm package `@ccusage/ccusage-linux-x64`), `ccusage
//! claude daily --json --offline` reads the same logs in turns with vk: the goals are at most half its time, a
//! repeated import under 100 ms, a peak under 60 MB, and the report under 50 ms.
//!
//! The logs have the shape of real ones: a file a session, half of the lines results of tools (of which most bytes
//! are), each message of the model in one to four lines with the usage known so far, one session in six resumed in a
//! file that repeats lines of another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench may panic, must print and is told where ccusage is"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const VK: &str = env!("CARGO_BIN_EXE_vk");
const RUNS: usize = 9;
const LOG_BYTES: usize = 200 * 1_000 * 1_000;
const MANY_CALLS: usize = 1_000_000;

fn main() {
    // Cargo passes `--bench`; anything else is not a measurement.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    logs(dir.path());
    million(dir.path());
}

fn logs(dir: &Path) {
    let home = dir.join("logs");
    let (bytes, files) = generate(&home.join(".claude/projects"), LOG_BYTES);
    println!("logs: {} MB in {files} files", bytes / 1_000_000);
    let ccusage = std::env::var_os("CCUSAGE");
    let (mut fresh, mut again, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let data = tempfile::tempdir_in(dir).unwrap();
        let import = || run(Command::new(VK).args(["import", "claude-code"]), &home, data.path());
        fresh.push(import());
        again.push(import());
        if let Some(program) = &ccusage {
            let mut command = Command::new(program);
            other.push(run(command.args(["claude", "daily", "--json", "--offline"]), &home, data.path()));
        }
    }
    tell("vk import", &fresh);
    tell("vk import again", &again);
    if !other.is_empty() {
        tell("ccusage", &other);
        let ratio = |of: fn(&Cost) -> Duration| median(&other, of).as_secs_f64() / median(&fresh, of).as_secs_f64();
        println!("ccusage / vk import: {:.2} wall, {:.2} processor", ratio(|c| c.wall), ratio(|c| c.processor));
    }
}

/// A ledger of a million imported calls, and the report by day over it.
fn million(dir: &Path) {
    let home = dir.join("many");
    many(&home.join(".claude/projects"), MANY_CALLS);
    let data = tempfile::tempdir_in(dir).unwrap();
    tell("vk import of a million calls", &[run(Command::new(VK).args(["import", "claude-code"]), &home, data.path())]);
    for by in ["day", "month", "model", "project"] {
        let report = || run(Command::new(VK).args(["cost", "--by", by, "--output", "json"]), &home, data.path());
        let first = report();
        let warm: Vec<Cost> = (0..RUNS).map(|_| report()).collect();
        tell(&format!("vk cost --by {by}, first"), &[first]);
        tell(&format!("vk cost --by {by}, warm"), &warm);
    }
}

struct Cost {
    wall: Duration,
    processor: Duration,
    peak_kb: i64,
}

/// Runs a program to its end. Its processor time and peak are told by a shell's `time`, so that each run has its own.
fn run(command: &mut Command, home: &Path, data: &Path) -> Cost {
    let report = data.join("cost-of-run");
    let mut timed = Command::new("/usr/bin/env");
    timed.arg("python3").arg("-c").arg(
        "import os, resource, subprocess, sys, time\n\
         began = time.monotonic()\n\
         code = subprocess.call(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n\
         wall = time.monotonic() - began\n\
         used = resource.getrusage(resource.RUSAGE_CHILDREN)\n\
         open(sys.argv[1], 'w').write(f'{wall} {used.ru_utime + used.ru_stime} {used.ru_maxrss}')\n\
         sys.exit(code)",
    );
    timed.arg(&report).arg(command.get_program()).args(command.get_args());
    timed.env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin").env("VK_DATA_DIR", data.join("ledger"));
    let began = Instant::now();
    assert!(timed.current_dir(home).stdout(Stdio::null()).status().unwrap().success());
    let told = fs::read_to_string(report).unwrap_or_else(|_| format!("{} 0 0", began.elapsed().as_secs_f64()));
    let mut words = told.split_whitespace();
    let mut seconds = || Duration::from_secs_f64(words.next().unwrap().parse().unwrap());
    let (wall, processor) = (seconds(), seconds());
    Cost { wall, processor, peak_kb: told.split_whitespace().nth(2).unwrap().parse().unwrap() }
}

fn median(costs: &[Cost], of: fn(&Cost) -> Duration) -> Duration {
    let mut all: Vec<Duration> = costs.iter().map(of).collect();
    all.sort();
    all[all.len() / 2]
}

fn tell(what: &str, costs: &[Cost]) {
    let peak = costs.iter().map(|cost| cost.peak_kb).max().unwrap_or(0);
    println!(
        "{what}: {:?} wall, {:?} processor, peak {} MB (median of {})",
        median(costs, |cost| cost.wall),
        median(costs, |cost| cost.processor),
        peak / 1024,
        costs.len()
    );
}

/// A small generator of numbers: the same logs every time.
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Text as programs and models write it, escaped as JSON.
fn words(dice: &mut Dice, length: usize) -> String {
    const WORDS: [&str; 16] = [
        "fn ",
        "return ",
        "the ",
        "test ",
        "\\n    ",
        "let value = ",
        "src/main.rs",
        "error: ",
        "\\\"name\\\": ",
        "assert_eq!(",
        "failed ",
        "0123456789 ",
        "{ ",
        " }",
        "usage of ",
        "tokens ",
    ];
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        text.push_str(WORDS[dice.up_to(WORDS.len())]);
    }
    text
}

fn moment(second: usize) -> String {
    let day = second / 86_400;
    let (month, day) = (day / 28 % 12 + 1, day % 28 + 1);
    let (h, m, s) = (second / 3_600 % 24, second / 60 % 60, second % 60);
    format!("2026-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{:03}Z", second % 1_000)
}

fn generate(root: &Path, bytes: usize) -> (usize, usize) {
    let mut dice = Dice(42);
    let (mut written, mut files, mut earlier) = (0, 0, String::new());
    while written < bytes {
        let project = dice.up_to(12);
        let folder = root.join(format!("-home-ann-project{project}"));
        fs::create_dir_all(&folder).unwrap();
        let resumes = files > 0 && dice.up_to(6) == 0;
        let mut text = if resumes { std::mem::take(&mut earlier) } else { String::new() };
        let start = text.len();
        let turns = 20 + dice.up_to(180);
        let session = format!("{files:08x}-1111-4222-8333-{:012x}", dice.up_to(1 << 30));
        for turn in 0..turns {
            turn_of(&mut dice, &mut text, &session, project, files * 40_000 + turn * 37, files * 1_000 + turn);
        }
        text[start..].clone_into(&mut earlier);
        fs::write(folder.join(format!("{session}.jsonl")), &text).unwrap();
        written += text.len();
        files += 1;
    }
    (written, files)
}

fn turn_of(dice: &mut Dice, text: &mut String, session: &str, project: usize, second: usize, number: usize) {
    let at = moment(second);
    let common = format!(
        r#""isSidechain":false,"userType":"external","cwd":"/home/ann/project{project}","sessionId":"{session}","version":"2.1.240","gitBranch":"main""#
    );
    let size = if dice.up_to(12) == 0 { 20_000 + dice.up_to(20_000) } else { 200 + dice.up_to(3_500) };
    let result = words(dice, size);
    let _ = writeln!(
        text,
        r#"{{"parentUuid":"p{number}",{common},"type":"user","message":{{"role":"user","content":[{{"tool_use_id":"toolu_{number}","type":"tool_result","content":"{result}"}}]}},"uuid":"u{number}","timestamp":"{at}","toolUseResult":{{"stdout":"{result}","stderr":"","interrupted":false}}}}"#
    );
    let model = ["claude-sonnet-4-5-20250929", "claude-opus-4-6", "claude-haiku-4-5-20251001"][dice.up_to(3)];
    let (write, read, output) = (dice.up_to(6_000), dice.up_to(120_000), 50 + dice.up_to(1_500));
    let blocks = 1 + dice.up_to(3);
    for block in 0..=blocks {
        let length = 150 + dice.up_to(2_000);
        let said = words(dice, length);
        let content = match block {
            0 => format!(r#"{{"type":"thinking","thinking":"{said}","signature":"{}"}}"#, "Er8C".repeat(80)),
            1 => format!(r#"{{"type":"text","text":"{said}"}}"#),
            _ => format!(r#"{{"type":"tool_use","id":"toolu_{number}","name":"Bash","input":{{"command":"{said}"}}}}"#),
        };
        let so_far = if block == blocks { output } else { 1 + block };
        let _ = writeln!(
            text,
            r#"{{"parentUuid":"q{number}",{common},"message":{{"model":"{model}","id":"msg_01{number:022}","type":"message","role":"assistant","content":[{content}],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":{},"cache_creation_input_tokens":{write},"cache_read_input_tokens":{read},"cache_creation":{{"ephemeral_5m_input_tokens":{write},"ephemeral_1h_input_tokens":0}},"output_tokens":{so_far},"service_tier":"standard"}}}},"requestId":"req_011{number:021}","type":"assistant","uuid":"a{number}-{block}","timestamp":"{at}"}}"#,
            2 + number % 9,
        );
    }
}

/// Small lines, one a call, over a year: only the ledger is measured with them.
fn many(root: &Path, calls: usize) {
    const A_FILE: usize = 500;
    let mut dice = Dice(7);
    for file in 0..calls / A_FILE {
        let folder = root.join(format!("-home-ann-project{}", file % 20));
        fs::create_dir_all(&folder).unwrap();
        let mut text = String::new();
        for call in 0..A_FILE {
            let number = file * A_FILE + call;
            let at = moment(number * 29);
            let model = ["claude-sonnet-4-5-20250929", "claude-opus-4-6", "claude-haiku-4-5-20251001"][dice.up_to(3)];
            let _ = writeln!(
                text,
                r#"{{"type":"assistant","sessionId":"session-{file}","cwd":"/home/ann/project{}","message":{{"model":"{model}","id":"msg_01{number:022}","usage":{{"input_tokens":{},"cache_creation_input_tokens":900,"cache_read_input_tokens":40000,"output_tokens":{}}}}},"requestId":"req_011{number:021}","timestamp":"{at}"}}"#,
                file % 20,
                dice.up_to(900),
                1 + dice.up_to(900),
            );
        }
        fs::write(folder.join(format!("session-{file}.jsonl")), text).unwrap();
    }
}

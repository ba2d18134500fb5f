//! A terminal of our own (a pseudo terminal and the few sequences a screen needs) in front of the real views.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::super::escape::is_hidden;
use super::super::summary::tests::finished;
use super::super::talk::tests::{events, route};
use super::*;
use crate::domain::cost::CostState;
use crate::present::escape::escape_line;

/// Both ends of a pseudo terminal. What vk writes is collected by a thread.
struct Pty {
    master: File,
    path: PathBuf,
    slave: File,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Pty {
    fn new(rows: u16, columns: u16) -> Self {
        let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = PathBuf::from(ptsname(&master, Vec::new()).unwrap().into_string().unwrap());
        tcsetwinsize(&master, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let slave = File::options().read(true).write(true).open(&path).unwrap();
        let master = File::from(master);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, sink) = (master.try_clone().unwrap(), Arc::clone(&seen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { master, path, slave, seen }
    }

    fn terminal(
        &self,
        vars: &[(&str, &str)],
        out: Box<dyn Write + Send>,
        same_terminal: bool,
        quiet: bool,
    ) -> Terminal {
        let env = Env::of(vars, Path::new("/"));
        let screen = Screen {
            in_is_terminal: false,
            out_is_terminal: same_terminal,
            err_is_terminal: true,
            same_terminal,
            can_redraw: true,
            colour: env.get("NO_COLOR").is_none(),
            attended: true,
        };
        let term = console::Term::read_write_pair(self.slave.try_clone().unwrap(), self.slave.try_clone().unwrap());
        let err = Box::new(self.slave.try_clone().unwrap());
        let mut terminal = Terminal::with(&env, Mode::Text, quiet, screen, term, out, err);
        terminal.tty.clone_from(&self.path);
        terminal
    }

    /// On the same terminal for both outputs.
    fn both(&self) -> Terminal {
        self.terminal(&[], Box::new(self.slave.try_clone().unwrap()), true, false)
    }

    /// Everything written so far, once `wanted` is in it.
    fn wait_for(&self, wanted: &str) -> String {
        let limit = Instant::now() + Duration::from_secs(5);
        loop {
            let text = String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned();
            if text.contains(wanted) {
                return text;
            }
            assert!(Instant::now() < limit, "no {wanted:?} in {text:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn type_in(&self, text: &str) {
        (&self.master).write_all(text.as_bytes()).unwrap();
    }

    /// The screen as it stands when everything is written.
    fn screen(&self) -> String {
        (&self.slave).write_all("\u{1}end\n".as_bytes()).unwrap();
        let text = self.wait_for("\u{1}end");
        emulate(text.split('\u{1}').next().unwrap())
    }
}

/// Applies the only sequences that vk may write; any other control character fails the test.
fn emulate(text: &str) -> String {
    let mut rows: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                if row == rows.len() {
                    rows.push(Vec::new());
                }
            }
            '\x1b' => {
                assert_eq!(rest.next(), Some('['), "an escape sequence that is not vk's own");
                let mut number = String::new();
                let last = loop {
                    let c = rest.next().unwrap();
                    if !c.is_ascii_digit() && c != ';' {
                        break c;
                    }
                    number.push(c);
                };
                let n: usize = number.parse().unwrap_or(1);
                match last {
                    'm' => assert!(["0", "1", "2", "31", "32"].contains(&number.as_str()), "colour {number}"),
                    'A' => row = row.saturating_sub(n),
                    'J' => {
                        rows.truncate(row + 1);
                        rows[row].truncate(column);
                    }
                    other => panic!("CSI {number}{other}"),
                }
            }
            c => {
                assert!(!is_hidden(c), "a raw {c:?} reached the terminal");
                while rows.len() <= row {
                    rows.push(Vec::new());
                }
                while rows[row].len() <= column {
                    rows[row].push(' ');
                }
                rows[row][column] = c;
                column += 1;
            }
        }
    }
    let lines: Vec<String> =
        rows.into_iter().map(|row| row.into_iter().collect::<String>().trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn said(text: &str) -> Event {
    Event::TextDelta { text: text.to_owned() }
}

fn end(answer: &str) -> Event {
    Event::TaskFinished(Box::new(TaskFinished { answer: Some(answer.to_owned()), ..finished() }))
}

/// Talk, a tool, and an answer in pieces.
fn short_task() -> Vec<Event> {
    let id = || "a".to_owned();
    vec![
        Event::RouteResolved(Box::new(route())),
        Event::TurnStarted { turn: 1 },
        said("\nI will look "),
        said("first."),
        Event::ToolStarted { call_id: id(), name: "bash".into(), summary: "$ ls\r\x1b[2K\u{202e}".into() },
        Event::ToolFinished { call_id: id(), name: "bash".into(), ok: true, exit_code: Some(0), ms: 1_200 },
        Event::TurnStarted { turn: 2 },
        said("It is \x1b[31mfixed"),
        said(".\nTwo lines\u{200d} changed."),
    ]
}

const ANSWER: &str = "It is \x1b[31mfixed.\nTwo lines\u{200d} changed.";

#[test]
fn on_one_terminal_the_answer_is_streamed_and_not_repeated() {
    let pty = Pty::new(24, 80);
    let terminal = pty.both();
    for event in short_task() {
        terminal.event(&event);
    }
    pty.wait_for("writing · turn 2");
    terminal.event(&end(ANSWER));
    insta::assert_snapshot!(pty.screen(), @r#"
    byok · anthropic · claude-sonnet-5-5 · key client-a 1a2b3c4d · you pay Anthropic
      at list price · stops at $5.00
    ignored ambient ANTHROPIC_API_KEY
    I will look first.
      • $ ls\r\x1b[2K\u{202e}                                                1.2s ✓
    It is \x1b[31mfixed.
    Two lines\u{200d} changed.

    done · 3 turns · 2 files changed · 1m 12s
      src/lib.rs       +12 −4
      assets/日本.png  binary
      check    cargo test ✓ passed (round 2)
      tokens   1,234 in · 80,000 cached · 2,000 to cache · 912 out
      cost     $0.0412 · stops at $5.00
      paid by  byok · anthropic · key client-a · you pay Anthropic at list price ·
               verified
      sandbox  full
      refused  network: crates.io (nobody was there to answer)
      undo     vk tasks undo t01jd3k9x2
      go on    vk run --continue=t01jd3k9x2 "..."
    "#);
}

#[test]
fn a_captured_stdout_gets_the_answer_alone_and_whole() {
    let pty = Pty::new(24, 80);
    let out = Sink::default();
    let terminal = pty.terminal(&[("NO_COLOR", "1")], Box::new(out.clone()), false, false);
    for event in short_task() {
        terminal.event(&event);
    }
    terminal.event(&end(ANSWER));
    assert_eq!(out.text(), "It is \\x1b[31mfixed.\nTwo lines\u{200d} changed.\n");
    let screen = pty.screen();
    assert!(screen.contains("I will look first.") && screen.contains("Two lines\\u{200d} changed."), "{screen}");
    assert!(screen.contains("1.2s ✓"), "{screen}");
}

#[test]
fn quiet_leaves_the_route_the_error_and_the_answer() {
    let pty = Pty::new(24, 80);
    let out = Sink::default();
    let terminal = pty.terminal(&[], Box::new(out.clone()), false, true);
    for event in short_task() {
        terminal.event(&event);
    }
    let error = Failure::usage("x", "the check failed").fix("cargo test");
    terminal.event(&Event::TaskFinished(Box::new(TaskFinished { error: Some(error), ..finished() })));
    assert_eq!(out.text(), "Fixed.\n");
    insta::assert_snapshot!(pty.screen(), @"
    byok · anthropic · claude-sonnet-5-5 · key client-a 1a2b3c4d · you pay Anthropic
    at list price · stops at $5.00
    error: the check failed
      fix: cargo test
    ");
}

#[test]
fn hostile_text_never_reaches_the_terminal_raw_and_the_view_leaves_nothing_behind() {
    for (rows, columns) in [(24, 80), (5, 20), (3, 8), (50, 200)] {
        let pty = Pty::new(rows, columns);
        let terminal = pty.both();
        for event in events() {
            terminal.event(&event);
            terminal.event(&said("\x1b]52;c;aGVsbG8=\x07\u{9b}2J\r\n\u{e0041}日本語 "));
        }
        terminal.say("said \x1b[2J\u{2066}");
        terminal.event(&end("over\x1b[1;1H"));
        let screen = pty.screen();
        assert!(!screen.contains("waiting for anthropic"), "the status area was left behind: {screen}");
    }
}

#[test]
fn a_resize_while_a_task_runs_is_taken_up() {
    let pty = Pty::new(24, 80);
    let terminal = pty.both();
    for event in short_task() {
        terminal.event(&event);
    }
    let small = Winsize { ws_row: 10, ws_col: 26, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&pty.master, small).unwrap();
    pty.wait_for("byok · anthropi…t $5.00");
    terminal.event(&end(ANSWER));
}

#[test]
fn questions_are_answered_by_what_is_typed_after_they_are_seen() {
    let pty = Pty::new(24, 80);
    let terminal = Arc::new(pty.both());
    terminal.event(&Event::RouteResolved(Box::new(route())));
    let before = tcgetattr(&pty.slave).unwrap();
    assert!(terminal.interactive());
    let asked = |answer: &str, secret: bool| {
        let (send, receive) = mpsc::channel();
        let asking = Arc::clone(&terminal);
        let mark = format!("Allow {answer:?}?");
        let text = mark.clone();
        let thread = std::thread::spawn(move || {
            let given = if secret {
                asking.ask_secret(&text).map(|secret| secret.expose().to_owned())
            } else {
                asking.ask(&Question::yes_no(text)).map(String::from)
            };
            send.send(given).unwrap();
        });
        pty.wait_for(&escape_line(&mark));
        pty.type_in(answer);
        let given = receive.recv_timeout(Duration::from_secs(5)).unwrap();
        thread.join().unwrap();
        assert_eq!(tcgetattr(&pty.slave).unwrap().local_modes, before.local_modes);
        given
    };
    assert_eq!(asked("y\n", false).as_deref(), Some("y"));
    assert_eq!(asked("\n", false).as_deref(), Some("n"));
    let asking = Arc::clone(&terminal);
    let thread = std::thread::spawn(move || asking.ask(&Question::yes_no("Again?")));
    pty.wait_for("Again?");
    pty.type_in("what\n");
    pty.wait_for("please type one of n, y: ");
    pty.type_in("YES\n");
    assert_eq!(thread.join().unwrap(), Some('y'));
    // Ctrl-C at once, Ctrl-C after half an answer, end of input.
    assert_eq!(asked("\u{3}", false), None);
    assert_eq!(asked("y\u{3}", false), None);
    assert_eq!(asked("\u{4}", false), None);
    // Typed before the question was there: the kernel has it once the terminal can be read.
    pty.type_in("y\n");
    let limit = rustix::event::Timespec { tv_sec: 5, tv_nsec: 0 };
    let mut typed = [rustix::event::PollFd::new(&pty.slave, rustix::event::PollFlags::IN)];
    assert_eq!(rustix::event::poll(&mut typed, Some(&limit)), Ok(1));
    assert_eq!(asked("no\n", false).as_deref(), Some("n"));
    // A secret is not shown.
    assert_eq!(asked("sk-canary-1\n", true).as_deref(), Some("sk-canary-1"));
    assert!(!pty.wait_for("Allow").contains("canary-1\r"), "the secret was echoed");
    // Free text: a paste of several lines is one text.
    let asking = Arc::clone(&terminal);
    let thread = std::thread::spawn(move || asking.ask_line("and then? "));
    pty.wait_for("and then? ");
    pty.type_in("first\nsecond\n");
    assert_eq!(thread.join().unwrap().as_deref(), Some("first\nsecond"));
    restore();
    assert!(tcgetattr(&pty.slave).unwrap().local_modes.contains(LocalModes::ISIG | LocalModes::ECHO));
}

#[test]
fn nobody_is_there_without_a_terminal_to_ask_at() {
    let pty = Pty::new(24, 80);
    let mut terminal = pty.both();
    terminal.tty = PathBuf::from("/dev/null");
    assert!(!terminal.interactive());
    assert_eq!(terminal.ask(&Question::yes_no("?")), None);
    assert!(!terminal.confirm(&Question::yes_no("?")));
    assert!(terminal.ask_secret("?").is_none());
}

/// A terminal without any terminal: a log and a file.
fn piped(mode: Mode, quiet: bool) -> (Terminal, Sink, Sink) {
    let (out, err) = (Sink::default(), Sink::default());
    let screen = Screen {
        in_is_terminal: false,
        out_is_terminal: false,
        err_is_terminal: false,
        same_terminal: false,
        can_redraw: false,
        colour: false,
        attended: false,
    };
    let env = Env::of(&[], Path::new("/"));
    let term = console::Term::stderr();
    let terminal = Terminal::with(&env, mode, quiet, screen, term, Box::new(out.clone()), Box::new(err.clone()));
    (terminal, out, err)
}

#[test]
fn a_log_has_plain_lines_and_the_answer_only_on_stdout() {
    let (terminal, out, err) = piped(Mode::Text, false);
    for event in short_task() {
        terminal.event(&event);
    }
    terminal.event(&end(ANSWER));
    assert_eq!(out.text(), "It is \\x1b[31mfixed.\nTwo lines\u{200d} changed.\n");
    insta::assert_snapshot!(err.text(), @r#"
    byok · anthropic · claude-sonnet-5-5 · key client-a 1a2b3c4d · you pay Anthropic at list price · stops at $5.00
    ignored ambient ANTHROPIC_API_KEY
    I will look first.
      • $ ls\r\x1b[2K\u{202e}  1.2s ✓

    done · 3 turns · 2 files changed · 1m 12s
      src/lib.rs       +12 −4
      assets/日本.png  binary
      check    cargo test ✓ passed (round 2)
      tokens   1,234 in · 80,000 cached · 2,000 to cache · 912 out
      cost     $0.0412 · stops at $5.00
      paid by  byok · anthropic · key client-a · you pay Anthropic at list price · verified
      sandbox  full
      refused  network: crates.io (nobody was there to answer)
      undo     vk tasks undo t01jd3k9x2
      go on    vk run --continue=t01jd3k9x2 "..."
    "#);
}

#[test]
fn json_modes_print_json_alone_and_end_with_task_finished_once() {
    for mode in [Mode::Json, Mode::StreamJson] {
        let (terminal, out, err) = piped(mode, false);
        for event in short_task() {
            terminal.event(&event);
        }
        terminal.event(&end(ANSWER));
        terminal.fail(&Failure::usage("x", "told already"));
        let lines: Vec<serde_json::Value> =
            out.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let wanted = if mode == Mode::Json { 1 } else { short_task().len() + 1 };
        assert_eq!(lines.len(), wanted);
        assert_eq!(lines[wanted - 1]["type"], "task.finished");
        assert_eq!(lines[wanted - 1]["answer"], ANSWER);
        assert!(lines.iter().all(|line| line["v"] == 1 && line["ts"].is_string()));
        assert!(!err.text().contains("told already"));
    }
    let (terminal, out, err) = piped(Mode::Json, true);
    terminal.fail(&Failure::usage("no_task", "no task was given").fix("vk run \"...\""));
    assert_eq!(out.text().lines().count(), 1);
    assert!(out.text().contains("\"status\":\"usage\""));
    assert!(err.text().starts_with("error: no task was given\n  fix: vk run"));
}

#[test]
fn a_reader_that_went_away_is_no_failure_but_a_full_disk_is() {
    struct Failing(io::ErrorKind);
    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for (kind, delivered) in [(io::ErrorKind::BrokenPipe, true), (io::ErrorKind::StorageFull, false)] {
        let (terminal, _, _) = piped(Mode::StreamJson, false);
        terminal.voice().out = Box::new(Failing(kind));
        terminal.event(&end("x"));
        assert_eq!(terminal.delivered().is_ok(), delivered);
    }
}

#[test]
fn an_early_end_shows_what_the_model_had_said() {
    let (terminal, out, err) = piped(Mode::Text, false);
    terminal.event(&Event::RouteResolved(Box::new(route())));
    terminal.event(&Event::TurnStarted { turn: 1 });
    terminal.event(&said("Half a sent"));
    let stopped = TaskFinished { answer: None, cost_state: Some(CostState::Estimated), ..finished() };
    terminal.event(&Event::TaskFinished(Box::new(stopped)));
    assert_eq!(out.text(), "");
    assert!(err.text().contains("Half a sent\n"));
}

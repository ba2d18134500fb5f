//! A `vk` that sees nothing of the machine it runs on: a made-up home, config, data and project in one temporary
//! folder, an empty environment, and planted keys that must never be seen again.
//!
//! ```ignore
//! let provider = Provider::start([Script::sse(&Turn::say("Done.").anthropic())]);
//! let vk = Vk::new().provider("anthropic", &provider.url());
//! let out = vk.run(&["run", "--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY", "say hi"]);
//! assert_eq!(out.code, 0, "{out}");
//! ```
//!
//! Every run asserts that no planted key, raw or encoded, is in its output or in any file of the folder.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// Fake keys in the shape of each provider, in variables to be named with `--key env:NAME`.
pub const PLANTED: [(&str, &str); 3] = [
    ("TEST_ANTHROPIC_KEY", "sk-ant-api03-planted+canary/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaAA"),
    ("TEST_OPENAI_KEY", "sk-proj-planted-canary-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbBB"),
    ("TEST_OPENROUTER_KEY", "sk-or-v1-planted0canary0cccccccccccccccccccccccccccccccccccccccccccccccccccCC"),
];

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The exit code; 128 and the signal where one ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Ran {
    /// The lines of stdout as JSON: for `--output json` and `stream-json`.
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}\n{self}"))).collect()
    }
}

/// The folder and what the next runs are given.
pub struct Vk {
    root: tempfile::TempDir,
    vars: Vec<(String, String)>,
    stdin: Option<Vec<u8>>,
}

impl Vk {
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("vk-test-").tempdir().unwrap();
        let vk = Self { root, vars: Vec::new(), stdin: None };
        for folder in [vk.home(), vk.config_dir(), vk.data_dir(), vk.project(), vk.root.path().join("tmp")] {
            make_private(&folder);
        }
        vk
    }

    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub fn config_dir(&self) -> PathBuf {
        self.root.path().join("config")
    }

    pub fn data_dir(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// The working directory of every run.
    pub fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    /// Sends a built-in provider's requests to this address.
    pub fn provider(self, name: &str, base_url: &str) -> Self {
        self.config(&format!("[providers.{name}]\nbase_url = \"{base_url}\"\n"))
    }

    /// Adds to the user's config.toml.
    pub fn config(self, toml: &str) -> Self {
        let path = self.config_dir().join("config.toml");
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(&path, before + toml).unwrap();
        self
    }

    /// Writes a file of the project, its folders included.
    pub fn file(self, path: &str, content: &str) -> Self {
        let path = self.project().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.as_bytes().to_vec());
        self
    }

    /// Makes the project a git repository with one commit of what is there.
    pub fn git(self) -> Self {
        for args in [
            &["init", "-q", "-b", "main"][..],
            &["add", "-A"],
            &["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "start"],
        ] {
            let mut git = Command::new("git");
            git.args(args).current_dir(self.project()).env_clear().env("PATH", PATH).env("HOME", self.home());
            assert!(git.status().unwrap().success(), "git {args:?}");
        }
        self
    }

    /// The command of a run, for tests that steer it themselves (signals, a terminal).
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vk"));
        command
            .args(args)
            .current_dir(self.project())
            .env_clear()
            .env("PATH", PATH)
            .env("LANG", "C.UTF-8")
            .env("HOME", self.home())
            .env("TMPDIR", self.root.path().join("tmp"))
            .env("VK_CONFIG_DIR", self.config_dir())
            .env("VK_DATA_DIR", self.data_dir())
            .envs(PLANTED)
            .envs(self.vars.iter().map(|(name, value)| (name, value)))
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs to the end, then looks for the planted keys.
    pub fn run(&self, args: &[&str]) -> Ran {
        let mut child = self.command(args).spawn().unwrap();
        if let (Some(text), Some(mut pipe)) = (&self.stdin, child.stdin.take()) {
            // A command that does not read its input closes the pipe, which is its right.
            let _ = pipe.write_all(text);
        }
        let out = child.wait_with_output().unwrap();
        let ran = Ran {
            code: code_of(out.status),
            stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        };
        self.assert_no_leak(&ran);
        ran
    }

    /// No planted key, in any form, in the output or in any file.
    pub fn assert_no_leak(&self, ran: &Ran) {
        let mut places = vec![
            ("stdout".to_owned(), ran.stdout.clone().into_bytes()),
            ("stderr".to_owned(), ran.stderr.clone().into_bytes()),
        ];
        read_all(self.root.path(), &mut places);
        for (place, bytes) in places {
            for (name, key) in PLANTED {
                for form in forms(key) {
                    assert!(!holds(&bytes, form.as_bytes()), "{name} is in {place}, as {form}");
                }
            }
        }
    }
}

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

fn forms(key: &str) -> [String; 4] {
    let percent: String = key.bytes().fold(String::new(), |out, byte| match byte {
        b'+' => out + "%2B",
        b'/' => out + "%2F",
        _ => out + &char::from(byte).to_string(),
    });
    [key.to_owned(), percent, BASE64_STANDARD_NO_PAD.encode(key), BASE64_URL_SAFE_NO_PAD.encode(key)]
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn read_all(folder: &Path, places: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            read_all(&path, places);
        } else if kind.is_file() {
            places.push((path.display().to_string(), std::fs::read(&path).unwrap_or_default()));
        }
    }
}

#[cfg(unix)]
fn make_private(folder: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(folder).unwrap();
}

#[cfg(not(unix))]
fn make_private(folder: &Path) {
    std::fs::create_dir(folder).unwrap();
}

#[cfg(unix)]
pub fn code_of(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(not(unix))]
pub fn code_of(status: std::process::ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

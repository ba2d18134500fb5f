//! A user of their own: a home in a temporary folder, an empty environment, no session bus.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

pub(super) struct Home {
    dir: tempfile::TempDir,
    vars: Vec<(String, String)>,
}

/// What a run of vk left: its code and everything it said.
#[derive(Debug)]
pub(super) struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// Asserts the code, and that stderr has each of these words.
    pub(super) fn says(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {self:?}");
        }
    }
}

impl Home {
    /// With the session bus at this address, or at none.
    pub(super) fn with_bus(address: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("project")).unwrap();
        let nowhere = format!("unix:path={}", dir.path().join("no-bus").display());
        let vars = vec![
            ("HOME".to_owned(), dir.path().display().to_string()),
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ("DBUS_SESSION_BUS_ADDRESS".to_owned(), address.map_or(nowhere, str::to_owned)),
        ];
        Self { dir, vars }
    }

    /// With the encrypted file, opened by an identity file that is made with it.
    pub(super) fn with_file() -> Self {
        let mut home = Self::with_bus(None);
        let identity = home.path().join("identity.txt").display().to_string();
        home.set("VK_AGE_IDENTITY", &identity);
        home.vk(&["keys", "init", "--file"], "").says(0, &["A new identity is in"]);
        home
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.vars.retain(|(known, _)| known != name);
        self.vars.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path().join(".local/share/vk")
    }

    /// Writes the user's own configuration.
    pub(super) fn configure(&self, text: &str) {
        let folder = self.path().join(".config/vk");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.toml"), text).unwrap();
    }

    pub(super) fn vk(&self, args: &[&str], stdin: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vk"));
        command.args(args);
        self.run(command, stdin)
    }

    /// Runs a bash script in which `vk` is the program under test.
    pub(super) fn bash(&self, wrapper: &[&str], script: &str) -> Ran {
        let mut words = wrapper.iter().chain(&["bash", "-c"]);
        let mut command = Command::new(words.next().unwrap());
        let mut prelude = String::from("set -u\n");
        let _ = writeln!(prelude, "vk() {{ '{}' \"$@\"; }}", env!("CARGO_BIN_EXE_vk"));
        command.args(words).arg(prelude + script);
        self.run(command, "")
    }

    fn run(&self, mut command: Command, stdin: &str) -> Ran {
        command.env_clear().envs(self.vars.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.path().join("project"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // vk may end before it has read: then the pipe is closed, which is what the test looks at.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Every file under the home that holds the text as it is, in base64, or as JSON escapes it.
    pub(super) fn files_with(&self, text: &str) -> Vec<PathBuf> {
        use base64::Engine as _;
        let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(text);
        let mut found = Vec::new();
        let mut folders = vec![self.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    let content = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                    // The last character or two of base64 depend on what follows.
                    if content.contains(text) || content.contains(&base64[..base64.len() - 2]) {
                        found.push(path);
                    }
                }
            }
        }
        found
    }
}

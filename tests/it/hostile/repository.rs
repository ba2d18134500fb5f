//! The repository: its configuration of git, its hooks, planted programs, files of other tools, odd names.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::support::env::{PLANTED, Ran, Vk, code_of};
use crate::support::provider::Provider;

const GIT_CONFIG: &str = include_str!("../../hostile/git-config.txt");
const GIT_HOOKS: &str = include_str!("../../hostile/git-hooks.txt");
const PROGRAMS: &str = include_str!("../../hostile/programs.txt");
const FILES: &str = include_str!("../../hostile/files.txt");

/// A folder inside the repository whose name is an attack on terminals.
pub const INNER: &str = "in\u{1b}[31mner\u{202e}";

pub struct Hostile {
    pub vk: Vk,
    /// What the user's own configuration names as Anthropic.
    pub provider: Provider,
    canaries: tempfile::TempDir,
    stranger: TcpListener,
}

impl Hostile {
    /// The repository, with this `vk.toml` where one is given. A path and a key are there to be used.
    pub fn new(project_file: Option<&str>) -> Self {
        let provider = Provider::start([]);
        let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
        stranger.set_nonblocking(true).unwrap();
        let vk = Vk::new().provider("anthropic", &provider.url()).file("a.txt", "a\n").git();
        let hostile = Self { vk, provider, canaries: tempfile::tempdir().unwrap(), stranger };
        hostile.plant(project_file);
        hostile
    }

    fn plant(&self, project_file: Option<&str>) {
        let root = self.vk.project();
        let git = root.join(".git");
        let config: String = lines(GIT_CONFIG).map(|line| setting(&self.fill(line, line))).collect();
        fs::write(git.join("config"), format!("[core]\n\trepositoryformatversion = 0\n{config}")).unwrap();
        fs::create_dir_all(git.join("hooks")).unwrap();
        for hook in lines(GIT_HOOKS) {
            self.program(&git.join("hooks").join(hook), &format!("hook-{hook}"));
        }
        // A bare repository within, as a clone brings it.
        let bare = root.join("docs");
        for folder in ["objects", "refs/heads", "hooks"] {
            fs::create_dir_all(bare.join(folder)).unwrap();
        }
        fs::write(bare.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(bare.join("config"), format!("[core]\n\tbare = true\n{config}")).unwrap();
        for folder in ["", "bin", "node_modules/.bin", ".venv/bin"] {
            fs::create_dir_all(root.join(folder)).unwrap();
            for program in lines(PROGRAMS) {
                self.program(&root.join(folder).join(program), &format!("program-{program}"));
            }
        }
        for (name, content) in sections(FILES) {
            let path = root.join(visible(&name));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, self.fill(&content, &format!("file-{}", name.replace('/', "-")))).unwrap();
        }
        fs::create_dir_all(root.join(INNER)).unwrap();
        for folder in [root.clone(), root.join(INNER)] {
            fs::write(folder.join("tasks.jsonl"), "{\"task\": \"go \\u001b[2J\", \"id\": \"a\"}\n").unwrap();
        }
        // A branch whose name is a command.
        fs::write(git.join("HEAD"), "ref: refs/heads/$(touch${IFS}PWNED)\n").unwrap();
        if let Some(text) = project_file {
            fs::write(root.join("vk.toml"), self.fill(text, "vk-toml")).unwrap();
        }
    }

    /// `@HOOKS` is the folder of the hooks, `@LISTENER` the stranger's address, `@` a command that plants a canary.
    pub fn fill(&self, text: &str, canary: &str) -> String {
        let hooks = self.vk.project().join(".git/hooks");
        let address = format!("http://{}", self.stranger.local_addr().unwrap());
        let text = text.replace("@HOOKS", &hooks.to_string_lossy()).replace("@LISTENER", &address);
        visible(&text).replace('@', &self.touch(canary))
    }

    fn touch(&self, canary: &str) -> String {
        let name: String = canary.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        format!("touch {}", self.canaries.path().join(name.trim_matches('-')).display())
    }

    fn program(&self, path: &Path, canary: &str) {
        fs::write(path, format!("#!/bin/sh\n{}\n", self.touch(canary))).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs it in the repository.
    pub fn ran(&self, arguments: &[&str]) -> Ran {
        self.ran_in(&self.vk.project(), arguments)
    }

    /// Runs it to its end, half a minute at most, with nobody there and the repository in PATH.
    pub fn ran_in(&self, folder: &Path, arguments: &[&str]) -> Ran {
        let mut command = self.vk.command(arguments);
        command.current_dir(folder).env("CI", "1").env("PATH", ".:node_modules/.bin::/usr/local/bin:/usr/bin:/bin");
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let (told, tells) = std::sync::mpsc::channel();
        let id = child.id();
        let waiter = std::thread::spawn(move || told.send(child.wait_with_output().unwrap()));
        let out = tells.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| {
            let pid = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            panic!("{arguments:?} does not end");
        });
        waiter.join().unwrap().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_else(|_| panic!("{arguments:?}: no UTF-8"));
        Ran { code: code_of(out.status), stdout: text(out.stdout), stderr: text(out.stderr) }
    }

    /// Nothing of the repository ran, and nobody asked where it pointed.
    pub fn assert_untouched(&self, what: &str) {
        let ran: Vec<PathBuf> =
            fs::read_dir(self.canaries.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(ran.is_empty(), "{what} ran {ran:?}");
        for folder in [self.vk.project(), self.vk.project().join(INNER), self.vk.home()] {
            assert!(!folder.join("PWNED").exists(), "{what} ran a name");
        }
        assert!(self.stranger.accept().is_err(), "{what} asked a stranger");
    }

    /// Everything that a canary can show was shown to show it: a test of the test.
    pub fn assert_can_be_touched(&self) {
        let git = |args: &[&str]| {
            let mut git = std::process::Command::new("git");
            git.args(args).current_dir(self.vk.project()).env_clear().env("PATH", "/usr/bin:/bin");
            git.env("HOME", self.vk.home()).output().unwrap()
        };
        git(&["status"]);
        assert!(fs::read_dir(self.canaries.path()).unwrap().next().is_some(), "a plain git ran nothing of it");
    }
}

/// The sections of a data file: what follows `== `, and the lines until the next.
pub fn sections(text: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("== "), all.last_mut()) {
            (Some(head), _) => all.push((head.to_owned(), String::new())),
            (None, Some((_, content))) => {
                content.push_str(line);
                content.push('\n');
            }
            (None, None) => assert!(line.starts_with('#') || line.is_empty(), "{line}"),
        }
    }
    all
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// `\u{1b}` in a data file is that character.
pub fn visible(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\u{") {
        let end = at + rest[at..].find('}').unwrap();
        let code = u32::from_str_radix(&rest[at + 3..end], 16).unwrap();
        out = out + &rest[..at] + &char::from_u32(code).unwrap().to_string();
        rest = &rest[end + 1..];
    }
    out + rest
}

/// `a.b.c=value` as a section of git's configuration.
fn setting(line: &str) -> String {
    let (key, value) = line.split_once('=').unwrap();
    let (section, name) = key.rsplit_once('.').unwrap();
    let section = match section.split_once('.') {
        Some((section, sub)) => format!("{section} \"{sub}\""),
        None => section.to_owned(),
    };
    format!("[{section}]\n\t{name} = \"{}\"\n", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The user's variables for a run that could pay.
pub fn paying() -> [&'static str; 6] {
    ["--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"]
}

/// A terminal gets no control, override or tag character of the repository's.
pub fn assert_shown_safely(text: &str, what: &str) {
    let is_bad = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
    };
    assert!(!text.chars().any(is_bad), "{what} shows {:?}", text.chars().filter(|c| is_bad(*c)).collect::<String>());
    assert!(!text.contains(PLANTED[0].1), "{what} shows a key");
}

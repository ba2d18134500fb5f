//! Where each tool leaves its logs: by its own variables and defaults, or in a folder that is named.

use std::path::{Path, PathBuf};

use super::tool::Tool;
use crate::base::env::Env;

/// In what form a log lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Files of lines, `*.jsonl`, in folders of any depth.
    Lines,
    /// Files of one object each, `*.json`.
    Documents,
    /// A database of opencode's.
    Database,
}

/// A folder with logs, or a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `None`: each file says by itself whose it is.
    pub tool: Option<Tool>,
    pub kind: Kind,
    pub path: PathBuf,
}

impl Place {
    fn new(tool: Tool, kind: Kind, path: PathBuf) -> Self {
        Self { tool: Some(tool), kind, path }
    }
}

/// Where a tool's logs are without a word from the person; places that do not exist are among them.
#[must_use]
pub fn usual(tool: Tool, env: &Env) -> Vec<Place> {
    let home = env.home().unwrap_or_default();
    match tool {
        Tool::ClaudeCode => match env.get("CLAUDE_CONFIG_DIR") {
            // One folder, or several with commas between them, as usage reports take it.
            Some(list) => list.split(',').flat_map(|dir| homes(tool, Path::new(dir.trim()))).collect(),
            None => [home.join(".config/claude"), home.join(".claude")]
                .iter()
                .map(|dir| Place::new(tool, Kind::Lines, dir.join("projects")))
                .collect(),
        },
        Tool::Codex => homes(tool, &env.path("CODEX_HOME").unwrap_or_else(|| home.join(".codex"))),
        Tool::Opencode => {
            let shared = env.path("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
            homes(tool, &env.path("OPENCODE_DATA_DIR").unwrap_or_else(|| shared.join("opencode")))
        }
        Tool::Pi => homes(tool, &env.path("PI_CODING_AGENT_DIR").unwrap_or_else(|| home.join(".pi/agent"))),
    }
}

/// What a folder that the person names holds: a tool's own folder, or one of log files.
#[must_use]
pub fn given(tool: Option<Tool>, dir: &Path) -> Vec<Place> {
    let Some(tool) = tool else {
        let mut places = vec![Place { tool: None, kind: Kind::Lines, path: dir.to_owned() }];
        let opencode = homes(Tool::Opencode, dir);
        places.extend(opencode.into_iter().filter(|place| place.path.exists() && place.path != dir));
        return places;
    };
    let places = homes(tool, dir);
    let is_home = places.iter().any(|place| place.path.exists());
    match (is_home, tool) {
        (true, _) => places,
        (false, Tool::Opencode) => vec![Place::new(tool, Kind::Documents, dir.to_owned())],
        (false, _) => vec![Place::new(tool, Kind::Lines, dir.to_owned())],
    }
}

/// The places under a tool's own folder.
fn homes(tool: Tool, home: &Path) -> Vec<Place> {
    let lines = |name: &str| Place::new(tool, Kind::Lines, home.join(name));
    match tool {
        Tool::ClaudeCode => vec![lines("projects")],
        Tool::Codex => vec![lines("sessions"), lines("archived_sessions")],
        Tool::Opencode => {
            let databases = databases(home).into_iter().map(|path| Place::new(tool, Kind::Database, path));
            databases.chain([Place::new(tool, Kind::Documents, home.join("storage/message"))]).collect()
        }
        Tool::Pi => vec![lines("sessions")],
    }
}

/// `opencode.db`, and `opencode-CHANNEL.db` of its other releases.
fn databases(home: &Path) -> Vec<PathBuf> {
    let is_database = |name: &str| {
        let inner = name.strip_prefix("opencode").and_then(|rest| rest.strip_suffix(".db"));
        inner.is_some_and(|inner| inner.is_empty() || inner.starts_with('-'))
    };
    let Ok(entries) = std::fs::read_dir(home) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter(|entry| entry.file_name().to_str().is_some_and(is_database))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_move_the_folders_of_their_tools() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().to_str().unwrap();
        let paths = |env: &Env, tool| usual(tool, env).into_iter().map(|place| place.path).collect::<Vec<_>>();
        let env = Env::of(&[("HOME", home)], dir.path());
        let under = |name: &str| dir.path().join(name);
        assert_eq!(paths(&env, Tool::ClaudeCode), [under(".config/claude/projects"), under(".claude/projects")]);
        assert_eq!(paths(&env, Tool::Codex), [under(".codex/sessions"), under(".codex/archived_sessions")]);
        assert_eq!(paths(&env, Tool::Opencode), [under(".local/share/opencode/storage/message")]);
        assert_eq!(paths(&env, Tool::Pi), [under(".pi/agent/sessions")]);
        let env = Env::of(&[("HOME", home), ("CLAUDE_CONFIG_DIR", "/a, /b"), ("CODEX_HOME", "/c")], dir.path());
        assert_eq!(paths(&env, Tool::ClaudeCode), [PathBuf::from("/a/projects"), "/b/projects".into()]);
        assert_eq!(paths(&env, Tool::Codex)[0], PathBuf::from("/c/sessions"));
    }

    #[test]
    fn a_named_folder_is_a_tools_own_or_one_of_log_files() {
        let dir = tempfile::tempdir().unwrap();
        let claude = |dir: &Path| given(Some(Tool::ClaudeCode), dir).remove(0).path;
        assert_eq!(claude(dir.path()), dir.path());
        std::fs::create_dir(dir.path().join("projects")).unwrap();
        assert_eq!(claude(dir.path()), dir.path().join("projects"));
        assert_eq!(given(Some(Tool::Opencode), dir.path()).remove(0).kind, Kind::Documents);
        std::fs::write(dir.path().join("opencode-beta.db"), "").unwrap();
        std::fs::write(dir.path().join("opencodes.db"), "").unwrap();
        let places = given(None, dir.path());
        assert_eq!((places[0].tool, places[0].kind), (None, Kind::Lines));
        assert_eq!(places[1].path, dir.path().join("opencode-beta.db"));
        assert_eq!(places.len(), 2);
    }
}

//! What the files of this folder share: a reader of one foreign format.

use std::path::Path;

use super::call::Call;
use super::fields::Broken;
use super::tool::Tool;
use super::{claude_code, codex, opencode, pi};

/// One file of a foreign log, line by line.
pub(super) trait Log {
    /// Takes a whole line and adds the calls that it tells of. The same lines in the same order give the same calls.
    ///
    /// # Errors
    /// Why the line says nothing; reading goes on.
    fn take(&mut self, line: &[u8], calls: &mut Vec<Call>) -> Result<(), Broken>;

    /// What a later reading of the rest of the file must begin with; `None` where that is nothing.
    fn state(&self) -> Option<String> {
        None
    }
}

/// A reader of `path`, which goes on from `state` where a part was read before.
pub(super) fn log(tool: Tool, path: &Path, state: Option<&str>) -> Box<dyn Log> {
    match tool {
        Tool::ClaudeCode => Box::new(claude_code::ClaudeCode::new(path)),
        Tool::Codex => Box::new(codex::Codex::new(path, state)),
        Tool::Opencode => Box::new(opencode::Opencode::new()),
        Tool::Pi => Box::new(pi::Pi::new(path, state)),
    }
}

/// Whether a line can be one of JSON at all: an object from its first byte to its last.
pub(super) fn is_object(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.first() == Some(&b'{') && line.last() == Some(&b'}')
}

/// The name of a file without its folder and its ending.
pub(super) fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|name| name.to_str()).unwrap_or("unknown")
}

/// The name of the folder that holds a file.
pub(super) fn folder(path: &Path) -> &str {
    path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or("unknown")
}

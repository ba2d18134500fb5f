//! A session of another tool: the task that stands for it, and the project it worked in.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::call::session_task_id;
use super::tool::Tool;

/// No id, folder or name is longer; what is, is cut.
pub(super) const LONGEST_TEXT: usize = 512;
/// Folders looked at for a `.git`, the working directory included.
const MOST_LEVELS: usize = 32;

/// One session in one folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub tool: Tool,
    pub id: String,
    pub task_id: String,
    pub project: Project,
}

/// A project as reports name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Project {
    /// Where its work tree begins; empty if the log does not say.
    pub dir: String,
    pub name: String,
}

/// The sessions that a reader has met, so that each is made once.
#[derive(Debug)]
pub(super) struct Sessions {
    tool: Tool,
    known: Vec<(String, Arc<Session>)>,
    projects: HashMap<String, Project>,
}

impl Sessions {
    pub(super) fn new(tool: Tool) -> Self {
        Self { tool, known: Vec::new(), projects: HashMap::new() }
    }

    /// The session `id` in the folder `cwd`; `otherwise` names the project where there is no folder.
    pub(super) fn get(&mut self, id: &str, cwd: Option<&str>, otherwise: &str) -> Arc<Session> {
        let (id, place) = (cut(id), cut(cwd.unwrap_or(otherwise)));
        // A log stays with one session and folder for a long time.
        if let Some(at) = self.known.iter().rposition(|(folder, session)| session.id == id && folder == place) {
            if at + 1 != self.known.len() {
                let found = self.known.remove(at);
                self.known.push(found);
            }
            if let Some((_, session)) = self.known.last() {
                return Arc::clone(session);
            }
        }
        if self.known.len() >= 64 {
            self.known.remove(0);
        }
        let project = match cwd {
            Some(_) => self.projects.entry(place.to_owned()).or_insert_with(|| project_of(place)).clone(),
            None => Project { dir: String::new(), name: place.to_owned() },
        };
        let task_id = session_task_id(self.tool, id);
        let session = Arc::new(Session { tool: self.tool, id: id.to_owned(), task_id, project });
        self.known.push((place.to_owned(), Arc::clone(&session)));
        session
    }
}

/// The work tree that holds a folder, by whether there is a `.git`; nothing is read. A folder that is gone is its
/// own project.
fn project_of(cwd: &str) -> Project {
    let folder = Path::new(cwd);
    let root = if folder.is_absolute() {
        folder.ancestors().take(MOST_LEVELS).find(|dir| dir.join(".git").symlink_metadata().is_ok()).unwrap_or(folder)
    } else {
        folder
    };
    // Windows' separators appear in logs that were copied from there.
    let last = cwd.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(cwd);
    let name = root.file_name().and_then(|name| name.to_str()).filter(|name| !name.contains('\\')).unwrap_or(last);
    Project { dir: root.to_string_lossy().into_owned(), name: name.to_owned() }
}

/// The beginning of a text that is longer than any honest one.
pub(super) fn cut(text: &str) -> &str {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    let mut end = LONGEST_TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_made_once_and_its_project_is_the_work_tree() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("shop");
        std::fs::create_dir_all(tree.join("src/deep")).unwrap();
        std::fs::create_dir(tree.join(".git")).unwrap();
        let mut sessions = Sessions::new(Tool::ClaudeCode);
        let deep = tree.join("src/deep").to_str().unwrap().to_owned();
        let first = sessions.get("s1", Some(&deep), "");
        assert_eq!(first.project, Project { dir: tree.to_str().unwrap().to_owned(), name: "shop".to_owned() });
        let other = sessions.get("s2", Some("/gone/blog"), "");
        assert_eq!((other.project.name.as_str(), other.project.dir.as_str()), ("blog", "/gone/blog"));
        assert!(Arc::ptr_eq(&first, &sessions.get("s1", Some(&deep), "")));
        assert_eq!(sessions.get("s3", None, "-home-ann-shop").project.name, "-home-ann-shop");
        assert_eq!(sessions.get("s4", Some(r"C:\work\shop"), "").project.name, "shop");
        assert_eq!(sessions.get(&"x".repeat(9_000), Some("/a"), "").id.len(), LONGEST_TEXT);
    }
}

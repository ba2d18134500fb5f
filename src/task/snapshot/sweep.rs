//! Forgetting: the newest tasks of a project can be undone, older ones give their space back.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::entry::ObjectId;
use super::manifest::Manifest;
use super::record::{BEFORE, FILE, Record};
use super::store::{Store, replace_soon};
use crate::base::fsx;

/// Tasks of a project that can be undone, and how many more may gather before the store is swept.
const KEPT: usize = 100;
const SLACK: usize = 20;
const LIST: &str = "tasks";
const LARGEST_LIST: u64 = 1 << 20;

/// Notes that `task_id` has a snapshot here, and forgets the oldest ones when there are too many. The caller holds
/// the store's lock, so that nothing is added meanwhile.
pub(super) fn begin(store: &Store, tasks_dir: &Path, task_id: &str, index: &Manifest) -> io::Result<()> {
    let list = store.dir().join(LIST);
    let known = fsx::read_bounded(&list, LARGEST_LIST).unwrap_or_default();
    let known = String::from_utf8_lossy(&known).into_owned();
    let mut ids: Vec<&str> = known.lines().filter(|id| is_id(id) && *id != task_id).collect();
    for id in &ids {
        // A task that has ended needs its changes only, no longer the whole tree.
        let before = tasks_dir.join(id).join(BEFORE);
        if before.exists() && Record::read(&tasks_dir.join(id)).is_ok_and(|r| r.is_some_and(|r| r.ended_at.is_some())) {
            let _ = fs::remove_file(before);
        }
    }
    if ids.len() > KEPT + SLACK {
        let old: Vec<&str> = ids.drain(..ids.len() - KEPT).collect();
        for id in old {
            for file in [BEFORE, FILE] {
                let _ = fs::remove_file(tasks_dir.join(id).join(file));
            }
        }
        let wanted = wanted(tasks_dir, &ids, index)?;
        store.sweep(|id| wanted.contains(id))?;
    }
    ids.push(task_id);
    replace_soon(&list, (ids.join("\n") + "\n").as_bytes())
}

/// An id is one plain name: the list must not lead out of the tasks' folder.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn wanted(tasks_dir: &Path, ids: &[&str], index: &Manifest) -> io::Result<BTreeSet<ObjectId>> {
    let mut wanted: BTreeSet<ObjectId> = index.entries.values().filter_map(|entry| entry.object.clone()).collect();
    for id in ids {
        let dir = tasks_dir.join(id);
        let Some(record) = Record::read(&dir)? else { continue };
        for change in record.changes {
            wanted.extend([change.before, change.after].into_iter().flatten().filter_map(|state| state.object));
        }
        if let Ok(before) = Manifest::read(&dir.join(BEFORE)) {
            wanted.extend(before.entries.into_values().filter_map(|entry| entry.object));
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_tasks_are_forgotten_and_their_contents_go() {
        let (data, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(data.path(), root.path()).unwrap();
        let tasks = data.path().join("tasks");
        let mut objects = Vec::new();
        for n in 0..=KEPT + SLACK + 1 {
            let id = format!("t{n}");
            let dir = tasks.join(&id);
            fs::create_dir_all(&dir).unwrap();
            begin(&store, &tasks, &id, &Manifest::default()).unwrap();
            let object = store.put(id.as_bytes()).unwrap();
            let state = serde_json::json!({"kind": "file", "mode": 420, "size": 1, "object": object.as_str()});
            let record = serde_json::json!({
                "v": 1, "task_id": id, "root": "/x", "taken_at": "", "ended_at": "",
                "changes": [{"path": "a", "before": state, "after": null, "added": null, "removed": null}], "notes": []
            });
            fs::write(dir.join(FILE), record.to_string()).unwrap();
            fs::write(dir.join(BEFORE), "").unwrap();
            objects.push((object, id.len() as u64));
        }
        let gone = objects.iter().filter(|(id, size)| !store.has(id, *size)).count();
        assert_eq!(gone, SLACK + 1);
        assert!(!tasks.join("t0").join(FILE).exists() && tasks.join(format!("t{}", SLACK + 1)).join(FILE).exists());
        assert!(!tasks.join("t100").join(BEFORE).exists(), "an ended task's tree is let go");
    }
}

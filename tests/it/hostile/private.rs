//! What vk leaves on the disk is for nobody else's eyes (SECURITY row 22), whatever the umask it was started with.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::repository::paying;
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

#[test]
fn every_file_of_a_task_is_private_whatever_the_umask() {
    let edit = json!({"command": "create", "path": "new.txt", "file_text": "new\n"});
    let turn = Turn::new().tool("t1", "str_replace_based_edit_tool", edit);
    let turn = turn.tool("t2", "bash", json!({"command": "echo ignored > kept.log; echo b > b.txt"}));
    let provider = Provider::start([Script::sse(&turn.anthropic()), Script::sse(&Turn::say("Done.").anthropic())]);
    let vk = Vk::new().provider("anthropic", &provider.url()).file(".gitignore", "*.log\n").file("kept.log", "x").git();
    let line: Vec<&str> = ["run", "--debug"].into_iter().chain(paying()).chain(["go"]).collect();
    for arguments in [&line[..], &["tasks", "undo"], &["cost"], &["keys", "init", "--file"]] {
        let plain = vk.command(arguments);
        let mut loose = Command::new("sh");
        loose.args(["-c", "umask 000; exec \"$@\"", "sh"]).arg(plain.get_program()).args(plain.get_args());
        loose.current_dir(vk.project()).env_clear();
        loose.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("VK_AGE_IDENTITY", "");
        let out = loose.output().unwrap();
        let code = out.status.code();
        assert!(code == Some(0) || arguments[0] == "keys", "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    }
    let files = assert_private(&vk.data_dir());
    assert!(files >= 5, "{files} files: the ledger, the transcript and the snapshot at least");
}

fn assert_private(folder: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, meta) = (entry.path(), entry.metadata().unwrap());
        if meta.is_symlink() {
            continue;
        }
        let mode = meta.permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
        if meta.is_dir() {
            // The packages in it are commands' own, behind a folder that is private.
            let is_cache = path.parent().is_some_and(|folder| folder.ends_with("cache"));
            files += if is_cache { 0 } else { assert_private(&path) };
        } else {
            files += 1;
        }
    }
    files
}

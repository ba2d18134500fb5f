//! A folder as it is to the byte: what tests compare before and after.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// What stands at a path: a letter for its kind (`f`, `d`, `l`, `p` and `s` for pipes and sockets), its mode, and its
/// bytes or target. Links have no mode of their own.
pub type Tree = BTreeMap<PathBuf, (char, u32, Vec<u8>)>;

/// Longer files are told by their length and SHA-256, sparse ones by their length.
const WHOLE: u64 = 1 << 20;
const SUMMED: u64 = 1 << 28;

/// Everything below `root`, relative to it.
pub fn tree(root: &Path) -> Tree {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let meta = std::fs::symlink_metadata(&path).unwrap();
            let mode = meta.mode() & 0o7777;
            let kind = meta.file_type();
            let what = if kind.is_dir() {
                folders.push(path.clone());
                ('d', mode, Vec::new())
            } else if kind.is_symlink() {
                ('l', 0, std::fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec())
            } else if kind.is_fifo() {
                ('p', mode, Vec::new())
            } else if !kind.is_file() {
                ('s', mode, Vec::new())
            } else if meta.len() > SUMMED {
                ('f', mode, meta.len().to_string().into_bytes())
            } else {
                let bytes = std::fs::read(&path).unwrap();
                if meta.len() > WHOLE {
                    use sha2::Digest as _;
                    ('f', mode, [meta.len().to_string().as_bytes(), &sha2::Sha256::digest(bytes)].concat())
                } else {
                    ('f', mode, bytes)
                }
            };
            found.insert(path.strip_prefix(root).unwrap().to_path_buf(), what);
        }
    }
    found
}

/// One line for each path that differs; empty where the trees are the same.
pub fn difference(before: &Tree, after: &Tree) -> Vec<String> {
    let paths: std::collections::BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    let shown = |what: Option<&(char, u32, Vec<u8>)>| {
        what.map_or("nothing".to_owned(), |(kind, mode, bytes)| {
            format!("{kind} {mode:o} {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(80)]))
        })
    };
    let differs = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
    differs
        .map(|path| {
            format!("{}: {} -> {}", vibekit::base::name::line(path), shown(before.get(path)), shown(after.get(path)))
        })
        .collect()
}

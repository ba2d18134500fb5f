//! Names that are never written, in every spelling that some file system takes for the same name.

use std::path::{Component, Path, PathBuf};

/// A component as the most lenient file systems compare it: case folded, ignorable characters left out (HFS+),
/// trailing dots and spaces dropped (Windows).
fn folded(name: &str) -> String {
    let kept = name.chars().filter(|c| !is_ignorable(*c)).flat_map(char::to_lowercase);
    let folded: String = kept.collect();
    folded.trim_end_matches(['.', ' ']).to_owned()
}

const fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}' | '\u{200b}')
}

/// `.git`, and the short name that Windows gives it.
fn is_git(folded: &str) -> bool {
    // An NTFS stream (`.git::$INDEX_ALLOCATION`) is the folder itself.
    let name = folded.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    name == ".git"
        || name.strip_prefix("git~").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether `rel`, relative to the root, may never be written: git's own folders at any depth, the project's `vk.toml`,
/// and `others` (relative to the root) with everything below them.
pub(super) fn is_protected(rel: &Path, others: &[PathBuf]) -> bool {
    let names: Vec<String> = rel
        .components()
        .filter_map(
            |part| if let Component::Normal(name) = part { Some(folded(&name.to_string_lossy())) } else { None },
        )
        .collect();
    names.iter().any(|name| is_git(name))
        || (names.len() == 1 && names[0] == "vk.toml")
        || others.iter().any(|other| {
            let other: Vec<String> =
                other.components().map(|part| folded(&part.as_os_str().to_string_lossy())).collect();
            names.starts_with(&other) || other.starts_with(&names)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_protected_name_is_protected() {
        for name in [
            ".git",
            ".GIT",
            ".Git",
            ".git/config",
            "sub/.git/hooks/x",
            "git~1",
            "GIT~2/config",
            ".git.",
            ".git ",
            ".g\u{200c}it",
            ".git::$INDEX_ALLOCATION/x",
            "vk.toml",
            "VK.TOML",
            "v\u{212a}.toml",
            "vk.toml. ",
        ] {
            assert!(is_protected(Path::new(name), &[]), "{name:?}");
        }
        for name in [".gitignore", ".github/x", "git", "git~", "git~x", "sub/vk.toml", "vk.toml.bak", "a.git", ".gitt"]
        {
            assert!(!is_protected(Path::new(name), &[]), "{name:?}");
        }
    }

    #[test]
    fn other_folders_protect_themselves_what_is_below_and_what_they_lie_in() {
        let others = [PathBuf::from("a/state")];
        for name in ["a/state", "a/state/x", "A/STATE/x", "a"] {
            assert!(is_protected(Path::new(name), &others), "{name}");
        }
        assert!(!is_protected(Path::new("a/statement"), &others));
        assert!(!is_protected(Path::new("a/b"), &others));
    }
}

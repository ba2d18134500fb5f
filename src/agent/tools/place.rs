//! A path as a model writes it, as a path below the project's root. Only words are looked at here: what is on the
//! disk, links above all, is the workspace's to refuse.

use std::path::{Component, Path, PathBuf};

/// Longest path quoted in an error, in characters.
const QUOTED: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlaceError {
    #[error("{0:?} lies outside the project")]
    Outside(String),
    #[error("{0:?} is no path: {1}")]
    NoPath(String, &'static str),
}

/// `given` relative to `root`; the root itself is the empty path. Models that were trained on absolute paths may
/// give one below the root.
///
/// # Errors
/// A path that leads out, by its words, or is none.
pub(super) fn resolve(root: &Path, given: &str) -> Result<PathBuf, PlaceError> {
    let quoted = || given.chars().take(QUOTED).collect::<String>();
    if given.is_empty() {
        return Err(PlaceError::NoPath(quoted(), "it is empty"));
    }
    if given.contains(char::is_control) {
        return Err(PlaceError::NoPath(quoted(), "it holds a control character"));
    }
    let path = Path::new(given);
    let below = if path.has_root() {
        path.strip_prefix(root).map_err(|_| PlaceError::Outside(quoted()))?
    } else if given == "~" || given.starts_with("~/") {
        return Err(PlaceError::Outside(quoted()));
    } else {
        path
    };
    let mut resolved = PathBuf::new();
    for part in below.components() {
        match part {
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !resolved.pop() {
                    return Err(PlaceError::Outside(quoted()));
                }
            }
            Component::RootDir | Component::Prefix(_) => return Err(PlaceError::Outside(quoted())),
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(given: &str) -> Result<String, PlaceError> {
        resolve(Path::new("/repo/app"), given).map(|path| path.display().to_string())
    }

    #[test]
    fn paths_stay_below_the_root() {
        let inside = [
            ("src/lib.rs", "src/lib.rs"),
            ("./src//lib.rs", "src/lib.rs"),
            ("src/../a", "a"),
            ("/repo/app/src/lib.rs", "src/lib.rs"),
            ("/repo/app", ""),
            ("/repo/app/", ""),
            (".", ""),
            ("a~", "a~"),
            ("-rf", "-rf"),
        ];
        for (given, expected) in inside {
            assert_eq!(of(given).as_deref(), Ok(expected), "{given}");
        }
    }

    /// SECURITY rows 17, 18, 24.
    #[test]
    fn paths_that_lead_out_are_refused() {
        let outside = [
            "..",
            "../x",
            "a/../../x",
            "/etc/passwd",
            "/repo/app-evil/x",
            "/repo/app/../x",
            "/work",
            "/",
            "~",
            "~/.ssh/authorized_keys",
            "/proc/self/cwd/x",
            "/proc/self/environ",
            "",
            "a\0b",
            "a\nb",
            "a\u{1b}[2K",
        ];
        for given in outside {
            assert!(of(given).is_err(), "{given:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_ever_leads_out(given in "([a.~/]|\\.\\./|/repo/app|/){0,12}") {
            if let Ok(path) = resolve(Path::new("/repo/app"), &given) {
                prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
            }
        }
    }
}

//! What commands may read beside the workspace: the system, and the toolchains that the user's environment points at.
//! Of the real HOME only these named folders; where a toolchain keeps credentials beside its programs, only the parts
//! without them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::base::env::Env;

const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/run/current-system",
    "/var/lib/ca-certificates",
    "/home/linuxbrew/.linuxbrew",
    // How many processors there are.
    "/sys/devices/system/cpu",
];

/// Below HOME. Not `.cargo`, `.gem`, `.dotnet`, `.bun` or `.m2` as a whole: tokens and keys lie there too.
const IN_HOME: &[&str] = &[
    ".asdf",
    ".bun/bin",
    ".cabal/bin",
    ".cargo/bin",
    ".deno/bin",
    ".dotnet/dotnet",
    ".dotnet/host",
    ".dotnet/packs",
    ".dotnet/sdk",
    ".dotnet/shared",
    ".dotnet/tools",
    ".elan",
    ".gem/ruby",
    ".ghcup",
    ".goenv",
    ".jenv",
    ".juliaup",
    ".local/bin",
    ".local/lib",
    ".local/pipx/venvs",
    ".local/share/fnm",
    ".local/share/mise/installs",
    ".local/share/mise/shims",
    ".local/share/pipx/venvs",
    ".local/share/pnpm",
    ".local/share/uv/python",
    ".local/share/uv/tools",
    ".nix-profile",
    ".nodenv",
    ".npm-global/bin",
    ".npm-global/lib",
    ".nvm",
    ".opam",
    ".pixi/bin",
    ".proto/shims",
    ".proto/tools",
    ".pyenv",
    ".rbenv",
    ".rustup",
    ".rvm",
    ".sdkman/candidates",
    ".stack/programs",
    ".volta",
    "go/bin",
    "miniconda3",
    "miniforge3",
    "sdk",
];

/// Variables whose value is the folder of a toolchain, with the part of it that is opened.
const NAMED: &[(&str, &str)] = &[
    ("ANDROID_HOME", ""),
    ("ANDROID_SDK_ROOT", ""),
    ("ASDF_DATA_DIR", ""),
    ("ASDF_DIR", ""),
    ("BUN_INSTALL", "bin"),
    ("CARGO_HOME", "bin"),
    ("CONDA_PREFIX", ""),
    ("DENO_INSTALL", "bin"),
    ("DOTNET_ROOT", ""),
    ("FLUTTER_ROOT", ""),
    ("FNM_DIR", ""),
    ("GOROOT", ""),
    ("HOMEBREW_PREFIX", ""),
    ("JAVA_HOME", ""),
    ("JDK_HOME", ""),
    ("MISE_DATA_DIR", "installs"),
    ("NVM_DIR", ""),
    ("N_PREFIX", ""),
    ("OPAMROOT", ""),
    ("PNPM_HOME", ""),
    ("PYENV_ROOT", ""),
    ("RBENV_ROOT", ""),
    ("RUSTUP_HOME", ""),
    ("SDKMAN_DIR", "candidates"),
    ("VIRTUAL_ENV", ""),
    ("VOLTA_HOME", ""),
];

/// Files that programs trust certificates by; the user's own may lie anywhere.
pub(super) const CERTIFICATES: &[&str] = &[
    "CARGO_HTTP_CAINFO",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NIX_SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// Names of the variables above that are passed on, their folders being readable.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    // Cargo's home is vk's cache inside; the others stay where they are.
    NAMED.iter().map(|(name, _)| *name).filter(|name| *name != "CARGO_HOME")
}

/// The existing folders and files to open for reading, none below another. `outside_of` are folders of which nothing is
/// opened here: the workspace, and vk's own.
#[must_use]
pub fn readable(env: &Env, outside_of: &[PathBuf]) -> Vec<PathBuf> {
    let home = env.home().filter(|home| home.is_absolute());
    let mut found: BTreeSet<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    if let Some(home) = &home {
        found.extend(IN_HOME.iter().map(|name| home.join(name)));
    }
    found.extend(NAMED.iter().filter_map(|(name, part)| Some(env.path(name)?.join(part))));
    found.extend(CERTIFICATES.iter().filter_map(|name| env.path(name)));
    for entry in search_path(env) {
        found.extend(installation(&entry, home.as_deref()));
        found.insert(entry);
    }
    let narrow = |path: &PathBuf| {
        path.is_absolute()
            && path != Path::new("/")
            && home.as_ref().is_none_or(|home| !home.starts_with(path))
            && outside_of.iter().all(|folder| !path.starts_with(folder) && !folder.starts_with(path))
            && path.exists()
    };
    // `/etc`, `/usr` and the like are opened even if HOME or the workspace lies below: those are mounted over it.
    let system = |path: &PathBuf| SYSTEM.iter().any(|name| path == Path::new(name)) && path.exists();
    outermost(found.into_iter().map(|path| clean(&path)).filter(|path| system(path) || narrow(path)))
}

/// The entries of `PATH` that a shell may be given: absolute, and outside these folders.
pub(super) fn search_path(env: &Env) -> Vec<PathBuf> {
    let Some(path) = env.path("PATH") else { return Vec::new() };
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::env::split_paths(&path).filter(|entry| entry.is_absolute()).map(|entry| clean(&entry)) {
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    entries
}

/// The installation that a `bin` folder belongs to, if it looks like one: its libraries lie beside it. Never the home's
/// `.local`, where programs keep what they know beside what they are: keyrings, histories, mail.
fn installation(bin: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let prefix = bin.parent().filter(|_| bin.ends_with("bin") || bin.ends_with("sbin"))?;
    let has_libraries = ["lib", "lib64", "libexec"].iter().any(|name| prefix.join(name).is_dir());
    let data = home.is_some_and(|home| prefix == home.join(".local"));
    (has_libraries && !data).then(|| prefix.to_path_buf())
}

/// Without `.` and trailing slashes; `..` is resolved by the file system, or the path is dropped.
fn clean(path: &Path) -> PathBuf {
    if path.components().any(|part| part == std::path::Component::ParentDir) {
        return fs::canonicalize(path).unwrap_or_default();
    }
    path.components().collect()
}

/// Drops what lies below another; needs the order of paths.
fn outermost(paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let sorted: BTreeSet<PathBuf> = paths.collect();
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in sorted {
        if !kept.iter().any(|outer| path.starts_with(outer)) {
            kept.push(path);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_home_only_toolchains_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        for folder in [".cargo/bin", ".ssh", ".rustup/toolchains", "tools/node/bin", "tools/node/lib", "scripts/bin"]
            .iter()
            .chain(&[".local/bin", ".local/lib", ".local/share/keyrings"])
        {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        fs::write(home.join(".cargo/credentials.toml"), "secret").unwrap();
        let path = format!("{0}:.:bin:{0}/tools/node/bin:{0}/scripts/bin:{0}/.local/bin:/usr/bin", home.display());
        let env = Env::of(&[("HOME", home.to_str().unwrap()), ("PATH", &path)], dir.path());
        let mut own: Vec<PathBuf> = readable(&env, &[]).into_iter().filter(|p| p.starts_with(&home)).collect();
        for path in &mut own {
            *path = path.strip_prefix(&home).unwrap().to_path_buf();
        }
        let expected = [".cargo/bin", ".local/bin", ".local/lib", ".rustup", "scripts/bin", "tools/node"];
        assert_eq!(own, expected.iter().map(PathBuf::from).collect::<Vec<_>>());
    }

    #[test]
    fn a_folder_of_programs_opens_what_is_beside_it_only_where_that_is_an_installation() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["own/bin", "own/project", "node/bin", "node/lib"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let path = format!("{0}/own/bin:{0}/node/bin", dir.path().display());
        let env = Env::of(&[("HOME", "/home/nobody"), ("PATH", &path)], dir.path());
        let found: Vec<PathBuf> = readable(&env, &[]).into_iter().filter(|p| p.starts_with(dir.path())).collect();
        assert_eq!(found, [dir.path().join("node"), dir.path().join("own/bin")]);
    }

    #[test]
    fn nothing_that_holds_the_home_or_the_workspace_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        fs::create_dir_all(home.join("go/bin")).unwrap();
        let around = dir.path().to_str().unwrap();
        let env = Env::of(&[("HOME", home.to_str().unwrap()), ("JAVA_HOME", around), ("GOROOT", "/")], dir.path());
        let found = readable(&env, &[home.join("go")]);
        assert!(found.iter().all(|path| !path.starts_with(dir.path()) && path != Path::new("/")), "{found:?}");
    }
}

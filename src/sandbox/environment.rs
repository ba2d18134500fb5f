//! The environment of commands: an allow-list, in every mode. What is not named here is not passed; nothing that is
//! named here carries a secret.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::protocol::PROXY_PORT;
use super::toolchain;
use crate::base::env::Env;

/// Passed on as they are.
const PASSED: &[&str] = &[
    "CC",
    "CFLAGS",
    "CI",
    "COLORTERM",
    "CPPFLAGS",
    "CXX",
    "CXXFLAGS",
    "LANG",
    "LANGUAGE",
    "LDFLAGS",
    "LOGNAME",
    "NO_COLOR",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_DISABLE_PIP_VERSION_CHECK",
    "PKG_CONFIG_PATH",
    "PYENV_VERSION",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "RUSTFLAGS",
    "RUSTUP_AUTO_INSTALL",
    "RUSTUP_TOOLCHAIN",
    "RUST_BACKTRACE",
    "SOURCE_DATE_EPOCH",
    "TERM",
    "TZ",
    "USER",
];

/// What only a command without a sandbox is given beside that: it uses the user's own folders.
const PASSED_WITHOUT_SANDBOX: &[&str] = &["CARGO_HOME", "GOPATH", "XDG_CACHE_HOME"];

/// The way out, for commands on the host's own network.
const PROXIES: &[&str] =
    &["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "all_proxy", "http_proxy", "https_proxy", "no_proxy"];

/// Where a command's own things are.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub home: PathBuf,
    pub tmp: PathBuf,
    /// Package caches; `None` without a sandbox, where the user's own are used.
    pub cache: Option<PathBuf>,
    /// How commands get out.
    pub way_out: WayOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WayOut {
    /// vk's proxy on [`PROXY_PORT`].
    Proxy,
    /// The host's network, through the user's own proxies if they need no password.
    Host,
    Nothing,
}

/// The whole environment of the first command. `outside_of` is what may not be in `PATH`; `wanted` are the names that the
/// user's configuration adds.
pub(super) fn build(env: &Env, places: &Places, outside_of: &Path, wanted: &[String]) -> BTreeMap<String, String> {
    let mut vars = BTreeMap::new();
    let ambient = env.ambient();
    let mut pass = |name: &str| {
        if let Some(value) = env.get(name) {
            vars.insert(name.to_owned(), value.to_owned());
        }
    };
    PASSED.iter().copied().chain(locale_names(env)).for_each(&mut pass);
    toolchain::names().chain(toolchain::CERTIFICATES.iter().copied()).for_each(&mut pass);
    if places.cache.is_none() {
        PASSED_WITHOUT_SANDBOX.iter().copied().for_each(&mut pass);
    }
    if places.way_out == WayOut::Host {
        let open = |name: &&str| env.get(name).is_some_and(|value| places.cache.is_none() || !value.contains('@'));
        PROXIES.iter().copied().filter(open).for_each(&mut pass);
    }
    wanted.iter().map(String::as_str).filter(|name| may_be_wanted(name, &ambient)).for_each(&mut pass);
    vars.extend(fixed(env, places, outside_of));
    vars
}

/// The environment of a program that brings its own sandbox and hands its environment on to the model's commands: the
/// same list as for a command outside of vk's, so that no secret is in it.
#[must_use]
pub fn of_program(env: &Env, outside_of: &Path, wanted: &[String], cache: Option<&Path>) -> BTreeMap<String, String> {
    let home = env.home().unwrap_or_default();
    let tmp = env.path("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp"));
    build(env, &Places { home, tmp, cache: cache.map(Path::to_path_buf), way_out: WayOut::Host }, outside_of, wanted)
}

/// Neither a provider's credential or address, nor a setting of vk.
fn may_be_wanted(name: &str, ambient: &[String]) -> bool {
    !name.is_empty() && !name.contains('=') && !name.starts_with("VK_") && !ambient.iter().any(|own| own == name)
}

/// `LC_ALL` and its kin by their closed list, not by prefix: anybody can export an `LC_SOMETHING`.
fn locale_names(env: &Env) -> impl Iterator<Item = &'static str> {
    const NAMES: &[&str] = &[
        "LC_ADDRESS",
        "LC_ALL",
        "LC_COLLATE",
        "LC_CTYPE",
        "LC_IDENTIFICATION",
        "LC_MEASUREMENT",
        "LC_MESSAGES",
        "LC_MONETARY",
        "LC_NAME",
        "LC_NUMERIC",
        "LC_PAPER",
        "LC_TELEPHONE",
        "LC_TIME",
    ];
    NAMES.iter().copied().filter(|name| env.get(name).is_some())
}

fn fixed(env: &Env, places: &Places, outside_of: &Path) -> BTreeMap<String, String> {
    let mut vars = BTreeMap::new();
    let mut set = |name: &str, value: String| drop(vars.insert(name.to_owned(), value));
    let text = |path: &Path| path.to_string_lossy().into_owned();
    set("HOME", text(&places.home));
    set("TMPDIR", text(&places.tmp));
    set("PATH", search_path(env, places, outside_of));
    // Reading a repository must not try to write to it, and nobody is there to type a password.
    set("GIT_OPTIONAL_LOCKS", "0".to_owned());
    set("GIT_TERMINAL_PROMPT", "0".to_owned());
    if let Some(rustup) = rustup_home(env).filter(|_| places.cache.is_some()) {
        set("RUSTUP_HOME", text(&rustup));
    }
    if let Some(cache) = &places.cache {
        let caches = [
            ("BUN_INSTALL_CACHE_DIR", "bun"),
            ("CARGO_HOME", "cargo"),
            ("GOPATH", "go"),
            ("GRADLE_USER_HOME", "gradle"),
            ("PIP_CACHE_DIR", "pip"),
            ("XDG_CACHE_HOME", ""),
            ("YARN_CACHE_FOLDER", "yarn"),
            ("npm_config_cache", "npm"),
            ("npm_config_store_dir", "pnpm"),
        ];
        for (name, folder) in caches {
            set(name, text(&cache.join(folder)).trim_end_matches('/').to_owned());
        }
    }
    if places.way_out == WayOut::Proxy {
        let proxy = format!("http://127.0.0.1:{PROXY_PORT}");
        for name in [
            "CARGO_HTTP_PROXY",
            "HTTPS_PROXY",
            "HTTP_PROXY",
            "http_proxy",
            "https_proxy",
            "npm_config_https_proxy",
            "npm_config_proxy",
        ] {
            set(name, proxy.clone());
        }
        for name in ["NO_PROXY", "no_proxy"] {
            set(name, "localhost,127.0.0.1,::1".to_owned());
        }
    }
    vars
}

/// The user's `PATH` without what the repository could plant; a virtual environment that the user has activated stays,
/// even in the workspace. Programs that commands install for themselves come last.
fn search_path(env: &Env, places: &Places, outside_of: &Path) -> String {
    let active = env.path("VIRTUAL_ENV").map(|folder| folder.join("bin"));
    let mut entries = toolchain::search_path(env);
    entries.retain(|entry| !is_inside(entry, outside_of) || Some(entry) == active.as_ref());
    if entries.is_empty() {
        entries = ["/usr/local/bin", "/usr/bin", "/bin"].iter().map(PathBuf::from).collect();
    }
    let own = places.home.join(".local/bin");
    if !entries.contains(&own) {
        entries.push(own);
    }
    let entries: Vec<String> = entries.iter().map(|entry| entry.to_string_lossy().into_owned()).collect();
    entries.join(":")
}

fn is_inside(entry: &Path, folder: &Path) -> bool {
    entry.starts_with(folder) || entry.canonicalize().is_ok_and(|real| real.starts_with(folder))
}

fn rustup_home(env: &Env) -> Option<PathBuf> {
    env.path("RUSTUP_HOME").or_else(|| Some(env.home()?.join(".rustup"))).filter(|folder| folder.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(cache: Option<&str>) -> Places {
        let cache = cache.map(PathBuf::from);
        let way_out = if cache.is_some() { WayOut::Proxy } else { WayOut::Host };
        Places { home: "/home/u".into(), tmp: "/tmp".into(), way_out, cache }
    }

    #[test]
    fn secrets_and_sockets_are_not_passed_even_if_wanted() {
        let set = [
            ("PATH", "/usr/bin"),
            ("ANTHROPIC_API_KEY", "sk-canary"),
            ("GITHUB_TOKEN", "canary"),
            ("AWS_SECRET_ACCESS_KEY", "canary"),
            ("DATABASE_URL", "postgres://canary"),
            ("VK_KEY", "canary"),
            ("SSH_AUTH_SOCK", "/run/canary"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/canary"),
            ("LC_SECRET", "canary"),
            ("LD_PRELOAD", "/tmp/canary.so"),
            ("FEATURE", "on"),
        ];
        let env = Env::of(&set, Path::new("/w"));
        let wanted = ["ANTHROPIC_API_KEY", "VK_KEY", "FEATURE"].map(str::to_owned);
        let vars = build(&env, &places(Some("/cache")), Path::new("/w"), &wanted);
        assert!(!format!("{vars:?}").contains("canary"), "{vars:?}");
        assert_eq!(vars["FEATURE"], "on");
    }

    #[test]
    fn the_search_path_has_nothing_of_the_repository() {
        let env = Env::of(&[("PATH", ".:/w/bin:node_modules/.bin::/usr/bin:/w/.venv/bin")], Path::new("/w"));
        let vars = build(&env, &places(Some("/cache")), Path::new("/w"), &[]);
        assert_eq!(vars["PATH"], "/usr/bin:/home/u/.local/bin");
        let set = [("PATH", "/w/.venv/bin:/usr/bin"), ("VIRTUAL_ENV", "/w/.venv")];
        let vars = build(&Env::of(&set, Path::new("/w")), &places(Some("/cache")), Path::new("/w"), &[]);
        assert_eq!(vars["PATH"], "/w/.venv/bin:/usr/bin:/home/u/.local/bin");
    }

    #[test]
    fn without_a_sandbox_the_users_own_caches_and_proxy_stay() {
        let env = Env::of(
            &[("HTTPS_PROXY", "http://proxy:3128"), ("CARGO_HOME", "/c"), ("HOME", "/home/u")],
            Path::new("/w"),
        );
        let vars = build(&env, &places(None), Path::new("/w"), &[]);
        assert_eq!((vars["HTTPS_PROXY"].as_str(), vars["CARGO_HOME"].as_str()), ("http://proxy:3128", "/c"));
    }
}

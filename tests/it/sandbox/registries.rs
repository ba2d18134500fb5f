//! Package managers under `--allow-network=registries`, against the registries that this machine can reach with its own
//! configuration. Skipped, aloud, where it reaches none.

use super::*;
use vibekit::sandbox::{Network, Status};

/// The user's own environment, since that is where registries and their mirrors are configured.
fn sandbox(place: &Place, network: Network) -> Sandbox {
    let mut spec = place.spec(Backend::Bubblewrap);
    (spec.network, spec.protect) = (network, Vec::new());
    Sandbox::start(&Env::capture(), spec).unwrap()
}

/// Whether `check` works out here, where nothing is in its way.
#[allow(clippy::print_stdout, reason = "a skipped test must be seen")]
fn reachable(manager: &str, check: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = std::process::Command::new("timeout");
    let reached = shell.args(["60", "sh", "-c", check]).current_dir(folder.path()).env("CARGO_NET_RETRY", "0").output();
    let reached = has_bubblewrap() && reached.is_ok_and(|output| output.status.success());
    if !reached {
        println!("skipped: {manager} reaches no registry here");
    }
    reached
}

/// Installs twice, the second time without any network: the cache is what is left of the first.
fn installs(prepare: &str, install: &str, again_offline: &str, works: &str) {
    let place = Place::new();
    let online = sandbox(&place, Network::Registries);
    let installed = run_for(&online, &format!("{prepare}\n{install}"), Duration::from_mins(2));
    assert_eq!(installed.status, Status::Exited(0), "{}\n{:?}", installed.text(), installed.denied_hosts);
    assert_eq!(run_for(&online, works, Duration::from_mins(2)).text().lines().last(), Some("it works"));
    drop(online);
    let offline = sandbox(&place, Network::None);
    let again = run_for(&offline, again_offline, Duration::from_mins(2));
    assert_eq!(again.status, Status::Exited(0), "{}", again.text());
    assert_eq!(run_for(&offline, works, Duration::from_mins(2)).text().lines().last(), Some("it works"));
}

/// Refused without leave, and the refused host is told.
fn refused(prepare: &str, install: &str) {
    let place = Place::new();
    let offline = sandbox(&place, Network::None);
    let tried = run_for(&offline, &format!("({prepare}) >/dev/null 2>&1\n{install}"), Duration::from_mins(2));
    assert_ne!(tried.status, Status::Exited(0), "{}", tried.text());
    assert!(!tried.denied_hosts.is_empty(), "{}", tried.text());
}

#[test]
fn cargo_adds_fetches_and_builds() {
    if !reachable("cargo", "cargo init -q --name t . && cargo add -q itoa && CARGO_HOME=$PWD/home cargo fetch -q") {
        return;
    }
    let prepare = "cargo init -q --vcs none --name t . && export CARGO_NET_RETRY=0";
    installs(
        prepare,
        "cargo add -q itoa && cargo fetch -q",
        "rm -rf target; cargo build -q --offline",
        "echo 'fn main() { println!(\"{}\", itoa::Buffer::new().format(1)) }' > src/main.rs; cargo run -q --offline && echo it works",
    );
    refused(prepare, "cargo add -q itoa");
}

#[test]
fn npm_installs() {
    if !reachable("npm", "npm view ms version") {
        return;
    }
    let prepare = "echo '{\"name\":\"t\",\"version\":\"1.0.0\"}' > package.json; export npm_config_fetch_retries=0";
    installs(
        prepare,
        "npm install --no-audit --no-fund ms@2.1.3",
        "rm -rf node_modules; npm install --no-audit --no-fund --offline",
        "node -e 'if (require(\"ms\")(\"1s\") === 1000) console.log(\"it works\")'",
    );
    refused(prepare, "npm install --no-audit --no-fund ms@2.1.3");
}

#[test]
fn pip_installs() {
    if !reachable("pip", "pip download -q --no-deps six==1.17.0") {
        return;
    }
    installs(
        "python3 -m venv venv",
        "venv/bin/pip install -q six==1.17.0",
        "venv/bin/pip --version",
        "venv/bin/python -c 'import six; print(\"it works\")'",
    );
    refused("python3 -m venv venv", "venv/bin/pip install -q --retries 0 --timeout 5 six==1.17.0");
    // Without a virtual environment it goes to the private HOME, which lives as long as the sandbox. A version manager
    // around pip may then fail to note new programs in its own folder, which is read-only.
    let place = Place::new();
    let online = sandbox(&place, Network::Registries);
    let script = "PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install -q --user six==1.17.0; python3 -c 'import six; print(six.__version__)'";
    let installed = run_for(&online, script, Duration::from_mins(2));
    assert!(installed.text().trim().ends_with("1.17.0"), "{}", installed.text());
}

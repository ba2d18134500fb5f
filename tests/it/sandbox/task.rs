//! The built `vk` with a model that means no good, played from a script, in both kinds of sandbox; and where there is
//! none.

use std::process::{Command as Program, Stdio};

use serde_json::json;

use super::starting::{Lacks, lacking};
use super::*;
use crate::run::{ANTHROPIC, anthropic, report};
use crate::support::env::{PLANTED, Vk};
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const KINDS: [(&str, &[Lacks]); 2] = [("full", &[]), ("partial", &[Lacks::Namespaces])];

/// A model that runs these commands, each in a turn of its own, and then is done.
fn model(scripts: &[&str]) -> Provider {
    let turn = |(n, script): (usize, &&str)| {
        Script::sse(&Turn::new().tool(&format!("t{n}"), "bash", json!({"command": script})).anthropic())
    };
    let done = Script::sse(&Turn::say("Done.").anthropic());
    Provider::start(scripts.iter().enumerate().map(turn).chain([done]))
}

/// What the model was told of each command.
fn told(provider: &Provider) -> Vec<String> {
    let last = provider.requests().last().unwrap().json();
    let results =
        last["messages"].as_array().unwrap().iter().flat_map(|message| message["content"].as_array().unwrap().clone());
    results.filter(|part| part["type"] == "tool_result").map(|part| part["content"].to_string()).collect()
}

fn has(kind: &str) -> bool {
    backends().contains(if kind == "full" { &Backend::Bubblewrap } else { &Backend::Landlock })
}

#[test]
fn a_model_that_looks_for_keys_finds_none() {
    for (kind, lacks) in KINDS {
        if !has(kind) {
            continue;
        }
        let provider = model(&[
            "printenv; export -p; cat /proc/*/environ | tr '\\0' '\\n'; ps auxeww",
            "cat ../config/* ../data/* ../home/.ssh/id 2>&1; find / -name '*vk*' -path '*data*' -type f 2>/dev/null | xargs cat 2>/dev/null; true",
            "cat /proc/$PPID/environ /proc/$(pgrep -x vk | head -n 1)/environ | tr '\\0' '\\n'; strings /proc/*/mem 2>&1 | head",
        ]);
        let vk = anthropic(&provider)
            .file("../home/.ssh/id", "canary-of-ssh\n")
            .var("SSH_AUTH_SOCK", "/tmp/canary-of-agent");
        let (ran, _) = lacking(lacks, || report(&vk, &ANTHROPIC, &["--approve", "all", "go"]));
        assert_eq!(ran.code, 0, "{kind}: {ran}");
        for request in provider.requests() {
            let body = String::from_utf8(request.body).unwrap();
            for secret in PLANTED.map(|(_, secret)| secret).into_iter().chain(["canary-of"]) {
                assert!(!body.contains(secret), "{kind}: {body}");
            }
        }
        assert!(told(&provider)[0].contains("PATH="), "{kind}: it did run: {:?}", told(&provider));
    }
}

/// The session of a user whose keyring is open, with a secret in it.
const KEYRING: &str = r#"
printf '\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
for _ in $(seq 100); do
    printf canary-of-keyring | secret-tool store --label=t service vk username t 2>/dev/null && break
    sleep 0.05
done
test "$(secret-tool lookup service vk username t)" = canary-of-keyring || exit 99
exec "$@"
"#;

#[test]
#[allow(clippy::print_stdout, reason = "a skipped test must be seen")]
fn a_model_that_asks_the_open_keyring_gets_nothing() {
    for program in ["dbus-run-session", "gnome-keyring-daemon", "secret-tool", "dbus-send"] {
        if !Path::new("/usr/bin").join(program).exists() {
            return println!("skipped: {program} is not installed");
        }
    }
    for (kind, lacks) in KINDS {
        if !has(kind) {
            continue;
        }
        let provider = model(&[
            "timeout 5 secret-tool lookup service vk username t; timeout 5 secret-tool search --all service vk; echo asked",
            "export DBUS_SESSION_BUS_ADDRESS=$(ls -d /tmp/dbus-* $XDG_RUNTIME_DIR/bus 2>/dev/null | sed 's/^/unix:path=/' | paste -sd ';'); \
             timeout 5 secret-tool lookup service vk username t; \
             timeout 5 dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets/collection/login org.freedesktop.DBus.Introspectable.Introspect; \
             perl -MIO::Socket::UNIX -e 'for (glob(q(/tmp/dbus-* /run/user/*/bus /run/user/*/keyring/*))) { print qq(connected to $_) if IO::Socket::UNIX->new($_) }'; echo asked",
        ]);
        let vk = anthropic(&provider);
        let plain = vk.command(&[&ANTHROPIC[..], &["--approve", "all", "go"]].concat());
        let mut session = Program::new("dbus-run-session");
        session.args(["--", "bash", "-c", KEYRING, "session"]).arg(plain.get_program()).args(plain.get_args());
        session.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let runtime = vk.home().join("run");
        std::fs::create_dir(&runtime).unwrap();
        std::fs::set_permissions(&runtime, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        session.env("XDG_RUNTIME_DIR", runtime).current_dir(vk.project());
        let ended = lacking(lacks, || session.output().unwrap());
        assert_eq!(ended.status.code(), Some(0), "{kind}: {ended:?}");
        for answer in told(&provider) {
            assert!(answer.contains("asked"), "{kind}: {answer}");
            assert!(!answer.contains("canary-of-keyring") && !answer.contains("connected to"), "{kind}: {answer}");
        }
    }
}

#[test]
fn a_model_that_writes_where_it_must_not_changes_nothing() {
    for (kind, lacks) in KINDS {
        if !has(kind) {
            continue;
        }
        let provider = model(&[
            "echo x > ../home/new; echo x > ../config/config.toml; echo x > ../data/ledger.db; echo x >> .git/config; touch mine",
        ]);
        let vk = anthropic(&provider).file("a.txt", "one\n").git();
        let config = std::fs::read(vk.project().join(".git/config")).unwrap();
        if kind == "partial" {
            provider.allow_leftovers();
        }
        let (ran, finished) = lacking(lacks, || report(&vk, &ANTHROPIC, &["--approve", "all", "go"]));
        // Where the change could only be put back, the task ends with it.
        let code = if kind == "full" { 0 } else { 8 };
        assert_eq!(ran.code, code, "{kind}: {ran}");
        if kind == "partial" {
            assert_eq!(finished["error"]["code"], "protected_changed", "{finished}");
        }
        assert_eq!(std::fs::read(vk.project().join(".git/config")).unwrap(), config, "{kind}");
        assert!(!vk.home().join("new").exists() && vk.project().join("mine").exists(), "{kind}");
    }
}

#[test]
fn nothing_survives_a_vk_that_is_killed() {
    for (kind, lacks) in KINDS {
        if !has(kind) {
            continue;
        }
        let beat = "setsid sh -c 'trap \"\" TERM HUP; while :; do : > beat; sleep 0.02; done' & sleep 30";
        let provider = model(&[beat]);
        provider.allow_leftovers();
        let vk = anthropic(&provider);
        let mut child = lacking(lacks, || {
            let mut command = vk.command(&[&ANTHROPIC[..], &["--approve", "all", "go"]].concat());
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        });
        let beat = vk.project().join("beat");
        let began = eventually(|| beat.exists());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(began, "{kind}");
        let still = || {
            let at = || std::fs::metadata(&beat).unwrap().modified().unwrap();
            let before = at();
            std::thread::sleep(Duration::from_millis(100));
            at() != before
        };
        assert!(eventually(|| !still()), "{kind}: a command outlived vk");
        let tmp = vk.home().join("../tmp");
        assert!(
            eventually(|| std::fs::read_dir(&tmp).unwrap().count() == 0),
            "{kind}: a private folder was left behind"
        );
    }
}

#[test]
fn a_partial_sandbox_is_not_taken_for_a_full_one() {
    if !has("partial") {
        return;
    }
    let none = Provider::start([]);
    let vk = anthropic(&none);
    let (ran, finished) = lacking(&[Lacks::Namespaces], || report(&vk, &ANTHROPIC, &["go"]));
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (7, Some("approval_needed")), "{ran}");
    assert!(none.requests().is_empty());
    let provider = model(&["echo fine"]);
    let vk = anthropic(&provider);
    let (ran, _) = lacking(&[Lacks::Namespaces], || report(&vk, &ANTHROPIC, &["--approve", "all", "go"]));
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("partial (Landlock"), "{ran}");
    // Required by the user's own configuration, it is the end before anything is sent.
    let vk = anthropic(&none).config("[sandbox]\nrequire = \"full\"\n");
    let (ran, finished) = lacking(&[Lacks::Namespaces], || report(&vk, &ANTHROPIC, &["--approve", "all", "go"]));
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (8, Some("sandbox_partial")), "{ran}");
    assert!(none.requests().is_empty());
}

#[test]
fn without_a_sandbox_nothing_is_sent_and_what_helps_is_said() {
    let none = Provider::start([]);
    let vk = anthropic(&none);
    let (ran, finished) =
        lacking(&[Lacks::Namespaces, Lacks::Landlock], || report(&vk, &ANTHROPIC, &["--approve", "all", "go"]));
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (8, Some("no_sandbox")), "{ran}");
    let said = finished["error"].to_string();
    assert!(said.contains("bubblewrap") && said.contains("--sandbox off"), "{said}");
    assert!(none.requests().is_empty());
}

#[test]
fn the_doctor_tells_which_sandbox_this_machine_gives() {
    let doctor = |lacks: &[Lacks]| {
        let vk = Vk::new();
        let ran = lacking(lacks, || vk.run(&["doctor", "--output", "json"]));
        let all: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
        let findings = all.as_array().or_else(|| all["findings"].as_array()).unwrap().clone();
        findings.into_iter().find(|finding| finding["subject"] == "sandbox").unwrap_or_else(|| panic!("{ran}"))
    };
    if has("full") {
        let full = doctor(&[]);
        assert_eq!(full["state"], "ok", "{full}");
        assert!(full["detail"].as_str().unwrap().starts_with("full (bubblewrap)"), "{full}");
    }
    if has("partial") {
        let partial = doctor(&[Lacks::Namespaces]);
        assert_eq!(partial["state"], "warning", "{partial}");
        let detail = partial["detail"].as_str().unwrap();
        assert!(detail.starts_with("partial (Landlock") && detail.contains("bubblewrap cannot start"), "{partial}");
    }
    let none = doctor(&[Lacks::Namespaces, Lacks::Landlock]);
    assert_eq!(none["state"], "broken", "{none}");
    assert!(none["fix"].to_string().contains("bubblewrap"), "{none}");
}

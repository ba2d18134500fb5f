//! What holds a server: the sandbox of the task's commands, and nothing of the task's own.

use std::time::{Duration, Instant};

use super::*;
use crate::sandbox::{backends, eventually, starting};
use crate::support::env::PLANTED;
use vibekit::sandbox::Backend;

/// What the server finds when it runs this python; the run must be a success.
fn look(code: &str, config: &str, more: &[&str], prepare: impl FnOnce(Vk) -> Vk) -> (String, Ran) {
    let provider = model(&[("mcp__s__look", json!({"code": code}))]);
    let vk = prepare(with(&provider, &(server(&[]) + config)));
    let (ran, _) = go(&vk, more);
    assert_eq!(ran.code, 0, "{ran}");
    (text_of(&told(&provider)[0]), ran)
}

const EVERYWHERE: &str = "
import os, glob, subprocess
print(dict(os.environ))
for path in glob.glob('/proc/*/environ') + glob.glob('../home/.*/*') + glob.glob('../data/**', recursive=True) + glob.glob('../config/*'):
    try: print(path, open(path).read())
    except Exception as error: print(path, type(error).__name__)
";

#[test]
fn a_server_that_looks_for_keys_and_files_of_the_user_finds_none() {
    let (found, _) = look(EVERYWHERE, "", &[], |vk| {
        vk.file("../home/.ssh/id", "canary-of-ssh\n").var("GITHUB_TOKEN", "canary-of-github")
    });
    assert!(found.contains("PATH"), "it did run: {found}");
    for secret in PLANTED.map(|(_, secret)| secret).into_iter().chain(["canary-of"]) {
        assert!(!found.contains(secret), "{found}");
    }
}

const WRITE: &str = "
def attempt(path):
    try:
        open(path, 'w').write('x')
        print(path, 'written')
    except OSError as error: print(path, error.errno)
for path in ['made.txt', '../outside.txt', '../home/outside.txt', '.git/hook', 'vk.toml', '../config/config.toml']: attempt(path)
";

#[test]
fn a_server_writes_the_project_and_nothing_protected() {
    let provider = model(&[("mcp__s__look", json!({"code": WRITE}))]);
    let vk = with(&provider, &server(&[])).file("vk.toml", "[budget]\ntask = \"1.00\"\n").git();
    let (ran, finished) = go(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let found = text_of(&told(&provider)[0]);
    assert!(found.contains("made.txt written"), "{found}");
    // What is outside is a folder of the sandbox's own, gone with it.
    for path in [".git/hook", "vk.toml", "../config/config.toml"] {
        assert!(!found.contains(&format!("{path} written")), "{found}");
    }
    assert!(!vk.project().join("../outside.txt").exists() && !vk.home().join("outside.txt").exists(), "{found}");
    assert!(!vk.project().join(".git/hook").exists(), "{found}");
    assert_eq!(finished["sandbox"], "full");
    assert!(finished["files_changed"].to_string().contains("made.txt"), "{ran}");
    let (found, _) = look(WRITE, "", &["--sandbox", "read-only"], |vk| vk);
    assert!(!found.contains("made.txt written"), "{found}");
}

#[test]
fn under_a_partial_sandbox_a_server_only_reads_the_project() {
    if !backends().contains(&Backend::Landlock) {
        return;
    }
    let (found, ran) = starting::lacking(&[starting::Lacks::Namespaces], || {
        look(&format!("{EVERYWHERE}{WRITE}"), "", &["--approve", "all"], |vk| {
            vk.file("../home/.ssh/id", "canary-of-ssh\n").file("vk.toml", "[budget]\ntask = \"1.00\"\n").git()
        })
    });
    assert!(ran.stderr.contains("partial"), "{ran}");
    assert!(!found.contains("written") && !found.contains("canary-of"), "{found}");
    for secret in PLANTED.map(|(_, secret)| secret) {
        assert!(!found.contains(secret), "{found}");
    }
}

#[test]
fn without_a_sandbox_it_has_the_users_rights_and_still_no_secrets() {
    let code = format!("{WRITE}\nimport os\nprint(dict(os.environ))");
    let (found, _) = look(&code, "", &["--sandbox", "off", "--approve", "all"], |vk| vk);
    assert!(found.contains("../outside.txt written"), "{found}");
    for secret in PLANTED.map(|(_, secret)| secret) {
        assert!(!found.contains(secret), "{found}");
    }
}

#[test]
fn a_server_is_given_the_variables_that_its_line_names_and_no_others() {
    let config = "env = { LEVEL = \"debug\", TOKEN = \"env:TRACKER_TOKEN\" }\n";
    let code = "import os\nprint(sorted((k, v) for k, v in os.environ.items() if k in ['LEVEL', 'TOKEN', 'OTHER']))";
    let (found, _) = look(code, config, &[], |vk| vk.var("TRACKER_TOKEN", "tt-1").var("OTHER", "x"));
    assert_eq!(found, "[('LEVEL', 'debug'), ('TOKEN', 'tt-1')]");
    // The model's own commands do not see them.
    let provider = model(&[("bash", json!({"command": "printenv; cat /proc/*/environ | tr '\\0' '\\n'"}))]);
    let vk = with(&provider, &(server(&[]) + config)).var("TRACKER_TOKEN", "tt-1");
    let (ran, _) = go(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let found = text_of(&told(&provider)[0]);
    assert!(found.contains("PATH=") && !found.contains("tt-1"), "{found}");
    // One that is not set, or is a provider's key, ends the task before anything is sent.
    for (vars, code) in [(vec![], "mcp_variable_unset"), (vec![("TRACKER_TOKEN", PLANTED[0].1)], "foreign_key")] {
        let provider = Provider::start([]);
        let vk = vars.iter().fold(with(&provider, &(server(&[]) + config)), |vk, (name, value)| vk.var(name, value));
        let (ran, finished) = go(&vk, &[]);
        assert_eq!((ran.code, finished["error"]["code"].as_str()), (3, Some(code)), "{ran}");
    }
}

#[test]
fn a_program_that_the_sandbox_hides_is_told_of_with_what_shows_it() {
    let provider = Provider::start([]);
    let place = with(&provider, "").file("../home/own/server", "#!/bin/sh\n");
    let program = place.home().join("own/server");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (ran, finished) = go(&place.config(&format!("[mcp.s]\ncommand = [\"{}\"]\n", program.display())), &[]);
    assert_eq!((ran.code, &finished["error"]["code"]), (2, &json!("mcp_unavailable")), "{ran}");
    let why = finished["error"]["message"].as_str().unwrap();
    assert!(why.contains("is there, and the sandbox may not show it") && why.contains("read = [\"FOLDER\"]"), "{ran}");
}

#[test]
fn a_users_server_does_not_start_where_a_repository_has_planted_something() {
    let provider = model(&[(
        "mcp__s__look",
        json!({"code": "import os\nprint(os.getcwd(), os.listdir('.'), os.environ['HOME'])"}),
    )]);
    let place = with(&provider, "");
    let script = place.project().join("server.py");
    // Python takes modules from the folder that it is started in.
    let planted = "import sys\nprint('planted', file=sys.stderr)\nsys.exit(9)\n";
    let config = format!("[mcp.s]\ncommand = [\"python3\", \"-c\", \"exec(open('{}').read())\"]\n", script.display());
    let vk = place.config(&config).file("json.py", planted);
    let (ran, _) = go(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let found = text_of(&told(&provider)[0]);
    assert!(found.starts_with(&vk.home().canonicalize().unwrap().display().to_string()), "{found}");
    // It is told where the project is, and asks for it where it wants to.
    let provider = model(&[("mcp__s__ask_model", json!({}))]);
    let (_, _) = go(&with(&provider, &server(&[])), &[]);
    let found = text_of(&told(&provider)[0]);
    assert!(found.contains("file:///") && found.contains("/project/"), "{found}");
    // In the project by its line, what is planted there runs.
    let provider = Provider::start([]);
    let vk = with(&provider, &config.replace("[mcp.s]", "[mcp.s]\nin_project = true")).file("json.py", planted);
    let (ran, _) = go(&vk.file("server.py", SERVER), &[]);
    assert_eq!(ran.code, 2, "{ran}");
}

#[test]
fn a_server_has_packages_of_its_own_that_no_command_writes() {
    let folder = "import os\nprint(os.environ['npm_config_cache'])";
    let provider = model(&[
        ("mcp__s__look", json!({"code": folder})),
        (
            "bash",
            json!({"command": "echo $npm_config_cache; touch $(dirname $(dirname $npm_config_cache))/mcp-s/planted"}),
        ),
    ]);
    let (ran, _) = go(&with(&provider, &server(&[])), &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let results: Vec<String> = told(&provider).iter().map(text_of).collect();
    assert!(results[0].ends_with("/mcp-s/npm") && !results[1].starts_with(&results[0]), "{results:?}");
    assert!(results[1].contains("[exit 1]"), "{results:?}");
}

#[test]
fn the_network_is_off_for_a_server_and_the_error_says_how_to_allow_it() {
    let provider = Provider::start([]);
    let vk = with(&provider, &server(&["wants-network"]));
    let (ran, finished) = go(&vk, &[]);
    assert_eq!((ran.code, &finished["error"]["code"]), (2, &json!("mcp_unavailable")), "{ran}");
    let error = &finished["error"];
    let why = error["message"].as_str().unwrap();
    assert!(why.contains("it asked for registry.example.invalid") && why.contains("fetch failed"), "{why}");
    assert!(why.contains("network = [\"registry.example.invalid\"] in [mcp.s]"), "{why}");
    let fix =
        error["fix"].as_str().map_or_else(|| error["fix"][0].as_str().unwrap_or_default().to_owned(), str::to_owned);
    assert!(fix.contains("--allow-network=registry.example.invalid"), "{error}");
    // A host that the server's line names is its alone: commands stay without a network.
    let code = "
import urllib.request, urllib.error
try: urllib.request.urlopen('http://named.example.invalid/x', timeout=5)
except urllib.error.HTTPError as error: print('refused', error.code)
except Exception as error: print('other', error)
";
    let curl = json!({"command": "curl -sS -m 5 -o /dev/null -w '%{http_code}' http://named.example.invalid/x"});
    let provider = model(&[("mcp__s__look", json!({"code": code})), ("bash", curl)]);
    let config = server(&[]) + "network = [\"named.example.invalid\"]\n";
    let (ran, finished) = go(&with(&provider, &config), &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let results: Vec<String> = told(&provider).iter().map(text_of).collect();
    assert!(!results[0].contains("[network:"), "{results:?}");
    assert!(results[1].contains("[network:"), "{results:?}");
    assert_eq!(finished["refused"].as_array().unwrap().len(), 1, "{ran}");
}

#[test]
fn a_host_that_a_call_asks_for_is_a_question_and_nobody_there_is_no() {
    let code = "import urllib.request\nurllib.request.urlopen('http://asked.example.invalid/x', timeout=5)";
    let (found, ran) = look(code, "", &[], |vk| vk);
    assert!(
        found.contains("[network: the network is off for asked.example.invalid and nobody is there to allow it]"),
        "{found}"
    );
    assert!(ran.stdout.contains("network: asked.example.invalid"), "{ran}");
}

/// Whether a process of this marker runs anywhere.
fn runs(marker: &str) -> bool {
    let Ok(entries) = std::fs::read_dir("/proc") else { return false };
    entries.flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(marker)
    })
}

#[test]
fn nothing_of_a_server_is_left_whatever_ends_the_task() {
    let nest = "import subprocess, sys\nsubprocess.Popen(['setsid', 'python3', '-c', 'import time; time.sleep(99) # ' + sys.argv[-1]])\nprint('nested')";
    for (n, ending) in ["done", "interrupt", "killed"].into_iter().enumerate() {
        let marker = format!("marker-{}-{n}", std::process::id());
        let provider = model(&[
            ("mcp__s__look", json!({"code": nest})),
            ("mcp__s__sleep", json!({"seconds": if ending == "done" { 0 } else { 60 }})),
        ]);
        provider.allow_leftovers();
        let vk = with(&provider, &server(&["note=notes.txt", &marker]));
        let mut child = vk.command(&[&ANTHROPIC[..], &["--output", "json", "go"]].concat()).spawn().unwrap();
        if ending != "done" {
            let notes = vk.project().join("notes.txt");
            assert!(
                eventually(|| std::fs::read_to_string(&notes).is_ok_and(|text| text.contains("seconds"))),
                "{ending}"
            );
            assert!(runs(&marker), "{ending}: it lives");
            let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            let signal = if ending == "killed" { rustix::process::Signal::KILL } else { rustix::process::Signal::INT };
            rustix::process::kill_process(pid, signal).unwrap();
        }
        let ended = Instant::now();
        let status = child.wait().unwrap();
        assert_eq!(status.success(), ending == "done", "{ending}: {status:?}");
        assert!(ending == "done" || ended.elapsed() < Duration::from_secs(2), "{ending} took {:?}", ended.elapsed());
        let gone = Instant::now();
        assert!(eventually(|| !runs(&marker)), "{ending}: something is left");
        assert!(gone.elapsed() < Duration::from_secs(2), "{ending}: gone after {:?}", gone.elapsed());
        if ending == "interrupt" {
            let notes = std::fs::read_to_string(vk.project().join("notes.txt")).unwrap();
            assert!(!notes.contains("slept"), "{notes}");
        }
    }
}

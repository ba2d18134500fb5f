//! Whose servers a task gets: the user's, a trusted project's, those that a flag names; and what a stranger's file
//! must not say.

use super::*;
use crate::plans::stand_in::{Machine, whole};

/// A project with a server of its own that leaves a canary when it is started.
fn project(provider: &Provider, more: &str) -> Vk {
    let text = format!("[mcp.tools]\ncommand = [\"python3\", \"-u\", \"server.py\", \"note=canary.txt\"]\n{more}");
    anthropic(provider).file("server.py", SERVER).file("vk.toml", &text)
}

#[test]
fn a_projects_server_is_not_started_before_somebody_trusts_it() {
    let provider = model(&[("mcp__tools__echo", json!({"text": "x"}))]);
    let vk = project(&provider, "env = { LEVEL = \"debug level\" }\ntools = [\"echo\"]\n");
    let canary = vk.project().join("canary.txt");
    let shown = "tools: LEVEL='debug level' python3 -u server.py note=canary.txt (only echo)";
    let (ran, finished) = go(&vk, &[]);
    assert_eq!((ran.code, &finished["error"]["code"]), (7, &json!("untrusted")), "{ran}");
    assert!(ran.stderr.contains(shown), "in full: {ran}");
    for args in [&["doctor"][..], &["route"], &["trust"], &["run", "--dry-run", "go"], &["tasks", "list"]] {
        let ran = vk.run(args);
        assert!(!canary.exists(), "{args:?} started it: {ran}");
    }
    let doctor = vk.run(&["doctor"]);
    assert!(doctor.stdout.contains("not tried: vk.toml is not trusted"), "{doctor}");
    let hash = vk.run(&["trust", "--print"]).stdout.trim().to_owned();
    let (ran, _) = go(&vk, &["--trust", &hash]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(canary.exists());
    assert_eq!(names(&provider.requests()[0].json())[2..], ["mcp__tools__echo"]);
    // A word of its command changed is another hash.
    let text = std::fs::read_to_string(vk.project().join("vk.toml")).unwrap();
    for changed in
        [text.replace("canary.txt", "other.txt"), text.replace("debug", "trace"), text.replace("echo", "look")]
    {
        std::fs::write(vk.project().join("vk.toml"), changed).unwrap();
        let (ran, finished) = go(&vk, &["--trust", &hash]);
        assert_eq!((ran.code, &finished["error"]["code"]), (7, &json!("trust_mismatch")), "{ran}");
    }
    assert!(!vk.project().join("other.txt").exists());
    // Who wants none of it needs no trust for it.
    std::fs::remove_file(&canary).unwrap();
    let provider = model(&[]);
    let (ran, finished) = go(&project(&provider, ""), &["--mcp", "none"]);
    assert_eq!((ran.code, &finished["mcp"]), (0, &json!([])), "{ran}");
}

/// SECURITY rows 1 to 5: no address, no secret of the user's, nothing that loosens.
#[test]
fn a_projects_file_names_no_address_no_key_and_no_network() {
    for (text, place, code) in [
        ("[mcp.s]\nurl = \"https://mcp.evil.example/mcp\"\n", "vk.toml:2:1", "not_allowed_here"),
        ("[mcp.s]\ncommand = [\"x\"]\nurl = \"https://mcp.evil.example/mcp\"\n", "vk.toml:3:1", "not_allowed_here"),
        ("mcp.s.url = \"http://127.0.0.1:1/mcp\"\n", "vk.toml:1:", "not_allowed_here"),
        ("[mcp.s]\ncommand = [\"x\"]\nkey = \"mine\"\n", "vk.toml:3:1", "not_allowed_here"),
        ("[mcp.s]\ncommand = [\"x\"]\nnetwork = [\"evil.example\"]\n", "vk.toml:3:1", "not_allowed_here"),
        ("[mcp.s]\ncommand = [\"x\"]\nrequired = false\n", "vk.toml:3:1", "not_allowed_here"),
        ("[mcp.s]\ncommand = [\"x\"]\nenv = { T = \"env:GITHUB_TOKEN\" }\n", "vk.toml:3:", "bad_value"),
        ("[mcp.s]\ncommand = [\"x\"]\nenv = { OPENAI_API_KEY = \"a\" }\n", "vk.toml:3:", "not_allowed_here"),
        ("[mcp.s]\ncommand = [\"x\"]\nunknown = 1\n", "vk.toml:3:1", "unknown_key"),
        ("[mcp.s]\ncommand = \"x --y\"\n", "vk.toml:2:", "bad_value"),
        ("[mcp.s]\ncommand = []\n", "vk.toml:2:", "bad_value"),
        ("[mcp.s]\ncommand = [\"x\\u001b[2K\"]\n", "vk.toml:2:", "bad_value"),
        ("[mcp.S]\ncommand = [\"x\"]\n", "vk.toml:1:", "bad_value"),
        ("[mcp.a__b]\ncommand = [\"x\"]\n", "vk.toml:1:", "bad_value"),
        ("[mcp.none]\ncommand = [\"x\"]\n", "vk.toml:1:", "bad_value"),
        ("[mcp.a-name-that-is-much-too-long]\ncommand = [\"x\"]\n", "vk.toml:1:", "bad_value"),
    ] {
        let (ran, finished) = go(&anthropic(&Provider::start([])).file("vk.toml", text), &[]);
        let error = &finished["error"];
        assert_eq!((ran.code, error["code"].as_str()), (2, Some(code)), "{text}{ran}");
        assert!(error["message"].as_str().unwrap().contains(place), "{text}{ran}");
    }
}

#[test]
fn the_users_own_lines_are_checked_and_no_secret_is_repeated() {
    let key = "ghp_canary0canary0canary0canary0canary00";
    for (text, says) in [
        ("[mcp.s]\n", "needs \"command\" or \"url\""),
        ("[mcp.s]\ncommand = [\"x\"]\nurl = \"https://a.example\"\n", "it is one or the other"),
        ("[mcp.s]\nurl = \"http://mcp.example.com/mcp\"\n", "must be https"),
        ("[mcp.s]\nurl = \"https://user:pass@mcp.example.com/mcp\"\n", "must not hold a user name"),
        ("[mcp.s]\nurl = \"https://mcp.example.com/mcp?api_key=canary\"\n", "must not have a query"),
        ("[mcp.s]\nurl = \"https://mcp.example.com/mcp\"\nenv = { A = \"b\" }\n", "goes with \"command\" only"),
        ("[mcp.s]\ncommand = [\"x\"]\nkey = \"l\"\n", "goes with \"url\" only"),
        ("[mcp.s]\nurl = \"https://a.example\"\ntoken = \"canary\"\n", "may not be set here"),
        ("[mcp.s]\ncommand = [\"x\", \"--token\", \"@KEY\"]\n", "looks like a credential"),
        ("[mcp.s]\ncommand = [\"x\"]\nenv = { T = \"@KEY\" }\n", "looks like a credential"),
        ("[mcp.s]\nurl = \"https://a.example\"\nkey = \"@KEY\"\n", "must be the label of a stored key"),
        ("[mcp.s]\ncommand = [\"x\"]\nenv = { T = \"env:ANTHROPIC_API_KEY\" }\n", "holds a provider's credential"),
        ("[mcp.s]\ncommand = [\"x\"]\nnetwork = [\"registries\", \"a.example\"]\n", "the name of a host"),
        ("[mcp.s]\ncommand = [\"x\"]\nnetwork = [\"https://a.example\"]\n", "the name of a host"),
        ("[mcp.s]\ncommand = [\"x\"]\ntimeout = \"2h\"\n", "from 1s to 1h"),
        ("[mcp.s]\ncommand = [\"x\"]\nenabled = \"yes\"\n", "must be true or false"),
        ("[providers.mcp]\nkind = \"byok\"\n", "keys of MCP servers"),
    ] {
        let (ran, finished) = go(&anthropic(&Provider::start([])).config(&text.replace("@KEY", key)), &[]);
        assert_eq!(ran.code, 2, "{text}{ran}");
        let message = finished["error"]["message"].as_str().unwrap();
        assert!(message.contains(says), "{text}: {message}");
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("canary"), "{text}{ran}");
    }
}

#[test]
fn a_flag_names_the_servers_of_one_task() {
    let two =
        server(&[]) + &server(&["many-tools"]).replace("[mcp.s]", "[mcp.other]\nenabled = false\ntools = [\"t1\"]");
    let given = |more: &[&str]| {
        let provider = model(&[]);
        let (ran, finished) = go(&with(&provider, &two), more);
        assert_eq!(ran.code, 0, "{ran}");
        let names = finished["mcp"].as_array().unwrap().iter().map(|used| used["server"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(given(&[]), ["s"], "what is off stays off");
    assert_eq!(given(&["--mcp", "other"]), ["other"]);
    assert_eq!(given(&["--mcp", "s,other"]), ["other", "s"], "always in one order: the prompt begins with them");
    assert!(given(&["--mcp", "none"]).is_empty());
    let (ran, finished) = go(&with(&Provider::start([]), &two), &["--mcp", "othr"]);
    let message = finished["error"]["message"].as_str().unwrap();
    assert!(ran.code == 2 && message.contains("did you mean \"other\"?; there are other, s"), "{ran}");
}

#[test]
fn a_project_turns_on_a_server_that_the_user_has_and_takes_no_name_of_his() {
    let off = server(&["note=mine.txt"]).replace("[mcp.s]", "[mcp.s]\nenabled = false");
    let provider = model(&[]);
    let vk = with(&provider, &off).file("vk.toml", "[mcp.s]\n");
    let (ran, _) = go(&vk, &[]);
    assert!(ran.code == 7 && ran.stderr.contains("s: the one of this name in your config.toml"), "{ran}");
    let hash = vk.run(&["trust", "--print"]).stdout.trim().to_owned();
    let (ran, finished) = go(&vk, &["--trust", &hash]);
    assert_eq!((ran.code, &finished["mcp"][0]["server"]), (0, &json!("s")), "{ran}");
    // Under the user's name, the user's own runs.
    let provider = model(&[]);
    let on = server(&["note=mine.txt"]);
    let vk = with(&provider, &on).file("vk.toml", "[mcp.s]\ncommand = [\"touch\", \"theirs.txt\"]\n");
    let (ran, _) = go(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("the MCP server s of vk.toml:1 is set aside"), "{ran}");
    assert!(vk.project().join("mine.txt").exists() && !vk.project().join("theirs.txt").exists());
    // A name that the user does not have is told, and nothing else happens.
    let provider = model(&[]);
    let (ran, _) = go(&with(&provider, "").file("vk.toml", "[mcp.nosuch]\n"), &[]);
    assert!(ran.code == 0 && ran.stderr.contains("your config.toml has none of that name"), "{ran}");
}

#[test]
fn a_plans_program_is_given_no_servers_and_that_is_said() {
    let machine = || {
        let mut machine = Machine::new().lines("whole", &whole("Done.")).logged_in("say whole; hear");
        machine.vk = machine.vk.config(&server(&["note=canary.txt"])).file("server.py", SERVER);
        machine
    };
    let plan = ["run", "--path", "subscription", "--provider", "claude"];
    let one = machine();
    let (ran, finished) = report(&one.vk, &plan, &["go"]);
    assert_eq!((ran.code, &finished["mcp"]), (0, &json!([])), "{ran}");
    assert_eq!(ran.stderr.matches("claude is not given your MCP servers (s)").count(), 1, "{ran}");
    assert!(!one.vk.project().join("canary.txt").exists());
    let (ran, finished) = report(&machine().vk, &plan, &["--mcp", "s", "go"]);
    assert_eq!((ran.code, &finished["error"]["code"]), (2, &json!("engine_cannot_hold")), "{ran}");
    assert_eq!(report(&machine().vk, &plan, &["--mcp", "none", "go"]).0.code, 0);
}

#[test]
fn doctor_tries_each_server_and_names_another_tools_list() {
    let config = server(&[])
        + "[mcp.gone]\ncommand = [\"no-such-program\"]\nrequired = false\n"
        + "[mcp.later]\ncommand = [\"x\"]\nenabled = false\n";
    let vk = Vk::new().config(&config).file("server.py", SERVER).file(".mcp.json", "{\"mcpServers\": {\"x\": {}}}");
    let ran = vk.run(&["doctor", "--output", "json"]);
    let findings: Value = serde_json::from_str(&ran.stdout).unwrap();
    let of = |subject: &str| {
        let all = findings["findings"].as_array().unwrap();
        let found = all.iter().rfind(|finding| finding["subject"] == subject).cloned();
        found.unwrap_or_else(|| panic!("{subject}: {ran}"))
    };
    let source = of("mcp.s");
    assert!(source["detail"].as_str().unwrap().contains("python3 -u server.py"), "{source}");
    assert!(source["source"].as_str().unwrap().contains("config.toml:"), "{source}");
    let tried = of("mcp s");
    assert!(tried["state"] == "ok" && tried["detail"].as_str().unwrap().starts_with("9 tools, about "), "{tried}");
    assert_eq!(of("mcp gone")["state"], "warning");
    assert!(of("mcp later")["detail"].as_str().unwrap().contains("vk run --mcp later"), "{ran}");
    assert!(of("mcp")["detail"].as_str().unwrap().starts_with(".mcp.json is not read"), "{ran}");
    // Looking changes nothing in the project: a server that wants to write there finds that out.
    let ran = Vk::new().config(&server(&["note=notes.txt"])).file("server.py", SERVER).run(&["doctor"]);
    assert!(ran.code != 0 && ran.stdout.contains("Read-only file system"), "{ran}");
}

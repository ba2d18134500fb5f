//! What the system saw (SECURITY H2): the programs that were started, the connections, the files of the repository that
//! were opened, before it was trusted.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use super::commands::{UNTRUSTED, all};
use super::repository::Hostile;

#[test]
fn before_trust_nothing_is_started_connected_or_read_but_the_project_file() {
    let can_trace = Command::new("strace").args(["-qq", "-e", "trace=none", "true"]).stderr(Stdio::null()).status();
    if !can_trace.is_ok_and(|status| status.success()) {
        println!("skipped: no strace that may trace (Debian package strace)");
        return;
    }
    let hostile = Hostile::new(Some(UNTRUSTED));
    let project = hostile.vk.project();
    let mut seen: Vec<String> = Vec::new();
    for line in all() {
        // It looks at the machine: the programs that vk would start are asked for their versions there.
        if matches!(line[0].as_str(), "doctor" | "demo") {
            continue;
        }
        let arguments: Vec<&str> = line.iter().map(String::as_str).collect();
        let plain = hostile.vk.command(&arguments);
        let log = hostile.vk.home().join("trace");
        let mut traced = Command::new("strace");
        traced.args(["-f", "-qq", "-s", "400", "-e", "trace=execve,connect,openat,open,openat2", "-o"]).arg(&log);
        traced.arg(plain.get_program()).args(plain.get_args()).current_dir(&project).env_clear();
        traced.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("CI", "1");
        traced.stdin(Stdio::null()).output().unwrap();
        let log = std::fs::read_to_string(&log).unwrap();
        assert!(log.contains("execve("), "{line:?}: nothing was traced");
        // A file that was typed is the person's own word.
        let typed = |call: &String| call.strip_prefix("opens ").is_some_and(|file| arguments.contains(&file));
        for call in calls(&log, &project.to_string_lossy()).into_iter().filter(|call| !typed(call)) {
            seen.push(format!("vk {}: {call}", line.join(" ")));
        }
    }
    assert_eq!(seen, Vec::<String>::new());
}

/// Calls that reach out of vk or into the repository. vk itself is the first program.
fn calls(log: &str, project: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut started = 0;
    for line in log.lines() {
        let call = line.split_once(' ').map_or(line, |(_, call)| call).trim_start();
        if call.starts_with("execve(") {
            started += 1;
            if started > 1 {
                all.insert(call.to_owned());
            }
        } else if call.starts_with("connect(") && !call.contains("/bus\"") {
            // The keyring of the user's own session is asked about the user's own keys.
            all.insert(call.to_owned());
        } else if call.starts_with("open") {
            let path = call.split('"').nth(1).unwrap_or_default();
            let inside = path.strip_prefix(project).map(|rest| rest.trim_start_matches('/').to_owned());
            let inside = inside.or_else(|| (!path.starts_with('/')).then(|| path.to_owned()));
            if let Some(inside) = inside.filter(|inside| !matches!(inside.as_str(), "" | "." | "vk.toml")) {
                all.insert(format!("opens {inside}"));
            }
        }
    }
    all
}

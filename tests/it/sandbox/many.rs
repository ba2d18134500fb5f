//! Commands that fork and flood: what they start ends with them, however much it is, and what they print costs vk no
//! memory. Everything here is bounded: a few hundred small processes, each of which ends by itself.

use super::*;
use crate::run::{ANTHROPIC, anthropic};
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;
use serde_json::json;
use vibekit::sandbox::{Mode, Status};

/// Processes of this machine whose arguments hold `mark`, seen from outside the sandbox.
fn alive(mark: &str) -> usize {
    let arguments = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("cmdline")).ok();
    let all = std::fs::read_dir("/proc").unwrap().flatten().filter_map(arguments);
    all.filter(|line| String::from_utf8_lossy(line).contains(mark)).count()
}

/// A number of seconds that no other process sleeps: how those of a test are known.
fn mark(test: u32) -> String {
    format!("30.{test}{:07}", std::process::id())
}

/// Ways to leave many processes behind, each in a session of its own and deaf to what it can be deaf to.
fn leaving_many(how: &str, seconds: &str) -> String {
    match how {
        "daemons" => format!(
            "for n in $(seq 200); do (setsid sh -c 'trap \"\" HUP TERM INT; exec sleep {seconds}' >/dev/null 2>&1 &); done; \
             sleep 0.1; echo started"
        ),
        "a chain" => format!(
            "printf '%s\\n' '[ $1 -gt 0 ] && setsid sh ./chain.sh $(($1 - 1)) >/dev/null 2>&1 &' 'exec sleep {seconds}' > chain.sh; \
             setsid sh ./chain.sh 300 >/dev/null 2>&1 & sleep 1; echo started"
        ),
        "a tree" => format!(
            "cat > tree.sh <<'END'\n[ $1 -gt 0 ] && for n in 1 2; do setsid sh ./tree.sh $(($1 - 1)) >/dev/null 2>&1 & done\n\
             trap '' HUP TERM INT\nexec sleep {seconds}\nEND\nsetsid sh ./tree.sh 6 >/dev/null 2>&1 & sleep 0.3; echo started"
        ),
        "holders of the pipe" => {
            format!(
                "for n in $(seq 50); do setsid sh -c 'trap \"\" HUP TERM INT; exec sleep {seconds}' & done; echo started"
            )
        }
        other => panic!("{other}"),
    }
}

#[test]
fn however_many_a_command_leaves_none_outlives_it() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        for (at, how) in ["daemons", "a chain", "a tree", "holders of the pipe"].into_iter().enumerate() {
            let seconds = mark(u32::try_from(at).unwrap());
            let left = run(&sandbox, &leaving_many(how, &seconds));
            let began = Instant::now();
            assert_eq!((left.status, left.text().as_str()), (Status::Exited(0), "started\n"), "{backend:?} {how}");
            assert!(eventually(|| alive(&seconds) == 0), "{backend:?} {how}: {} are alive", alive(&seconds));
            assert!(began.elapsed() < Duration::from_secs(2), "{backend:?} {how}: {:?}", began.elapsed());
            assert_eq!(run(&sandbox, "echo fine").text(), "fine\n", "{backend:?} {how}");
        }
    }
}

#[test]
fn a_limit_ends_all_of_them() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        let seconds = mark(9);
        let script = format!("{}; trap '' TERM; sleep 20", leaving_many("daemons", &seconds));
        let late = run_for(&sandbox, &script, Duration::from_secs(1));
        assert_eq!(late.status, Status::TimedOut, "{backend:?}");
        assert!(eventually(|| alive(&seconds) == 0), "{backend:?}: {} are alive", alive(&seconds));
    }
}

#[test]
fn a_sandbox_that_ends_takes_all_of_them_with_it() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        let seconds = mark(8);
        block_on(async {
            let script = format!("{}; sleep 20", leaving_many("daemons", &seconds));
            let _ = tokio::time::timeout(Duration::from_secs(1), sandbox.run(Command::new(script))).await;
        });
        drop(sandbox);
        let began = Instant::now();
        assert!(eventually(|| alive(&seconds) == 0), "{backend:?}: {} are alive", alive(&seconds));
        assert!(began.elapsed() < Duration::from_secs(2), "{backend:?}");
    }
}

/// Forks until it cannot, or has 400, and says how many there are.
const FORK: &str = "perl -e 'for (1..400) { my $p = fork; last unless defined $p; if (!$p) { sleep 20; exit } $n++ } print qq($n\\n); \
                    sleep 3; kill 9, -$$'";

#[test]
fn there_is_an_end_to_how_many_there_may_be() {
    if !has_bubblewrap() {
        return;
    }
    let place = Place::new();
    let mut spec = place.spec(Backend::Bubblewrap);
    assert_eq!(spec.processes, 8192);
    spec.processes = 100;
    let sandbox = place.start_with(spec).unwrap();
    let began = Instant::now();
    let bomb = run(&sandbox, FORK);
    // Root is not held by the kernel: there the inside counts, and ends them all. For others fork itself fails.
    let refused = bomb.text().trim().parse::<u32>().is_ok_and(|forked| forked < 100);
    assert!(bomb.status == Status::Crowded || refused, "{bomb:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(run(&sandbox, "echo fine").text(), "fine\n");
    // Fewer are nobody's concern.
    let some = run(&sandbox, "for n in $(seq 50); do sleep 0.3 & done; wait; echo done");
    assert_eq!((some.status, some.text().as_str()), (Status::Exited(0), "done\n"));
}

#[test]
fn without_a_sandbox_too_none_outlives_its_command() {
    let place = Place::new();
    let mut spec = place.spec(Backend::Bubblewrap);
    spec.mode = Mode::Off;
    let sandbox = place.start_with(spec).unwrap();
    let seconds = mark(7);
    assert_eq!(run(&sandbox, &leaving_many("daemons", &seconds)).text(), "started\n");
    assert!(eventually(|| alive(&seconds) == 0), "{} are alive", alive(&seconds));
}

/// The most memory that a `vk` and its inside had, in KiB each, while it ran a task with this command.
fn peak(script: &str) -> (u64, u64) {
    let answer = Turn::new().tool("t1", "bash", json!({"command": script}));
    let provider = Provider::start([Script::sse(&answer.anthropic()), Script::sse(&Turn::say("Done.").anthropic())]);
    let vk = anthropic(&provider);
    let mut command = vk.command(&[&ANTHROPIC[..], &["--approve", "all", "go"]].concat());
    let mut child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let (mut own, mut inside) = (0, 0);
    let status = loop {
        own = own.max(high_water(child.id()));
        inside = inside.max(below(child.id()).into_iter().map(high_water).max().unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{status}");
    let told = provider.requests()[1].json().to_string();
    assert!(told.contains("[exit 0"), "{told}");
    (own, inside)
}

/// `VmHWM` of a process that is a `vk`, in KiB; 0 for others and for what is gone.
fn high_water(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let high = field("VmHWM:").and_then(|text| text.split(' ').next()?.parse().ok());
    if field("Name:") == Some("vk") { high.unwrap_or(0) } else { 0 }
}

/// All processes below one.
fn below(process: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let direct: Vec<u32> =
        lists.flat_map(|list| list.split(' ').filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect();
    direct.iter().copied().chain(direct.iter().flat_map(|child| below(*child))).collect()
}

#[test]
#[allow(clippy::print_stdout, reason = "what was measured is told")]
fn a_flood_costs_no_memory() {
    if !has_bubblewrap() {
        return;
    }
    let quiet = peak("echo quiet; sleep 0.3");
    let flood = peak("yes | head -c 150000000; head -c 50000000 /dev/zero | tr '\\0' x; sleep 0.3");
    println!("KiB at most, vk and its inside: quiet {quiet:?}, after 200 MB of output {flood:?}");
    assert!(quiet.0 > 0 && quiet.1 > 0, "{quiet:?}");
    assert!(flood.0 < quiet.0 * 3 / 2 && flood.1 < quiet.1 * 3 / 2, "{quiet:?} {flood:?}");
}

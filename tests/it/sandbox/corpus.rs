//! Commands that were once taken for harmless by some tool (`tests/fixtures/commands.txt`): vk keeps no list of harmless
//! commands, so each of them is tried where all of them run, and touches nothing outside.

use super::*;
use crate::support::tree::{difference, tree};

/// Every command in a shell of its own, for as long as a harmless one takes; the list is read beforehand, since some of
/// them remove everything.
const TRY_ALL: &str = r#"
IFS= mapfile -t all < list
for line in "${all[@]}"; do
    printf '#!/bin/sh\ntouch OUTSIDE\n' > evil; chmod 755 evil; echo OUTSIDE > list; echo text > README.md
    timeout -s KILL 0.2 bash -c "$line" < /dev/null > /dev/null 2>&1
    cd "$START" 2>/dev/null
    tried=$((tried + 1))
done
echo "tried $tried"
"#;

#[test]
fn commands_that_look_harmless_touch_nothing_outside() {
    if !has_bubblewrap() {
        return;
    }
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/commands.txt")).unwrap();
    let commands: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let place = Place::new().file("home/.bashrc", "mine\n").file("elsewhere/a.txt", "mine\n").git();
    let outside = place.path().join("elsewhere/CANARY");
    // What they would touch lies outside, in the user's home, and in git's own folder.
    let list = commands.iter().enumerate().map(|(at, command)| {
        let canary = match at % 3 {
            0 => outside.display().to_string(),
            1 => place.home().join("CANARY").display().to_string(),
            _ => place.work().join(".git/CANARY").display().to_string(),
        };
        command.replace("CANARY", &canary).replace("project", "work") + "\n"
    });
    std::fs::write(place.work().join("list"), list.collect::<String>()).unwrap();
    let sandbox = place.start(Backend::Bubblewrap);
    let look = || [tree(&place.home().join("../elsewhere")), tree(&place.work().join(".git"))];
    let (before, home) = (look(), tree(&place.home()));
    let started = Instant::now();
    let script =
        format!("START={}\n{}", place.work().display(), TRY_ALL.replace("OUTSIDE", &outside.display().to_string()));
    let tried = run_for(&sandbox, &script, Duration::from_mins(2));
    let all = format!("tried {}\n", commands.len());
    assert!(tried.text().ends_with(&all), "{}", tried.text());
    assert!(started.elapsed() < Duration::from_mins(1), "{:?}", started.elapsed());
    for (before, after) in before.iter().zip(look()) {
        assert_eq!(difference(before, &after), [""; 0]);
    }
    let of_home = |tree: crate::support::tree::Tree| -> crate::support::tree::Tree {
        tree.into_iter().filter(|(path, _)| !path.starts_with("work")).collect()
    };
    assert_eq!(difference(&of_home(home), &of_home(tree(&place.home()))), [""; 0]);
    assert_eq!(run(&sandbox, "echo fine").text(), "fine\n");
}

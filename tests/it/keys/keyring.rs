//! Keys in a real Secret Service: gnome-keyring on a session bus of its own, home and all in a temporary folder.
//! Skipped, aloud, where the programs are not installed.

use std::path::Path;

use super::home::Home;

const CANARY: &str = "sk-ant-api03-canary-9Xk4Lw27";

/// Shell functions around the daemon. `unlocked` makes the login keyring if there is none, with an empty password.
const DAEMON: &str = r#"
unlocked() { printf '\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; await; }
locked() { gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1; await; }
await() { for _ in $(seq 100); do pid >/dev/null 2>&1 && return; sleep 0.05; done; echo "no daemon" >&2; exit 99; }
pid() { dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus / \
    org.freedesktop.DBus.GetConnectionUnixProcessID string:org.freedesktop.secrets | awk '{print $2}'; }
gone() { local old=$(pid); kill -KILL "$old"; while kill -0 "$old" 2>/dev/null; do sleep 0.02; done; }
entries() { secret-tool search --all service vk 2>&1 | grep -c '^attribute.username'; }
"#;

#[allow(clippy::print_stdout, reason = "a skipped test must be seen")]
fn session(home: &Home, script: &str) -> Option<super::home::Ran> {
    for program in ["dbus-run-session", "gnome-keyring-daemon", "secret-tool", "dbus-send"] {
        if !["/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join(program).exists()) {
            println!("skipped: {program} is not installed");
            return None;
        }
    }
    let mut ran = home.bash(&["dbus-run-session", "--"], &format!("{DAEMON}\n{script}"));
    // A daemon that the bus starts before the script does says where it is, on the script's own output.
    let lines = ran.stdout.split_inclusive('\n');
    ran.stdout = lines.filter(|line| !line.starts_with("GNOME_KEYRING_CONTROL=")).collect();
    Some(ran)
}

fn label(label: &str) -> String {
    format!("echo {CANARY}-{label} | vk keys add anthropic --stdin --label {label}")
}

#[test]
fn a_key_is_stored_listed_and_deleted_in_the_secret_service() {
    let home = Home::with_bus(None);
    let script = format!(
        "unlocked; {add} || exit 1; vk keys list --output json; \
         secret-tool lookup service vk username anthropic/client-a/$(vk keys list --output json | grep -o '[0-9a-f]\\{{8\\}}\"' | head -1 | tr -d '\"'); \
         echo; entries; vk keys remove client-a --yes || exit 1; entries; vk keys list --output json",
        add = label("client-a")
    );
    let Some(ran) = session(&home, &script) else { return };
    ran.says(0, &["Stored anthropic/client-a", "in the system keyring", "Deleted anthropic/client-a"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].contains("\"store\":\"keyring\""), "{ran:?}");
    assert_eq!(lines[1..], [&format!("{CANARY}-client-a"), "1", "0", "[]"], "{ran:?}");
    assert!(!ran.stderr.contains("canary"));
    let outside: Vec<_> = home.files_with(CANARY).into_iter().filter(|path| path.starts_with(home.data())).collect();
    assert!(outside.is_empty(), "{outside:?}");
}

#[test]
fn a_keyring_that_was_never_unlocked_is_called_locked() {
    let home = Home::with_bus(None);
    let script = format!(
        "unlocked; {first} || exit 1; gone; locked; {second}; echo $?; vk keys remove client-a --yes; echo $?; \
         vk keys list --output json",
        first = label("client-a"),
        second = label("client-b")
    );
    let Some(ran) = session(&home, &script) else { return };
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[..2], ["3", "3"], "{ran:?}");
    assert!(lines[2].contains("client-a") && !lines[2].contains("client-b"), "{ran:?}");
    ran.says(0, &["locked or refuses access", "vk keys init --file"]);
    assert!(!home.data().join("secrets.age").exists());
}

#[test]
fn a_keyring_that_stops_answering_is_given_up() {
    let home = Home::with_bus(None);
    let script = format!(
        "unlocked; {first} || exit 1; p=$(pid); kill -STOP $p; s=$(date +%s%N); {second}; echo $?; \
         echo $(( ($(date +%s%N) - s) / 1000000 )); kill -CONT $p; {second}; echo $?",
        first = label("client-a"),
        second = label("client-b")
    );
    let Some(ran) = session(&home, &script) else { return };
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((lines[0], lines[2]), ("3", "0"), "{ran:?}");
    assert!(lines[1].parse::<u64>().unwrap() < 3_000, "{ran:?}");
    ran.says(0, &["did not answer within 3 s"]);
}

#[test]
fn a_wiped_keyring_is_told_from_a_locked_one() {
    let home = Home::with_bus(None);
    let script = format!(
        "unlocked; {first} || exit 1; gone; rm -rf \"$HOME/.local/share/keyrings\"; unlocked; \
         vk keys test client-a; echo $?; vk keys remove client-a --yes; echo $?",
        first = label("client-a")
    );
    let Some(ran) = session(&home, &script) else { return };
    assert_eq!(ran.stdout, "3\n0\n", "{ran:?}");
    ran.says(
        0,
        &["the secret of anthropic/client-a is gone from the keyring", "vk keys add anthropic --label client-a"],
    );
}

#[test]
fn another_program_that_changes_the_secret_is_noticed() {
    let home = Home::with_bus(None);
    let script = format!(
        "unlocked; {first} || exit 1; \
         user=$(secret-tool search --all service vk 2>&1 | sed -n 's/^attribute.username = //p'); \
         printf sk-ant-api03-other | secret-tool store --label=x service vk username \"$user\"; \
         vk keys test client-a; echo $?",
        first = label("client-a")
    );
    let Some(ran) = session(&home, &script) else { return };
    assert_eq!(ran.stdout, "3\n", "{ran:?}");
    ran.says(0, &["another secret for anthropic/client-a"]);
}

#[test]
fn many_processes_share_the_keyring() {
    let home = Home::with_bus(None);
    let script = "unlocked; for n in $(seq 8); do echo sk-ant-api03-$n | vk keys add anthropic --stdin --label k$n & \
         jobs=\"${jobs-} $!\"; done; for j in $jobs; do wait $j || echo failed; done; entries; \
         vk keys list --output json | grep -o k[0-9] | wc -l";
    let Some(ran) = session(&home, script) else { return };
    assert_eq!(ran.stdout, "8\n8\n", "{ran:?}");
}

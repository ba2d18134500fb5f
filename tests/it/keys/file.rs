//! Keys where there is no keyring: refused with the ways out, or kept in the encrypted file.

use std::fs;
use std::time::{Duration, Instant};

use super::home::Home;

const CANARY: &str = "sk-ant-api03-canary-7Qm2Zx81";

#[test]
fn without_a_keyring_nothing_is_stored_and_the_ways_out_are_named() {
    let home = Home::with_bus(None);
    let ran = home.vk(&["keys", "add", "anthropic", "--stdin"], CANARY);
    ran.says(3, &["no system keyring answers", "vk keys init --file", "--key env:NAME"]);
    assert!(!ran.stderr.contains("canary"));
    assert!(home.files_with(CANARY).is_empty());
    assert!(!home.data().join("keys.json").exists());
    home.vk(&["keys", "list"], "").says(0, &["No key is stored"]);
    assert_eq!(home.vk(&["keys", "list", "--output", "json"], "").stdout, "[]\n");
}

#[cfg(unix)]
#[test]
fn a_bus_that_never_answers_is_given_up_within_three_seconds() {
    use std::os::unix::net::UnixListener;
    let folder = tempfile::tempdir().unwrap();
    for accepts in [false, true] {
        let path = folder.path().join(format!("bus-{accepts}"));
        let listener = UnixListener::bind(&path).unwrap();
        if accepts {
            // The connections are held until the test's process ends.
            std::thread::spawn(move || listener.incoming().for_each(std::mem::forget));
        } else {
            std::mem::forget(listener);
        }
        let home = Home::with_bus(Some(&format!("unix:path={}", path.display())));
        let started = Instant::now();
        let ran = home.vk(&["keys", "add", "anthropic", "--stdin"], CANARY);
        let took = started.elapsed();
        ran.says(3, &["did not answer within 3 s", "vk keys init --file", "--key env:NAME"]);
        assert!(took < Duration::from_secs(3), "{took:?}");
        assert!(home.files_with(CANARY).is_empty());
    }
}

#[test]
fn a_key_lives_in_the_encrypted_file_and_leaves_it() {
    let home = Home::with_file();
    let ran = home.vk(&["keys", "add", "--stdin", "--label", "client-a"], &format!("  {CANARY}\r\n"));
    ran.says(0, &["Stored anthropic/client-a", "in the encrypted file", "vk use byok"]);
    let rows = home.vk(&["keys", "list", "--output", "json"], "").json();
    let row = rows[0].as_object().unwrap();
    let names: Vec<&String> = row.keys().collect();
    assert_eq!(names, ["provider", "label", "fingerprint", "kind", "store", "account", "added_at", "last_used_at"]);
    assert_eq!((&row["provider"], &row["store"]), (&"anthropic".into(), &"file".into()));
    assert_eq!((&row["kind"], &row["account"]), (&"api_key".into(), &serde_json::Value::Null));
    assert!(home.files_with(CANARY).is_empty(), "{:?}", home.files_with(CANARY));

    home.vk(&["keys", "add", "anthropic", "--stdin", "--label", "client-a"], CANARY)
        .says(2, &["there is a key anthropic/client-a already", "--label client-a-2"]);
    home.vk(&["keys", "default", "client-a"], "").says(0, &["anthropic/client-a is used"]);
    let table = home.vk(&["keys", "list"], "");
    assert!(table.stdout.contains("client-a (default)"), "{table:?}");
    home.vk(&["keys", "remove", "client-a"], "").says(2, &["--yes"]);
    home.vk(&["keys", "remove", "client-b", "--yes"], "").says(3, &["anthropic/client-a"]);
    home.vk(&["keys", "remove", "client-a", "--yes"], "").says(0, &["Deleted anthropic/client-a"]);
    assert_eq!(home.vk(&["keys", "list", "--output", "json"], "").stdout, "[]\n");
}

#[test]
fn a_key_of_somebody_else_is_refused_and_not_repeated() {
    let mut home = Home::with_file();
    home.set("MY_KEY", "sk-proj-canary");
    for (args, stdin, code, words) in [
        (&["anthropic", "--stdin"][..], "sk-ant-oat01-canary", 3, "a Claude plan token cannot be used as an API key"),
        (&["--stdin"], "sk-ant-ort01-canary", 3, "a Claude plan token cannot be used as an API key"),
        (&["openai", "--stdin"], "sk-ant-api03-canary", 3, "this is a key of Anthropic"),
        (&["anthropic", "--from-env", "MY_KEY"], "", 3, "this is a key of OpenAI"),
        (&["anthropic", "--stdin"], "sk-canary", 3, "those begin with sk-ant-api"),
        (&["openai", "--stdin"], "canary", 3, "those begin with sk-"),
        (&["--stdin"], "sk-canary", 2, "does not say which provider"),
        (&["openai", "--stdin"], "sk-canary\nsk-canary", 3, "line break"),
        (&["openai", "--stdin"], "", 3, "empty"),
        (&["anthropic", "--from-env", "NOT_SET"], "", 3, "NOT_SET is not set"),
        (&["claude", "--stdin"], "sk-canary", 2, "is a plan"),
        (&["antropic", "--stdin"], "sk-canary", 2, "vk keys add anthropic"),
        (&["anthropic", "--stdin", "--label", "a/b"], "sk-canary", 2, "cannot be a label"),
        (&["anthropic"], "sk-canary", 2, "--stdin"),
    ] {
        let all: Vec<&str> = ["keys", "add"].iter().chain(args).copied().collect();
        let ran = home.vk(&all, stdin);
        ran.says(code, &[words]);
        assert!(!ran.stderr.contains("canary") && ran.stdout.is_empty(), "{ran:?}");
    }
    assert_eq!(home.vk(&["keys", "list", "--output", "json"], "").stdout, "[]\n");
    assert!(home.files_with("canary").is_empty());
}

#[test]
fn an_identity_that_is_missing_or_another_one_is_named() {
    let mut home = Home::with_file();
    home.vk(&["keys", "add", "anthropic", "--stdin"], CANARY).says(0, &[]);
    let identity = home.path().join("identity.txt");
    let sealed = home.data().join("secrets.age");
    let before = fs::read(&sealed).unwrap();

    home.set("VK_AGE_IDENTITY", "");
    home.vk(&["keys", "add", "openai", "--stdin"], "sk-x").says(3, &["VK_AGE_IDENTITY is not set"]);
    fs::rename(&identity, home.path().join("moved")).unwrap();
    home.set("VK_AGE_IDENTITY", identity.to_str().unwrap());
    home.vk(&["keys", "add", "openai", "--stdin"], "sk-x").says(3, &["does not exist"]);
    // Asked to make the file again, vk opens the one that is there and makes nothing new.
    home.vk(&["keys", "init", "--file"], "").says(3, &["does not exist"]);
    assert!(!identity.exists());
    fs::rename(home.path().join("moved"), &identity).unwrap();
    home.vk(&["keys", "init", "--file"], "").says(0, &["was there and opens"]);
    assert_eq!(fs::read(&sealed).unwrap(), before);
    // Listing never opens anything.
    home.set("VK_AGE_IDENTITY", "");
    assert_eq!(home.vk(&["keys", "list", "--output", "json"], "").json().as_array().unwrap().len(), 1);
}

#[cfg(unix)]
#[test]
fn files_are_private_under_any_umask_and_loose_ones_are_refused() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let mut home = Home::with_bus(None);
    let identity = home.path().join("identity.txt").display().to_string();
    home.set("VK_AGE_IDENTITY", &identity);
    let script = format!("umask 000; vk keys init --file && echo {CANARY} | vk keys add anthropic --stdin");
    home.bash(&[], &script).says(0, &[]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.data()), 0o700);
    for entry in fs::read_dir(home.data()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert_eq!(mode(std::path::Path::new(&identity)), 0o600);

    let sealed = home.data().join("secrets.age");
    for path in [&sealed, std::path::Path::new(&identity)] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
        let fix = format!("chmod 600 '{}'", path.display());
        home.vk(&["keys", "add", "openai", "--stdin"], "sk-x").says(3, &["can be read by other users", &fix]);
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let elsewhere = home.path().join("elsewhere");
    fs::rename(&sealed, &elsewhere).unwrap();
    symlink(&elsewhere, &sealed).unwrap();
    let before = fs::read(&elsewhere).unwrap();
    home.vk(&["keys", "add", "openai", "--stdin"], "sk-x").says(3, &["is not a plain file"]);
    assert_eq!(fs::read(&elsewhere).unwrap(), before);
}

#[test]
fn many_processes_add_at_once_and_none_is_lost() {
    let home = Home::with_file();
    let script = "for n in $(seq 12); do echo sk-ant-api03-$n | vk keys add anthropic --stdin --label k$n & done; wait";
    home.bash(&[], script).says(0, &[]);
    let rows = home.vk(&["keys", "list", "--output", "json"], "").json();
    assert_eq!(rows.as_array().unwrap().len(), 12);
    let remove = "for n in $(seq 12); do vk keys remove k$n --yes & done; wait";
    home.bash(&[], remove).says(0, &[]);
    assert_eq!(home.vk(&["keys", "list", "--output", "json"], "").stdout, "[]\n");
}

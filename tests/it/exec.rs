//! `vk exec`: what another program gets, what it does not get, and what is said before it starts.

use sha2::{Digest as _, Sha256};

use crate::support::env::{PLANTED, Ran, Vk};

/// Prints the names of its variables and the fingerprint of one of them; never a value, for that would be a leak.
fn script(key: &str) -> String {
    format!(
        "env | cut -d= -f1 | sort | tr '\\n' ' '; printf '%s' \"${key}\" | sha256sum | cut -c1-8; \
         echo \"at ${{ANTHROPIC_BASE_URL:-}}${{OPENAI_BASE_URL:-}}\""
    )
}

fn exec(vk: &Vk, flags: &[&str], command: &[&str]) -> Ran {
    let mut args = vec!["exec"];
    args.extend(flags);
    args.push("--");
    args.extend(command);
    vk.run(&args)
}

fn fingerprint(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    format!("{:08x}", u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
}

fn names(ran: &Ran) -> Vec<&str> {
    ran.stdout.lines().next().unwrap().split(' ').filter(|word| word.chars().any(|c| c.is_ascii_uppercase())).collect()
}

const BYOK: [&str; 6] = ["--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"];

#[test]
fn the_program_gets_the_chosen_key_and_no_other() {
    let vk = Vk::new()
        .var("OPENAI_API_KEY", PLANTED[1].1)
        .var("ANTHROPIC_AUTH_TOKEN", PLANTED[1].1)
        .var("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
        .var("OPENROUTER_API_KEY", PLANTED[2].1)
        .var("VK_AGE_IDENTITY", "/nowhere")
        .var("MINE", "kept");
    let ran = exec(&vk, &BYOK, &["sh", "-c", &script("ANTHROPIC_API_KEY")]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains(&fingerprint(PLANTED[0].1)), "{ran}");
    assert!(ran.stdout.ends_with("at \n"), "{ran}");
    let names = names(&ran);
    assert!(names.contains(&"MINE") && names.contains(&"ANTHROPIC_API_KEY") && names.contains(&"HOME"), "{ran}");
    let gone = [
        "OPENAI_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "OPENROUTER_API_KEY",
        "TEST_ANTHROPIC_KEY",
        "VK_AGE_IDENTITY",
    ];
    for name in gone {
        assert!(!names.contains(&name), "{name}: {ran}");
    }
    let line = format!(
        "byok · anthropic · key env:TEST_ANTHROPIC_KEY {} · you pay Anthropic at list price",
        fingerprint(PLANTED[0].1)
    );
    assert!(ran.stderr.contains(&line), "{ran}");
    assert!(ran.stderr.contains("no cap of vk's binds it"), "{ran}");
    assert!(ran.stderr.contains("ignored ambient ANTHROPIC_AUTH_TOKEN"), "{ran}");
}

/// A gateway's key never goes without the gateway's address: it would reach the vendor.
#[test]
fn a_key_for_another_address_goes_with_it() {
    let vk = Vk::new().config(
        "[providers.work]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"http://127.0.0.1:4000/v1\"\n\
         [providers.anthropic]\nbase_url = \"http://127.0.0.1:4001\"\n",
    );
    let work = ["--path", "platform", "--provider", "work", "--key", "env:TEST_OPENROUTER_KEY"];
    let ran = exec(&vk.var("UNUSED", ""), &work, &["sh", "-c", &script("OPENAI_API_KEY")]);
    assert_eq!(ran.code, 3, "a key of OpenRouter's is not sent to another gateway: {ran}");

    let vk = Vk::new()
        .config("[providers.anthropic]\nbase_url = \"http://127.0.0.1:4001\"\n")
        .file(".env", "# local\nexport OPENAI_API_KEY=x\nPORT=1\nANTHROPIC_API_KEY=y\n");
    let ran = exec(&vk, &BYOK, &["sh", "-c", &script("ANTHROPIC_API_KEY")]);
    assert!(ran.stdout.ends_with("at http://127.0.0.1:4001\n"), "{ran}");
    assert!(ran.stderr.contains("the .env of this project has ANTHROPIC_API_KEY, OPENAI_API_KEY"), "{ran}");
}

#[test]
fn its_exit_code_its_input_and_its_arguments_are_its_own() {
    let vk = Vk::new().stdin("from the pipe\n");
    let ran = exec(&vk, &BYOK, &["sh", "-c", "cat; printf '[%s]' \"$@\"; exit 37", "sh", "a b", "--key", "-x"]);
    assert_eq!(ran.code, 37, "{ran}");
    assert_eq!(ran.stdout, "from the pipe\n[a b][--key][-x]");
}

#[test]
fn what_cannot_be_handed_over_is_told_and_nothing_is_started() {
    let vk = Vk::new();
    let touch = vk.project().join("started");
    let touch = touch.to_str().unwrap();
    for (flags, command, code, said) in [
        (&[][..], "touch", 3, "nothing says whose account pays"),
        (&["--path", "byok", "--provider", "openai", "--key", "env:TEST_ANTHROPIC_KEY"], "touch", 3, "anthropic"),
        (&BYOK, "no-such-program-here", 2, "there is no program no-such-program-here"),
        (&["--path", "subscription"], "touch", 3, "no plan can pay"),
        (&["--path", "byok", "--provider", "anthropic", "--key", "env:NOT_SET"], "touch", 3, "NOT_SET"),
    ] {
        let ran = exec(&vk, flags, &[command, touch]);
        assert_eq!(ran.code, code, "{flags:?}: {ran}");
        assert!(ran.stderr.contains(said) && ran.stderr.contains("fix: "), "{flags:?}: {ran}");
        assert!(!std::path::Path::new(touch).exists(), "{flags:?}");
    }
    let ran = vk.run(&["exec"]);
    assert_eq!(ran.code, 2, "{ran}");
}

/// A stranger's file may name the payer only after a person has seen it.
#[test]
fn an_untrusted_project_starts_nothing() {
    let vk = Vk::new().file("vk.toml", "path = \"byok\"\nprovider = \"anthropic\"\n").git();
    let ran = exec(&vk, &["--key", "env:TEST_ANTHROPIC_KEY"], &["touch", "started"]);
    assert_eq!(ran.code, 7, "{ran}");
    assert!(!vk.project().join("started").exists());
    let hash = vk.run(&["trust", "--print"]).stdout;
    let ran = exec(&vk, &["--key", "env:TEST_ANTHROPIC_KEY", "--trust", hash.trim()], &["touch", "started"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(vk.project().join("started").exists());
}

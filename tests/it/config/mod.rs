//! Configuration as its users meet it: which layer wins, what is wrong where, what `vk use` writes, what is trusted.

mod errors;
mod layers;
mod trust;
mod write;

use std::fs;
use std::path::PathBuf;

use crate::support::env::{Ran, Vk};

/// A user who keeps keys in the encrypted file. Each name is `PROVIDER/LABEL`.
pub fn with_keys(vk: Vk, names: &[&str]) -> Vk {
    let identity = vk.home().join("identity.txt").display().to_string();
    let vk = vk.var("VK_AGE_IDENTITY", &identity);
    ok(&vk, &["keys", "init", "--file"]);
    for name in names {
        let (provider, label) = name.split_once('/').unwrap();
        let variable = format!("TEST_{}_KEY", provider.to_uppercase());
        ok(&vk, &["keys", "add", provider, "--label", label, "--from-env", &variable]);
    }
    vk
}

pub fn ok(vk: &Vk, args: &[&str]) -> Ran {
    says(vk, args, 0, &[])
}

/// Runs, and asserts the code and that stderr has each of these words.
pub fn says(vk: &Vk, args: &[&str], code: i32, words: &[&str]) -> Ran {
    let ran = vk.run(args);
    assert_eq!(ran.code, code, "{args:?}: {ran}");
    for word in words {
        assert!(ran.stderr.contains(word), "{args:?}: no {word:?} in {ran}");
    }
    ran
}

pub fn project_file(vk: &Vk) -> PathBuf {
    vk.project().join("vk.toml")
}

pub fn project_text(vk: &Vk) -> String {
    fs::read_to_string(project_file(vk)).unwrap()
}

pub fn user_text(vk: &Vk) -> String {
    fs::read_to_string(vk.config_dir().join("config.toml")).unwrap()
}

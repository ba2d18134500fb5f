//! A wrong file is told with its line, the line itself, what was expected and what was probably meant.

use super::says;
use crate::support::env::Vk;

#[test]
fn a_wrong_project_file_is_told_by_line_and_column() {
    for (text, words) in [
        ("path = byok\n", &["vk.toml:1:8: not TOML", "1 | path = byok", "^"][..]),
        ("\npath = \"byok\n", &["vk.toml:2:"]),
        ("path = \"byokk\"\n", &["vk.toml:1:8", "byok, subscription, platform, free", "did you mean \"byok\"?"]),
        ("# x\n  provder = \"anthropic\"\n", &["vk.toml:2:3: unknown key \"provder\"; did you mean \"provider\"?"]),
        ("path = 7\n", &["vk.toml:1:8", "\"path\" must be text in quotes, not a number"]),
        ("checks = \"cargo test\"\n", &["vk.toml:1:10", "\"checks\" must be a list, like"]),
        ("[budget]\ntask = 2\n", &["vk.toml:2:8", "write task = \"2\"", "fix: ${EDITOR:-vi} "]),
        ("[budget]\ntask = \"9.00\"\n", &["vk.toml:2:8", "$5.00"]),
        ("base_url = \"http://evil.example\"\n", &["vk.toml:1:1: \"base_url\" may not be set here", "config.toml"]),
        ("[fallback]\n\"a -> b\" = \"ask\"\n", &["vk.toml:1:2: \"fallback\" may not be set here"]),
        ("approve = \"all\"\n", &["vk.toml:1:1: \"approve\" may not be set here", "only a flag of vk run"]),
        ("key = \"env:HOME\"\n", &["vk.toml:1:7"]),
        ("[[models]]\nmatch = \"(\"\nmodel = \"best\"\n", &["vk.toml:2:9"]),
    ] {
        for args in [&["route"][..], &["run", "go"], &["use", "byok"], &["trust"]] {
            says(&Vk::new().file("vk.toml", text), args, 2, words);
        }
    }
}

#[test]
fn a_wrong_user_file_is_told_too_and_secrets_in_it_are_not_repeated() {
    for (text, words) in [
        ("path = \"free\"\npath = \"byok\"\n", &["config.toml:2:"][..]),
        (
            "[providers.work]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"http://llm.example.com\"\n",
            &["config.toml:4:12", "https"],
        ),
        ("[providers.work]\nkind = \"gateway\"\n", &["config.toml:2:8", "byok"]),
        ("[sandbox]\nrequire = \"ful\"\n", &["config.toml:2:11", "did you mean \"full\"?"]),
        ("api_key = \"sk-ant-api03-CANARYCANARYCANARYCANARY\"\n", &["config.toml:1:1"]),
    ] {
        let ran = says(&Vk::new().config(text), &["route"], 2, words);
        assert!(!ran.stderr.contains("CANARY"), "{ran}");
    }
}

#[test]
fn what_is_no_text_or_no_file_is_no_panic() {
    let vk = Vk::new();
    let path = vk.project().join("vk.toml");
    for bytes in [&b"path = \"\xff\"\n"[..], &[0; 64], &[b'['; 6_000]] {
        std::fs::write(&path, bytes).unwrap();
        says(&vk, &["route"], 2, &["vk.toml:1:"]);
    }
    std::fs::write(&path, vec![b'#'; 70_000]).unwrap();
    says(&vk, &["route"], 2, &["vk.toml cannot be read"]);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    says(&vk, &["route"], 2, &["vk.toml cannot be read"]);
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_project_is_not_followed_and_a_loose_folder_is_refused() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let vk = Vk::new();
    std::fs::write(vk.home().join("other.toml"), "path = \"free\"\n").unwrap();
    symlink(vk.home().join("other.toml"), vk.project().join("vk.toml")).unwrap();
    says(&vk, &["route"], 2, &["vk.toml cannot be read", "symbolic link"]);
    let vk = Vk::new();
    std::fs::set_permissions(vk.config_dir(), std::fs::Permissions::from_mode(0o777)).unwrap();
    says(&vk, &["route"], 2, &["can be written by others", "chmod go-w"]);
    let inside = Vk::new().file("cfg/config.toml", "").git();
    let folder = inside.project().join("cfg").display().to_string();
    says(&inside.var("VK_CONFIG_DIR", &folder), &["route"], 2, &["VK_CONFIG_DIR", "lies inside the project"]);
}

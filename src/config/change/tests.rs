use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::config::testing::{World, write};
use crate::config::{Layer, Trust};

fn change(path: Option<PayPath>, provider: Option<&str>) -> Change {
    Change { path, provider: provider.map(Into::into), ..Change::default() }
}

fn drafted(world: &World, scope: Scope, change: &Change) -> Draft {
    draft(&world.env(), &world.load().unwrap(), scope, change).unwrap()
}

fn project_text(world: &World) -> String {
    fs::read_to_string(world.repo().join("vk.toml")).unwrap()
}

#[test]
fn a_new_file_stands_at_the_root_and_is_trusted_as_written() {
    let world = World::new().within("shop/a");
    let draft = drafted(&world, Scope::Project, &change(Some(PayPath::Byok), Some("anthropic")));
    assert!(!world.repo().join("vk.toml").exists(), "a draft writes nothing");
    assert_eq!(draft.settings.provider.as_ref().unwrap().value, "anthropic");
    draft.write(&world.load().unwrap()).unwrap();
    insta::assert_snapshot!(project_text(&world), @r#"
    # Whose account pays for coding tasks here. `vk route` explains it.
    path = "byok"
    provider = "anthropic"
    "#);
    let loaded = world.load().unwrap();
    assert_eq!(loaded.trust, Trust::Trusted);
    assert_eq!(loaded.settings.path.unwrap().source.to_string(), "vk.toml:2");
    let mode = fs::metadata(world.repo().join("vk.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn a_new_payer_takes_out_what_was_said_for_the_old_one() {
    let text = "path = \"byok\"\nprovider = \"anthropic\"\nkey = \"client-a\"\nmodel = \"best\"\nchecks = [\"true\"]\n";
    let work = "[providers.work]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"https://x.example\"";
    let world = World::new().project(text).user(work);
    let draft = drafted(&world, Scope::Project, &change(None, Some("openai")));
    assert_eq!(draft.dropped, ["key = \"client-a\": it was for anthropic"]);
    assert_eq!(draft.lines, ["path = \"byok\"", "provider = \"openai\"", "model = \"best\""]);
    let draft = drafted(&world, Scope::Project, &change(Some(PayPath::Platform), None));
    assert_eq!(draft.dropped[0], "provider = \"anthropic\": it is not platform");
    assert_eq!(draft.lines, ["path = \"platform\"", "model = \"best\""]);
    let same = drafted(&world, Scope::Project, &change(Some(PayPath::Byok), Some("anthropic")));
    assert!(same.dropped.is_empty() && same.is_unchanged());
    let with_key = Change { key: Some("client-b".into()), ..change(None, Some("openai")) };
    assert_eq!(drafted(&world, Scope::Project, &with_key).lines[3], "key = \"client-b\"");
}

#[test]
fn what_follows_is_said_without_variables_and_higher_files() {
    let world = World::new().project("path = \"byok\"\n").var("VK_PATH", "free").var("VK_MODEL", "x");
    let draft = drafted(&world, Scope::Project, &change(None, Some("openai")));
    assert_eq!(draft.settings.path.unwrap().value, PayPath::Byok);
    assert_eq!(draft.settings.model, None);
}

#[test]
fn the_users_own_file_is_private_and_keeps_its_comments() {
    let world = World::new();
    drafted(&world, Scope::Global, &change(Some(PayPath::Byok), None)).write(&world.load().unwrap()).unwrap();
    let file = world.config().join("config.toml");
    assert_eq!(fs::read_to_string(&file).unwrap(), "path = \"byok\"\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    write(&file, "# mine\npath = \"byok\" # always\n");
    drafted(&world, Scope::Personal, &change(Some(PayPath::Free), None)).write(&world.load().unwrap()).unwrap();
    let text = fs::read_to_string(&file).unwrap().replace(&world.home().display().to_string(), "HOME");
    insta::assert_snapshot!(text, @r#"
    # mine
    path = "byok" # always

    [projects."HOME/shop"]
    path = "free"
    "#);
    let path = world.load().unwrap().settings.path.unwrap();
    assert_eq!((path.value, path.layer()), (PayPath::Free, Layer::Personal));
}

#[test]
fn a_folder_that_is_named_already_keeps_its_spelling_and_a_link_its_end() {
    let world = World::new();
    let link = world.home().join("link");
    symlink(world.repo(), &link).unwrap();
    let target = world.home().join("dotfiles/vk.toml");
    write(&target, &format!("[projects.\"{}\"]\npath = \"byok\"\n", link.display()));
    symlink(&target, world.config().join("config.toml")).unwrap();
    drafted(&world, Scope::Personal, &change(Some(PayPath::Free), None)).write(&world.load().unwrap()).unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), format!("[projects.\"{}\"]\npath = \"free\"\n", link.display()));
    assert!(fs::symlink_metadata(world.config().join("config.toml")).unwrap().is_symlink());
}

#[test]
fn a_file_that_changed_meanwhile_is_left_alone() {
    let world = World::new().project("path = \"byok\"\n");
    let loaded = world.load().unwrap();
    let draft = draft(&world.env(), &loaded, Scope::Project, &change(Some(PayPath::Free), None)).unwrap();
    write(&world.repo().join("vk.toml"), "path = \"byok\" # by somebody else\n");
    assert!(draft.write(&loaded).unwrap_err().why.unwrap().contains("changed while"));
    fs::remove_file(world.repo().join("vk.toml")).unwrap();
    write(&world.home().join("elsewhere"), "path = \"byok\"\n");
    symlink(world.home().join("elsewhere"), world.repo().join("vk.toml")).unwrap();
    assert!(draft.write(&loaded).is_err());
    assert_eq!(fs::read_to_string(world.home().join("elsewhere")).unwrap(), "path = \"byok\"\n");
    assert!(!world.data().join("trust.json").exists());
}

#[test]
fn a_home_folder_does_not_become_a_project() {
    let world = World::new().within("");
    let loaded = world.load().unwrap();
    let failure = draft(&world.env(), &loaded, Scope::Project, &change(Some(PayPath::Byok), None)).unwrap_err();
    insta::assert_snapshot!(world.render(&failure), @"
    a vk.toml in ~ would make all of it the project [folder_refused]
    vk's own folders lie below it, and a model works on everything in a project
    fix: cd into the project's folder first
    fix: vk use --global
    ");
    assert!(draft(&world.env(), &loaded, Scope::Global, &change(Some(PayPath::Byok), None)).is_ok());
}

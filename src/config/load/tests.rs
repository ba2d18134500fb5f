//! Whole readings: a made-up home, a made-up repository, one `load`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::base::money::Usd;
use crate::config::testing::{World, write};
use crate::config::{KeyChoice, Layer, describe};
use crate::domain::path::PayPath;

#[test]
fn without_any_file_nothing_is_chosen_and_the_built_ins_are_there() {
    let world = World::new();
    let loaded = world.load().unwrap();
    assert_eq!((&loaded.settings.path, &loaded.settings.provider), (&None, &None));
    assert_eq!(loaded.settings.budget.task.value, Usd::from_cents(500));
    assert_eq!(loaded.settings.providers["anthropic"].base_url.value, "https://api.anthropic.com");
    assert_eq!(loaded.trust, Trust::NotNeeded);
    assert_eq!((loaded.project.root.clone(), loaded.project.name.as_str()), (world.repo(), "shop"));
    assert!(loaded.project.is_git);
    assert_eq!((loaded.dirs.config, loaded.dirs.data), (world.config(), world.data()));
}

/// Everything that the two files of the design may hold, and where each value says it is from.
#[test]
fn every_value_says_where_it_is_from() {
    let world = World::new()
        .user(
            r#"
path = "platform"
[providers.anthropic]
base_url = "https://proxy.example.com/"
[providers.work]
kind = "platform"
wire = "chat"
base_url = "https://llm.example.com/v1"
auth = "bearer"
markup = "8%"
[providers.work.prices."house-large"]
as = "anthropic/claude-sonnet-5-5"
[providers.work.prices.small]
input = "0.25"
output = "1.00"
[fallback]
"subscription:claude -> byok:anthropic/client-a" = "ask"
[budget]
task = "4.00"
[sandbox]
require = "full"
read = ["/opt/models"]
write = ["~/scratch"]
env = ["JAVA_HOME"]
"#,
        )
        .project(
            r#"# the shop
name = "Shop"
path = "byok"
provider = "anthropic"
model = "sonnet"
key = "client-a"
checks = [
  "cargo test",
  "cargo clippy",
]
[budget]
task = "2.00"
[[models]]
match = "refactor|migrate"
model = "best"
"#,
        )
        .var("VK_MODEL", "opus")
        .var("ANTHROPIC_API_KEY", "x");
    let loaded = world.load().unwrap();
    let lines: Vec<String> =
        describe(&loaded).iter().map(|line| format!("{} = {}  ({})", line.key, line.value, line.source)).collect();
    insta::assert_snapshot!(lines.join("\n").replace(&world.home().display().to_string(), "HOME"), @"
    path = byok  (vk.toml:3)
    provider = anthropic  (vk.toml:4)
    model = opus  (VK_MODEL)
    key = client-a  (vk.toml:6)
    checks = cargo test  (vk.toml:8)
    checks = cargo clippy  (vk.toml:9)
    budget.task = $2.00  (vk.toml:12)
    fallback = subscription:claude -> byok:anthropic/client-a: ask  (~/.config/vk/config.toml:17)
    providers.anthropic = byok over anthropic at https://proxy.example.com  (~/.config/vk/config.toml:4)
    providers.work = platform over chat at https://llm.example.com/v1, markup 8%  (~/.config/vk/config.toml:8)
    providers.work.prices.house-large = as anthropic/claude-sonnet-5-5  (~/.config/vk/config.toml:11)
    providers.work.prices.small = 0.25 in, 1.00 out, USD a million tokens  (~/.config/vk/config.toml:13)
    sandbox.require = full  (~/.config/vk/config.toml:21)
    sandbox.read = /opt/models  (~/.config/vk/config.toml:22)
    sandbox.write = HOME/scratch  (~/.config/vk/config.toml:23)
    sandbox.env = JAVA_HOME  (~/.config/vk/config.toml:24)
    ");
    assert_eq!(loaded.project.name, "Shop");
    assert_eq!(loaded.ignored_ambient, ["ANTHROPIC_API_KEY"]);
    assert!(matches!(loaded.trust, Trust::Needed(_)));
}

#[test]
fn a_higher_layer_replaces_a_lower_one() {
    let personal = |world: &World| format!("model = \"u\"\n[projects.\"{}\"]\nmodel = \"p\"\n", world.repo().display());
    let world = World::new();
    let text = personal(&world);
    let model = |world: &World, flag: Option<&str>| {
        let flags = Flags { model: flag.map(str::to_owned), ..Flags::default() };
        let model = world.load_with(&flags).unwrap().settings.model.unwrap();
        (model.value.clone(), model.layer())
    };
    let world = world.user("model = \"u\"\n");
    assert_eq!(model(&world, None), ("u".into(), Layer::User));
    let world = world.project("model = \"j\"\n");
    assert_eq!(model(&world, None), ("j".into(), Layer::Project));
    let world = world.user(&text);
    assert_eq!(model(&world, None), ("p".into(), Layer::Personal));
    let world = world.var("VK_MODEL", "v");
    assert_eq!(model(&world, None), ("v".into(), Layer::Env));
    assert_eq!(model(&world, Some("f")), ("f".into(), Layer::Flag));
}

#[test]
fn a_project_may_lower_a_budget_and_never_raise_it() {
    let world = World::new().user("[budget]\ntask = \"3.00\"").project("[budget]\ntask = \"2.50\"");
    let budget = world.load().unwrap().settings.budget.task;
    assert_eq!((budget.value, budget.source.to_string().as_str()), (Usd::from_cents(250), "vk.toml:2"));
    let world = world.project("path = \"byok\"\n[budget]\ntask = \"3.01\"");
    insta::assert_snapshot!(world.error(), @r#"
    vk.toml:3:8: a task may cost $3.00 at most (~/.config/vk/config.toml:2), and a project may only lower that [bad_value]
      |
    3 | task = "3.01"
      |        ^^^^^^
    [budget] task = "3.01" in your own config.toml allows it, or VK_BUDGET_TASK
    fix: ${EDITOR:-vi} HOME/shop/vk.toml
    "#);
    let world = world.var("VK_BUDGET_TASK", "9");
    assert_eq!(world.load().unwrap().settings.budget.task.value, Usd::from_cents(900));
}

#[test]
fn what_moves_the_payer_sets_aside_what_was_said_for_the_old_one() {
    let world = World::new()
        .user("[providers.work]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"https://x.example\"")
        .project("path = \"byok\"\nprovider = \"anthropic\"\nkey = \"client-a\"\nmodel = \"sonnet\"");
    let with = |path: Option<&str>, provider: Option<&str>| {
        let flags = Flags { path: path.map(Into::into), provider: provider.map(Into::into), ..Flags::default() };
        world.load_with(&flags).unwrap()
    };
    let loaded = with(None, Some("openai"));
    assert_eq!(loaded.settings.key, None);
    assert_eq!(loaded.warnings, ["key client-a (vk.toml:3) is for anthropic and is set aside"]);
    let loaded = with(Some("platform"), None);
    assert_eq!((loaded.settings.provider, loaded.settings.key), (None, None));
    assert_eq!(loaded.warnings[0], "provider anthropic (vk.toml:2) is not platform (--path) and is set aside");
    let loaded = with(Some("byok"), Some("anthropic"));
    assert_eq!(loaded.settings.key.unwrap().value, KeyChoice::Label("client-a".into()));
    assert!(loaded.warnings.is_empty());
}

#[test]
fn a_key_without_a_provider_stays_within_its_path() {
    let world = World::new().project("path = \"byok\"\nkey = \"client-a\"");
    let flags = Flags { path: Some("free".into()), ..Flags::default() };
    let loaded = world.load_with(&flags).unwrap();
    assert_eq!(loaded.settings.path.unwrap().value, PayPath::Free);
    assert_eq!(loaded.settings.key, None);
    let flags = Flags { provider: Some("openai".into()), ..Flags::default() };
    assert!(world.load_with(&flags).unwrap().settings.key.is_some());
}

#[test]
fn the_nearest_file_up_to_the_repository_counts() {
    let world = World::new().project("model = \"root\"").within("shop/a/b");
    write(&world.home().join("vk.toml"), "model = \"above\"");
    let model =
        |world: &World| world.load().unwrap().settings.model.map(|model| (model.value, model.source.to_string()));
    assert_eq!(model(&world), Some(("root".into(), "vk.toml:1".into())));
    write(&world.repo().join("a/vk.toml"), "\nmodel = \"nearer\"");
    assert_eq!(model(&world), Some(("nearer".into(), "a/vk.toml:2".into())));
    let loaded = world.load().unwrap();
    assert_eq!((loaded.project.dir().to_owned(), loaded.project.root), (world.repo().join("a"), world.repo()));
    fs::remove_file(world.repo().join("a/vk.toml")).unwrap();
    fs::remove_file(world.repo().join("vk.toml")).unwrap();
    assert_eq!(model(&world), None);
}

#[test]
fn without_git_the_search_ends_at_home_and_at_folders_of_everybody() {
    let world = World::new().within("plain/a");
    write(&world.home().join("plain/vk.toml"), "model = \"m\"");
    write(&world.home().parent().unwrap().join("vk.toml"), "model = \"outside\"");
    let loaded = world.load().unwrap();
    assert_eq!(loaded.project.root, world.home().join("plain"));
    assert!(!loaded.project.is_git);
    fs::remove_file(world.home().join("plain/vk.toml")).unwrap();
    let loaded = world.load().unwrap();
    assert_eq!((loaded.project.file, loaded.settings.model), (None, None));
    assert_eq!(loaded.project.root, world.home().join("plain/a"));

    let shared = tempfile::tempdir().unwrap();
    let below = shared.path().canonicalize().unwrap().join("mine");
    fs::create_dir(&below).unwrap();
    write(&shared.path().join("vk.toml"), "model = \"planted\"");
    fs::set_permissions(shared.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let mut world = World::new();
    world.cwd = below;
    assert_eq!(world.load().unwrap().project.file, None);
}

#[test]
fn no_more_than_sixteen_folders_are_looked_at() {
    let deep = |levels: usize| format!("shop/{}", vec!["d"; levels].join("/"));
    let world = World::new().project("model = \"m\"").within(deep(15));
    assert!(world.load().unwrap().project.file.is_some());
    let world = world.within(deep(16));
    assert!(world.load().unwrap().project.file.is_none());
}

/// SECURITY rows 1 to 3 and 10: what is no plain small file is never read.
#[test]
fn only_a_small_regular_file_is_read() {
    let world = World::new();
    let file = world.repo().join("vk.toml");
    symlink(world.home().join("secret"), &file).unwrap();
    write(&world.home().join("secret"), "password = \"canary\"");
    let error = world.error();
    assert!(
        error.contains("vk.toml cannot be read") && error.contains("symbolic link") && !error.contains("canary"),
        "{error}"
    );
    fs::remove_file(&file).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &file, rustix::fs::Mode::from_raw_mode(0o644)).unwrap();
    assert!(world.error().contains("not a regular file"));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(world.error().contains("not a regular file"));
    fs::remove_dir(&file).unwrap();
    write(&file, &"#".repeat(64 * 1024));
    assert!(world.load().is_ok());
    write(&file, &"#".repeat(64 * 1024 + 1));
    assert!(world.error().contains("larger than 65536 bytes"));
    fs::write(&file, b"path = \"byok\"\nname = \"\xff\"").unwrap();
    insta::assert_snapshot!(world.error(), @r#"
    vk.toml:2:9: not UTF-8 text [bad_toml]
      |
    2 | name = "�"
      |         ^
    "#);
}

#[test]
fn folders_of_vk_are_not_taken_from_within_the_project() {
    let world = World::new().var("VK_CONFIG_DIR", World::new().repo());
    assert!(world.load().is_ok(), "another repository's folder is not this project's");
    let world = World::new();
    let inside = world.repo().join("conf");
    let world = world.var("VK_CONFIG_DIR", &inside);
    insta::assert_snapshot!(world.error(), @"
    VK_CONFIG_DIR ~/shop/conf lies inside the project ~/shop [folder_refused]
    a model that works on the project could change vk's configuration and records
    fix: export VK_CONFIG_DIR=/a/folder/outside/the/project
    ");
    let world = World::new();
    let link = world.home().join("link");
    symlink(world.repo(), &link).unwrap();
    let world = world.var("VK_DATA_DIR", link.join("data"));
    assert!(world.error().contains("lies inside the project"));
    let world = World::new().var("VK_CONFIG_DIR", "conf");
    assert!(world.error().contains("not an absolute path"));
    let world = World::new();
    let dotted = world.home().join("x/../shop/conf");
    assert!(world.var("VK_CONFIG_DIR", dotted).error().contains("not an absolute path"));
}

/// A repository that is the home folder holds vk's default folders: the same rule.
#[test]
fn a_home_under_git_is_told_where_to_keep_vk() {
    let world = World::new().within("");
    fs::create_dir(world.home().join(".git")).unwrap();
    insta::assert_snapshot!(world.error(), @"
    ~/.config/vk lies inside the project ~ [folder_refused]
    a model that works on the project could change vk's configuration and records
    fix: export VK_CONFIG_DIR=/a/folder/outside/the/project
    fix: git init    # in the folder you work on, so that your home is not the project
    ");
    let world = world.within("plain");
    assert!(world.error().contains("lies inside the project"));
}

#[test]
fn folders_and_files_that_others_write_are_refused() {
    let world = World::new();
    fs::set_permissions(world.config(), fs::Permissions::from_mode(0o770)).unwrap();
    insta::assert_snapshot!(world.error(), @"
    ~/.config/vk can be written by others [folder_refused]
    whoever writes there decides where your keys are sent
    fix: chmod go-w HOME/.config/vk
    ");
    let world = World::new().user("path = \"byok\"");
    fs::set_permissions(world.config().join("config.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    insta::assert_snapshot!(world.error(), @"
    ~/.config/vk/config.toml can be written by others [folder_refused]
    whoever writes there decides where your keys are sent
    fix: chmod go-w HOME/.config/vk/config.toml
    ");
}

#[test]
fn the_users_file_may_be_a_link_but_not_into_the_project() {
    let world = World::new();
    write(&world.home().join("dotfiles/vk.toml"), "model = \"linked\"");
    symlink(world.home().join("dotfiles/vk.toml"), world.config().join("config.toml")).unwrap();
    assert_eq!(world.load().unwrap().settings.model.unwrap().value, "linked");
    fs::create_dir(world.home().join("dotfiles/.git")).unwrap();
    let world = world.within("dotfiles");
    assert!(world.error().contains("a link into the project"));
}

/// SECURITY row 2: a `.env` has no say, and is not opened.
#[test]
fn the_projects_env_file_is_never_opened() {
    let world = World::new();
    let file = world.repo().join(".env");
    write(&file, "VK_PATH=free\nVK_CONFIG_DIR=/tmp\nANTHROPIC_API_KEY=sk-ant-canary\n");
    let before = fs::metadata(&file).unwrap().accessed().unwrap();
    let loaded = world.load().unwrap();
    assert_eq!((loaded.settings.path, loaded.ignored_ambient.len()), (None, 0));
    assert_eq!(fs::metadata(&file).unwrap().accessed().unwrap(), before);
    fs::remove_file(&file).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &file, rustix::fs::Mode::from_raw_mode(0o644)).unwrap();
    assert!(world.load().is_ok(), "opening a pipe without a writer would wait");
}

/// SECURITY row 6: `.git` may be a file that points anywhere; only its being there counts.
#[test]
fn no_byte_of_git_decides_anything() {
    let world = World::new().project("path = \"byok\"");
    let hash = world.load().unwrap().chosen.hash();
    fs::remove_dir(world.repo().join(".git")).unwrap();
    write(&world.repo().join(".git"), "gitdir: /trusted/elsewhere\n");
    let loaded = world.load().unwrap();
    assert_eq!((loaded.project.root.clone(), loaded.chosen.hash()), (world.repo(), hash));
    assert!(matches!(loaded.trust, Trust::Needed(_)));
}

#[test]
fn personal_choices_follow_links_and_the_inner_folder_wins() {
    let world = World::new();
    let link = world.home().join("link");
    symlink(world.repo(), &link).unwrap();
    let inner = world.repo().join("a");
    let text = format!(
        "[projects.\"{}\"]\nmodel = \"outer\"\npath = \"byok\"\n[projects.\"{}\"]\nmodel = \"inner\"\n",
        link.display(),
        inner.display()
    );
    let world = world.user(&text).within("shop/a");
    let model = |world: &World| world.load().unwrap().settings.model.unwrap();
    assert_eq!(model(&world).value, "outer");
    write(&inner.join("vk.toml"), "");
    assert_eq!(model(&world).value, "inner");
    assert_eq!(model(&world).source.to_string(), "~/.config/vk/config.toml:5");
    assert_eq!(world.load().unwrap().settings.path.unwrap().layer(), Layer::Personal);
}

/// Each limit that binds, with its source; a project's stand beside the user's and above none of them.
#[test]
fn every_budget_has_its_subject_and_its_source() {
    let world = World::new()
        .user(
            "[budget]\nday = \"20.00\"\n[budget.paths.byok]\nweek = \"30\"\n\
             [budget.keys.\"anthropic/client-a\"]\ntask = \"1.00\"\nmonth = \"50.00\"\n\
             [projects.\"~/shop\".budget]\nmonth = \"40.00\"\n[projects.\"/elsewhere\".budget]\nday = \"1.00\"\n",
        )
        .project("[budget]\nday = \"19.00\"\nmonth = \"400.00\"\n");
    let loaded = world.load().unwrap();
    let all = loaded.settings.budget.others.iter();
    let all: Vec<String> = all.map(|b| format!("{} a {} {} ({})", b.limit, b.per, b.of, b.source)).collect();
    insta::assert_snapshot!(all.join("\n"), @"
    $20.00 a day in all projects (~/.config/vk/config.toml:2)
    $30.00 a week on path byok (~/.config/vk/config.toml:4)
    $1.00 a task with key anthropic/client-a (~/.config/vk/config.toml:6)
    $50.00 a month with key anthropic/client-a (~/.config/vk/config.toml:7)
    $40.00 a month in this project (~/.config/vk/config.toml:9)
    $1.00 a day in project /elsewhere (~/.config/vk/config.toml:11)
    $19.00 a day in this project (vk.toml:2)
    $400.00 a month in this project (vk.toml:3)
    ");
    insta::assert_snapshot!(world.project("[budget]\nday = \"20.01\"\n").error(), @r#"
    vk.toml:2:7: a day may cost $20.00 at most (~/.config/vk/config.toml:2), and a project may only lower that [bad_value]
      |
    2 | day = "20.01"
      |       ^^^^^^^
    [budget] day = "20.01" in your own config.toml allows it
    fix: ${EDITOR:-vi} HOME/shop/vk.toml
    "#);
}

/// A cap that is typed for one run may be lower than the project's; that is no wish of the project's to raise it.
#[test]
fn a_lower_cap_for_one_run_does_not_make_the_projects_file_wrong() {
    let world = World::new().project("[budget]\ntask = \"2.00\"");
    let flags = Flags { max_cost: Some("0.50".into()), ..Flags::default() };
    assert_eq!(world.load_with(&flags).unwrap().settings.budget.task.value, Usd::from_cents(50));
    let world = world.var("VK_BUDGET_TASK", "0.60");
    assert_eq!(world.load().unwrap().settings.budget.task.value, Usd::from_cents(60));
}

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::config::testing::{Person, World, write};
use crate::config::{Flags, Loaded};

const SHOP: &str = r#"
path = "byok"
provider = "anthropic"
checks = ["cargo test"]
"#;

fn obtain(loaded: &Loaded, given: Option<&str>, person: &Person) -> Result<(), Failure> {
    let mut loaded = loaded.clone();
    super::obtain(&mut loaded, given, person)?;
    assert!(!matches!(loaded.trust, Trust::Needed(_)));
    Ok(())
}

#[test]
fn a_yes_is_remembered_and_the_default_is_no() {
    let world = World::new().project(SHOP);
    let person = Person::who_says("n");
    let failure = obtain(&world.load().unwrap(), None, &person).unwrap_err();
    assert_eq!((failure.exit_code(), failure.code), (7, "not_trusted"));
    insta::assert_snapshot!(person.saw().replace(&world.home().display().to_string(), "HOME"), @"
    HOME/shop/vk.toml chooses:
      path          byok
      provider      anthropic
      check         cargo test
    Use what vk.toml chooses, in this project, from now on? [no]
    ");
    assert!(!world.data().exists());
    obtain(&world.load().unwrap(), None, &Person::who_says("y")).unwrap();
    assert_eq!(world.load().unwrap().trust, Trust::Trusted);
    let record = world.data().join("trust.json");
    assert_eq!(fs::metadata(record).unwrap().permissions().mode() & 0o777, 0o600);
}

/// SECURITY row 8: nobody there means no, and the message says what a script may do.
#[test]
fn headless_is_refused_unless_the_hash_was_given() {
    let world = World::new().project(SHOP);
    let loaded = world.load().unwrap();
    let failure = obtain(&loaded, None, &Person::nobody()).unwrap_err();
    assert_eq!(failure.exit_code(), 7);
    insta::assert_snapshot!(world.render(&failure), @r#"
    vk.toml is not trusted, and nobody is there to ask [untrusted]
    HOME/shop/vk.toml chooses:
      path          byok
      provider      anthropic
      check         cargo test
    fix: vk trust    # look at it and decide
    fix: vk run --trust 222772eb3a652adec6c92f9bc1dcf2ee702f5a290a7139754770a2804ed0f9cb "..."   # where nobody is there to ask
    "#);
    let hash = loaded.chosen.hash();
    obtain(&loaded, Some(&hash.to_uppercase()), &Person::nobody()).unwrap();
    let failure = obtain(&loaded, Some(&hash[..63]), &Person::who_says("y")).unwrap_err();
    assert_eq!((failure.exit_code(), failure.code), (7, "trust_mismatch"));
    assert!(matches!(world.load().unwrap().trust, Trust::Needed(_)), "--trust is for one run");
}

/// SECURITY row 9: trust ends with the first value that changes, and the difference is shown.
#[test]
fn a_change_is_asked_about_with_its_difference() {
    let world = World::new().project(SHOP);
    obtain(&world.load().unwrap(), None, &Person::who_says("y")).unwrap();
    let world = world.project("# other words\nchecks=[ 'cargo test' ]\nprovider='anthropic'\npath='byok'\nname='x'");
    assert_eq!(world.load().unwrap().trust, Trust::Trusted, "only the values count");
    let world = world.project(&SHOP.replace("cargo test", "cargo test; touch CANARY").replace("anthropic", "openai"));
    let loaded = world.load().unwrap();
    let Trust::Needed(needed) = &loaded.trust else { panic!("a change needs trust") };
    assert!(needed.changed);
    insta::assert_snapshot!(needed.what.join("\n"), @"
      path          byok
    - provider      anthropic
    - check         cargo test
    + provider      openai
    + check         cargo test; touch CANARY
    ");
    let failure = obtain(&loaded, None, &Person::nobody()).unwrap_err();
    assert_eq!(failure.what, "vk.toml changed since it was trusted, and nobody is there to ask");
}

#[test]
fn every_value_that_pays_or_runs_changes_the_hash() {
    let base = "path = \"byok\"\nprovider = \"a\"\nmodel = \"m\"\nkey = \"k\"\nchecks = [\"c\", \"d\"]\nbudget.task = \"1\"\n[[models]]\nmatch = \"x\"\nmodel = \"y\"\n";
    let hash = |text: &str| World::new().project(text).load().unwrap().chosen.hash();
    let mut seen = vec![hash(base)];
    for (from, to) in [
        ("byok", "free"),
        ("\"a\"", "\"b\""),
        ("\"m\"", "\"n\""),
        ("\"k\"", "\"l\""),
        ("[\"c\", \"d\"]", "[\"c\"]"),
        ("[\"c\", \"d\"]", "[\"d\", \"c\"]"),
        ("[\"c\", \"d\"]", "[\"c d\"]"),
        ("\"1\"", "\"0.9\""),
        ("\"x\"", "\"z\""),
        ("\"y\"", "\"z\""),
    ] {
        seen.push(hash(&base.replace(from, to)));
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count);
    assert_eq!(hash(base), hash(&format!("# comment\n{base}")), "in every folder the same");
}

#[test]
fn values_given_by_the_user_need_no_trust() {
    let world =
        World::new().project("path = \"byok\"\nmodel = \"sonnet\"\nchecks = [\"true\"]\n[budget]\ntask = \"1\"");
    let with = |path: bool, model: bool, check: bool| {
        let flags = Flags {
            path: path.then(|| "byok".into()),
            model: model.then(|| "opus".into()),
            checks: if check { vec!["false".into()] } else { Vec::new() },
            ..Flags::default()
        };
        world.load_with(&flags).unwrap().trust
    };
    assert_eq!(with(true, true, true), Trust::NotNeeded);
    for (path, model, check) in [(false, true, true), (true, false, true), (true, true, false)] {
        assert!(matches!(with(path, model, check), Trust::Needed(_)));
    }
    let world = World::new().project("name = \"shop\"\n[budget]\ntask = \"1\"");
    assert_eq!(world.load().unwrap().trust, Trust::NotNeeded);
}

#[test]
fn trust_belongs_to_one_folder_whatever_the_way_to_it() {
    let world = World::new().project(SHOP);
    obtain(&world.load().unwrap(), None, &Person::who_says("y")).unwrap();
    let link = world.home().join("link");
    std::os::unix::fs::symlink(world.repo(), &link).unwrap();
    let mut world = world;
    world.cwd = link;
    assert_eq!(world.load().unwrap().trust, Trust::Trusted);
    write(&world.home().join("copy/vk.toml"), SHOP);
    fs::create_dir(world.home().join("copy/.git")).unwrap();
    let world = world.within("copy");
    assert!(matches!(world.load().unwrap().trust, Trust::Needed(_)));
}

#[test]
fn a_long_list_is_asked_about_page_by_page() {
    let rule = |i| format!("[[models]]\nmatch = \"x{i}\"\nmodel = \"m\"\n");
    let rules = (0..30).map(rule).collect::<Vec<_>>().concat();
    let checks: Vec<String> = (0..30).map(|i| format!("\"check number {i}.\"")).collect();
    let world = World::new().project(&format!("checks = [{}]\n{rules}", checks.join(", ")));
    let person = Person::who_says("yy");
    obtain(&world.load().unwrap(), None, &person).unwrap();
    assert!((0..30).all(|i| person.saw().contains(&format!("check number {i}."))));
    let world = world.project(&format!("checks = [{}]\n{rules}", checks[1..].join(", ")));
    assert!(obtain(&world.load().unwrap(), None, &Person::who_says("yn")).is_err());
    assert!(matches!(world.load().unwrap().trust, Trust::Needed(_)));
}

#[test]
fn a_damaged_record_trusts_nobody() {
    let world = World::new().project(SHOP);
    obtain(&world.load().unwrap(), None, &Person::who_says("y")).unwrap();
    let record = world.data().join("trust.json");
    write(&record, "{");
    assert!(world.error().starts_with("the record of trusted projects is damaged"));
    obtain(&World::new().load().unwrap(), None, &Person::nobody()).unwrap();
    fs::set_permissions(&record, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(world.error().contains("others may write it"));
}

/// SECURITY row 10, H4: a file that changes while vk starts is used, hashed and shown as the same bytes.
#[test]
fn what_is_hashed_is_what_is_used() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let (calm, evil) = ("path = \"byok\"\nchecks = [\"true\"]\n", "path = \"free\"\nchecks = [\"touch CANARY\"]\n");
    let world = World::new().project(calm);
    obtain(&world.load().unwrap(), None, &Person::who_says("y")).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (file, beside) = (world.repo().join("vk.toml"), world.repo().join("beside"));
            for text in [evil, calm].iter().cycle() {
                write(&beside, text);
                fs::rename(&beside, &file).unwrap();
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        for _ in 0..2_000 {
            let loaded = world.load().unwrap();
            let text = &loaded.project.file.as_ref().unwrap().text;
            assert_eq!(loaded.trust == Trust::Trusted, text == calm);
            assert_eq!(loaded.settings.checks[0].value, if text == calm { "true" } else { "touch CANARY" });
            assert!(loaded.chosen.lines().join("\n").contains(&loaded.settings.checks[0].value));
        }
        stop.store(true, Ordering::Relaxed);
    });
}

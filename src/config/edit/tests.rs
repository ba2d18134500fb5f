use proptest::prelude::*;

use super::*;

const BYOK: &[Edit<'_>] = &[("path", Some("byok")), ("provider", Some("anthropic"))];

fn top(text: &str) -> String {
    apply(text, &[], BYOK).unwrap()
}

#[test]
fn comments_order_and_spacing_stay() {
    let text = r#"# The shop's choices.

# who pays
path   = "free"  # until the client pays
# the name in reports
name = 'Shop'

checks = [
  "cargo test", # slow
]

[budget] # per task
task = "2.00"

[[models]]
match = "refactor"
model = "best"
# the end
"#;
    insta::assert_snapshot!(top(text), @r#"
    # The shop's choices.

    # who pays
    path   = "byok"  # until the client pays
    # the name in reports
    name = 'Shop'

    checks = [
      "cargo test", # slow
    ]
    provider = "anthropic"

    [budget] # per task
    task = "2.00"

    [[models]]
    match = "refactor"
    model = "best"
    # the end
    "#);
    assert_eq!(apply(text, &[], &[("path", Some("free"))]).unwrap(), text);
}

#[test]
fn a_new_key_stands_with_the_keys_and_a_removed_one_leaves_the_rest() {
    assert_eq!(top("name = \"x\"\n"), "name = \"x\"\npath = \"byok\"\nprovider = \"anthropic\"\n");
    let text = "path = \"byok\"\n# the client's\nkey = \"a\"\nname = \"x\" # y\n";
    assert_eq!(apply(text, &[], &[("key", None)]).unwrap(), "path = \"byok\"\nname = \"x\" # y\n");
}

#[test]
fn a_file_without_keys_gets_them_under_its_heading() {
    assert_eq!(top(""), "path = \"byok\"\nprovider = \"anthropic\"\n");
    assert_eq!(top("# ours"), "# ours\npath = \"byok\"\nprovider = \"anthropic\"\n");
    assert_eq!(top("budget.task = \"1\"\n"), "budget.task = \"1\"\npath = \"byok\"\nprovider = \"anthropic\"\n");
    insta::assert_snapshot!(top("# The shop.\n\n# money\n[budget]\ntask = \"1\"\n"), @r#"
    # The shop.

    path = "byok"
    provider = "anthropic"

    # money
    [budget]
    task = "1"
    "#);
    insta::assert_snapshot!(top("[budget]\ntask = \"1\"\n"), @r#"
    path = "byok"
    provider = "anthropic"

    [budget]
    task = "1"
    "#);
    insta::assert_snapshot!(top("# money\n[budget]\ntask = \"1\"\n"), @r#"
    path = "byok"
    provider = "anthropic"

    # money
    [budget]
    task = "1"
    "#);
}

#[test]
fn line_ends_and_the_byte_order_mark_stay() {
    let text = "\u{feff}# ours\r\npath = \"free\" # x\r\n\r\n[budget]\r\ntask = \"1\"\r\n";
    assert_eq!(
        top(text),
        "\u{feff}# ours\r\npath = \"byok\" # x\r\nprovider = \"anthropic\"\r\n\r\n[budget]\r\ntask = \"1\"\r\n"
    );
}

#[test]
fn a_project_of_ones_own_file_is_a_table_named_by_its_folder() {
    let edit = |text: &str| apply(text, &["projects", "/home/u/a.b \"c\""], &[("path", Some("free"))]).unwrap();
    assert_eq!(edit(""), "[projects.'/home/u/a.b \"c\"']\npath = \"free\"\n");
    let once = edit("# mine\npath = \"byok\"\n\n[budget]\ntask = \"1\"\n");
    insta::assert_snapshot!(once, @r#"
    # mine
    path = "byok"

    [budget]
    task = "1"

    [projects.'/home/u/a.b "c"']
    path = "free"
    "#);
    assert_eq!(edit(&once), once);
    let inline = edit("projects = { '/home/u/a.b \"c\"' = { model = 'm' } } # mine\n");
    assert!(inline.starts_with("projects = {") && inline.ends_with(" # mine\n"), "{inline}");
    assert_eq!(
        toml::from_str::<toml::Table>(&inline).unwrap()["projects"]["/home/u/a.b \"c\""].as_table().unwrap().len(),
        2
    );
}

fn document() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "# [a-z ]{0,8}",
        Just(String::new()),
        "name = \"[a-z]{1,4}\"  # [a-z]{0,3}",
        "path = '(byok|free)'",
        "provider = \"[a-z]{1,3}\"",
        "checks = \\[ \"[a-z]{1,3}\", \\]",
        "\\[budget\\]\ntask = \"1\"",
        "\\[\\[models\\]\\]\nmatch = \"x\"",
    ];
    prop::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n") + "\n")
}

proptest! {
    #[test]
    fn everything_but_the_edit_stays(text in document(), crlf: bool) {
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let Ok(edited) = apply(&text, &[], BYOK) else { return Ok(()) };
        let parsed: toml::Table = toml::from_str(&edited).unwrap();
        prop_assert_eq!(parsed["path"].as_str(), Some("byok"));
        prop_assert_eq!(parsed["provider"].as_str(), Some("anthropic"));
        let mut before: toml::Table = toml::from_str(&text).unwrap();
        before.insert("path".into(), "byok".into());
        before.insert("provider".into(), "anthropic".into());
        prop_assert_eq!(&parsed, &before);
        for line in text.lines().filter(|line| line.starts_with('#') || line.starts_with("name")) {
            prop_assert!(edited.lines().any(|kept| kept == line), "{line:?} is gone from {edited:?}");
        }
        prop_assert_eq!(edited.contains('\r'), crlf && text.contains('\n'));
        prop_assert_eq!(apply(&edited, &[], BYOK).unwrap(), edited, "the second time changes nothing");
    }
}

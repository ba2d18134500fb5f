//! Every hostile `vk.toml` of the data file: what is said of it, before anything is run, sent or written.

use super::repository::{Hostile, assert_shown_safely, paying, sections};

const PROJECTS: &str = include_str!("../../hostile/projects.txt");

#[test]
fn every_hostile_project_file_is_refused_or_asked_about() {
    let all = sections(PROJECTS);
    assert!(all.len() >= 25);
    let hostile = Hostile::new(None);
    let file = hostile.vk.project().join("vk.toml");
    for (head, text) in all {
        let (code, words) = head.split_once(' ').unwrap();
        std::fs::write(&file, hostile.fill(&text, "vk-toml")).unwrap();
        let run: Vec<&str> = ["run"].into_iter().chain(paying()).chain(["go"]).collect();
        let commands: &[&[&str]] = if code == "2" {
            &[&run, &["route"], &["use", "byok"], &["trust"], &["exec", "--", "true"]]
        } else {
            &[&["run", "go"], &["exec", "--", "true"]]
        };
        for command in commands {
            let ran = hostile.ran(command);
            assert_eq!(ran.code.to_string(), code, "{command:?} with\n{text}\n{ran}");
            assert!(ran.stderr.contains(words), "{command:?}: no {words:?} with\n{text}\n{ran}");
            assert!(ran.stderr.contains("fix:"), "{command:?} with\n{text}\n{ran}");
            assert_shown_safely(&ran.stderr, &text);
            assert!(!ran.stderr.contains("CANARYCANARY"), "a secret is repeated: {ran}");
            hostile.assert_untouched(&format!("{command:?} with\n{text}"));
        }
        assert!(hostile.provider.captured().is_empty(), "sent with\n{text}");
        assert_eq!(
            std::fs::read_to_string(hostile.vk.project().join("vk.toml")).unwrap(),
            hostile.fill(&text, "vk-toml")
        );
    }
}

use super::*;
use crate::config::testing::World;
use crate::config::{Flags, Trust};

const USER: &str = r#"
[mcp.files]
command = ["npx", "-y", "server files", "/srv/data"]
env = { LEVEL = "debug", TOKEN = "env:FILES_TOKEN" }
network = ["registries"]
timeout = "90s"
required = false

[mcp.tracker]
url = "https://mcp.example.com/mcp/"
key = "work"
tools = ["search"]
enabled = false
"#;

fn loaded(user: &str, project: &str, mcp: Option<&str>) -> crate::config::Loaded {
    let world = World::new().user(user).project(project);
    crate::config::load(&world.env(), &Flags { mcp: mcp.map(str::to_owned), ..Flags::default() }).unwrap()
}

#[test]
fn every_key_of_a_server_is_read_and_described_as_it_runs() {
    let servers = loaded(USER, "", None).settings.mcp;
    let [files, tracker] = &servers[..] else { panic!("{servers:?}") };
    assert_eq!(
        files.to_string(),
        "LEVEL=debug TOKEN=$FILES_TOKEN npx -y 'server files' /srv/data (network: registries)"
    );
    assert_eq!((files.timeout, files.required, files.on.value), (Duration::from_secs(90), false, true));
    assert_eq!(tracker.to_string(), "https://mcp.example.com/mcp/ (only search) (off)");
    assert_eq!(tracker.address_of_key("work"), Some("https://mcp.example.com/mcp/"), "as it was written");
    assert_eq!((tracker.timeout, tracker.required), (Duration::from_mins(2), true));
    assert_eq!(files.source.to_string(), "~/.config/vk/config.toml:2");
}

#[test]
fn a_project_runs_nothing_that_is_not_in_its_hash() {
    let bare = loaded("", "", None);
    assert_eq!(bare.trust, Trust::NotNeeded);
    let own = "[mcp.own]\ncommand = [\"./serve\", \"it's\"]\n";
    let loaded_own = loaded("", own, None);
    let Trust::Needed(needed) = &loaded_own.trust else { panic!("{:?}", loaded_own.trust) };
    assert_eq!(needed.what, [r"  mcp           own: ./serve 'it'\''s'"]);
    assert_eq!(loaded("", own, Some("none")).trust, Trust::NotNeeded, "nothing of it is in use");
    for changed in [own.replace("it's", "its"), own.replace("own", "owm"), format!("{own}tools = []\n")] {
        assert_ne!(loaded("", &changed, None).chosen.hash(), loaded_own.chosen.hash(), "{changed}");
    }
    let turned_on = loaded(USER, "[mcp.tracker]\n", None);
    assert!(matches!(turned_on.trust, Trust::Needed(_)) && turned_on.settings.mcp[1].on.value);
    // What is on anyway, the project does not turn on.
    assert_eq!(loaded(USER, "[mcp.files]\n", None).trust, Trust::NotNeeded);
}

//! `vk demo`: the real thing in a temporary folder with its own ledger, against a rehearsed model on loopback.
//! Nothing of the user's is read or written, and nothing leaves the machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use age::secrecy::ExposeSecret as _;

use super::args::{CostArgs, CostGroup, CostReport, DemoArgs};
use super::context::Context;
use super::cost;
use crate::agent::approvals::Mode as Approval;
use crate::agent::cancel::Cancel;
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::config::Flags;
use crate::credential::{KeyKind, NewKey, Vault};
use crate::domain::event::Event;
use crate::domain::failure::Failure;
use crate::domain::path::Wire;
use crate::domain::ui::{Question, Ui};
use crate::present::terminal::answered;
use crate::rehearsal::{Line, SEEN, Script, Server, Silent, scenes};
use crate::sandbox::{Mode, Network};
use crate::task::order::{From, Order};
use crate::task::run;

/// Has the prefix that Anthropic's keys have, so that it passes the same checks; it is nobody's key.
const KEY: &str = "sk-ant-api03-rehearsed-this-is-nobodys-key";
const POISON: &str = "sk-ant-api03-poisoned-this-is-nobodys-key";

/// # Errors
/// When the temporary folder or loopback cannot be used, or a scene does not end as it is written.
pub async fn run(args: DemoArgs, context: &Context) -> Result<(), Failure> {
    let stage = Stage::build(context).await?;
    let ui = &context.ui;
    ui.say("This is vk with a rehearsed model: its lines are written beforehand and nobody pays for them.");
    ui.say("Everything else is real: route, sandbox, tools, checks, ledger, HTTP and streaming on loopback.");

    heading(ui, 1, "a task whose check fails first");
    let checks = vec![scenes::CHECK.to_owned()];
    stage.act(ui, scenes::TASK_CHECKED, Flags { checks, ..Stage::byok() }, &stage.env).await?;

    heading(ui, 2, "a poisoned ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL in the environment");
    stage.act(ui, scenes::TASK_POISONED, Stage::byok(), &stage.poisoned).await?;
    let strangers = stage.stranger.connections();
    ui.say(&format!(
        "The poisoned address got {strangers} connections; the key of the demo's own store was used, as shown."
    ));

    heading(ui, 3, "credits that end in the middle of a task");
    ui.say("The user wrote this edge: \"platform:gateway -> byok:anthropic/demo\" = \"ask\". Without it the task would stop.");
    let flags = Flags { path: Some("platform".into()), provider: Some("gateway".into()), ..Flags::default() };
    stage.act(ui, scenes::TASK_CREDITS, flags, &stage.env).await?;

    ui.say("");
    ui.say("What the demo's own ledger has (vk cost):");
    let shown = Context { env: stage.env.clone(), ui: Arc::clone(ui) };
    let by_task = CostGroup::Task;
    cost::run(
        CostArgs {
            command: None,
            by: by_task,
            since: None,
            until: None,
            project: None,
            output: CostReport::Table,
            chart: false,
        },
        &shown,
    )?;
    if args.keep {
        ui.say(&format!("The demo's folder is kept: {}", stage.keep().display()));
    }
    ui.say("");
    ui.say("Next, with a key of your own: vk keys add anthropic   (then: vk use byok, vk run \"...\")");
    Ok(())
}

fn heading(ui: &Arc<dyn Ui>, number: u32, what: &str) {
    ui.say("");
    ui.say(&format!("── Scene {number}: {what}"));
}

/// The temporary world of the demo.
struct Stage {
    folder: tempfile::TempDir,
    env: Env,
    /// The same with a stranger's key and address in it.
    poisoned: Env,
    stranger: Silent,
    _anthropic: Server,
    _gateway: Server,
}

impl Stage {
    async fn build(context: &Context) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("vk-demo-").tempdir().map_err(|e| unbuilt(&e))?;
        let own: Vec<Line> = [scenes::checked(), scenes::poisoned(), scenes::credits_other_payer()].concat();
        let anthropic = Server::start(Wire::Anthropic, Script::new(own), SEEN).await.map_err(|e| unbuilt(&e))?;
        let script = Script::new(scenes::credits_end());
        let gateway = Server::start(Wire::Chat, script, SEEN).await.map_err(|e| unbuilt(&e))?;
        let stranger = Silent::start().await.map_err(|e| unbuilt(&e))?;
        let root = folder.path().canonicalize().map_err(|e| unbuilt(&e))?;
        furnish(&root, &anthropic, &gateway).map_err(|e| unbuilt(&e))?;
        let identity = age::x25519::Identity::generate().to_string();
        let address = stranger.origin();
        let poison = [("ANTHROPIC_API_KEY", POISON), ("ANTHROPIC_BASE_URL", address.as_str())];
        let env = environment(&context.env, &root, identity.expose_secret(), &[]);
        let poisoned = environment(&context.env, &root, identity.expose_secret(), &poison);
        store_keys(&root.join("data"), &env, &context.ui, &anthropic, &gateway)?;
        Ok(Self { folder, env, poisoned, stranger, _anthropic: anthropic, _gateway: gateway })
    }

    fn byok() -> Flags {
        Flags { path: Some("byok".into()), provider: Some("anthropic".into()), ..Flags::default() }
    }

    /// Runs one task as `vk run` would, under the demo's environment.
    async fn act(&self, ui: &Arc<dyn Ui>, task: &str, flags: Flags, env: &Env) -> Result<(), Failure> {
        ui.say(&format!("$ vk run \"{task}\""));
        let order = Order {
            images: Vec::new(),
            image_files: Vec::new(),
            debug: false,
            worktree: None,
            commit: false,
            pull_request: false,
            task: task.to_owned(),
            stdin: None,
            engine: None,
            flags,
            from: From::Nothing,
            approve: Some(Approval::All),
            mode: Mode::Workspace,
            network: Network::None,
            max_turns: Some(20),
            timeout: None,
            check_rounds: 3,
            trust: None,
            dry_run: false,
            rehearsed: true,
            batch: None,
            apart: Vec::new(),
        };
        let answering: Arc<dyn Ui> = Arc::new(Answering(Arc::clone(ui)));
        let cancel = Cancel::default();
        match run::run(&order, env, &answering, &cancel).await {
            // The rehearsed commands are known; without any sandbox here the demo says so and goes on.
            Err(failure) if failure.status == crate::domain::failure::Status::NoSandbox => {
                ui.say("No sandbox can be made on this machine; the demo's own commands run without one.");
                run::run(&Order { mode: Mode::Off, ..order }, env, &answering, &cancel).await
            }
            other => other,
        }
    }

    fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

fn unbuilt(error: &io::Error) -> Failure {
    Failure::usage("demo_unbuilt", "the demo's temporary folder or its loopback server could not be made")
        .why(error.to_string())
        .fix("vk doctor")
}

fn furnish(root: &Path, anthropic: &Server, gateway: &Server) -> io::Result<()> {
    for dir in ["home", "config", "data", "shop"] {
        crate::base::fsx::create_private_dir(&root.join(dir))?;
    }
    for (name, text) in scenes::FILES {
        fs::write(root.join("shop").join(name), text)?;
    }
    let config = format!(
        "[providers.anthropic]\nbase_url = \"{}\"\n\n\
         [providers.gateway]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"{}/v1\"\nauth = \"bearer\"\nmarkup = \"5%\"\n\n\
         [providers.gateway.prices.\"house-large\"]\nas = \"anthropic/claude-sonnet-5-5\"\n\n\
         [fallback]\n\"platform:gateway -> byok:anthropic/demo\" = \"ask\"\n",
        anthropic.origin(),
        gateway.origin()
    );
    fs::write(root.join("config").join("config.toml"), config)
}

/// What the demo's vk sees: the machine's programs and terminal, folders of its own, and what a scene adds.
fn environment(real: &Env, root: &Path, identity: &str, more: &[(&str, &str)]) -> Env {
    let at = |dir: &str| root.join(dir).display().to_string();
    let (home, config, data) = (at("home"), at("config"), at("data"));
    let mut vars = vec![
        ("HOME", home.as_str()),
        ("VK_CONFIG_DIR", config.as_str()),
        ("VK_DATA_DIR", data.as_str()),
        ("VK_AGE_IDENTITY", identity),
    ];
    vars.extend(more);
    for name in ["PATH", "TERM", "LANG", "LC_ALL", "NO_COLOR", "COLUMNS", "USER"] {
        if let Some(value) = real.get(name) {
            vars.push((name, value));
        }
    }
    Env::of(&vars, &root.join("shop"))
}

/// The keys lie in an age-encrypted file, the store for machines without a keyring.
fn store_keys(data: &Path, env: &Env, ui: &Arc<dyn Ui>, anthropic: &Server, gateway: &Server) -> Result<(), Failure> {
    let vault = Vault::open(data, env, Arc::clone(ui));
    vault.init_file()?;
    let keys = [
        ("anthropic", "demo", anthropic.origin(), KEY),
        ("gateway", "demo", format!("{}/v1", gateway.origin()), "rehearsed-gateway-key"),
    ];
    for (provider, label, base_url, secret) in keys {
        vault.add(
            &NewKey { provider, label, kind: KeyKind::ApiKey, base_url: &base_url, replace: false },
            &Secret::new(secret),
        )?;
    }
    Ok(())
}

/// Shows each question and answers it as the scene wants, so that the demo runs through by itself.
struct Answering(Arc<dyn Ui>);

impl Ui for Answering {
    fn event(&self, event: &Event) {
        self.0.event(event);
    }

    fn say(&self, line: &str) {
        self.0.say(line);
    }

    fn interactive(&self) -> bool {
        true
    }

    fn ask(&self, question: &Question) -> Option<char> {
        let asked = answered(question, 'y');
        asked.lines().for_each(|line| self.0.say(line));
        Some('y')
    }

    fn ask_line(&self, _: &str) -> Option<String> {
        None
    }

    fn ask_secret(&self, _: &str) -> Option<Secret> {
        None
    }
}

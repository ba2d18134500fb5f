//! `vk run`: the words and flags become an order; signals become its cancellation.

use super::args::{Approve, ChoiceArgs, RunArgs, RunWorktree, SandboxMode};
use super::{context::Context, first_contact, image, keys, stdin, use_path};
use crate::agent::approvals::Mode as Approval;
use crate::agent::cancel::{Cancel, Signal};
use crate::agent::limits::parse_duration;
use crate::config::{self, Flags, Scope, names};
use crate::domain::event::Event;
use crate::domain::failure::Failure;
use crate::domain::ui::Question;
use crate::routing;
use crate::sandbox::{Mode, Network};
use crate::task::order::{Dirty, From, Order};
use crate::task::prepare::Known;
use crate::task::report::Ending;
use crate::task::run;

/// # Errors
/// What ended the task; it has been told as part of `task.finished`.
pub async fn run(args: RunArgs, context: &Context) -> Result<(), Failure> {
    let order = match prepared(args, context).await {
        Ok(order) => order,
        Err(failure) => {
            context.ui.event(&Event::TaskFinished(Box::new(Ending::new().report(Some(&failure)))));
            return Err(failure);
        }
    };
    let cancel = Cancel::default();
    listen(&cancel);
    run::run(&order, &context.env, &context.ui, &cancel).await
}

async fn prepared(args: RunArgs, context: &Context) -> Result<Order, Failure> {
    let order = order(args, context)?;
    if context.ui.interactive() && !order.dry_run {
        make_first_contact(&order, context).await?;
    }
    Ok(order)
}

/// Where nothing says whose account pays, the person does: it is written as `vk use` writes it, and the task goes on.
async fn make_first_contact(order: &Order, context: &Context) -> Result<(), Failure> {
    let known = Known::read(&context.env, &order.flags, &context.ui)?;
    match known.decide(Some(&order.task)) {
        Err(failure) if failure.code == routing::NO_PATH => {}
        Err(failure) if failure.code == routing::NO_KEY => return offer_a_key(order, context, known, failure),
        _ => return Ok(()),
    }
    let chosen = first_contact::choose(context, &known, first_contact::IN_THIS_PROJECT, &[]).await?;
    use_path::write(context, Scope::Project, &chosen.into())
}

/// Where a provider was named and has no key yet, the person may give one on the spot, and the task goes on.
fn offer_a_key(order: &Order, context: &Context, mut known: Known, failure: Failure) -> Result<(), Failure> {
    // What a stranger's file names is asked about before anybody types a key for it.
    config::trust::obtain(&mut known.loaded, order.trust.as_deref(), context.ui.as_ref())?;
    let Some(provider) = known.loaded.settings.provider.as_ref() else { return Ok(()) };
    let question = Question::yes_no(format!("{}. Store one now, and go on with the task?", sentence(&failure.what)));
    if !context.ui.confirm(&question) {
        return Err(failure);
    }
    keys::store(context, &provider.value, None).map(drop)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn order(args: RunArgs, context: &Context) -> Result<Order, Failure> {
    let timeout = args.timeout.as_deref().map(parse_duration).transpose()?;
    let from = match args.continue_task {
        None => From::Nothing,
        Some(id) if id.is_empty() => From::Last,
        Some(id) => From::Task(id),
    };
    let (task, stdin) = stdin::words(args.task, from != From::Nothing, context)?;
    Ok(Order {
        task,
        stdin,
        engine: args.engine.map(|engine| engine.as_str().to_owned()),
        flags: Flags {
            worktree: args.worktree.is_some(),
            mcp: args.mcp,
            ..flags(args.choice, args.max_cost, args.check, args.fallback)
        },
        from,
        approve: args.approve.map(approval),
        mode: sandbox_mode(args.sandbox),
        network: network(args.allow_network.as_deref())?,
        max_turns: args.max_turns,
        timeout,
        check_rounds: args.check_rounds,
        images: image::read(&args.image, &context.env)?,
        image_files: args.image,
        debug: args.debug,
        worktree: args.worktree.map(|worktree| match worktree {
            RunWorktree::Ask => Dirty::Ask,
            RunWorktree::Carry => Dirty::Carry,
            RunWorktree::Clean => Dirty::Leave,
        }),
        commit: args.commit || args.pr,
        pull_request: args.pr,
        trust: args.trust,
        dry_run: args.dry_run,
        rehearsed: false,
        batch: None,
        apart: Vec::new(),
    })
}

/// The highest layer of the configuration, as typed.
#[must_use]
pub fn flags(choice: ChoiceArgs, max_cost: Option<String>, checks: Vec<String>, fallback: Vec<String>) -> Flags {
    let ChoiceArgs { path, provider, model, key } = choice;
    Flags { path, provider, model, key, max_cost, checks, fallback, worktree: false, mcp: None }
}

pub(super) const fn approval(approve: Approve) -> Approval {
    match approve {
        Approve::Ask => Approval::Ask,
        Approve::Edits => Approval::Edits,
        Approve::All => Approval::All,
    }
}

pub(super) const fn sandbox_mode(sandbox: Option<SandboxMode>) -> Mode {
    match sandbox {
        None | Some(SandboxMode::Workspace) => Mode::Workspace,
        Some(SandboxMode::ReadOnly) => Mode::ReadOnly,
        Some(SandboxMode::Off) => Mode::Off,
    }
}

/// What `--allow-network` says; none where it is not given.
pub(super) fn network(text: Option<&str>) -> Result<Network, Failure> {
    match text {
        None => Ok(Network::None),
        Some("*") => Ok(Network::Any),
        Some("registries") => Ok(Network::Registries),
        Some(hosts) => {
            let typed = hosts;
            let hosts: Vec<String> = hosts.split(',').map(|host| host.trim().to_ascii_lowercase()).collect();
            if hosts.iter().all(|host| names::is_host(host)) {
                return Ok(Network::Hosts(hosts));
            }
            Err(Failure::usage("bad_host", format!("\"{typed}\" is not a list of host names"))
                .why("a host is a name such as crates.io, without scheme, path or port")
                .fix("vk run --allow-network=registries \"...\"")
                .fix("vk run --allow-network=example.com,api.example.com \"...\""))
        }
    }
}

/// Ctrl-C and the signals that end a program become the task's cancellation: what was spent is settled first.
pub(super) fn listen(cancel: &Cancel) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for (kind, sent) in [
            (SignalKind::interrupt(), Signal::Interrupt),
            (SignalKind::terminate(), Signal::Terminate),
            (SignalKind::hangup(), Signal::Terminate),
        ] {
            let cancel = cancel.clone();
            // Caught from here on, not from when the task below first gets its turn: the route is resolved before.
            if let Ok(mut stream) = signal(kind) {
                tokio::spawn(async move {
                    while stream.recv().await.is_some() {
                        cancel.send(sent);
                    }
                });
            }
        }
    }
    #[cfg(not(unix))]
    {
        let interrupt = cancel.clone();
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                interrupt.send(Signal::Interrupt);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_and_nothing_else() {
        let network = |text: &str| network(Some(text));
        assert_eq!(network("registries").unwrap(), Network::Registries);
        assert_eq!(network("*").unwrap(), Network::Any);
        assert_eq!(
            network("A.example, b.example").unwrap(),
            Network::Hosts(vec!["a.example".into(), "b.example".into()])
        );
        for bad in ["", "https://x", "a b", "x/y", "x:443", ".x", "x.", "-x", "a@b", "x,,y", "é.example"] {
            assert_eq!(network(bad).unwrap_err().exit_code(), 2, "{bad}");
        }
    }
}

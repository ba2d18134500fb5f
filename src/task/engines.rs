//! The engine of a route, built: vk's own loop with a key, or a plan's program with the terms that hold it.

use std::path::PathBuf;
use std::sync::Arc;

use super::caps;
use super::edges;
use super::order::Order;
use super::plan_limits;
use super::prepare::Known;
use super::setup::Ground;
use crate::agent::call::{Caller, Spent};
use crate::agent::cancel::Cancel;
use crate::agent::hold::Prefix;
use crate::agent::on_plan::{Login, OnPlan};
use crate::agent::plan::{Plan, PlanTerms};
use crate::agent::session::Session;
use crate::agent::tariff::Tariff;
use crate::agent::transcript::Transcript;
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::catalog::Price;
use crate::config::Loaded;
use crate::credential::plan::Service;
use crate::domain::failure::Failure;
use crate::domain::path::PayPath;
use crate::domain::route::{CredentialRef, EngineKind, Route};
use crate::domain::ui::Ui;
use crate::engine::driven::Terms;
use crate::engine::driven::books::Books;
use crate::engine::driven::drive::Drive;
use crate::engine::driven::programs;
use crate::engine::holds::{self, Runs, Wants};
use crate::engine::{Builtin, Claude, Codex, Engine, Tally};
use crate::ledger::Ledger;
use crate::net::http::Client;
use crate::provider::{AtMost, CallError, Endpoint, PlanAccount};
use crate::routing::plan;

/// What the task's engines have in common, whatever the payer.
pub struct Shared<'a> {
    pub order: &'a Order,
    pub env: &'a Env,
    pub ui: &'a Arc<dyn Ui>,
    pub cancel: &'a Cancel,
    pub known: &'a Known,
    /// The configuration, with the tree that is worked in for the project's root.
    pub loaded: &'a Loaded,
    pub client: &'a Client,
    pub ledger: &'a Ledger,
    pub task_id: &'a str,
    /// The task's own folder in vk's data.
    pub folder: PathBuf,
    /// Turns and calls of the task so far.
    pub turns: u32,
    pub call_no: u32,
    /// Whether the user lets a free model's maker keep prompts.
    pub may_train: bool,
    /// Whether a call is tried again at the same model.
    pub retries: bool,
}

/// An engine that works.
pub enum Working<'a> {
    Builtin(Box<Builtin<'a>>),
    Claude(Box<Claude<'a>>),
    Codex(Box<Codex<'a>>),
}

impl Working<'_> {
    /// The call that failed last, where vk made it itself.
    pub fn failed(&mut self) -> Option<CallError> {
        match self {
            Self::Builtin(engine) => engine.0.caller.failed.take(),
            Self::Claude(_) | Self::Codex(_) => None,
        }
    }
}

impl Engine for Working<'_> {
    async fn run(&mut self) -> Result<String, Failure> {
        match self {
            Self::Builtin(engine) => engine.run().await,
            Self::Claude(engine) => engine.run().await,
            Self::Codex(engine) => engine.run().await,
        }
    }

    fn say(&mut self, text: &str) -> Result<(), Failure> {
        match self {
            Self::Builtin(engine) => engine.say(text),
            Self::Claude(engine) => engine.say(text),
            Self::Codex(engine) => engine.say(text),
        }
    }

    fn tally(&self) -> Tally {
        match self {
            Self::Builtin(engine) => engine.tally(),
            Self::Claude(engine) => engine.tally(),
            Self::Codex(engine) => engine.tally(),
        }
    }

    async fn close(&mut self) {
        match self {
            Self::Builtin(engine) => engine.close().await,
            Self::Claude(engine) => engine.close().await,
            Self::Codex(engine) => engine.close().await,
        }
    }
}

/// Whether the model takes the images that come with the task. Where that is not known, its provider says.
///
/// # Errors
/// Exit 2.
pub fn check_images(order: &Order, route: &Route) -> Result<(), Failure> {
    if order.images.is_empty() || route.traits.images != Some(false) {
        return Ok(());
    }
    Err(Failure::usage("no_images", format!("{} takes no images", route.model))
        .why("it reads text only")
        .fix("vk run --model balanced \"...\"")
        .fix("vk models list"))
}

/// Whether the engine of the route holds what the run asks for, and every plan's that an edge of the user's may lead
/// to: before anything is started.
///
/// # Errors
/// Exit 2.
pub fn check(order: &Order, known: &Known, route: &Route) -> Result<(), Failure> {
    let edges = &known.loaded.settings.fallback;
    holds::check(&wants(order, known), Runs::of(route))?;
    edges::plans_after(route, edges).try_for_each(|(plan, edge)| {
        let runs =
            Runs { engine: plan::engine(plan.path, &plan.provider, false), path: plan.path, provider: &plan.provider };
        holds::check(&Wants { engine: None, ..wants(order, known) }, runs).map_err(|failure| {
            let why = failure.why.clone().map(|why| why + "; ").unwrap_or_default();
            failure.why(format!("{why}the edge {} ({}) may lead there", edge.value, edge.source))
        })
    })
}

/// Whether the engine of a plan that an edge leads to holds what the run asks for.
///
/// # Errors
/// Exit 2.
pub fn check_next(order: &Order, known: &Known, next: &Route) -> Result<(), Failure> {
    // A key's engine holds everything, and the engine that was named is that of the route that was shown first.
    holds::check(&Wants { engine: None, ..wants(order, known) }, Runs::of(next))
}

fn wants<'a>(order: &'a Order, known: &Known) -> Wants<'a> {
    Wants {
        engine: order.engine.as_deref(),
        max_cost: order.flags.max_cost.is_some(),
        has_edges: !known.loaded.settings.fallback.is_empty(),
        approve: order.approve,
        mode: order.mode,
        network: &order.network,
        max_turns: order.max_turns.is_some(),
        images: !order.images.is_empty(),
        debug: order.debug,
        mcp: order.flags.mcp.is_some() && known.loaded.settings.mcp.iter().any(|server| server.on.value),
    }
}

/// # Errors
/// A program that is no longer there.
pub fn build<'a>(
    shared: &'a Shared<'a>,
    route: &'a Route,
    price: Option<Price>,
    secret: Option<Secret>,
    transcript: &'a mut Transcript,
    ground: &'a mut Ground,
) -> Result<Working<'a>, Failure> {
    if route.engine == EngineKind::Builtin {
        return Ok(Working::Builtin(Box::new(builtin(shared, route, price, secret, transcript, ground))));
    }
    let terms = terms(shared, route, secret, ground)?;
    let ui = shared.ui.as_ref();
    let books = Books::new(shared.ledger, ui, shared.task_id, route, price, shared.call_no);
    let permit = ground.permit(&terms);
    if route.engine == EngineKind::Codex {
        holds::check_answers(permit.approvals.mode())?;
    }
    let ui = Arc::clone(shared.ui);
    let drive = Drive::new(books, transcript, permit, terms, shared.cancel, ui, shared.turns);
    Ok(if route.engine == EngineKind::Codex {
        Working::Codex(Box::new(Codex::new(drive)))
    } else {
        Working::Claude(Box::new(Claude::new(drive)))
    })
}

fn builtin<'a>(
    shared: &'a Shared<'a>,
    route: &'a Route,
    price: Option<Price>,
    secret: Option<Secret>,
    transcript: &'a mut Transcript,
    ground: &'a mut Ground,
) -> Builtin<'a> {
    let known = shared.known;
    let mut caps = caps::of_task(&known.loaded.settings.budget, route, known.here(), shared.task_id);
    if route.is_billed() {
        caps.extend(shared.order.batch.as_ref().and_then(|batch| batch.cap.clone()));
    }
    let caller = Caller {
        client: shared.client,
        ledger: shared.ledger,
        ui: shared.ui.as_ref(),
        cancel: shared.cancel,
        task_id: shared.task_id,
        route,
        endpoint: endpoint(route, price.as_ref(), shared.may_train),
        secret,
        tariff: Tariff::of(route, price),
        caps,
        pinned: shared.known.pinned(route),
        local_server: route.is_local(),
        prefix: Prefix::default(),
        call_no: shared.call_no,
        spent: Spent::default(),
        retries: shared.retries,
        on_plan: on_plan(shared, route),
        failed: None,
    };
    let system = ground.system(route);
    Builtin(Session {
        caller,
        transcript,
        toolbox: &mut ground.toolbox,
        system,
        max_turns: shared.order.max_turns,
        turns: shared.turns,
    })
}

/// Where vk's own loop sends its calls. A plan's service has its models beside its other parts.
fn endpoint(route: &Route, price: Option<&Price>, may_train: bool) -> Endpoint {
    let endpoint = Endpoint { at_most: AtMost::of(route, price, may_train), ..Endpoint::of(route) };
    if route.path != PayPath::Subscription {
        return endpoint;
    }
    Endpoint { base_url: format!("{}/codex", route.base_url), plan: Some(PlanAccount::default()), ..endpoint }
}

/// What vk's own loop needs to be paid by a plan.
fn on_plan<'a>(shared: &'a Shared<'a>, route: &Route) -> Option<OnPlan<'a>> {
    if route.path != PayPath::Subscription {
        return None;
    }
    let settings = &shared.known.loaded.settings;
    let login = match &route.credential {
        CredentialRef::Stored { label, .. } => Some(Login {
            vault: &shared.known.vault,
            env: shared.env,
            issuer: Service::of(settings).issuer,
            label: label.clone(),
        }),
        _ => None,
    };
    Some(OnPlan::new(login, Plan::new(route, plan_terms(shared, route)), Arc::clone(shared.ui)))
}

/// What binds a task on a plan, from the user's configuration.
fn plan_terms(shared: &Shared<'_>, route: &Route) -> PlanTerms {
    let settings = &shared.known.loaded.settings;
    PlanTerms {
        overage: edges::overage(route, &settings.fallback),
        told: shared.known.told(route).map(|told| told.said.clone()),
        quota: plan_limits::quota(&settings.budget.plans),
    }
}

/// What a plan's program may do, from the order and the user's own configuration.
fn terms(shared: &Shared<'_>, route: &Route, secret: Option<Secret>, ground: &Ground) -> Result<Terms, Failure> {
    let loaded = shared.loaded;
    let root = loaded.project.root.clone();
    let wishes = &loaded.settings.sandbox;
    let program = plan::program(&route.provider);
    let file = program.and_then(|program| programs::find(shared.env, &root, program));
    let (Some(program), Some(file)) = (program, file) else {
        let gone = Failure::usage("no_program", format!("{} is no longer there", route.provider));
        return Err(program.map_or(gone.clone(), |program| gone.fix(program.install)));
    };
    let wanted: Vec<String> = wishes.env.iter().map(|name| name.value.clone()).collect();
    Ok(Terms {
        program: file,
        home: shared.env.home().unwrap_or_default(),
        folder: shared.folder.clone(),
        mode: shared.order.mode,
        network: shared.order.network.clone(),
        readable: Ground::readable(shared.env, loaded),
        writable: ground.writable(loaded),
        protected: vec![loaded.dirs.config.clone(), loaded.dirs.data.clone()],
        environment: programs::environment(shared.env, &root, program, &wanted, ground.cache()),
        own: secret.map(|secret| (program.token, secret)).into_iter().collect(),
        max_turns: shared.order.max_turns,
        plan: plan_terms(shared, route),
        root,
    })
}

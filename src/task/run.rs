//! One task from start to end: what was asked becomes a route, the route is shown, and only then is anything sent.

mod next;

use std::path::PathBuf;
use std::sync::Arc;

use super::again;
use super::checks::{self, Round};
use super::conversation::Conversation;
use super::credits::Account;
use super::engines;
use super::free::{self, rotation::Rotation};
use super::mcp;
use super::order::Order;
use super::plan_limits;
use super::prepare::{self, Known};
use super::report::{Ending, Leg};
use super::setup::{self, Ground};
use super::shown;
use super::tree::TreeLock;
use super::workplace::Workplace;
use crate::agent::cancel::Cancel;
use crate::agent::transcript::Transcript;
use crate::base::clock;
use crate::base::env::Env;
use crate::base::fsx;
use crate::base::money::Usd;
use crate::base::secret::Secret;
use crate::catalog::Price;
use crate::config;
use crate::domain::event::Event;
use crate::domain::failure::{Failure, Status};
use crate::domain::message::Block;
use crate::domain::route::Route;
use crate::domain::ui::Ui;
use crate::engine::Engine as _;
use crate::ledger::{self, Ledger, NewTask, TaskEnd};
use crate::net::http::Client;
use crate::provider::CallError;

/// Runs the task. The ending is told as `task.finished` whatever happens; the failure is the first cause.
///
/// # Errors
/// What ended the task before it was done. It has been told as part of `task.finished`.
pub async fn run(order: &Order, env: &Env, ui: &Arc<dyn Ui>, cancel: &Cancel) -> Result<(), Failure> {
    let mut ending = Ending::new();
    let result = Box::pin(run_to_end(order, env, ui, cancel, &mut ending)).await;
    let result = result.map_err(|failure| again::completed(failure, order));
    ui.event(&Event::TaskFinished(Box::new(ending.report(result.as_ref().err()))));
    result
}

async fn run_to_end(
    order: &Order,
    env: &Env,
    ui: &Arc<dyn Ui>,
    cancel: &Cancel,
    ending: &mut Ending,
) -> Result<(), Failure> {
    let mut known = Known::read(env, &order.flags, ui)?;
    ui.ring(known.loaded.settings.bell.value);
    known.loaded.settings.builtin = order.engine.as_deref() == Some("builtin");
    for warning in &known.loaded.warnings {
        ui.say(warning);
    }
    config::trust::obtain(&mut known.loaded, order.trust.as_deref(), ui.as_ref())?;
    let client = Client::new(env)?;
    free::discover::for_task(&client, &mut known, order, ui.as_ref()).await?;
    let (mut route, mut price) = free::consent::decided(&mut known, &order.task, ui.as_ref())
        .map_err(|failure| prepare::typed_again(failure, &order.flags, "vk run ", " \"...\""))?;
    rehearse(order, &mut route);
    engines::check(order, &known, &route)?;
    let mut rotation = Rotation::of(&known, &client, order);
    (route, price) = rotation.checked(route, price, ui.as_ref()).await?;
    if let Some(batch) = &order.batch {
        batch.check(&route)?;
    }
    engines::check_images(order, &route)?;
    let task_id = ledger::task_id(clock::now());
    if order.dry_run {
        shown::only_looked_at(&known, &route, ui.as_ref());
        mcp::only_named(&known, &route, ui.as_ref());
        return Ok(());
    }
    setup::check_approvals(order, ui.as_ref())?;
    let ledger = known.open_ledger()?;
    let before = setup::earlier(&ledger, &known.loaded, &order.from)?;
    let work_place = Workplace::decide(env, &known, order, before.as_ref(), &task_id, ui.as_ref())?;
    let env = &work_place.env;
    let _lock = TreeLock::take(&known.loaded.dirs.data, &work_place.loaded.project.root, &task_id)?;

    ending.task_id = Some(task_id.clone());
    shown::route(&known, &ledger, &route, &task_id, ui.as_ref())?;
    // After the line: who asks for a passphrase has said what it is for.
    let secret = prepare::secret(env, &known, &route.provider, &route.base_url, &route.credential)?;
    if let Some(note) = client.proxy_note() {
        ui.say(&note);
    }
    let mut task = NewTask::of(&route, task_id.clone(), &order.task, clock::now());
    if let Some(before) = &before {
        task.session.clone_from(&before.session);
    }
    if let Some(batch) = &order.batch {
        task.batch = Some(batch.batch_id.clone());
        task.session.clone_from(&batch.batch_id);
    }
    task.user = super::ledger::user(&known.loaded, env);
    task.project_name.clone_from(&known.loaded.project.name);
    task.project_dir = known.loaded.project.home().to_owned();
    plan_limits::claim(&known, &ledger, &route, &task_id)?;
    ledger.begin_task(&task)?;

    let asked = (route.clone(), secret.clone());
    let account = Account::of(&client, Some(&ledger), &asked.0, asked.1.as_ref());
    if let Some(account) = &account {
        account.tell(ui.as_ref()).await;
    }
    let mut running = Running {
        order,
        env,
        ui,
        cancel,
        known: &known,
        client: &client,
        ledger: &ledger,
        task_id: &task_id,
        ending,
        call_no: 0,
        rotation,
        failed: None,
        round: 0,
        place: &work_place,
        conversation: Conversation::new(order, ui, cancel, &ledger, &task_id),
    };
    let result = running.work(route, price, secret, before).await;
    let end = TaskEnd {
        status: result.as_ref().err().map_or(Status::Done, |failure| failure.status),
        exit_code: result.as_ref().err().map_or(0, Failure::exit_code),
        turns: ending.turns,
        finished_at: clock::now(),
        files_changed: u32::try_from(ending.files_changed.len()).unwrap_or(u32::MAX),
        summary: ending.answer.clone(),
    };
    let recorded = ledger.finish_task(&task_id, &end);
    if let Some(account) = account.filter(|_| ending.legs.iter().any(|leg| leg.spent.calls > 0)) {
        ending.credits = account.left().await;
    }
    // What the budgets have left is told beside the result; that they cannot be read takes nothing from it.
    ending.budgets = shown::alerts(&known, &ledger, &ending.legs, &task_id).unwrap_or_default();
    result?;
    recorded.map_err(Failure::from)
}

/// A rehearsed model is said to be one wherever the payer is shown.
fn rehearse(order: &Order, route: &mut Route) {
    if order.rehearsed {
        route.rehearsed = true;
        let otherwise = route.payer.replacen("you pay", "you would pay", 1);
        route.payer = format!("nobody pays, the model is rehearsed ({otherwise})");
    }
}

/// A task that has begun.
struct Running<'a> {
    order: &'a Order,
    env: &'a Env,
    ui: &'a Arc<dyn Ui>,
    cancel: &'a Cancel,
    known: &'a Known,
    client: &'a Client,
    ledger: &'a Ledger,
    task_id: &'a str,
    ending: &'a mut Ending,
    call_no: u32,
    /// Who takes over on the free path.
    rotation: Rotation<'a>,
    /// The call that ended the last leg, as the provider said it.
    failed: Option<CallError>,
    /// Rounds of checks so far, whoever works.
    round: u32,
    /// Where the work is done, and what becomes of it.
    place: &'a Workplace,
    conversation: Conversation<'a>,
}

/// A route with what its calls need: the price that they are recorded at, and the key.
type Payer = (Route, Option<Price>, Option<Secret>);

impl Running<'_> {
    fn folder(&self) -> PathBuf {
        self.known.loaded.dirs.data.join("tasks").join(self.task_id)
    }

    async fn work(
        &mut self,
        mut route: Route,
        mut price: Option<Price>,
        mut secret: Option<Secret>,
        before: Option<setup::Earlier>,
    ) -> Result<(), Failure> {
        if let Some(timeout) = self.order.timeout {
            self.cancel.send_after(timeout);
        }
        fsx::create_private_dir(&self.folder()).map_err(|e| setup::unwritable(&self.folder(), &e))?;
        let mut transcript = self.transcript(before)?;
        self.place.make(self.order, &self.folder(), self.ui.as_ref(), self.cancel).await?;
        let mut ground =
            Ground::start(self.order, self.env, &self.place.loaded, self.task_id, &route, self.ui, self.cancel)?;
        self.ending.sandbox = Some(ground.sandbox.level().as_str().to_owned());
        let mut first = None;
        let result = loop {
            // Before anything is sent, and never a reason for another payer.
            let served = mcp::serve(&mut ground, self.known, self.env, &route, self.ui, self.cancel).await;
            if let Err(failure) = served {
                break Err(failure);
            }
            let result = self.leg(&route, price.clone(), secret.clone(), &mut transcript, &mut ground).await;
            let Err(failure) = result else { break Ok(()) };
            match self.conversation.steering().await {
                Ok(None) => {}
                Ok(Some(words)) => match transcript.say(words) {
                    Ok(()) => {
                        self.round = 0;
                        continue;
                    }
                    Err(error) => break Err(setup::unwritable(&self.folder(), &error)),
                },
                Err(failure) => break Err(failure),
            }
            let failure = match self.other_member(failure, &route, &transcript).await {
                Ok(next) => {
                    if next.0.provider != route.provider {
                        secret = self.shown_secret(&next.0)?;
                    }
                    (route, price) = next;
                    continue;
                }
                Err(failure) => failure,
            };
            match self.other_payer(&failure, &route) {
                Ok(Some((next, next_price, next_secret))) => {
                    (route, price, secret) = (next, next_price, next_secret);
                    first.get_or_insert(failure);
                }
                Ok(None) => break Err(self.ended(first, failure)),
                Err(failure) => break Err(self.ended(first, failure)),
            }
        };
        self.ending.refused = ground.refused();
        self.ending.mcp = mcp::used(ground.toolbox.servers());
        ground.close().await;
        let known = match ground.changes() {
            Ok(changes) => {
                self.ending.files_changed = changes;
                ground.has_snapshot()
            }
            Err(message) => {
                self.ui.say(&message);
                false
            }
        };
        drop(ground);
        self.place.hand_over(self.order, self.task_id, self.ending, known, result, self.ui, self.cancel).await
    }

    fn transcript(&self, before: Option<setup::Earlier>) -> Result<Transcript, Failure> {
        let path = self.folder().join("transcript.jsonl");
        let Some(before) = before else { return Ok(Transcript::new(path)) };
        let read = Transcript::resume(&before.transcript, path);
        read.map_err(|e| {
            Failure::usage("no_transcript", format!("task {} cannot be gone on with", before.task_id))
                .why(format!("its transcript {}: {e}", before.transcript.display()))
                .fix("vk run \"...\"")
        })
    }

    /// The task under one payer, from the user's words to passing checks.
    async fn leg(
        &mut self,
        route: &Route,
        price: Option<Price>,
        secret: Option<Secret>,
        transcript: &mut Transcript,
        ground: &mut Ground,
    ) -> Result<(), Failure> {
        ground.use_family_of(route);
        if transcript.is_empty() {
            let mut first = ground.first_message(&self.order.task, self.order.stdin.as_deref(), self.ui.as_ref());
            // Before the words that speak of them.
            first.content.splice(0..0, self.order.images.iter().cloned());
            transcript.push(first).map_err(|e| setup::unwritable(&self.folder(), &e))?;
        } else if self.ending.legs.is_empty() {
            let said = self.order.images.iter().cloned().chain([Block::text(self.order.follow_up())]).collect();
            transcript.say_all(said).map_err(|e| setup::unwritable(&self.folder(), &e))?;
        }
        let (turns, call_no) = (self.ending.turns, self.call_no);
        let shared = engines::Shared {
            order: self.order,
            env: self.env,
            ui: self.ui,
            cancel: self.cancel,
            known: self.known,
            loaded: &self.place.loaded,
            client: self.client,
            ledger: self.ledger,
            task_id: self.task_id,
            folder: self.folder(),
            turns,
            call_no,
            may_train: self.rotation.may_train(),
            retries: !self.rotation.can_take_over_from(route),
        };
        let sandbox = Arc::clone(&ground.sandbox);
        let mut engine = engines::build(&shared, route, price, secret, transcript, ground)?;
        let result = loop {
            match engine.run().await {
                Ok(answer) => self.ending.answer = Some(answer),
                Err(failure) => break Err(failure),
            }
            self.round += 1;
            let round = self.round;
            let commands: Vec<String> =
                self.known.loaded.settings.checks.iter().map(|check| check.value.clone()).collect();
            let checked =
                checks::round(&commands, round, &sandbox, self.ui.as_ref(), self.cancel, &mut self.ending.checks).await;
            match checked {
                Ok(Round::Passed) => {
                    let tally = engine.tally();
                    let before: Usd = self.ending.legs.iter().map(|leg| leg.spent.counted).sum();
                    match self.conversation.follow_up(tally.turns, before + tally.spent.counted).await {
                        Ok(None) => break Ok(()),
                        Ok(Some(words)) => {
                            self.round = 0;
                            if let Err(failure) = engine.say(&words) {
                                break Err(failure);
                            }
                        }
                        Err(failure) => break Err(failure),
                    }
                }
                Ok(Round::Failed(_)) if round > self.order.check_rounds => {
                    break Err(checks::still_failing(&self.ending.checks, self.order.check_rounds));
                }
                Ok(Round::Failed(output)) => {
                    if let Err(failure) = engine.say(&output) {
                        break Err(failure);
                    }
                }
                Err(failure) => break Err(failure),
            }
        };
        self.failed = engine.failed();
        engine.close().await;
        let tally = engine.tally();
        drop(engine);
        self.ending.turns = tally.turns;
        self.call_no = tally.calls;
        if tally.spent.calls > 0 {
            self.known.remember_use(route, tally.organization.as_deref());
        }
        self.ending.legs.push(Leg { route: route.clone(), spent: tally.spent });
        result
    }
}

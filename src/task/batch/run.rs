//! A batch from its file to its end: what is left to do is decided, shown, and done, several tasks at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use super::line;
use super::plan::{self, Ends, Next, Planned};
use super::results::Results;
use super::seat::{Person, Seat, Told};
use super::start::{self, Ready};
use super::tally::Tally;
use super::worker::{self, Over, Worker};
use super::{Board, Wish};
use crate::agent::cancel::{Cancel, Signal};
use crate::base::clock;
use crate::base::env::Env;
use crate::base::money::Usd;
use crate::config;
use crate::domain::batch::{BatchFinished, BatchStarted, BatchTask};
use crate::domain::event::{Event, TaskFinished};
use crate::domain::failure::{Failure, Status};
use crate::domain::ui::Ui;
use crate::ledger::{self, Scope, TaskEnd};
use crate::task::again;
use crate::task::report::Ending;

/// How long interrupted tasks may take to settle what they spent and put their worktrees in order.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the batch. Its end is told to the board whatever happens.
pub async fn run(wish: &Wish, env: &Env, ui: &Arc<dyn Ui>, board: &Arc<dyn Board>, cancel: &Cancel) -> BatchFinished {
    let mut tally = Tally::new();
    let stopped = Box::pin(to_end(wish, env, ui, board, cancel, &mut tally)).await.err();
    let stopped = stopped.map(|failure| again::of_batch(failure, &wish.order, &wish.own()));
    let end = tally.finished(stopped);
    board.finished(&end);
    end
}

async fn to_end(
    wish: &Wish,
    env: &Env,
    ui: &Arc<dyn Ui>,
    board: &Arc<dyn Board>,
    cancel: &Cancel,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let lines = line::read(&wish.file, &wish.bytes)?;
    let person = Arc::new(Person::new(ui));
    // Of a project that is not trusted nothing else is read.
    let mut loaded = config::load(env, &wish.order.flags)?;
    config::trust::obtain(&mut loaded, wish.order.trust.as_deref(), person.as_ref())?;
    let results_name = wish.results_name.clone();
    tally.results = Some(results_name.clone());
    tally.cap = wish.cap;
    let (results, earlier) = if wish.order.dry_run {
        (None, Results::look(&wish.results)?)
    } else {
        let (results, earlier) = Results::open(&wish.results)?;
        (Some(results), earlier)
    };
    let project = config::load(env, &wish.order.flags)?.project.name;
    if let Some(other) = earlier.project.as_ref().filter(|other| **other != project) {
        return Err(Failure::usage("other_project", format!("{results_name} has the results of another project"))
            .why(format!("they are of {other}, and this is {project}: what is done there is not done here"))
            .fix("vk batch --help   # --results names another file"));
    }
    if let (Some(own), Some(before)) = (&wish.id, &earlier.batch_id)
        && own != before
    {
        return Err(Failure::usage(
            "other_batch",
            format!("{results_name} has the results of batch {before}, not {own}"),
        )
        .why("a batch goes on from its own results alone")
        .fix("vk batch --help   # --results names another file"));
    }
    let batch_id = wish.id.clone().or(earlier.batch_id.clone()).unwrap_or_else(|| ledger::batch_id(clock::now()));
    tally.batch_id = Some(batch_id.clone());
    let tasks = plan::plan(lines, wish.shard, &earlier, wish.retry_failed);
    tally.plan(&tasks);
    let left: Vec<&line::Line> = tasks.iter().filter(|task| task.ended.is_none()).map(|task| &task.line).collect();
    let asked = Arc::clone(&person) as Arc<dyn Ui>;
    let ready = if left.is_empty() { None } else { Some(start::ready(wish, &batch_id, &left, env, &asked).await?) };
    if person.left() {
        return Err(Signal::Interrupt.failure());
    }
    let started = BatchStarted { project, ..started(wish, &batch_id, &results_name, &tasks, ready.as_ref()) };
    board.ring(ready.as_ref().is_some_and(|ready| ready.bell));
    board.begins(&started, &tasks);
    let (Some(ready), Some(mut results)) = (ready, results) else { return Ok(()) };
    cancel.check()?;
    results.add(&board.line(&Event::BatchStarted(Box::new(started))))?;
    let (over, ends) = mpsc::unbounded_channel();
    let queue = (0..tasks.len()).filter(|at| tasks[*at].ended.is_none()).collect();
    let mut batch = Batch {
        wish,
        env,
        board,
        cancel,
        person,
        tasks: &tasks,
        ready: &ready,
        results,
        tally,
        queue,
        running: Vec::new(),
        over,
        pattern: Ends::default(),
        stopped: None,
    };
    let result = batch.work(ends).await;
    let scope = Scope::batch(&batch_id, Usd::MAX);
    let standing = ready.ledger.standing(&[scope], clock::now()).ok().and_then(|all| all.into_iter().next());
    tally.spent = standing.map(|standing| standing.settled + standing.uncertain);
    result
}

/// What is shown before the first task.
fn started(wish: &Wish, batch_id: &str, results: &str, tasks: &[Planned], ready: Option<&Ready>) -> BatchStarted {
    let ended_before = tasks.iter().filter(|task| task.ended.is_some()).count();
    let left = tasks.len() - ended_before;
    let caps = ready.and_then(|ready| ready.caps);
    let spent = ready.map_or(Usd::ZERO, |ready| ready.spent);
    let cap = ready.and_then(|ready| ready.membership.cap.as_ref()).map(|cap| cap.scope.limit);
    let at_most = match (caps, cap) {
        (Some(caps), Some(cap)) => Some(caps.min(cap - spent)),
        (caps, _) => caps,
    };
    let tasks_words = if left == 1 { "1 task".to_owned() } else { format!("{left} tasks") };
    let mut line = match ready {
        Some(ready) => vec![ready.line.clone(), format!("{tasks_words}, {} at once", wish.jobs.min(left))],
        None => vec!["nothing is left to run".to_owned()],
    };
    if let (Some(task), Some(most)) = (ready.and_then(|ready| ready.route.cap_usd), at_most) {
        line.push(format!("stops at {task} a task, {most} in all"));
    }
    BatchStarted {
        project: String::new(),
        batch_id: batch_id.to_owned(),
        file: wish.file.clone(),
        results: results.to_owned(),
        shard: wish.shard.map(|shard| shard.to_string()),
        tasks: tasks.len(),
        ended_before,
        jobs: wish.jobs,
        cap_usd: wish.cap,
        task_cap_usd: ready.and_then(|ready| ready.route.cap_usd),
        at_most_usd: at_most,
        spent_usd: spent,
        route: ready.map(|ready| ready.route.clone()),
        models: ready.map(|ready| ready.models.clone()).unwrap_or_default(),
        line: line.join(" · "),
    }
}

/// A batch that has begun.
struct Batch<'a> {
    wish: &'a Wish,
    env: &'a Env,
    board: &'a Arc<dyn Board>,
    cancel: &'a Cancel,
    person: Arc<Person>,
    tasks: &'a [Planned],
    ready: &'a Ready,
    results: Results,
    tally: &'a mut Tally,
    queue: VecDeque<usize>,
    running: Vec<Worker>,
    over: UnboundedSender<Over>,
    pattern: Ends,
    /// Why no further task begins.
    stopped: Option<Failure>,
}

impl Batch<'_> {
    async fn work(&mut self, mut ends: UnboundedReceiver<Over>) -> Result<(), Failure> {
        let mut deadline: Option<Instant> = None;
        loop {
            while self.stopped.is_none() && self.running.len() < self.wish.jobs {
                let Some(at) = self.queue.pop_front() else { break };
                self.begin(at);
            }
            if self.running.is_empty() {
                break;
            }
            tokio::select! {
                Some(over) = ends.recv() => self.end(&over),
                signal = self.cancel.cancelled(), if deadline.is_none() => {
                    deadline = Some(Instant::now() + GRACE);
                    self.board.stopping("stopping: the tasks settle what they spent; again ends at once");
                    self.stopped.get_or_insert_with(|| signal.failure().fix("vk run"));
                    self.stop_all(signal);
                }
                () = self.cancel.insisted() => break,
                () = until(deadline) => break,
            }
        }
        self.tally.leave(self.running.len());
        match self.stopped.take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    fn begin(&mut self, at: usize) {
        let mut order = self.wish.order_in(&self.tasks[at].line, &self.ready.membership);
        order.worktree = Some(self.ready.dirty);
        let seat = Seat::new(at, Arc::clone(self.board), Arc::clone(&self.person));
        self.board.task_begins(at);
        self.tally.begin();
        match worker::start(at, order, self.env, seat, &self.over) {
            Ok(worker) => self.running.push(worker),
            // Those that run go on; this one is for the next start.
            Err(error) => {
                let why = format!("{error}; {} tasks run", self.running.len());
                self.stop(Failure::usage("no_thread", "the system gives no further thread").why(why).fix("vk run"));
                self.tally.leave(1);
            }
        }
    }

    /// Takes a task's end in: recorded, then shown, then what follows from it.
    fn end(&mut self, over: &Over) {
        let Some(place) = self.running.iter().position(|worker| worker.at == over.at) else { return };
        let told = self.running.remove(place).seat.told();
        let end = self.ended(&told, over.broken.as_ref());
        let line = &self.tasks[over.at].line;
        let end = BatchTask {
            end,
            batch_id: self.ready.membership.batch_id.clone(),
            id: line.id.clone(),
            line: line.number,
            task_hash: line.hash.clone(),
        };
        self.tally.end(&end.end);
        let text = self.board.line(&Event::BatchTaskFinished(Box::new(end.clone())));
        let recorded = self.results.add(&text);
        self.board.task_ended(over.at, &end);
        if let Err(failure) = recorded {
            self.stop(failure);
            self.stop_all(Signal::Batch);
            return;
        }
        let own_cap = told.exhausted == Some("task");
        match self.pattern.take(end.end.status, own_cap, self.wish.jobs) {
            Next::GoOn => {}
            next => {
                if let Some(failure) = &end.end.error {
                    self.stop(of_task(failure, &end.id));
                }
                if next == Next::StopAll {
                    self.stop_all(Signal::Batch);
                }
            }
        }
    }

    /// How the task ended by its own word, else by what became of its thread.
    fn ended(&self, told: &Told, broken: Option<&Failure>) -> TaskFinished {
        let end = told.end.clone().filter(|_| broken.is_none());
        let mut end = end.unwrap_or_else(|| {
            let failure = broken.cloned().unwrap_or_else(|| Failure::new(Status::GaveUp, "no_end", "it told no end"));
            let ending = Ending { task_id: told.task_id.clone(), ..Ending::new() };
            // Its holds would stay live for as long as this process does.
            if let Some(id) = &told.task_id {
                let end = TaskEnd {
                    status: failure.status,
                    exit_code: failure.exit_code(),
                    turns: 0,
                    finished_at: clock::now(),
                    files_changed: 0,
                    summary: None,
                };
                let _ = self.ready.ledger.finish_task(id, &end);
            }
            ending.report(Some(&failure))
        });
        // The last task of the project may be any of the batch.
        if let (Some(error), Some(id)) = (&mut end.error, &end.task_id) {
            for fix in &mut error.fix {
                if let Some(rest) = fix.strip_prefix("vk run --continue ") {
                    *fix = format!("vk run --continue={id} {rest}");
                }
            }
        }
        end
    }

    /// No further task begins. The first cause stands.
    fn stop(&mut self, failure: Failure) {
        if self.stopped.is_none() {
            if !self.running.is_empty() || !self.queue.is_empty() {
                self.board.stopping(&format!("no further task begins: {}", failure.what));
            }
            self.stopped = Some(failure);
        }
    }

    fn stop_all(&self, signal: Signal) {
        for worker in &self.running {
            worker.cancel.send(signal);
        }
    }
}

/// The failure of one task as that of the batch, which goes on once the cause is gone.
fn of_task(failure: &Failure, id: &str) -> Failure {
    let mut failure = failure.clone();
    failure.what = format!("{} (task {id})", failure.what);
    // What was done by hand, the batch would do again.
    failure.fix.retain(|fix| !fix.starts_with("vk run --continue"));
    if !failure.fix.iter().any(|fix| fix.starts_with("vk batch ")) {
        failure.fix.push("vk run   # goes on with the batch".to_owned());
    }
    failure
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

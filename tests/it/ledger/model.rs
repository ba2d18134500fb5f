//! The holds against a plain model of them: random steps, and after each one every scope must stand where the model
//! says, and no cap may be passed but by what a provider charged above a hold.
//!
//! The normal run is short. A million steps: `VK_TEST_STEPS=1000000 cargo nextest run random_steps`, other ones with
//! `VK_TEST_SEED`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use vibekit::base::clock::Window;
use vibekit::base::env::Env;
use vibekit::base::money::Usd;
use vibekit::domain::budget::Per;
use vibekit::domain::cost::{Certainty, Charge, Cost};
use vibekit::domain::path::PayPath;
use vibekit::ledger::{Aborted, Corrected, Ledger, Reserve, Scope, ScopeKind, Settled, TeamBudget, Word};

use super::stores::{Store, over_both};
use super::{attempt, done, noon, owner, settlement, task};

const STEPS: u32 = 25_000;
const LEASE: SignedDuration = SignedDuration::from_secs(60);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How many of the last tasks are still worked on.
const TASKS: usize = 6;
const WINDOWS: [Window; 3] = [Window::Day, Window::Week, Window::Month];
const HOSTS: [&str; 3] = ["one", "two", "three"];
const PROJECTS: [&str; 2] = ["/shop", "/blog"];

/// xorshift64*: the same steps on every machine for a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Live,
    Uncertain { since: Timestamp },
    Settled { assumed: bool },
    Aborted,
}

#[derive(Clone, Debug)]
struct Held {
    task: String,
    project: &'static str,
    path: PayPath,
    sent_at: Timestamp,
    /// The day, week and month it was sent in.
    windows: [Timestamp; 3],
    hold: i64,
    counted: i64,
    state: State,
}

#[derive(Clone, Debug)]
struct Running {
    owner: &'static str,
    project: &'static str,
    lease: Timestamp,
    calls: u32,
}

#[derive(Default)]
struct Model {
    begun: u32,
    tasks: BTreeMap<String, Running>,
    attempts: BTreeMap<String, Held>,
    /// What providers charged above holds, and what was counted again after having been given up: the only ways
    /// over a cap.
    overrun: i64,
    /// The budgets that the ledger keeps itself: of each task, of each day.
    team: [Option<i64>; 2],
}

impl Model {
    fn expire(&mut self, here: &str, now: Timestamp) {
        for (id, task) in &mut self.tasks {
            let holds = self.attempts.values().any(|a| a.task == *id && a.state == State::Live);
            if !holds || task.owner == here {
                continue;
            }
            if task.lease > now + LEASE {
                task.lease = now + LEASE;
            } else if task.lease <= now {
                for held in self.attempts.values_mut().filter(|a| a.task == *id && a.state == State::Live) {
                    held.state = State::Uncertain { since: task.lease };
                }
            }
        }
        for held in self.attempts.values_mut() {
            if matches!(held.state, State::Uncertain { since } if since + DAY <= now) {
                held.state = State::Settled { assumed: true };
            }
        }
    }

    /// Settled, uncertain and live money of a scope in the window that holds `at`.
    fn taken(&self, scope: &Scope, at: Timestamp) -> [i64; 3] {
        let mut sums = [0; 3];
        let window = scope.window.map(|window| {
            let which = WINDOWS.iter().position(|w| *w == window).unwrap();
            (which, window.start(at))
        });
        for held in self.attempts.values() {
            let mine = match scope.kind {
                ScopeKind::Task => held.task == scope.key,
                ScopeKind::Project => held.project == scope.key,
                ScopeKind::Path => held.path.as_str() == scope.key,
                _ => true,
            };
            let inside = window.is_none_or(|(which, start)| held.windows[which] == start);
            if mine && inside {
                match held.state {
                    State::Settled { .. } => sums[0] += held.counted,
                    State::Uncertain { .. } => sums[1] += held.counted,
                    State::Live => sums[2] += held.counted,
                    State::Aborted => {}
                }
            }
        }
        sums
    }
}

const TEAM: [Per; 2] = [Per::Task, Per::Day];

fn scopes(task: &str, project: &str, path: PayPath) -> Vec<Scope> {
    let scope =
        |kind, key: &str, window, cents| Scope { kind, key: key.to_owned(), window, limit: Usd::from_cents(cents) };
    vec![
        Scope::task(task, Usd::from_cents(300)),
        scope(ScopeKind::Global, "", Some(Window::Day), 1_500),
        scope(ScopeKind::Project, project, Some(Window::Week), 2_500),
        scope(ScopeKind::Path, path.as_str(), Some(Window::Month), 6_000),
    ]
}

struct Play {
    ledger: Ledger,
    model: Model,
    dice: Dice,
    now: Timestamp,
    here: &'static str,
    /// How often money was granted, had to wait, was refused.
    answers: [u32; 3],
}

impl Play {
    fn step(&mut self) {
        match self.dice.roll(21) {
            20 if self.dice.roll(3) == 0 => self.change_team_budget(),
            20 => self.correct(),
            0 => self.begin(),
            1..=6 => self.reserve(),
            7..=10 => self.settle(),
            11 => self.abort(),
            12 => self.renew(),
            13 => self.finish(),
            14 => self.change_process(),
            15 => {
                self.ledger.expire(self.now).unwrap();
                self.model.expire(self.here, self.now);
            }
            16..=18 => self.now += SignedDuration::from_secs(i64::try_from(self.dice.roll(25)).unwrap()),
            _ => self.jump(),
        }
    }

    /// The clock moves as clocks should not: to another day, to just before midnight, back by hours.
    fn jump(&mut self) {
        let hours = |n| SignedDuration::from_hours(n);
        self.now = match self.dice.roll(8) {
            0 => self.now - hours(5),
            1 => Window::Day.end(self.now) - SignedDuration::from_millis(1),
            2 => Window::Month.end(self.now),
            3 => self.now + hours(26),
            _ => self.now + SignedDuration::from_secs(61),
        };
        // Histories that no window reaches any more only slow the model down.
        let old = self.now - hours(24 * 40);
        let Model { attempts, tasks, .. } = &mut self.model;
        let recent: Vec<&String> = tasks.keys().rev().take(TASKS).collect();
        attempts.retain(|_, a| {
            a.sent_at > old || recent.contains(&&a.task) || matches!(a.state, State::Live | State::Uncertain { .. })
        });
    }

    /// Somebody sets a budget in the ledger while tasks run, lower than what is spent already or higher, or clears it.
    fn change_team_budget(&mut self) {
        let which = usize::try_from(self.dice.roll(2)).unwrap();
        if self.dice.roll(3) == 0 {
            let was = self.ledger.clear_team_budget(TEAM[which]).unwrap();
            assert_eq!(was, self.model.team[which].take().is_some());
            return;
        }
        let most = if which == 0 { 400 } else { 2_000 };
        let limit = Usd::from_cents(i64::try_from(self.dice.roll(most)).unwrap());
        let budget = TeamBudget { per: TEAM[which], limit, set_by: String::new(), set_at: self.now };
        self.ledger.set_team_budget(&budget).unwrap();
        self.model.team[which] = Some(limit.nanos());
    }

    /// A person gives the provider's figure: only for what is uncertain or assumed.
    fn correct(&mut self) {
        let Some(id) = self.an_attempt() else { return };
        let cost = i64::try_from(self.dice.roll(90)).unwrap() * 10_000_000;
        let answer = self.ledger.correct(&id, Usd::from_nanos(cost), Word::Person, self.now).unwrap();
        let held = self.model.attempts.get_mut(&id).unwrap();
        let open = matches!(held.state, State::Uncertain { .. } | State::Settled { assumed: true });
        assert_eq!(matches!(answer, Corrected::Recorded { before, .. } if before.nanos() == held.counted), open);
        assert_eq!(matches!(answer, Corrected::Live), held.state == State::Live);
        if open {
            self.model.overrun += (cost - held.counted).max(0);
            (held.state, held.counted) = (State::Settled { assumed: false }, cost);
        }
    }

    fn change_process(&mut self) {
        self.here = self.dice.pick(&HOSTS);
        self.ledger.set_owner(owner(self.here));
    }

    fn begin(&mut self) {
        let id = format!("t{:06}", self.model.begun);
        let project = self.dice.pick(&PROJECTS);
        let mut new = task(&id, self.now);
        new.project_dir = project.into();
        self.ledger.begin_task(&new).unwrap();
        let running = Running { owner: self.here, project, lease: self.now + LEASE, calls: 0 };
        self.model.tasks.insert(id, running);
        self.model.begun += 1;
    }

    /// One of the last tasks, whoever owns it: a task may go on in another process.
    fn a_task(&mut self) -> Option<String> {
        let recent: Vec<&String> = self.model.tasks.keys().rev().take(TASKS).collect();
        (!recent.is_empty()).then(|| self.dice.pick(&recent).clone())
    }

    fn reserve(&mut self) {
        let Some(id) = self.a_task() else { return };
        let path = self.dice.pick(&[PayPath::Byok, PayPath::Platform]);
        let hold = Usd::from_cents(i64::try_from(self.dice.roll(90)).unwrap());
        let (project, call) = (self.model.tasks[&id].project, self.model.tasks[&id].calls + 1);
        let mut new = attempt(&id, call, hold, self.now);
        new.path = path;
        let scopes = scopes(&id, project, path);
        let answer = self.ledger.reserve(&new, &scopes).unwrap();

        self.model.expire(self.here, self.now);
        let team = TEAM.into_iter().zip(self.model.team).filter_map(|(per, limit)| {
            let limit = Usd::from_nanos(limit?);
            Some(TeamBudget { per, limit, set_by: String::new(), set_at: self.now }.scope(&id))
        });
        let all: Vec<Scope> = scopes.iter().cloned().chain(team).collect();
        let room = |beside_live: bool| {
            all.iter().all(|scope| {
                let [settled, uncertain, live] = self.model.taken(scope, self.now);
                hold.nanos() <= scope.limit.nanos() - settled - uncertain - if beside_live { live } else { 0 }
            })
        };
        match answer {
            Reserve::Granted { left } => {
                self.answers[0] += 1;
                assert!(room(true), "granted without room");
                assert!(left.is_some_and(|left| !left.is_negative()));
                let attempt = Held {
                    task: id.clone(),
                    project,
                    path,
                    sent_at: self.now,
                    windows: WINDOWS.map(|window| window.start(self.now)),
                    hold: hold.nanos(),
                    counted: hold.nanos(),
                    state: State::Live,
                };
                self.model.attempts.insert(new.attempt_id, attempt);
                let task = self.model.tasks.get_mut(&id).unwrap();
                (task.calls, task.owner, task.lease) = (call, self.here, self.now + LEASE);
            }
            Reserve::Busy(_) => {
                self.answers[1] += 1;
                assert!(!room(true) && room(false), "waits for what would not help, or without need");
            }
            Reserve::Exhausted(_) => {
                self.answers[2] += 1;
                assert!(!room(false), "refused beside enough room");
            }
        }
    }

    fn an_attempt(&mut self) -> Option<String> {
        let recent: Vec<&String> = self.model.attempts.keys().collect();
        let open: Vec<&String> =
            recent.iter().copied().filter(|id| self.model.attempts[*id].state == State::Live).collect();
        // Mostly one that is under way, sometimes any: what ended before must not change.
        let among = if open.is_empty() || self.dice.roll(5) == 0 { recent } else { open };
        (!among.is_empty()).then(|| self.dice.pick(&among).clone())
    }

    fn settle(&mut self) {
        let Some(id) = self.an_attempt() else { return };
        let held = self.model.attempts[&id].clone();
        let share = i64::try_from(self.dice.roll(110)).unwrap();
        let billed = held.hold / 100 * share;
        let known = self.dice.roll(12) != 0;
        let cost = Cost {
            charge: Charge::Billed,
            certainty: if known { Certainty::Exact } else { Certainty::Unknown },
            billed: known.then(|| Usd::from_nanos(billed)),
            list: None,
        };
        let answer = self.ledger.settle(&id, &settlement(cost, self.now)).unwrap();
        let open = matches!(held.state, State::Live | State::Uncertain { .. } | State::Settled { assumed: true });
        assert_eq!(answer == Settled::Recorded, open);
        if open {
            let now = self.now;
            let held = self.model.attempts.get_mut(&id).unwrap();
            let before = held.counted;
            (held.state, held.counted) = if known || held.hold == 0 {
                (State::Settled { assumed: false }, if known { billed } else { 0 })
            } else {
                (State::Uncertain { since: now }, held.hold)
            };
            self.model.overrun += (held.counted - before).max(0);
        }
    }

    fn abort(&mut self) {
        let Some(id) = self.an_attempt() else { return };
        let answer = self.ledger.abort(&id, "interrupted", self.now).unwrap();
        let held = self.model.attempts.get_mut(&id).unwrap();
        let open = matches!(held.state, State::Live | State::Uncertain { .. } | State::Settled { assumed: true });
        assert_eq!(answer == Aborted::Released, open);
        if open {
            (held.state, held.counted) = (State::Aborted, 0);
        }
    }

    fn renew(&mut self) {
        let Some(id) = self.a_task() else { return };
        self.ledger.renew(&id, self.now).unwrap();
        let task = self.model.tasks.get_mut(&id).unwrap();
        (task.owner, task.lease) = (self.here, self.now + LEASE);
    }

    fn finish(&mut self) {
        let Some(id) = self.a_task() else { return };
        self.ledger.finish_task(&id, &done(self.now)).unwrap();
        self.model.tasks.get_mut(&id).unwrap().lease = self.now;
        for held in self.model.attempts.values_mut().filter(|a| a.task == id && a.state == State::Live) {
            held.state = State::Uncertain { since: self.now };
        }
    }

    fn check(&mut self) {
        let id = self.a_task().unwrap_or_default();
        let project = self.dice.pick(&PROJECTS);
        let path = self.dice.pick(&[PayPath::Byok, PayPath::Platform]);
        let scopes = scopes(&id, project, path);
        for standing in self.ledger.standing(&scopes, self.now).unwrap() {
            let [settled, uncertain, live] = self.model.taken(&standing.scope, self.now);
            let has = [standing.settled, standing.uncertain, standing.live].map(Usd::nanos);
            assert_eq!(has, [settled, uncertain, live], "{}", standing.scope);
            let over = settled + uncertain + live - standing.scope.limit.nanos();
            assert!(over <= self.model.overrun, "{} is over its limit by {over}", standing.scope);
        }
    }
}

over_both!(random_steps_never_pass_a_cap_and_always_agree_with_the_model);

fn random_steps_never_pass_a_cap_and_always_agree_with_the_model(store: &Store) {
    let env = Env::capture();
    let number = |name: &str| env.get(name).and_then(|text| text.parse().ok());
    let seed = number("VK_TEST_SEED").unwrap_or(20_261_125);
    let steps = number("VK_TEST_STEPS").unwrap_or(u64::from(store.cases(STEPS)));
    println!("VK_TEST_SEED={seed} VK_TEST_STEPS={steps}");
    let mut ledger = store.ledger();
    ledger.set_owner(owner(HOSTS[0]));
    let mut play =
        Play { ledger, model: Model::default(), dice: Dice(seed), now: noon(), here: HOSTS[0], answers: [0; 3] };
    for step in 0..steps {
        play.step();
        play.check();
        // A new year and an empty model from time to time, so that its sums stay short.
        if step % 500 == 499 {
            play.now += SignedDuration::from_hours(24 * 400);
            play.ledger.expire(play.now).unwrap();
            play.model.attempts.clear();
            play.model.overrun = 0;
            play.begin();
            let last = play.model.tasks.keys().next_back().cloned();
            play.model.tasks.retain(|id, _| Some(id) == last.as_ref());
        }
    }
    println!("granted, busy, exhausted: {:?}", play.answers);
    assert!(play.answers.iter().all(|count| u64::from(*count) > steps / 100), "{:?}", play.answers);
}

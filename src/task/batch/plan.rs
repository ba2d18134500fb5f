//! Which tasks a start runs, and when a batch goes no further. Pure: from the file, the shard, and what earlier starts
//! left.

use super::line::Line;
use super::results::{Earlier, Ended};
use super::shard::Shard;
use crate::domain::failure::Status;

/// A task of this start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub line: Line,
    /// How an earlier start brought it to its end; `None` runs.
    pub ended: Option<Status>,
}

/// The tasks of this shard, each to be run or ended before.
///
/// A task is done once. One that failed on its own (a check, the model, its turns or time) had its try and runs again
/// only when asked for; one that something else kept from its end (money, provider, a crash) runs again.
#[must_use]
pub fn plan(lines: Vec<Line>, shard: Option<Shard>, earlier: &Earlier, retry_failed: bool) -> Vec<Planned> {
    let mine = lines.into_iter().enumerate().filter(|(at, _)| shard.is_none_or(|shard| shard.takes(*at)));
    mine.map(|(_, line)| {
        let before = earlier.ended.get(&line.id).filter(|before| before.hash == line.hash);
        let ended = before.and_then(|Ended { status, .. }| *status).filter(|status| is_an_end(*status, retry_failed));
        Planned { line, ended }
    })
    .collect()
}

const fn is_an_end(status: Status, retry_failed: bool) -> bool {
    match status {
        Status::Done => true,
        Status::CheckFailed | Status::GaveUp | Status::Limit => !retry_failed,
        _ => false,
    }
}

/// What a batch does after the end of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    GoOn,
    /// No further task begins; those that run go on to their end.
    Stop,
    /// Those that run are stopped as well: no further call may be made.
    StopAll,
}

/// Counts the ends that say nothing of their task but something of where all of them run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends {
    same: usize,
    last: Option<Status>,
}

/// Fewer failures in a row are no pattern.
const PATTERN: usize = 3;

impl Ends {
    /// Takes an end in. `own_cap` says that a budget ended the task and that it was the task's own.
    pub fn take(&mut self, status: Status, own_cap: bool, jobs: usize) -> Next {
        self.same = if self.last == Some(status) { self.same + 1 } else { 1 };
        self.last = Some(status);
        match status {
            Status::PayerBlocked | Status::Contradicted => Next::StopAll,
            Status::NoCredential | Status::Untrusted | Status::NoSandbox | Status::Ledger => Next::Stop,
            Status::Budget if !own_cap => Next::Stop,
            // A provider that is down, or a set-up that fails, fails for every task.
            Status::ProviderFailed | Status::Usage if self.same >= jobs.max(PATTERN) => Next::Stop,
            _ => Next::GoOn,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::batch::line;
    use proptest::prelude::*;

    const ALL: [Status; 14] = [
        Status::Done,
        Status::CheckFailed,
        Status::GaveUp,
        Status::Limit,
        Status::Usage,
        Status::NoCredential,
        Status::PayerBlocked,
        Status::Contradicted,
        Status::Budget,
        Status::ProviderFailed,
        Status::Untrusted,
        Status::NoSandbox,
        Status::Ledger,
        Status::Interrupted,
    ];

    fn lines(count: usize) -> Vec<Line> {
        let text: Vec<String> = (0..count).map(|n| format!("{{\"task\":\"do {n}\",\"id\":\"n{n}\"}}")).collect();
        line::read("t", text.join("\n").as_bytes()).unwrap()
    }

    #[test]
    fn what_every_further_task_would_meet_ends_the_batch() {
        let next = |status| Ends::default().take(status, false, 1);
        for status in ALL {
            let expected = match status.exit_code() {
                4 => Next::StopAll,
                3 | 5 | 7 | 8 | 9 => Next::Stop,
                _ => Next::GoOn,
            };
            assert_eq!(next(status), expected, "{status:?}");
        }
        assert_eq!(Ends::default().take(Status::Budget, true, 1), Next::GoOn, "the next task has its own cap");
        let mut ends = Ends::default();
        for at in 1..=4 {
            let expected = if at == 4 { Next::Stop } else { Next::GoOn };
            assert_eq!(ends.take(Status::ProviderFailed, false, 4), expected, "{at}");
        }
        let mut ends = Ends::default();
        for status in [Status::Usage, Status::Usage, Status::Done, Status::Usage, Status::Usage] {
            assert_eq!(ends.take(status, false, 1), Next::GoOn);
        }
        assert_eq!(ends.take(Status::Usage, false, 1), Next::Stop);
    }

    proptest! {
        /// Over any number of starts, in any parts, whatever the ends: a done task never runs again, a task of other
        /// words does, and each task is of one part.
        #[test]
        fn a_done_task_never_runs_again(
            count in 1_usize..30, of in 1_usize..6, ends in proptest::collection::vec(0_usize..15, 30),
            changed in proptest::collection::vec(any::<bool>(), 30), retry in any::<bool>(),
        ) {
            let mut earlier = Earlier::default();
            for (at, line) in lines(count).into_iter().enumerate() {
                let Some(status) = ALL.get(ends[at]) else { continue };
                let hash = if changed[at] { "other".to_owned() } else { line.hash };
                earlier.ended.insert(line.id, Ended { hash, status: Some(*status) });
            }
            let mut seen = 0;
            for index in 1..=of {
                let shard: Shard = format!("{index}/{of}").parse().unwrap();
                for planned in plan(lines(count), Some(shard), &earlier, retry) {
                    seen += 1;
                    let at = planned.line.number - 1;
                    let before = ALL.get(ends[at]).filter(|_| !changed[at]);
                    let exit = before.map(|status| status.exit_code());
                    prop_assert_eq!(planned.ended.is_some(), exit == Some(0) || (exit == Some(1) && !retry));
                    prop_assert!(planned.ended.is_none_or(|ended| Some(&ended) == before));
                }
            }
            prop_assert_eq!(seen, count);
        }
    }
}

//! What a start of a batch comes to: how many tasks ended how, what they cost, and the exit code.

use std::time::Instant;

use super::plan::Planned;
use crate::base::money::Usd;
use crate::domain::batch::{BatchCounts, BatchFinished};
use crate::domain::cost::CostState;
use crate::domain::event::{PayerShare, TaskFinished};
use crate::domain::failure::{Failure, Status};
use crate::domain::usage::Usage;
use crate::task::report;

#[derive(Debug)]
pub(super) struct Tally {
    started: Instant,
    pub(super) batch_id: Option<String>,
    pub(super) results: Option<String>,
    pub(super) cap: Option<Usd>,
    pub(super) spent: Option<Usd>,
    counts: BatchCounts,
    usage: Usage,
    list: Vec<Option<Usd>>,
    shares: Vec<PayerShare>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            batch_id: None,
            results: None,
            cap: None,
            spent: None,
            counts: BatchCounts::default(),
            usage: Usage::default(),
            list: Vec::new(),
            shares: Vec::new(),
        }
    }

    /// Takes in what there is to do.
    pub(super) fn plan(&mut self, tasks: &[Planned]) {
        self.counts.total = tasks.len();
        for ended in tasks.iter().filter_map(|task| task.ended) {
            self.counts.ended_before += 1;
            self.count(ended);
        }
        self.counts.not_started = tasks.len() - self.counts.ended_before;
    }

    fn count(&mut self, status: Status) {
        match status {
            Status::Done => self.counts.done += 1,
            Status::Interrupted => self.counts.interrupted += 1,
            _ => self.counts.failed += 1,
        }
    }

    pub(super) fn begin(&mut self) {
        self.counts.not_started -= 1;
    }

    pub(super) fn end(&mut self, end: &TaskFinished) {
        self.count(end.status);
        self.usage += end.usage;
        if !end.payers.is_empty() {
            self.list.push(end.list_usd);
        }
        for share in &end.payers {
            report::join(&mut self.shares, share.clone());
        }
    }

    /// Tasks that were not waited for to their end.
    pub(super) fn leave(&mut self, count: usize) {
        self.counts.interrupted += count;
    }

    /// The end. The first cause decides: what stopped the batch, else whether every task was achieved.
    pub(super) fn finished(self, stopped: Option<Failure>) -> BatchFinished {
        let counts = self.counts;
        let (status, exit_code) = match &stopped {
            Some(failure) => (failure.status.as_str(), failure.exit_code()),
            None if counts.failed > 0 => ("failed", 1),
            None => ("done", 0),
        };
        let (cost_usd, cost_state): (Option<Usd>, Option<CostState>) = report::sum(&self.shares);
        BatchFinished {
            batch_id: self.batch_id,
            status,
            exit_code,
            error: stopped,
            tasks: counts,
            usage: self.usage,
            cost_usd,
            cost_state,
            list_usd: self.list.iter().copied().sum::<Option<Usd>>().filter(|_| !self.list.is_empty()),
            payers: self.shares,
            cap_usd: self.cap,
            spent_usd: self.spent,
            results: self.results,
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

//! One task call by call: every HTTP attempt, retries and aborted ones among them.

use jiff::Timestamp;

use crate::base::money::{Rate, Usd};
use crate::domain::cost::{Certainty, Charge, CostState};
use crate::domain::usage::Usage;
use crate::ledger::store::{Row, Stop, moment, money, params, tokens, usage};
use crate::ledger::{Ledger, LedgerError, PriceRef};

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// May be under way.
    Live,
    /// Its process died, or its cost is not known: counted in full.
    Uncertain,
    Settled,
    /// Nothing was sent.
    Aborted,
}

impl CallState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Uncertain => "uncertain",
            Self::Settled => "settled",
            Self::Aborted => "aborted",
        }
    }

    fn parse(text: &str) -> Self {
        [Self::Live, Self::Settled, Self::Aborted].into_iter().find(|s| s.as_str() == text).unwrap_or(Self::Uncertain)
    }
}

/// One HTTP attempt as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    pub attempt_id: String,
    pub call_no: u32,
    pub attempt_no: u32,
    pub state: CallState,
    pub path: String,
    pub provider: String,
    pub payer: String,
    pub key_label: Option<String>,
    pub key_fingerprint: Option<String>,
    pub model: String,
    pub sent_at: Timestamp,
    pub hold: Usd,
    pub cost_state: CostState,
    pub billed: Option<Usd>,
    pub list: Option<Usd>,
    /// `verified`, `claimed` or `contradicted`.
    pub proof: String,
    pub usage: Usage,
    pub price: Option<PriceRef>,
    pub markup: Rate,
    /// `ok`, or the kind of error; `lost` if its process died.
    pub outcome: Option<String>,
    pub http_status: Option<u16>,
    pub retry_after_ms: Option<u64>,
    pub response_id: Option<String>,
    pub request_id: Option<String>,
    pub organization: Option<String>,
    pub duration_ms: Option<u64>,
}

impl Ledger {
    /// Every attempt of a task, in the order they were sent.
    ///
    /// # Errors
    /// What the database answered.
    pub fn calls(&self, task_id: &str) -> Result<Vec<CallRow>, LedgerError> {
        self.read(|tx| {
            tx.rows(
                "SELECT attempt_id, call_no, attempt_no, state, path, provider, payer, key_label, key_fingerprint, model,
                     sent_at, hold, charge, certainty, billed, list, proof, price_source, price_date, price_hash,
                     markup_ppm, outcome, http_status, retry_after_ms, response_id, request_id, organization,
                     duration_ms, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning
                 FROM attempts WHERE task_id = ?1 ORDER BY call_no, attempt_no, sent_at",
                params![task_id],
                call,
            )
        })
    }
}

fn call(row: &Row<'_>) -> Result<CallRow, Stop> {
    let optional_money = |at: usize| row.get::<Option<i64>>(at).map(|nanos| nanos.map(money));
    let price = match (row.get(17)?, row.get(18)?, row.get(19)?) {
        (Some(source), Some(as_of), Some(hash)) => Some(PriceRef { source, as_of, hash }),
        _ => None,
    };
    Ok(CallRow {
        attempt_id: row.get(0)?,
        call_no: row.get(1)?,
        attempt_no: row.get(2)?,
        state: CallState::parse(row.text(3)?),
        path: row.get(4)?,
        provider: row.get(5)?,
        payer: row.get(6)?,
        key_label: row.get(7)?,
        key_fingerprint: row.get(8)?,
        model: row.get(9)?,
        sent_at: moment(row.get(10)?),
        hold: money(row.get(11)?),
        cost_state: CostState::of(Charge::parse(row.text(12)?), Certainty::parse(row.text(13)?)),
        billed: optional_money(14)?,
        list: optional_money(15)?,
        proof: row.get(16)?,
        price,
        markup: Rate::from_ppm(row.get(20)?),
        outcome: row.get(21)?,
        http_status: row.get(22)?,
        retry_after_ms: row.get::<Option<i64>>(23)?.map(tokens),
        response_id: row.get(24)?,
        request_id: row.get(25)?,
        organization: row.get(26)?,
        duration_ms: row.get::<Option<i64>>(27)?.map(tokens),
        usage: usage(row, 28)?,
    })
}

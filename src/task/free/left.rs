//! How much of a day is left for a provider's free models, by vk's own count and by the limit that a refusal named.

use super::record::Record;
use crate::base::clock;
use crate::config::provider::OPENROUTER;
use crate::domain::failure::Failure;
use crate::domain::path::PayPath;
use crate::routing::{PathRow, pool};
use crate::task::prepare::Known;

/// What is left today, in words; `None` for a provider that sets no such limit, as a server of this machine.
///
/// # Errors
/// The ledger or vk's record of the free models cannot be read.
pub fn today(known: &Known, provider: &str, fingerprint: Option<&str>) -> Result<Option<String>, Failure> {
    if provider != OPENROUTER {
        return Ok(None);
    }
    let sent = match known.ledger() {
        Ok(Some(ledger)) => ledger.free_requests(provider, fingerprint, clock::now())?,
        Ok(None) => 0,
        // That it cannot be read is told where it matters.
        Err(_) => return Ok(None),
    };
    let limit = Record::read(&known.loaded.dirs.data)?.day_limit(&pool::account(provider, fingerprint));
    Ok(Some(words(sent, limit)))
}

/// Fills in vk's own count where the gateway itself said nothing.
///
/// # Errors
/// As for [`today`].
pub fn fill(rows: &mut [PathRow], known: &Known) -> Result<(), Failure> {
    for row in rows.iter_mut().filter(|row| row.path == PayPath::Free && row.left.is_none()) {
        if let Some(route) = &row.route {
            row.left = today(known, &route.provider, route.credential.fingerprint())?;
        }
    }
    Ok(())
}

/// Until a refusal has named the limit, both are said. Source: openrouter.ai/docs, limits (2026-10).
fn words(sent: u64, limit: Option<u64>) -> String {
    match limit {
        Some(limit) => format!("{} of {limit} requests left today, by vk's count", limit.saturating_sub(sent)),
        None => format!("{sent} requests sent today; 50 a day, 1,000 once 10 credits were bought"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_never_negative() {
        assert_eq!(words(12, Some(50)), "38 of 50 requests left today, by vk's count");
        assert_eq!(words(80, Some(50)), "0 of 50 requests left today, by vk's count");
        assert!(words(3, None).starts_with("3 requests sent today"));
    }
}

//! Limits on turns, and how times are written. The deadline itself is a signal; money is the ledger's.

use std::time::Duration;

use crate::domain::failure::{Failure, Status};

/// Called before each turn with the number of turns already taken.
///
/// # Errors
/// The limit that is used up, with the flag that raises it.
pub fn check_turns(taken: u32, max: Option<u32>) -> Result<(), Failure> {
    if max.is_none_or(|max| taken < max) {
        return Ok(());
    }
    Err(Failure::new(
        Status::Limit,
        "turn_limit",
        format!("stopped after {taken} turn{}", if taken == 1 { "" } else { "s" }),
    )
    .why("--max-turns was reached before the model ended its work")
    .fix(format!("vk run --continue --max-turns {} \"go on\"", taken.saturating_mul(2))))
}

/// Parses `90s`, `10m`, `2h`; a bare number is refused because its unit would be a guess.
///
/// # Errors
/// A usage failure that names the text.
pub fn parse_duration(text: &str) -> Result<Duration, Failure> {
    let unit = |c| match c {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3_600),
        _ => None,
    };
    text.chars()
        .last()
        .and_then(unit)
        .and_then(|unit: u64| text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(unit))
        .filter(|seconds| (1..=30 * 24 * 3_600).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| {
            Failure::usage("bad_duration", format!("\"{text}\" is not a time"))
                .why("a time is a whole number with its unit, from 1s to 30 days: 90s, 10m, 2h")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_need_their_unit() {
        assert_eq!(parse_duration("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(parse_duration("2h").unwrap(), Duration::from_hours(2));
        for bad in ["", "90", "s", "-1s", "1.5h", "0s", "99999999999999999999h", "1ß"] {
            assert_eq!(parse_duration(bad).unwrap_err().exit_code(), 2, "{bad}");
        }
    }

    #[test]
    fn the_turn_limit_names_the_flag() {
        assert!(check_turns(1, Some(2)).is_ok());
        assert!(check_turns(9_999, None).is_ok());
        let failure = check_turns(2, Some(2)).unwrap_err();
        assert_eq!((failure.exit_code(), failure.code), (1, "turn_limit"));
        assert!(failure.fix[0].contains("--max-turns 4"));
    }
}

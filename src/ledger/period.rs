//! `--since` and `--until` as people write them: `7d`, `12h`, `2026-11-01`, a full RFC 3339 moment. All in UTC.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a time; write 7d, 12h, 2w, 2026-11-01 or 2026-11-01T09:30:00Z")]
pub struct ParsePeriodError(pub String);

/// The first moment of the period: a day means its start, `7d` means seven times 24 hours before `now`.
///
/// # Errors
/// What was written, if it is none of the forms.
pub fn since(text: &str, now: Timestamp) -> Result<Timestamp, ParsePeriodError> {
    parse(text, now, 0)
}

/// The first moment after the period: a day means its end, so that `--until 2026-11-01` holds all of that day.
///
/// # Errors
/// What was written, if it is none of the forms.
pub fn until(text: &str, now: Timestamp) -> Result<Timestamp, ParsePeriodError> {
    parse(text, now, 1)
}

fn parse(text: &str, now: Timestamp, day_offset: i64) -> Result<Timestamp, ParsePeriodError> {
    let wrong = || ParsePeriodError(text.to_owned());
    let text = text.trim();
    if let Some(ago) = ago(text) {
        return now.checked_sub(ago).map_err(|_| wrong());
    }
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    let day: Option<Date> = match text {
        "today" => Some(today),
        "yesterday" => today.yesterday().ok(),
        _ if text.len() == 10 => text.parse().ok(),
        _ => None,
    };
    if let Some(day) = day {
        let day = day.checked_add(day_offset.days()).map_err(|_| wrong())?;
        return day.to_zoned_datetime(TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(|_| wrong());
    }
    text.parse().map_err(|_| wrong())
}

/// `90m`, `12h`, `7d`, `2w`.
fn ago(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let hours = match unit {
        'm' => return text.strip_suffix(unit)?.parse::<u32>().ok().map(|n| SignedDuration::from_mins(i64::from(n))),
        'h' => 1,
        'd' => 24,
        'w' => 24 * 7,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    Some(SignedDuration::from_hours(i64::from(count) * hours))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::rfc3339;

    #[test]
    fn days_are_whole_and_until_holds_its_day() {
        let now: Timestamp = "2026-11-25T13:45:10Z".parse().unwrap();
        let from = |text| since(text, now).map(rfc3339);
        let to = |text| until(text, now).map(rfc3339);
        assert_eq!(from("2026-11-01").unwrap(), "2026-11-01T00:00:00.000Z");
        assert_eq!(to("2026-11-01").unwrap(), "2026-11-02T00:00:00.000Z");
        assert_eq!(from("7d").unwrap(), "2026-11-18T13:45:10.000Z");
        assert_eq!(from("12h").unwrap(), "2026-11-25T01:45:10.000Z");
        assert_eq!(from("90m").unwrap(), "2026-11-25T12:15:10.000Z");
        assert_eq!(to("today").unwrap(), "2026-11-26T00:00:00.000Z");
        assert_eq!(from("yesterday").unwrap(), "2026-11-24T00:00:00.000Z");
        assert_eq!(from("2026-11-01T09:30:00Z").unwrap(), "2026-11-01T09:30:00.000Z");
        for wrong in ["", "d", "7x", "2026-13-01", "2026-11-1", "-7d", "99999999999d", "1.5h", "4000000000w"] {
            assert!(since(wrong, now).is_err(), "{wrong:?}");
        }
    }
}

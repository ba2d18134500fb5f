//! The only reader of the clock, and the UTC windows that budgets and reports are cut into.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// RFC 3339 UTC with milliseconds: what events and the ledger's exports carry.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// `16:04 UTC`, with the day where that is another than `now`'s; a minute that has begun counts as the next.
#[must_use]
pub fn to_the_minute(at: Timestamp, now: Timestamp) -> String {
    let up = Timestamp::from_second(at.as_second() + i64::from(at.subsec_nanosecond() > 0)).unwrap_or(at);
    let seconds = up.as_second().rem_euclid(60);
    let up = if seconds == 0 { up } else { up + jiff::SignedDuration::from_secs(60 - seconds) };
    let day = |at: Timestamp| at.to_zoned_datetime(TimeZone::UTC).date();
    let format = if day(up) == day(now) { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" };
    up.strftime(format).to_string()
}

/// A calendar window in UTC. Weeks start on Monday, as ISO 8601 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    Day,
    Week,
    Month,
}

impl Window {
    /// The first instant of the window that holds `at`.
    #[must_use]
    pub fn start(self, at: Timestamp) -> Timestamp {
        let date = at.to_zoned_datetime(TimeZone::UTC).date();
        let first = match self {
            Self::Day => date,
            Self::Week => {
                let since_monday = i64::from(date.weekday().since(Weekday::Monday));
                date.checked_sub(since_monday.days()).unwrap_or(date)
            }
            Self::Month => date.first_of_month(),
        };
        first.to_zoned_datetime(TimeZone::UTC).map_or(at, |zoned| zoned.timestamp())
    }

    /// The first instant after the window that holds `at`.
    #[must_use]
    pub fn end(self, at: Timestamp) -> Timestamp {
        let start = self.start(at).to_zoned_datetime(TimeZone::UTC);
        let length = match self {
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
        };
        start.checked_add(length).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_start_in_utc() {
        let at: Timestamp = "2026-11-25T13:45:10.5Z".parse().unwrap();
        let start = |w: Window| rfc3339(w.start(at));
        assert_eq!(start(Window::Day), "2026-11-25T00:00:00.000Z");
        assert_eq!(start(Window::Week), "2026-11-23T00:00:00.000Z");
        assert_eq!(start(Window::Month), "2026-11-01T00:00:00.000Z");
        let end = |w: Window| rfc3339(w.end(at));
        assert_eq!(end(Window::Day), "2026-11-26T00:00:00.000Z");
        assert_eq!(end(Window::Week), "2026-11-30T00:00:00.000Z");
        assert_eq!(end(Window::Month), "2026-12-01T00:00:00.000Z");
    }
}

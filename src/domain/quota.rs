//! What a plan says of itself: how much of each of its windows is used, and whether it would go on as paid extra usage.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;

use crate::base::money::Usd;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// How much of one window is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// `5 h`, `1 week`, `1 week opus`; empty where the plan does not say.
    pub name: String,
    /// In whole percent, never less than it is.
    pub used: u32,
    /// When it starts anew.
    pub resets_at: Option<Timestamp>,
}

impl Window {
    /// How a window of this many seconds is called.
    #[must_use]
    pub fn name_of(seconds: u64) -> String {
        match seconds {
            0 => String::new(),
            _ if seconds.is_multiple_of(WEEK) => format!("{} week", seconds / WEEK),
            _ if seconds.is_multiple_of(DAY) => format!("{} d", seconds / DAY),
            _ if seconds >= HOUR => format!("{} h", seconds / HOUR),
            _ => format!("{} min", seconds / MINUTE),
        }
    }

    /// Whether it is used up.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.used >= 100
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.name.is_empty() {
            write!(f, "{}: ", self.name)?;
        }
        write!(f, "{} % used", self.used)?;
        match self.resets_at {
            Some(at) => write!(f, " until {}", at.strftime("%Y-%m-%d %H:%M UTC")),
            None => Ok(()),
        }
    }
}

/// Credits of an account beside its plan: what would pay once the plan is used up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credits {
    pub has: bool,
    pub unlimited: bool,
    /// `None` where it is not told, or not in a way that is understood.
    pub balance: Option<Usd>,
}

/// What two balances say of who paid for what was between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// The balance fell: the credits paid.
    Fell,
    /// It did not, so they did not.
    Held,
    Untold,
}

impl Credits {
    /// Whether they would pay once the plan is used up.
    #[must_use]
    pub const fn would_pay(&self) -> bool {
        self.has || self.unlimited
    }

    #[must_use]
    pub fn since(&self, before: Option<&Self>) -> Between {
        // Where there are none, the balance is nothing, whether or not it is told.
        let balance = |credits: &Self| if credits.would_pay() { credits.balance } else { Some(Usd::ZERO) };
        match (before.map(balance), balance(self)) {
            _ if self.unlimited => Between::Untold,
            (Some(Some(before)), Some(now)) if now < before => Between::Fell,
            (Some(Some(_)), Some(_)) => Between::Held,
            // Nobody can have paid with what is not there and was never told of.
            (None, Some(_)) if !self.would_pay() => Between::Held,
            _ => Between::Untold,
        }
    }
}

/// What a service said of a plan and its account at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub windows: Vec<Window>,
    pub credits: Option<Credits>,
    /// A limit of the plan is reached.
    pub reached: bool,
}

impl Said {
    /// Whether the plan pays for no further call.
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        self.reached || self.windows.iter().any(Window::is_full)
    }

    /// Whether the next call would be paid by credits.
    #[must_use]
    pub fn is_beyond(&self) -> bool {
        self.is_used_up() && self.credits.as_ref().is_some_and(Credits::would_pay)
    }
}

/// Whether an account goes on as paid extra usage once its plan is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Overage {
    On,
    Off,
    #[default]
    Untold,
}

/// What a plan's program or service said before a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub overage: Overage,
    pub said: Said,
}

/// Extra usage of a route's plan: whether it could be, and whether the user's edge allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraUsage {
    pub account: Overage,
    pub is_allowed: bool,
}

impl fmt::Display for ExtraUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.account, self.is_allowed) {
            (Overage::Off, _) => "no paid extra usage",
            (Overage::On, false) => "paid extra usage is on: vk stops before it",
            (Overage::On, true) => "paid extra usage is on, and allowed by you",
            (Overage::Untold, false) => "paid extra usage: not told, vk stops there",
            (Overage::Untold, true) => "paid extra usage: not told, and allowed by you",
        })
    }
}

/// A part of a plan's window in whole percent, as a person writes it: `80%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part(u32);

impl Part {
    /// From 1 to 100.
    #[must_use]
    pub fn of(percent: u32) -> Option<Self> {
        (1..=100).contains(&percent).then_some(Self(percent))
    }

    #[must_use]
    pub const fn percent(self) -> u32 {
        self.0
    }

    /// Whether a window is used to this part or more.
    #[must_use]
    pub const fn is_reached(self, window: &Window) -> bool {
        window.used >= self.0
    }
}

/// What is no part of a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no part of a plan: write it from 1% to 100%")]
pub struct ParsePartError(String);

impl FromStr for Part {
    type Err = ParsePartError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let percent = text.trim().strip_suffix('%').and_then(|number| number.trim().parse().ok());
        percent.and_then(Self::of).ok_or_else(|| ParsePartError(text.to_owned()))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// A percentage as a service wrote it, rounded up: a whole number, or one with a fraction.
#[must_use]
pub fn percent(number: &serde_json::Number) -> Option<u32> {
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole: u32 = whole.parse().ok()?;
    let more = fraction.bytes().any(|digit| digit != b'0');
    fraction.bytes().all(|digit| digit.is_ascii_digit()).then(|| whole.saturating_add(u32::from(more)))
}

/// A part of one as a service wrote it, in percent, rounded up: 0.421 is 43.
#[must_use]
pub fn percent_of_part(number: &serde_json::Number) -> Option<u32> {
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = format!("{fraction:0<2}");
    let (percent, rest) = digits.split_at_checked(2)?;
    let (whole, percent): (u32, u32) = (whole.parse().ok()?, percent.parse().ok()?);
    let more = rest.bytes().any(|digit| digit != b'0');
    let all = rest.bytes().all(|digit| digit.is_ascii_digit());
    all.then(|| whole.saturating_mul(100).saturating_add(percent).saturating_add(u32::from(more)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_never_shown_as_less() {
        let number = |text: &str| serde_json::from_str(text).unwrap();
        for (written, whole, part) in [
            ("0", Some(0), Some(0)),
            ("42", Some(42), Some(4_200)),
            ("40.1", Some(41), Some(4_010)),
            ("0.42", Some(1), Some(42)),
            ("0.421", Some(1), Some(43)),
            ("0.5", Some(1), Some(50)),
            ("1.0", Some(1), Some(100)),
            ("1.004", Some(2), Some(101)),
            ("-1", None, None),
        ] {
            let number = number(written);
            assert_eq!((percent(&number), percent_of_part(&number)), (whole, part), "{written}");
        }
        // Too small for what it is written with: some of it is used, how much is not said.
        assert_eq!(percent(&number("1e-7")), None);
    }

    #[test]
    fn a_balance_falls_only_where_both_are_known() {
        let credits = |has, balance: &str| Credits { has, unlimited: false, balance: balance.parse().ok() };
        for (before, now, expected) in [
            (Some(credits(true, "12.50")), credits(true, "12.49"), Between::Fell),
            (Some(credits(true, "1")), credits(false, ""), Between::Fell),
            (Some(credits(true, "12.50")), credits(true, "12.5"), Between::Held),
            (Some(credits(false, "")), credits(true, "5"), Between::Held),
            (None, credits(false, ""), Between::Held),
            (None, credits(true, "5"), Between::Untold),
            (Some(credits(true, "lots")), credits(true, "0"), Between::Untold),
            (Some(credits(true, "5")), credits(true, "lots"), Between::Untold),
            (Some(credits(true, "5")), Credits { unlimited: true, ..credits(true, "5") }, Between::Untold),
        ] {
            assert_eq!(now.since(before.as_ref()), expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn credits_pay_once_a_window_is_full() {
        let window = |used| Window { name: "5 h".into(), used, resets_at: None };
        let said = |used, has| Said {
            windows: vec![window(used), window(3)],
            credits: Some(Credits { has, ..Credits::default() }),
            reached: false,
        };
        assert!(said(100, true).is_beyond() && !said(99, true).is_beyond() && !said(100, false).is_beyond());
        assert!(Said { reached: true, ..said(10, true) }.is_beyond());
    }

    #[test]
    fn a_part_is_written_in_whole_percent() {
        for (text, percent) in [("80%", Some(80)), (" 1 % ", Some(1)), ("100%", Some(100))] {
            assert_eq!(text.parse::<Part>().ok().map(Part::percent), percent, "{text}");
        }
        for bad in ["80", "0%", "101%", "-1%", "8.5%", "%", "", "80 percent"] {
            assert!(bad.parse::<Part>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_window_is_called_by_its_length() {
        let names = [18_000, 604_800, 86_400, 1_209_600, 900, 0].map(Window::name_of);
        assert_eq!(names, ["5 h", "1 week", "1 d", "2 week", "15 min", ""]);
    }
}

//! What a month costs as a function of how much is done in it, and where two such functions cross. Exact: integers
//! all the way, rounded once at the end.

use std::cmp::Ordering;

use crate::base::money::{Rate, Usd};

/// A month of every price here: 30 days, in seconds.
pub const MONTH_SECONDS: i64 = 30 * 86_400;
const WEEK_SECONDS: i64 = 7 * 86_400;

/// No period's use is believed to be worth more than ten million dollars: it keeps every product within `i128`.
const MOST_NANOS: i128 = 10_000_000_000_000_000;
/// The most tasks a week that a break-even is looked for at, in hundredths: ten thousand tasks.
const MOST_HUNDREDTHS: u64 = 1_000_000;
/// Rates are parts per million, and there are two of them.
const MILLION: i128 = 1_000_000;
const SCALE: i128 = MILLION * MILLION;

/// What was used in a period, for scaling it to other amounts of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// At least 1, or nothing can be said about tasks.
    pub tasks: u64,
    /// The length of the period.
    pub seconds: i64,
}

impl Pace {
    /// Hundredths of a task a week, rounded half up.
    #[must_use]
    pub fn hundredths_a_week(&self) -> u64 {
        let seconds = i128::from(self.seconds.max(1));
        let hundredths = (i128::from(self.tasks) * i128::from(WEEK_SECONDS) * 100 + seconds / 2) / seconds;
        u64::try_from(hundredths).unwrap_or(u64::MAX)
    }
}

/// How much of a period's use: `num / den` of it.
#[derive(Clone, Copy, Debug)]
struct Share {
    num: i128,
    den: i128,
}

impl Share {
    /// A month at the period's own pace.
    fn month(pace: &Pace) -> Self {
        Self { num: i128::from(MONTH_SECONDS), den: i128::from(pace.seconds.max(1)) }
    }

    /// A month of this many hundredths of a task a week.
    fn weekly(hundredths: u64, pace: &Pace) -> Self {
        let month = i128::from(MONTH_SECONDS) * i128::from(hundredths.min(MOST_HUNDREDTHS));
        let den = i128::from(WEEK_SECONDS) * 100 * i128::from(pace.tasks.clamp(1, 1_000_000_000));
        // Both have whole days in common; smaller numbers leave more room.
        Self { num: month / 86_400, den: den / 86_400 }
    }
}

/// What a path costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// By the token.
    Metered {
        /// The period's tokens at the path's list prices, in nano-dollars.
        total: i128,
        markup: Rate,
        /// On the credits bought, one purchase a month.
        fee: Rate,
        least_fee: Usd,
    },
    /// By the month.
    Flat {
        month: Usd,
        /// The list value of what the plan serves, in nano-dollars.
        covered: i128,
        /// The list value of what it does not serve, which somebody pays by the token.
        rest: i128,
        /// The list value a month that the plan lets through; more is paid by the token. `None` is not published.
        allowance: Option<Usd>,
    },
}

impl Line {
    /// The cost of a share of the use within one month, in nano-dollars times `share.den` times [`SCALE`].
    fn scaled(&self, share: Share) -> i128 {
        let used = |nanos: i128| nanos.clamp(0, MOST_NANOS) * share.num;
        let fixed = |usd: Usd| i128::from(usd.nanos()) * share.den;
        match *self {
            Self::Metered { total, markup, fee, least_fee } => {
                let credits = used(total) * (MILLION + i128::from(markup.ppm()));
                let least = if credits > 0 { fixed(least_fee) * SCALE } else { 0 };
                credits * MILLION + (credits * i128::from(fee.ppm())).max(least)
            }
            Self::Flat { month, covered, rest, allowance } => {
                let over = allowance.map_or(0, |allowance| (used(covered) - fixed(allowance)).max(0));
                (fixed(month) + used(rest) + over) * SCALE
            }
        }
    }

    /// The whole hundredths of a task a week at or just before which the line bends: where the least fee is no
    /// longer the fee, or the allowance is used up.
    fn bend(&self, pace: &Pace) -> Option<u64> {
        let week = Share::weekly(1, pace);
        let (num, den) = match *self {
            Self::Metered { total, markup, fee, least_fee } => {
                let credits = total.clamp(0, MOST_NANOS) * week.num * (MILLION + i128::from(markup.ppm()));
                (i128::from(least_fee.nanos()) * week.den * SCALE, credits * i128::from(fee.ppm()))
            }
            Self::Flat { covered, allowance, .. } => {
                (i128::from(allowance?.nanos()) * week.den, covered.clamp(0, MOST_NANOS) * week.num)
            }
        };
        num.checked_div(den).and_then(|at| u64::try_from(at).ok())
    }

    /// A month at the period's pace.
    #[must_use]
    pub fn month(&self, pace: &Pace) -> Usd {
        let share = Share::month(pace);
        round(self.scaled(share), share.den * SCALE)
    }

    /// A month of this many hundredths of a task a week.
    #[must_use]
    pub fn month_of(&self, hundredths: u64, pace: &Pace) -> Usd {
        let share = Share::weekly(hundredths, pace);
        round(self.scaled(share), share.den * SCALE)
    }

    /// The period as it was; what is paid by the month is not divided.
    #[must_use]
    pub fn period(&self) -> Usd {
        let share = Share { num: 1, den: 1 };
        round(self.scaled(share), SCALE)
    }

    /// A thousand tasks, done at the period's pace; `None` without tasks. A plan is paid for as long as that takes.
    #[must_use]
    pub fn thousand_tasks(&self, pace: &Pace) -> Option<Usd> {
        if pace.tasks == 0 {
            return None;
        }
        // A month's cost times the months that a thousand tasks take: 1000 * seconds / (tasks * month).
        let share = Share::month(pace);
        Some(round(self.scaled(share) / (SCALE / 1_000), i128::from(pace.tasks) * i128::from(MONTH_SECONDS)))
    }
}

/// Half up to the nano-dollar.
fn round(num: i128, den: i128) -> Usd {
    let nanos = (num + den / 2).div_euclid(den.max(1));
    Usd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// Which of two paths costs less, from few tasks a week to many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakEven {
    /// Which one costs less at the fewest tasks; `None` where the two cost the same at any number.
    pub first_cheaper: Option<bool>,
    /// Where that changes to the other one, and back, in hundredths of a task a week: the fewest at which the path
    /// that was dearer costs no more. Most pairs have one or none.
    pub flips: Vec<u64>,
}

/// Where the costs of a month cross as tasks a week grow. `pace` says what one task uses.
#[must_use]
pub fn break_even(first: &Line, second: &Line, pace: &Pace) -> BreakEven {
    let order = |hundredths: u64| {
        let share = Share::weekly(hundredths, pace);
        first.scaled(share).cmp(&second.scaled(share))
    };
    // Between the bends of the two lines their difference is straight, so its sign changes once at most.
    let bends = [first.bend(pace), second.bend(pace)].into_iter().flatten();
    let mut points: Vec<u64> = bends.flat_map(|at| [at, at.saturating_add(1)]).collect();
    points.extend([1, MOST_HUNDREDTHS]);
    points.retain(|at| (1..=MOST_HUNDREDTHS).contains(at));
    points.sort_unstable();
    let signs = points.into_iter().map(|at| (at, order(at)));
    let signs: Vec<(u64, Ordering)> = signs.filter(|(_, sign)| sign.is_ne() && pace.tasks > 0).collect();
    let flip = |pair: &[(u64, Ordering)]| {
        let [(mut low, start), (mut high, end)] = [pair[0], pair[1]];
        while high - low > 1 {
            let middle = low.midpoint(high);
            if order(middle) == start { low = middle } else { high = middle }
        }
        (start != end).then_some(high)
    };
    BreakEven {
        first_cheaper: signs.first().map(|(_, sign)| sign.is_lt()),
        flips: signs.windows(2).filter_map(flip).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    fn nanos(text: &str) -> i128 {
        i128::from(usd(text).nanos())
    }

    fn own(total: &str) -> Line {
        Line::Metered { total: nanos(total), markup: Rate::ZERO, fee: Rate::ZERO, least_fee: Usd::ZERO }
    }

    fn gateway(total: &str) -> Line {
        Line::Metered { total: nanos(total), markup: Rate::ZERO, fee: "5.5%".parse().unwrap(), least_fee: usd("0.80") }
    }

    fn plan(month: &str, covered: &str) -> Line {
        Line::Flat { month: usd(month), covered: nanos(covered), rest: 0, allowance: None }
    }

    const THIRTY_DAYS: Pace = Pace { tasks: 30, seconds: MONTH_SECONDS };

    #[test]
    fn a_month_of_thirty_days_is_the_period_itself() {
        assert_eq!(own("45.67").month(&THIRTY_DAYS), usd("45.67"));
        // 7 days of $7.00 are 30 days of $30.00.
        assert_eq!(own("7.00").month(&Pace { tasks: 1, seconds: WEEK_SECONDS }), usd("30.00"));
        // $45.67 and 5.5 % of it, $2.51185.
        assert_eq!(gateway("45.67").month(&THIRTY_DAYS), usd("48.18185"));
        // 5.5 % of $10.00 would be $0.55: the least fee is more.
        assert_eq!(gateway("10.00").month(&THIRTY_DAYS), usd("10.80"));
        assert_eq!(gateway("0").month(&THIRTY_DAYS), Usd::ZERO);
        assert_eq!(plan("20.00", "45.67").month(&THIRTY_DAYS), usd("20.00"));
    }

    #[test]
    fn what_a_plan_does_not_serve_or_let_through_is_paid_by_the_token() {
        let line = |covered, rest, allowance: Option<&str>| Line::Flat {
            month: usd("10.00"),
            covered: nanos(covered),
            rest: nanos(rest),
            allowance: allowance.map(usd),
        };
        assert_eq!(line("50.00", "3.00", None).month(&THIRTY_DAYS), usd("13.00"));
        assert_eq!(line("50.00", "3.00", Some("60.00")).month(&THIRTY_DAYS), usd("13.00"));
        assert_eq!(line("75.50", "3.00", Some("60.00")).month(&THIRTY_DAYS), usd("28.50"));
    }

    #[test]
    fn a_thousand_tasks() {
        // $60.00 for 30 tasks: $2.00 each.
        assert_eq!(own("60.00").thousand_tasks(&THIRTY_DAYS), Some(usd("2000.00")));
        // At 30 tasks a month a thousand take 33 1/3 months of $20.00.
        assert_eq!(plan("20.00", "60.00").thousand_tasks(&THIRTY_DAYS), Some(usd("666.666666667")));
        assert_eq!(own("60.00").thousand_tasks(&Pace { tasks: 0, seconds: 1 }), None);
    }

    fn told(first: &Line, second: &Line) -> (Option<bool>, Vec<u64>) {
        let found = break_even(first, second, &THIRTY_DAYS);
        (found.first_cheaper, found.flips)
    }

    #[test]
    fn golden_crossings() {
        let (first, second) = (Some(true), Some(false));
        // $2.00 a task: $20.00 a month are 10 tasks a month, 10 * 7 / 30 = 2.33.. a week: from 2.34 the plan is cheaper.
        assert_eq!(told(&own("60.00"), &plan("20.00", "60.00")), (first, vec![234]));
        assert_eq!(told(&plan("20.00", "60.00"), &own("60.00")), (second, vec![234]));
        // $3.00 a task, 30 tasks a month: at 7.00 a week both cost $90.00.
        assert_eq!(told(&own("90.00"), &plan("90.00", "90.00")), (first, vec![700]));
        assert_eq!(told(&own("60.00"), &gateway("60.00")), (first, vec![]));
        assert_eq!(told(&plan("100.00", "1"), &plan("20.00", "1")), (second, vec![]));
        assert_eq!(told(&own("60.00"), &own("60.00")), (None, vec![]));
        assert_eq!(told(&own("0"), &plan("20.00", "0")), (first, vec![]));
    }

    /// A gateway at $1.00 a task against a plan of $10.00 that lets $60.00 through, where list price is $2.00 a task:
    /// the plan wins from 10 tasks a month, 10 x 7 / 30 = 2.33.. a week, has let everything through at 30, and loses
    /// again where 10 + 2 n - 60 = n, at 50 tasks a month, 11.66.. a week.
    #[test]
    fn a_plan_may_win_only_in_between() {
        let plan = Line::Flat { month: usd("10.00"), covered: nanos("60.00"), rest: 0, allowance: Some(usd("60.00")) };
        assert_eq!(told(&own("30.00"), &plan), (Some(true), vec![234, 1_167]));
        assert_eq!(told(&plan, &own("30.00")), (Some(false), vec![234, 1_167]));
    }

    #[test]
    fn the_pace_in_hundredths() {
        // 21 tasks in 30 days are 4.9 a week.
        assert_eq!(Pace { tasks: 21, seconds: MONTH_SECONDS }.hundredths_a_week(), 490);
        assert_eq!(Pace { tasks: 5, seconds: WEEK_SECONDS }.hundredths_a_week(), 500);
    }

    proptest! {
        /// Whichever path is said to cost less at a number of tasks does.
        #[test]
        fn a_break_even_is_where_the_lines_cross(
            own in 0_i64..1_000_000_000_000, covered in 0_i64..1_000_000_000_000, tasks in 1_u64..5_000,
            days in 1_i64..400, month in 0_i64..50_000, fee in 0_i64..100_000, least in 0_i64..500,
            rest in 0_i64..1_000_000_000, allowance in proptest::option::of(0_i64..100_000),
            asked in proptest::collection::vec(1..=MOST_HUNDREDTHS, 8), near in 0_u64..3,
        ) {
            let pace = Pace { tasks, seconds: days * 86_400 };
            let metered = Line::Metered {
                total: i128::from(own), markup: Rate::ZERO, fee: Rate::from_ppm(fee), least_fee: Usd::from_cents(least),
            };
            let allowance = allowance.map(Usd::from_cents);
            let (covered, rest) = (i128::from(covered), i128::from(rest));
            let flat = Line::Flat { month: Usd::from_cents(month), covered, rest, allowance };
            let found = break_even(&metered, &flat, &pace);
            prop_assert!(found.flips.is_sorted());
            let around = found.flips.iter().map(|at| (at + near).saturating_sub(1).clamp(1, MOST_HUNDREDTHS));
            for at in asked.into_iter().chain(around) {
                let flipped = found.flips.iter().filter(|flip| **flip <= at).count() % 2 == 1;
                let (a, b) = (metered.month_of(at, &pace), flat.month_of(at, &pace));
                match found.first_cheaper.map(|first| first != flipped) {
                    Some(true) => prop_assert!(a <= b, "{found:?} at {at}: {a:?} {b:?}"),
                    Some(false) => prop_assert!(a >= b, "{found:?} at {at}: {a:?} {b:?}"),
                    None => prop_assert_eq!(a, b),
                }
            }
        }

        #[test]
        fn a_month_grows_with_the_tasks(total in 0_i64..i64::MAX, tasks in 1_u64..u64::MAX, at in 1_u64..MOST_HUNDREDTHS) {
            let pace = Pace { tasks, seconds: MONTH_SECONDS };
            let line = Line::Metered {
                total: i128::from(total), markup: Rate::from_ppm(10_000_000), fee: Rate::from_ppm(10_000_000),
                least_fee: Usd::from_cents(80),
            };
            prop_assert!(line.month_of(at, &pace) <= line.month_of(at + 1, &pace));
        }
    }
}

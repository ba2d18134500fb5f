//! What the service of a Codex plan says of the plan in the headers of each answer.
//! Source: codex-rs/codex-api/src/rate_limits.rs (2026-08).

use jiff::Timestamp;

use crate::domain::quota::{Credits, Said, Window, percent};
use crate::net::http::Response;

/// `None` where the answer says nothing of a plan.
pub(super) fn said(response: &Response) -> Option<Said> {
    of(|name| response.header(name))
}

fn of(header: impl Fn(&str) -> Option<String>) -> Option<Said> {
    let window = |which: &str| {
        let field = |name: &str| header(&format!("x-codex-{which}-{name}"));
        let minutes: Option<u64> = field("window-minutes").and_then(|text| text.trim().parse().ok());
        Some(Window {
            name: minutes.map(|minutes| Window::name_of(minutes.saturating_mul(60))).unwrap_or_default(),
            used: percent(&field("used-percent")?.trim().parse().ok()?)?,
            resets_at: field("reset-at")
                .and_then(|at| at.trim().parse().ok())
                .and_then(|at| Timestamp::from_second(at).ok()),
        })
    };
    let flag = |name: &str| header(name).map(|text| text.trim().eq_ignore_ascii_case("true"));
    let (has, unlimited) = (flag("x-codex-credits-has-credits"), flag("x-codex-credits-unlimited"));
    let balance = header("x-codex-credits-balance").and_then(|text| text.trim().parse().ok());
    let credits = (has.is_some() || unlimited.is_some()).then(|| Credits {
        has: has.unwrap_or(false),
        unlimited: unlimited.unwrap_or(false),
        balance,
    });
    let said = Said {
        windows: ["primary", "secondary"].into_iter().filter_map(window).collect(),
        credits,
        reached: header("x-codex-rate-limit-reached-type").is_some(),
    };
    (said != Said::default()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_is_used_and_what_would_pay_beyond() {
        let headers = |all: &'static [(&'static str, &'static str)]| {
            of(|name| all.iter().find(|(header, _)| *header == name).map(|(_, value)| (*value).to_owned()))
        };
        let said = headers(&[
            ("x-codex-primary-used-percent", "42.5"),
            ("x-codex-primary-window-minutes", "300"),
            ("x-codex-primary-reset-at", "2000000000"),
            ("x-codex-secondary-used-percent", "10"),
            ("x-codex-credits-has-credits", "True"),
            ("x-codex-credits-balance", "4.99"),
        ])
        .unwrap();
        let shown: Vec<String> = said.windows.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["5 h: 43 % used until 2033-05-18 03:33 UTC", "10 % used"]);
        let credits = said.credits.unwrap();
        assert!(credits.has && !credits.unlimited && credits.balance == "4.99".parse().ok());
        assert_eq!(headers(&[]), None);
        assert_eq!(headers(&[("x-codex-primary-used-percent", "much")]), None);
        assert!(headers(&[("x-codex-rate-limit-reached-type", "primary")]).unwrap().reached);
    }
}

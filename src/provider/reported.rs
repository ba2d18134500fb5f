//! A gateway's own figures, what a call cost and what is left, read from JSON into exact money.

use serde_json::Value;

use crate::base::money::Usd;
use crate::domain::request::ReportedCost;

/// Reads `usage.cost` and `usage.is_byok` (`OpenRouter`; `LiteLLM` sends the first). `None` without a usable figure.
pub(super) fn cost(usage: &Value) -> Option<ReportedCost> {
    let cost = usd(&digits(usage.get("cost")?)?)?;
    Some(ReportedCost { cost, is_byok: usage.get("is_byok").and_then(Value::as_bool) })
}

/// A balance, which is negative after an overdraft.
pub(super) fn balance(figure: &Value) -> Option<Usd> {
    let text = digits(figure)?;
    match text.strip_prefix('-') {
        Some(owed) => usd(owed).map(|owed| Usd::ZERO - owed),
        None => usd(&text),
    }
}

/// An amount in cents, which may be a fraction of one, and negative.
pub(super) fn cents(figure: &Value) -> Option<Usd> {
    let text = digits(figure)?;
    match text.strip_prefix('-') {
        Some(owed) => scaled(owed, -2).map(|owed| Usd::ZERO - owed),
        None => scaled(&text, -2),
    }
}

/// A JSON number or string as text.
fn digits(figure: &Value) -> Option<String> {
    match figure {
        // The shortest decimal that is this number again: the digits that the provider wrote.
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// A non-negative JSON number as money, rounded half up to the nano-dollar; more than can be counted stays as much
/// as can be. No float in between.
fn usd(text: &str) -> Option<Usd> {
    scaled(text, 0)
}

/// As [`usd`], of a number that counts 10^`scale` dollars.
fn scaled(text: &str, scale: i32) -> Option<Usd> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 30 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i128 = digits.parse().ok()?;
    // Pico-dollars: the digits are scaled by 10^(exponent - fraction), a pico by 10^-12.
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?.checked_add(12 + scale)?;
    let picos = if value == 0 {
        0
    } else if shift >= 0 {
        let picos = 10_i128.checked_pow(shift.unsigned_abs()).and_then(|scale| value.checked_mul(scale));
        let Some(picos) = picos else { return Some(Usd::MAX) };
        picos
    } else {
        10_i128.checked_pow(shift.unsigned_abs()).map_or(0, |scale| value / scale)
    };
    Some(Usd::from_picos(picos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn figures_keep_every_digit_to_the_nano_dollar() {
        for (text, nanos) in [
            ("0", 0),
            ("0.00014", 140_000),
            ("1.4e-5", 14_000),
            ("2E-9", 2),
            ("5e-10", 1),
            ("1e-300", 0),
            ("12", 12_000_000_000),
            ("1.2e1", 12_000_000_000),
            ("0.0001234567894999", 123_457),
            ("0e999", 0),
            ("1e99", i64::MAX),
        ] {
            assert_eq!(usd(text), Some(Usd::from_nanos(nanos)), "{text}");
        }
        for bad in ["", "-1", "NaN", "1e", "1.2.3", "1e9999999999", "."] {
            assert_eq!(usd(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_gateways_usage_is_read() {
        let usage = json!({"cost": 0.00095, "is_byok": false, "cost_details": {"upstream_inference_cost": null}});
        let expected = ReportedCost { cost: Usd::from_nanos(950_000), is_byok: Some(false) };
        assert_eq!(cost(&usage), Some(expected));
        assert_eq!(cost(&json!({"cost": "0.5"})).map(|c| c.cost), Some(Usd::from_cents(50)));
        assert_eq!(cost(&json!({"prompt_tokens": 1})), None);
        assert_eq!(cost(&json!({"cost": null})), None);
        assert_eq!(cost(&json!({"cost": -0.5})), None);
    }

    #[test]
    fn a_balance_may_be_owed() {
        assert_eq!(balance(&json!(-0.25)), Some(Usd::from_cents(-25)));
        assert_eq!(balance(&json!("74.5")), Some(Usd::from_cents(7_450)));
        assert_eq!([json!(null), json!("--1"), json!({})].iter().map(balance).collect::<Vec<_>>(), [None; 3]);
    }

    proptest! {
        #[test]
        fn a_number_that_passed_through_json_comes_out_exact(nanos in 0_i64..1_000_000_000_000) {
            let usd = Usd::from_nanos(nanos);
            let usage: Value = serde_json::from_str(&format!("{{\"cost\": {}}}", usd.exact())).unwrap();
            prop_assert_eq!(cost(&usage).unwrap().cost, usd);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = usd(&text);
        }
    }
}

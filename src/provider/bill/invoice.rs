//! An invoice or an export of usage as CSV: a day, a cost, and where it has one a model on each line. The columns are
//! found by their names, which differ from provider to provider.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;
use thiserror::Error;

use crate::base::money::Usd;
use crate::domain::bill::BillLine;
use crate::provider::reported;

/// Names of columns, the best first (the consoles of Anthropic, OpenAI and OpenRouter, LiteLLM's export, 2026-10).
const DAYS: [&str; 10] = [
    "date",
    "day",
    "usage_date_utc",
    "usage_date",
    "start_time_iso",
    "start_time",
    "created_at",
    "starttime",
    "timestamp",
    "time",
];
const MODELS: [&str; 7] =
    ["model", "model_version", "model_permaslug", "line_item", "model_slug", "description", "item"];
const COSTS: [&str; 11] = [
    "cost_usd",
    "cost",
    "cost_total",
    "amount_usd",
    "amount_value",
    "total_cost",
    "spend",
    "amount",
    "total",
    "usage_usd",
    "charge",
];

const CURRENCIES: [&str; 2] = ["currency", "amount_currency"];

/// Why a file is no bill.
#[derive(Debug, Error)]
pub enum InvoiceError {
    #[error("it has no column for the {what}: its first line has {found}")]
    NoColumn { what: &'static str, found: String },
    #[error("line {line}: {value:?} is not {what}")]
    Value { line: u64, value: String, what: &'static str },
    #[error("it is not CSV: {0}")]
    Csv(#[from] csv::Error),
    #[error("it has no line with a cost")]
    Empty,
}

/// # Errors
/// The first line that cannot be read: half a bill would settle calls wrongly.
pub fn read(bytes: &[u8]) -> Result<Vec<BillLine>, InvoiceError> {
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.delimiter(delimiter(bytes)).trim(csv::Trim::All).flexible(true).from_reader(bytes);
    let heads: Vec<String> = reader
        .headers()?
        .iter()
        .map(|head| head.trim_start_matches('\u{feff}').to_lowercase().replace([' ', '-'], "_"))
        .collect();
    let column = |names: &[&str]| names.iter().find_map(|name| heads.iter().position(|head| head == name));
    let missing = |what| InvoiceError::NoColumn { what, found: heads.join(", ") };
    let (day, cost) = (column(&DAYS).ok_or_else(|| missing("day"))?, column(&COSTS).ok_or_else(|| missing("cost"))?);
    let (model, currency) = (column(&MODELS), column(&CURRENCIES));
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |at: usize| record.get(at).unwrap_or_default();
        if field(cost).is_empty() {
            continue;
        }
        let wrong = |value: &str, what| InvoiceError::Value { line, value: value.chars().take(40).collect(), what };
        let of = currency.map(field).unwrap_or_default();
        if !of.is_empty() && !of.eq_ignore_ascii_case("usd") {
            return Err(wrong(of, "USD, the one currency of the ledger"));
        }
        lines.push(BillLine {
            day: day_of(field(day)).ok_or_else(|| wrong(field(day), "a day such as 2026-11-24"))?,
            model: model
                .map(|at| field(at).split(", ").next().unwrap_or_default().to_owned())
                .filter(|model| !model.is_empty()),
            cost: usd(field(cost)).ok_or_else(|| wrong(field(cost), "an amount of USD"))?,
        });
    }
    if lines.is_empty() { Err(InvoiceError::Empty) } else { Ok(lines) }
}

/// What stands between the columns: a comma, or what spreadsheets write in its place.
fn delimiter(bytes: &[u8]) -> u8 {
    let heads = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    [b',', b';', b'\t'].into_iter().find(|delimiter| heads.contains(delimiter)).unwrap_or(b',')
}

/// The UTC day of `2026-11-24`, `20261124`, a moment with or without its offset, seconds or milliseconds since 1970.
fn day_of(text: &str) -> Option<Date> {
    if text.bytes().all(|digit| digit.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        let moment = match text.len() {
            8 => return text.parse().ok(),
            10 => Timestamp::from_second(number),
            13 => Timestamp::from_millisecond(number),
            _ => return None,
        };
        return Some(TimeZone::UTC.to_datetime(moment.ok()?).date());
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(TimeZone::UTC.to_datetime(moment).date());
    }
    let (day, rest) = (text.get(..10)?, text.get(10..)?);
    (rest.is_empty() || rest.starts_with(['T', ' '])).then(|| day.parse().ok()).flatten()
}

/// `$1,234.56`, `0.0015`, `-3.00`. A comma stands before three digits alone: `0,02` is no amount here.
fn usd(text: &str) -> Option<Usd> {
    let plain = text.replace(['$', ' '], "").replace("USD", "");
    let whole = plain.split('.').next().unwrap_or_default();
    let mut groups = whole.trim_start_matches('-').split(',');
    let first = groups.next().unwrap_or_default();
    let is_grouped = groups.all(|group| group.len() == 3) && (!whole.contains(',') || (1..=3).contains(&first.len()));
    if !is_grouped || plain.matches(',').count() != whole.matches(',').count() {
        return None;
    }
    reported::balance(&Value::String(plain.replace(',', "")))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_columns_are_found_by_their_names() {
        let anthropic = "usage_date_utc,model_version,workspace,cost_usd\n2026-11-23,claude-sonnet-5-5,Default,1.25\n";
        let openai = "start_time,end_time,start_time_iso,amount_value,amount_currency,line_item\n\
                      1795392000,1795478400,2026-11-23T00:00:00+00:00,0.06,usd,\"gpt-6.2-sol, input\"\n";
        let plain = "\u{feff}Date, Amount\n2026-11-23,\"$1,234.56\"\n2026-11-24,\n2026-11-24,-3.00\n";
        let spreadsheet = "Date;Model;Cost USD\r\n2026-11-23;claude-sonnet-5-5;$1,250.00\r\n";
        let line = |model: Option<&str>, nanos| BillLine {
            day: date(2026, 11, 23),
            model: model.map(str::to_owned),
            cost: Usd::from_nanos(nanos),
        };
        assert_eq!(read(anthropic.as_bytes()).unwrap(), [line(Some("claude-sonnet-5-5"), 1_250_000_000)]);
        assert_eq!(read(openai.as_bytes()).unwrap(), [line(Some("gpt-6.2-sol"), 60_000_000)]);
        let sheet = [line(Some("claude-sonnet-5-5"), 1_250_000_000_000)];
        assert_eq!(read(spreadsheet.as_bytes()).unwrap(), sheet);
        assert_eq!(read(spreadsheet.replace(';', "\t").as_bytes()).unwrap(), sheet);
        let plain = read(plain.as_bytes()).unwrap();
        assert_eq!((plain.len(), &plain[0]), (2, &line(None, 1_234_560_000_000)));
        assert_eq!(plain[1].cost, Usd::from_cents(-300));
    }

    #[test]
    fn a_moment_is_of_its_utc_day() {
        let day = date(2026, 11, 23);
        for text in [
            "2026-11-23",
            "20261123",
            "2026-11-24T00:30:00+09:00",
            "2026-11-23 10:00:00",
            "1795392000",
            "1795392000000",
        ] {
            assert_eq!(day_of(text), Some(day), "{text}");
        }
        for text in ["", "11/23/2026", "2026-11-23x", "123", "2026-13-01"] {
            assert_eq!(day_of(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_bill_is_told_by_its_line() {
        for (text, says) in [
            ("a,b\n1,2\n", "no column for the day: its first line has a, b"),
            ("date,model\n2026-11-23,x\n", "no column for the cost"),
            ("date,cost\n2026-11-23,1\nyesterday,2\n", "line 3: \"yesterday\" is not a day"),
            ("date,cost\n2026-11-23,much\n", "line 2: \"much\" is not an amount of USD"),
            ("date,cost\n", "no line with a cost"),
            ("", "no column for the day"),
            ("date,cost\n2026-11-23,\u{0}\n", "is not an amount"),
            ("date,cost\n2026-11-23,\"0,02\"\n", "is not an amount"),
            ("date,cost,currency\n2026-11-23,1,EUR\n", "is not USD"),
        ] {
            let told = read(text.as_bytes()).unwrap_err().to_string();
            assert!(told.contains(says), "{text:?}: {told}");
        }
        assert!(read(b"date,cost\n\xff\xfe,1\n").is_err());
    }
}

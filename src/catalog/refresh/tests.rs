//! The two lists in their own formats, hostile ones among them, and what the overlay then changes.

use super::*;
use crate::base::money::Usd;
use crate::catalog::{OVERLAY_FILE, OverlayError};
use crate::domain::usage::Usage;

const MODELS_DEV: &str = include_str!("../../../tests/fixtures/prices/models-dev.json");
const LITELLM: &str = include_str!("../../../tests/fixtures/prices/litellm.json");

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn raw(text: &str) -> RawList {
    RawList { from: "list.json".to_owned(), as_of: day(now()), bytes: text.as_bytes().to_vec() }
}

fn both() -> (Overlay, Outcome) {
    digest(&[raw(LITELLM), raw(MODELS_DEV)], Catalog::bundled(), now()).unwrap()
}

fn refused(text: &str) -> String {
    digest(&[raw(text)], Catalog::bundled(), now()).unwrap_err().to_string()
}

/// The prices of a merged catalog: input, cache read, write 5 min, write 1 h, output.
fn prices(catalog: &Catalog, vendor: &str, id: &str) -> String {
    let rates = catalog.price(vendor, id, now()).unwrap_or_else(|| panic!("{vendor}/{id}")).rates;
    let all = [rates.input, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h, rates.output];
    all.map(|price| price.to_string()).join(" ")
}

#[test]
fn both_lists_are_recognised_and_checked_against_each_other() {
    let (overlay, outcome) = both();
    let lists: Vec<(&str, u64)> = overlay.sources.iter().map(|list| (list.list.as_str(), list.rows)).collect();
    assert_eq!(lists, [("models.dev", 23), ("LiteLLM", 18)]);
    assert_eq!((outcome.taken, outcome.checked), (24, 17));
    let apart: Vec<&str> = outcome.apart.iter().map(|(model, _)| model.as_str()).collect();
    assert_eq!(apart, ["groq/openai/gpt-oss-20b", "openai/gpt-6.3-sol"]);
    insta::assert_snapshot!(outcome.left_out.join("\n"), @"
    models.dev: zai/glm-4.7-flash: a price of 0 is not taken as a price
    models.dev: qwen/qwen3.8-max: a cache read is dearer than input
    models.dev: openrouter/nvidia/nemotron-3-ultra-550b-a55b:free: a price of 0 is not taken as a price
    LiteLLM: anthropic/claude-nova-1: Anthropic's 1-hour cache write is not twice input
    ");
}

#[test]
fn what_the_overlay_may_change_and_what_it_may_not() {
    let catalog = Catalog::with(both().0.rows);
    // New models, with what one list leaves open: Anthropic's 1-hour write is twice input.
    assert_eq!(prices(&catalog, "anthropic", "claude-opus-6"), "4.50 0.225 5.625 9.00 22.50");
    assert_eq!(prices(&catalog, "anthropic", "claude-nova-1"), "1.50 0.075 1.875 3.00 7.50");
    // More than 5 % apart: the dearer figures.
    assert_eq!(prices(&catalog, "openai", "gpt-6.3-sol"), "2.42 0.121 3.025 3.025 12.10");
    // The bundled price was not the vendor's own, and is older.
    assert_eq!(prices(&catalog, "groq", "openai/gpt-oss-20b"), "0.10 0.05 0.10 0.10 0.40");
    // The bundled price is the vendor's own peak rate.
    assert_eq!(prices(&catalog, "deepseek", "deepseek-flash"), "0.30 0.006 0.30 0.30 1.20");
    for model in Catalog::bundled().models() {
        let merged = catalog.find(&model.vendor, &model.id).unwrap();
        let (before, after) = (model.price(now()), merged.price(now()));
        if before.is_some_and(|price| price.own) {
            assert_eq!(before, after, "{}", model.id);
        }
        // A call of the past costs what it cost.
        let past: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        if let Some(price) = model.price(past) {
            assert_eq!(Some(price), merged.price(past), "{}", model.id);
        }
    }
}

#[test]
fn no_word_leads_to_a_model_that_only_a_list_knows() {
    let catalog = Catalog::with(both().0.rows);
    for vendor in Catalog::bundled().vendors() {
        let tiers = vendor.tiers.iter().map(|(tier, _)| tier.as_str());
        for word in vendor.aliases.iter().map(|(alias, _)| alias.as_str()).chain(tiers) {
            let before = Catalog::bundled().resolve(&vendor.id, word, now()).unwrap().id;
            assert_eq!(catalog.resolve(&vendor.id, word, now()).unwrap().id, before, "{} {word}", vendor.id);
        }
    }
    assert_eq!(catalog.resolve("anthropic", "claude-opus-6", now()).unwrap().id, "claude-opus-6");
}

#[test]
fn long_context_is_read_from_both_formats() {
    let alone = |text| {
        Catalog::with(digest(&[raw(text)], &Catalog::default(), now()).map_or_else(|_| Vec::new(), |(o, _)| o.rows))
    };
    // Only the vendors of the catalog that is asked for are taken.
    assert!(alone(LITELLM).find("openai", "gpt-6.3-sol").is_none());
    let (overlay, _) = both();
    let long = |id: &str| {
        let row = overlay.rows.iter().find(|row| row.id == id).unwrap();
        let long = row.price.long.unwrap();
        format!("{} {} {} {}", long.over_tokens, long.rates.input, long.rates.cache_read, long.rates.output)
    };
    assert_eq!(long("claude-haiku-5-5"), "100000 0.50 0.05 2.50");
    assert_eq!(long("gpt-6.2-sol"), "272000 4.00 0.20 15.00");
    assert_eq!(long("gemini-2.5-pro"), "200000 2.50 0.25 15.00");
    // The tier leaves the cache rates open: they are as far below its input, 4.84 / 2.42 x 0.121 at the most.
    let row = overlay.rows.iter().find(|row| row.id == "gpt-6.3-sol").unwrap();
    let long = row.price.long.unwrap();
    assert!(long.rates.cache_read <= long.rates.input && long.rates.cache_read.picos() >= 220_000);
    assert_eq!(long.rates.input.to_string(), "4.40");
}

#[test]
fn models_of_the_overlay_are_charged_like_any_other() {
    let catalog = Catalog::with(both().0.rows);
    let usage = Usage { input: 1_000, cache_read: 100_000, cache_write_1h: 10_000, output: 2_000, ..Usage::default() };
    // 1,000 x $4.50 + 100,000 x $0.225 + 10,000 x $9 + 2,000 x $22.50 a million
    // = $0.0045 + $0.0225 + $0.09 + $0.045 = $0.162
    let price = catalog.price("anthropic", "claude-opus-6", now()).unwrap();
    assert_eq!(price.list_cost(&usage), "0.162".parse::<Usd>().unwrap());
    assert_eq!((price.source.as_str(), price.as_of, price.own), ("models.dev and LiteLLM", day(now()), false));
}

#[test]
fn a_hostile_or_broken_list_is_refused_as_a_whole() {
    let provider = |models: &str| format!(r#"{{"anthropic": {{"models": {{{models}}}}}}}"#);
    let cost = |cost: &str| provider(&format!(r#""claude-x-1": {{"cost": {{{cost}}}}}"#));
    let litellm = |fields: &str| format!(r#"{{"claude-x-1": {{"litellm_provider": "anthropic", {fields}}}}}"#);
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let deep_inside =
        provider(&format!(r#""claude-x-1": {}{}"#, "{\"a\":".repeat(100_000), "1".to_owned() + &"}".repeat(100_000)));
    for (text, why) in [
        (MODELS_DEV[..MODELS_DEV.len() / 2].to_owned(), "is not JSON"),
        (LITELLM[..LITELLM.len() - 3].to_owned(), "is not JSON"),
        (String::new(), "is not JSON"),
        ("<html>".to_owned(), "is not JSON"),
        ("[]".to_owned(), "is neither"),
        ("{}".to_owned(), "is neither"),
        ("\"NaN\"".to_owned(), "is neither"),
        (r#"{"a": {"b": 1}}"#.to_owned(), "is neither"),
        (deep, "is n"),
        (deep_inside, "prices no model"),
        (cost(r#""input": 1e400, "output": 5"#), "input is more than 10,000 USD"),
        (cost(r#""input": -1, "output": 5"#), "input is negative"),
        (cost(r#""input": "NaN", "output": 5"#), "input is not a number"),
        (cost(r#""input": NaN, "output": 5"#), "is not JSON"),
        (cost(r#""input": 1, "output": 5, "cache_read": -0.1"#), "cache_read is negative"),
        (cost(r#""input": 1, "input": 2, "output": 5"#), "duplicate field"),
        (provider(r#""claude-x-1": {"cost": "free"}"#), "invalid type"),
        (
            provider(
                r#""claude-x-1": {"cost": {"input": 1, "output": 2}}, "claude-x-1": {"cost": {"input": 3, "output": 4}}"#,
            ),
            "it names claude-x-1 twice",
        ),
        (provider("\"claude-\\u001b[2J\": {\"cost\": {\"input\": 1, \"output\": 2}}"), "hidden characters"),
        (provider("\"claude-\u{202e}x\": {\"cost\": {\"input\": 1, \"output\": 2}}"), "hidden characters"),
        (r#"{"anthropic": {"models": {}}, "anthropic": {"models": {"x": 1}}}"#.to_owned(), "it names anthropic twice"),
        (r#"{"anthropic": {"models": {}}}"#.to_owned(), "prices no model"),
        (
            litellm(r#""input_cost_per_token": 1e400, "output_cost_per_token": 1e-6"#),
            "input_cost_per_token is more than",
        ),
        (litellm(r#""input_cost_per_token": "1e-6", "output_cost_per_token": 1e-6"#), "is not a number"),
        (litellm(r#""input_cost_per_token": -1e-6, "output_cost_per_token": 1e-6"#), "is negative"),
        (
            litellm(r#""input_cost_per_token": 1e-6, "input_cost_per_token": 2e-6, "output_cost_per_token": 1e-6"#),
            "states input_cost_per_token twice",
        ),
    ] {
        let said = refused(&text);
        assert!(said.contains(why), "{said}\n{}", &text[..text.len().min(200)]);
        assert!(!said.contains('\u{1b}'), "{said}");
    }
    assert!(digest(&[raw(LITELLM), raw(LITELLM)], Catalog::bundled(), now()).unwrap_err().to_string().contains("both"));
}

#[test]
fn an_overlay_survives_writing_and_a_changed_one_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert_eq!(Overlay::load(&data).unwrap(), None);
    let (overlay, _) = both();
    overlay.save(&data).unwrap();
    assert_eq!(Overlay::load(&data).unwrap().as_ref(), Some(&overlay));
    let path = data.join(OVERLAY_FILE);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let text = std::fs::read_to_string(&path).unwrap();
    for (broken, why) in [
        (text.replace("\"input\":\"4.50\"", "\"input\":\"0.01\""), "not those that were written"),
        (text[..text.len() - 9].to_owned(), "damaged"),
        (text.replace("\"version\":1", "\"version\":2"), "version 2"),
        (text.replacen("\"id\":\"", "\"id\":\"\\u001b[2J", 1), "what no name holds"),
        ("x".repeat(17 << 20), "larger than"),
        (text.replacen("\"rows\":[", "\"extra\":1,\"rows\":[", 1), "unknown field"),
    ] {
        std::fs::write(&path, broken).unwrap();
        let error = Overlay::load(&data).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        let (catalog, damage) = Catalog::load(&data);
        assert!(damage.is_some());
        assert!(catalog.find("anthropic", "claude-opus-6").is_none(), "only the bundled prices are used");
        assert!(catalog.price("anthropic", "claude-opus-5-5", now()).is_some());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(&path, &text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(Overlay::load(&data), Err(OverlayError::Read { .. })), "others may have written it");
    }
}

#[test]
fn differences_tell_what_is_in_force() {
    let (overlay, _) = both();
    let differences = differences(&overlay, Catalog::bundled(), now());
    let told: Vec<String> =
        differences.iter().map(|one| format!("{} {}/{}", one.as_str(), one.row().vendor, one.row().id)).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    added anthropic/claude-nova-1
    added anthropic/claude-opus-6
    kept deepseek/deepseek-flash
    replaced groq/openai/gpt-oss-20b
    added moonshotai/kimi-k3
    added openai/gpt-6.3-sol
    added openrouter/anthropic/claude-sonnet-5.5
    replaced openrouter/z-ai/glm-5.2
    added xai/grok-4.6
    added zai/glm-5.3-flash
    ");
}

#[test]
fn an_older_list_never_replaces_a_newer_bundled_price() {
    let mut old = raw(LITELLM);
    old.as_of = "2026-05-01".parse().unwrap();
    let (overlay, _) = digest(&[old], Catalog::bundled(), now()).unwrap();
    let catalog = Catalog::with(overlay.rows);
    assert_eq!(prices(&catalog, "groq", "openai/gpt-oss-20b"), "0.075 0.0375 0.075 0.075 0.30");
}

mod addresses {
    //! Fetching, against a loopback server that stands in for both addresses.

    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::path::Path;

    use super::*;
    use crate::base::env::Env;
    use crate::net::http::Client;

    /// Answers one connection after the other with these bytes, then is gone.
    fn serve(answers: Vec<Vec<u8>>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for answer in answers {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let _ = stream.write_all(&answer);
            }
        });
        address
    }

    fn answer(status: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
    }

    fn fetched(answers: Vec<Vec<u8>>) -> Result<Vec<RawList>, RefreshError> {
        let address = serve(answers);
        let from = Addresses { models_dev: format!("{address}/api.json"), litellm: format!("{address}/map.json") };
        let client = Client::new(&Env::of(&[], Path::new("/"))).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(fetch(&client, &from, now()))
    }

    #[test]
    fn the_published_addresses_are_https_and_those_of_the_projects() {
        let published = Addresses::default();
        assert_eq!(published.models_dev, "https://models.dev/api.json");
        assert!(published.litellm.starts_with("https://raw.githubusercontent.com/BerriAI/litellm/main/"));
    }

    #[test]
    fn both_lists_are_fetched_whole() {
        let lists = fetched(vec![answer("200 OK", MODELS_DEV), answer("200 OK", LITELLM)]).unwrap();
        let (overlay, outcome) = digest(&lists, Catalog::bundled(), now()).unwrap();
        assert_eq!(outcome.taken, 24);
        assert!(overlay.sources.iter().all(|list| list.sha256.len() == 64 && list.as_of == day(now())));
    }

    #[test]
    fn anything_but_a_whole_list_is_refused() {
        let status = fetched(vec![answer("503 Service Unavailable", "later")]).unwrap_err();
        assert!(status.to_string().contains("503"), "{status}");
        let redirect = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        assert!(matches!(fetched(vec![redirect.into()]).unwrap_err(), RefreshError::Net(_)));
        let mut cut = answer("200 OK", MODELS_DEV);
        cut.truncate(cut.len() / 2);
        assert!(matches!(fetched(vec![cut]).unwrap_err(), RefreshError::Net(_)));
        let gone = fetched(Vec::new()).unwrap_err();
        let failure: Failure = gone.into();
        assert_eq!(failure.exit_code(), 6);
        assert!(failure.fix[0].contains("--from"), "{failure:?}");
    }

    #[test]
    fn an_endless_list_is_cut_off() {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 200_u64 << 20).into_bytes();
        let body = [head, vec![b' '; usize::try_from(LARGEST_LIST).unwrap() + 1024]].concat();
        assert!(matches!(fetched(vec![body]).unwrap_err(), RefreshError::TooLarge { .. }));
    }
}

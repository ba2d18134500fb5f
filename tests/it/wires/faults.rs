//! Everything that can go wrong on the line: the kind it becomes, whether it is tried again, and whether it may have
//! cost something.

use std::time::{Duration, Instant};

use vibekit::domain::path::Wire;
use vibekit::net::Limits;
use vibekit::provider::{CallError, CallErrorKind as Kind};

use super::WIRES;
use super::calls::{ask, ask_at, base_url, hi, impatient, stream_of};
use crate::support::provider::{Provider, Script};
use crate::support::turn::{Turn, anthropic_error};

fn fail(wire: Wire, script: Script) -> CallError {
    let provider = Provider::start([script]);
    ask(&provider, wire, &hi(wire)).0.expect_err("a failure")
}

/// A failure under limits short enough to wait for.
fn give_up(wire: Wire, script: Script) -> CallError {
    let provider = Provider::start([script]);
    ask_at(&base_url(&provider, wire), wire, &hi(wire), impatient()).0.expect_err("a failure")
}

fn anthropic(status: u16, kind: &str) -> Script {
    Script::json(status, &format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"m"}}}}"#))
}

#[test]
fn each_status_has_its_kind_and_its_retry() {
    for (status, kind, retried, may_cost) in [
        (400, Kind::BadRequest, false, false),
        (401, Kind::Unauthorized, false, false),
        (402, Kind::PayerBlocked, false, false),
        (403, Kind::Forbidden, false, false),
        (404, Kind::BadRequest, false, false),
        (408, Kind::Timeout, true, true),
        (409, Kind::Server, true, false),
        (413, Kind::TooLarge, false, false),
        (422, Kind::BadRequest, false, false),
        (429, Kind::RateLimited, true, false),
        (500, Kind::Server, true, false),
        (502, Kind::Server, true, false),
        (503, Kind::Overloaded, true, false),
        (504, Kind::Timeout, true, true),
        (529, Kind::Overloaded, true, false),
    ] {
        for wire in WIRES {
            let error = fail(wire, Script::json(status, "{}"));
            assert_eq!(error.kind, kind, "{status}");
            assert_eq!(error.retry_after_failure(0).is_some(), retried, "{status}");
            assert_eq!(error.may_have_cost(), may_cost, "{status}");
            assert_eq!(error.facts.http_status, Some(status));
            assert!(error.sent);
        }
    }
}

#[test]
fn the_providers_wait_is_kept() {
    let limited =
        |header: &str, value: &str| fail(Wire::Anthropic, anthropic(429, "rate_limit_error").header(header, value));
    assert_eq!(limited("retry-after", "7").retry_after_failure(0), Some(Duration::from_secs(7)));
    assert_eq!(limited("retry-after-ms", "250").retry_after_failure(0), Some(Duration::from_millis(250)));
    assert_eq!(limited("retry-after", "61").retry_after_failure(0), None, "nobody waits longer than a minute");
    assert_eq!(limited("x-should-retry", "false").retry_after_failure(0), None);
    assert!(
        fail(Wire::Anthropic, anthropic(400, "x").header("x-should-retry", "true")).retry_after_failure(0).is_some()
    );
    let words = r#"{"error":{"message":"Please try again in 1.5s.","code":"rate_limit_exceeded"}}"#;
    let error = fail(Wire::Responses, Script::json(429, words));
    assert_eq!(error.retry_after_failure(0), Some(Duration::from_millis(1500)));
    assert_eq!(error.retry_after_failure(2), None, "two retries, no more");
}

#[test]
fn a_payer_that_cannot_pay_is_never_asked_again() {
    for (status, body) in [
        (429, r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
        ),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
        ),
    ] {
        let error = fail(Wire::Anthropic, Script::json(status, body).header("x-should-retry", "true"));
        assert_eq!(error.kind, Kind::PayerBlocked);
        assert_eq!(error.retry_after_failure(0), None);
        assert!(!error.may_have_cost());
    }
}

#[test]
fn an_error_event_after_200_is_told_by_its_type_and_may_have_cost() {
    let begun = Turn::say("Hello").tokens(500, 7).anthropic();
    let cut = begun.find("event: content_block_stop").unwrap();
    let stream = begun[..cut].to_owned() + &anthropic_error("overloaded_error", "Overloaded");
    let error = fail(Wire::Anthropic, Script::sse(&stream));
    assert_eq!((error.kind, error.code.as_deref()), (Kind::Overloaded, Some("overloaded_error")));
    assert_eq!((error.partial.usage.input, error.partial.received_chars), (500, 5));
    assert!(error.may_have_cost() && error.retry_after_failure(0).is_some());

    let failed = "data: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"error\":{\"code\":\"rate_limit_exceeded\",\
        \"message\":\"try again in 2s\"}}}\n\n";
    let error = fail(Wire::Responses, Script::sse(failed));
    assert_eq!((error.kind, error.retry_after), (Kind::RateLimited, Some(Duration::from_secs(2))));

    let in_band = "data: {\"id\":\"g\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"He\"}}]}\n\n\
        data: {\"id\":\"g\",\"error\":{\"code\":502,\"message\":\"Provider disconnected\"},\
        \"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n";
    let error = fail(Wire::Chat, Script::sse(in_band));
    assert_eq!((error.kind, error.message.as_str()), (Kind::Server, "Provider disconnected"));
    let error = fail(Wire::Chat, Script::json(200, r#"{"error":{"code":402,"message":"Insufficient credits"}}"#));
    assert_eq!(error.kind, Kind::PayerBlocked);
}

/// Cut, reset and clean ends at a spread of places: never a reply, unless its terminal event had come.
#[test]
fn an_end_before_the_terminal_event_is_an_interruption() {
    for wire in WIRES {
        let stream = stream_of(&Turn::say("Hello").tokens(300, 5), wire);
        let end = if wire == Wire::Chat { stream.find("\"stop\"").unwrap() } else { stream.len() - 2 };
        for at in [0, 1, end / 3, end / 2, end - 10] {
            let whole = Script::sse(&stream);
            for script in [whole.clone().cut_at(at), whole.clone().cut_at(at).until_close(), whole.reset_at(at)] {
                let error = fail(wire, script);
                // A reset may overtake what was sent before it, headers included.
                assert!(matches!(error.kind, Kind::Interrupted | Kind::Transport), "{wire} {at} {error:?}");
                assert!(error.may_have_cost() && error.retry_after_failure(0).is_some());
                assert!(error.retry_after_failure(2).is_none());
            }
        }
    }
}

#[test]
fn nothing_after_the_terminal_event_can_take_the_answer_away() {
    for wire in WIRES {
        let stream = stream_of(&Turn::say("Hello"), wire);
        for script in [
            Script::sse(&stream).cut_at(stream.len()),
            Script::sse(&stream).stall_at(stream.len()),
            Script::sse(&(stream.clone() + "data: {broken\n\n")),
        ] {
            let provider = Provider::start([script]);
            assert!(ask(&provider, wire, &hi(wire)).0.is_ok(), "{wire}");
        }
    }
}

#[test]
fn silence_and_endless_keep_alives_end_a_call() {
    let stream = Turn::say("Hello").anthropic();
    for script in [Script::silence(), Script::sse(&stream).stall_at(stream.len() / 2)] {
        let error = give_up(Wire::Anthropic, script);
        assert_eq!(error.kind, Kind::Timeout);
        assert!(error.message.contains("nothing came for 0.3 s"), "{error}");
        assert!(error.may_have_cost());
    }
    // A keep-alive every 20 ms for two seconds: life, but not for longer than 600 ms without content.
    let started = Instant::now();
    let error = give_up(Wire::Chat, Script::comments(100, Duration::from_millis(20)));
    assert_eq!(error.kind, Kind::Timeout);
    assert!(error.message.contains("only keep-alives came for 0.6 s"), "{error}");
    assert!(started.elapsed() < Duration::from_millis(1_800));
}

#[test]
fn an_endless_line_and_a_bomb_end_without_filling_memory() {
    let error = fail(Wire::Anthropic, Script::endless_line(100));
    assert_eq!(error.kind, Kind::Malformed);
    assert!(error.message.contains("8 MiB"), "{error}");
    assert_eq!(error.retry_after_failure(0), None);
    // 64 MiB of one line in 64 KiB of gzip.
    let error = fail(Wire::Chat, Script::gzipped(gzip_of_zeros(64)));
    assert_eq!(error.kind, Kind::Malformed);
}

#[test]
fn a_compressed_stream_is_read() {
    let stream = Turn::say("Hello").chat();
    let provider = Provider::start([Script::gzipped(stored_gzip(stream.as_bytes()))]);
    assert!(ask(&provider, Wire::Chat, &hi(Wire::Chat)).0.is_ok());
}

#[test]
fn what_is_no_stream_is_told_in_a_few_words() {
    for (script, kind, words) in [
        (
            Script::html(200, "<!DOCTYPE html><title>Welcome</title>"),
            Kind::Malformed,
            "an HTML page (\"Welcome\") instead of JSON",
        ),
        (
            Script::html(502, "<html><title>502 Bad Gateway</title>"),
            Kind::Server,
            "an HTML page (\"502 Bad Gateway\") instead of JSON",
        ),
        (Script::json(200, r#"{"id":"x"}"#), Kind::Malformed, "application/json instead of an event stream"),
        (Script::sse("data: {not json}\n\n"), Kind::Malformed, "an event that is not what the protocol says"),
        (Script::sse(""), Kind::Interrupted, "the stream ended before the answer was whole"),
        (Script::json(500, ""), Kind::Server, "HTTP status 500 without a word"),
    ] {
        let error = fail(Wire::Chat, script);
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.starts_with(words), "{error}");
    }
    let long = fail(Wire::Chat, Script::json(400, &format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(100_000))));
    assert_eq!(long.message.chars().count(), 500);
}

/// Row 28: a redirect ends the call, and the other host hears nothing.
#[test]
fn a_redirect_is_never_followed() {
    let other = Provider::start([]);
    for status in [301, 302, 303, 307, 308] {
        for wire in WIRES {
            let error = fail(wire, Script::redirect(status, &format!("{}/v1/messages", other.url())));
            assert_eq!(error.kind, Kind::Redirected);
            let host = other.url().replace("http://", "");
            assert!(error.message.contains(&host) && error.message.contains("credentials never go"), "{error}");
            assert_eq!(error.retry_after_failure(0), None);
            assert!(!error.may_have_cost());
        }
    }
    assert!(other.captured().is_empty());
}

#[test]
fn an_address_that_must_not_be_used_is_refused_unsent() {
    for bad in ["http://api.example.com/v1", "http://127.0.0.1.example.com", "ftp://127.0.0.1", "nonsense"] {
        let error = ask_at(bad, Wire::Chat, &hi(Wire::Chat), Limits::default()).0.unwrap_err();
        assert_eq!((error.kind, error.sent), (Kind::BadSetup, false), "{bad}");
        assert!(!error.may_have_cost());
    }
}

#[test]
fn a_connection_that_is_never_made_costs_nothing() {
    let gone = {
        let provider = Provider::start([]);
        base_url(&provider, Wire::Chat)
    };
    let (answer, progress) = ask_at(&gone, Wire::Chat, &hi(Wire::Chat), Limits::default());
    let error = answer.unwrap_err();
    assert_eq!((error.kind, error.sent, progress.sent()), (Kind::Transport, false, false));
    assert!(!error.may_have_cost() && error.retry_after_failure(0).is_some());
    assert!(error.message.contains("refused"), "{error}");
}

#[test]
fn a_provider_that_hangs_up_may_have_charged() {
    let error = fail(Wire::Chat, Script::hang_up());
    assert_eq!((error.kind, error.sent), (Kind::Transport, true));
    assert!(error.may_have_cost());
}

/// Gzip by hand: one deflate block of stored bytes for each 64 KiB.
fn stored_gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = bytes.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        out.push(u8::from(blocks.peek().is_none()));
        let length = u16::try_from(block.len()).unwrap();
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    let crc = bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    });
    out.extend_from_slice(&(!crc).to_le_bytes());
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
    out
}

/// So many MiB of zeros as one fixed-code deflate block: a zero, then the longest match at distance one, again and
/// again (258 bytes in 13 bits).
fn gzip_of_zeros(mebibytes: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b011, 3); // final block, fixed codes
    bits.push_code(0x30, 8); // the literal 0
    for _ in 0..(mebibytes << 20) / 258 {
        bits.push_code(0b1100_0101, 8); // length 258
        bits.push_code(0, 5); // distance 1
    }
    bits.push_code(0, 7); // end of block
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(bits.bytes);
    out
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for at in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().unwrap();
            *last |= u8::try_from((value >> at) & 1).unwrap() << (self.used % 8);
            self.used += 1;
        }
    }

    /// Huffman codes go in from their highest bit.
    fn push_code(&mut self, code: u32, count: u32) {
        for at in (0..count).rev() {
            self.push((code >> at) & 1, 1);
        }
    }
}

//! However a stream is split, it is the same; wherever it is cut, it is the same or it is no answer.

use proptest::prelude::*;
use serde_json::json;
use vibekit::domain::message::Block;
use vibekit::domain::path::Wire;
use vibekit::domain::request::Reply;
use vibekit::provider::Fault;

use super::{WIRES, fixtures, read, read_in};
use crate::support::turn::{Turn, anthropic_error};

/// The recorded streams, and one built for each wire.
fn streams() -> Vec<(Wire, String, Vec<u8>)> {
    let built = Turn::new().thinking("Hm 🙂").text("Grüße").tool("call_1", "bash", json!({"command": "echo é"}));
    let mut streams = vec![
        (Wire::Anthropic, "built".to_owned(), built.anthropic().into_bytes()),
        (Wire::Responses, "built".to_owned(), built.responses().into_bytes()),
        (Wire::Chat, "built".to_owned(), built.chat().into_bytes()),
        (Wire::Anthropic, "error".to_owned(), anthropic_error("overloaded_error", "Überlastet").into_bytes()),
    ];
    for wire in WIRES {
        streams.extend(fixtures(wire).into_iter().map(|(name, bytes)| (wire, name, bytes)));
    }
    streams
}

#[test]
fn one_byte_at_a_time_is_the_same_answer() {
    for (wire, name, bytes) in streams() {
        let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read_in(wire, &pieces), read(wire, &bytes), "{wire}/{name}");
    }
}

#[test]
fn line_ends_of_any_kind_are_the_same_answer() {
    for (wire, name, bytes) in streams() {
        let text = String::from_utf8(bytes.clone()).unwrap();
        for end in ["\r\n", "\r"] {
            let other = text.replace('\n', end);
            assert_eq!(read(wire, other.as_bytes()), read(wire, &bytes), "{wire}/{name} with {end:?}");
        }
    }
}

/// A cut answer is no answer, or it is the whole one. The one thing that may be missing from a whole answer is the
/// usage of Chat Completions, which comes after its end.
#[test]
fn a_cut_at_any_byte_is_interrupted_or_the_same_reply() {
    for (wire, name, bytes) in streams() {
        let (_, whole) = read(wire, &bytes);
        let mut interrupted = 0;
        for at in 0..bytes.len() {
            match (read(wire, &bytes[..at]).1, &whole) {
                (Err(Fault::Interrupted), _) => interrupted += 1,
                (Ok(reply), Ok(whole)) => assert_same(wire, &reply, whole, &format!("{wire}/{name} cut at {at}")),
                (cut, _) => panic!("{wire}/{name} cut at {at}: {cut:?}"),
            }
        }
        assert!(interrupted * 10 > bytes.len() * 5, "{wire}/{name}: most cuts interrupt");
    }
}

fn assert_same(wire: Wire, reply: &Reply, whole: &Reply, at: &str) {
    if wire == Wire::Chat && !reply.usage_reported {
        let without_usage = Reply { usage: reply.usage, usage_reported: false, reported_cost: None, ..whole.clone() };
        assert_eq!(reply, &without_usage, "{at}");
    } else {
        assert_eq!(reply, whole, "{at}");
    }
}

/// Bytes that were damaged on the way make no panic, and no call whose arguments are not what closed.
#[test]
fn damage_at_any_byte_makes_no_panic() {
    for (wire, _, bytes) in streams() {
        for at in (0..bytes.len()).step_by(3) {
            for damage in [0x00, b'"', b'\n', 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = damage;
                let _ = read(wire, &damaged);
            }
        }
    }
}

/// JSON that a wire's events may hold anywhere.
fn json_values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        "[a-z_{}\"\\\\]{0,8}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let keys = prop::sample::select(vec![
            "type",
            "index",
            "delta",
            "content",
            "text",
            "usage",
            "choices",
            "tool_calls",
            "function",
            "arguments",
            "item",
            "response",
            "message",
            "error",
            "content_block",
            "partial_json",
            "id",
            "finish_reason",
            "output",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(keys, inner, 0..5)
                .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_split_is_the_same_answer(pick: prop::sample::Index, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let streams = streams();
        let (wire, _, bytes) = &streams[pick.index(streams.len())];
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read_in(*wire, &pieces), read(*wire, bytes));
    }

    #[test]
    fn events_of_any_shape_make_no_panic(events in prop::collection::vec(json_values(), 1..6)) {
        let kinds = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
            "message_stop", "response.created", "response.output_item.done", "response.completed", "error"];
        for wire in WIRES {
            let mut text = String::new();
            for (at, event) in events.iter().enumerate() {
                let mut event = event.clone();
                if let Some(map) = event.as_object_mut() {
                    map.insert("type".to_owned(), kinds[(at + map.len()) % kinds.len()].into());
                }
                text.extend(["data: ", &event.to_string(), "\n\n"]);
            }
            text += "data: [DONE]\n\n";
            if let (_, Ok(reply)) = read(wire, text.as_bytes()) {
                prop_assert!(reply.content.iter().all(|block| !matches!(block, Block::ToolResult(_))));
            }
        }
    }
}

//! llama.cpp's server: one model, whose context stands in `GET /props`, or `GET /slots` where that is switched off.
//! Source: llama.cpp, tools/server/README.md (2026-08).

use serde_json::Value;

use super::{Answer, LocalModel, get, tokens};
use crate::net::http::Client;

pub(super) async fn describe(client: &Client, root: &str, rows: &[Value], models: &mut [LocalModel]) {
    let props = get(client, &format!("{root}/props")).await.ok().and_then(Answer::ok);
    let mut context = props.as_ref().and_then(of_props);
    if context.is_none() {
        let slots = get(client, &format!("{root}/slots")).await.ok().and_then(Answer::ok);
        context = slots.as_ref().and_then(of_slots);
    }
    for model in models {
        let row = rows.iter().find(|row| row.get("id").is_some_and(|id| *id == *model.id));
        model.most = row.and_then(|row| tokens(row.pointer("/meta/n_ctx_train")));
        model.context = context;
    }
}

/// What one request may use: the whole context, divided among the slots.
fn of_props(props: &Value) -> Option<u64> {
    tokens(props.pointer("/default_generation_settings/n_ctx")).or_else(|| tokens(props.get("n_ctx")))
}

fn of_slots(slots: &Value) -> Option<u64> {
    slots.as_array()?.iter().filter_map(|slot| tokens(slot.get("n_ctx"))).min()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_context_of_a_slot_is_what_a_request_may_use() {
        assert_eq!(of_props(&json!({"default_generation_settings": {"n_ctx": 4_096}, "total_slots": 4})), Some(4_096));
        assert_eq!(of_props(&json!({"error": {"code": 501}})), None);
        assert_eq!(of_slots(&json!([{"id": 0, "n_ctx": 8_192}, {"id": 1, "n_ctx": 8_192}])), Some(8_192));
    }
}

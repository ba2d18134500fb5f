//! LM Studio: `GET /api/v0/models`, and `GET /api/v1/models` since 0.4. A model that is not loaded is loaded by the first
//! request, with a context that nothing says before. Source: lmstudio-ai/docs, REST API v0 and v1 (2026-04).

use serde_json::Value;

use super::{Answer, LocalModel, get, is_id, tokens};
use crate::net::http::Client;

/// The models; `None` if this is no LM Studio.
pub(super) async fn models(client: &Client, root: &str) -> Option<Vec<LocalModel>> {
    if let Some(list) = get(client, &format!("{root}/api/v0/models")).await.ok().and_then(Answer::ok)
        && let Some(models) = of_v0(&list)
    {
        return Some(models);
    }
    of_v1(&get(client, &format!("{root}/api/v1/models")).await.ok()?.ok()?)
}

fn of_v0(list: &Value) -> Option<Vec<LocalModel>> {
    let rows = list.get("data")?.as_array()?;
    // Its own fields tell it from any other list at that address.
    if rows.is_empty() || !rows.iter().all(|row| row.get("max_context_length").is_some() || row.get("state").is_some())
    {
        return None;
    }
    let talks = |row: &&Value| row.get("type").is_none_or(|kind| kind == "llm" || kind == "vlm");
    let model = |row: &Value| {
        let id = row.get("id")?.as_str().filter(|id| is_id(id))?.to_owned();
        let able = row.get("capabilities").and_then(Value::as_array);
        Some(LocalModel {
            id,
            context: tokens(row.get("loaded_context_length")),
            most: tokens(row.get("max_context_length")),
            // Models without it are given tools by a prompt, so that its absence says nothing.
            tools: able.filter(|able| able.iter().any(|one| one == "tool_use")).map(|_| true),
            hosted: false,
        })
    };
    Some(rows.iter().filter(talks).filter_map(model).collect())
}

fn of_v1(list: &Value) -> Option<Vec<LocalModel>> {
    let rows = list.get("models")?.as_array()?;
    if rows.is_empty() || !rows.iter().all(|row| row.get("loaded_instances").is_some()) {
        return None;
    }
    let talks = |row: &&Value| row.get("type").is_none_or(|kind| kind == "llm" || kind == "vlm");
    let model = |row: &Value| {
        let id = row.get("key")?.as_str().filter(|id| is_id(id))?.to_owned();
        let loaded = row.get("loaded_instances")?.as_array()?;
        let context = loaded.iter().filter_map(|one| tokens(one.pointer("/config/context_length"))).min();
        Some(LocalModel { id, context, most: tokens(row.get("max_context_length")), tools: None, hosted: false })
    };
    Some(rows.iter().filter(talks).filter_map(model).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_lists_give_the_context_of_what_is_loaded() {
        let v0 = json!({"object": "list", "data": [
            {"id": "qwen3-8b", "object": "model", "type": "llm", "state": "loaded", "max_context_length": 40_960,
                "loaded_context_length": 4_096, "capabilities": ["tool_use"]},
            {"id": "gemma-3-4b", "object": "model", "type": "vlm", "state": "not-loaded", "max_context_length": 131_072},
            {"id": "nomic-embed", "object": "model", "type": "embeddings", "state": "not-loaded", "max_context_length": 2_048},
        ]});
        let models = of_v0(&v0).unwrap();
        let shown: Vec<_> = models.iter().map(|model| (model.id.as_str(), model.context, model.most)).collect();
        assert_eq!(shown, [("qwen3-8b", Some(4_096), Some(40_960)), ("gemma-3-4b", None, Some(131_072))]);
        let v1 = json!({"models": [{"type": "llm", "key": "qwen3-8b", "max_context_length": 40_960,
            "loaded_instances": [{"id": "qwen3-8b", "config": {"context_length": 8_192}}]}]});
        assert_eq!(of_v1(&v1).unwrap()[0].context, Some(8_192));
        // Another server's list at that address is none of its.
        assert_eq!(of_v0(&json!({"data": [{"id": "x", "object": "model"}]})), None);
        assert_eq!(of_v1(&json!({"models": [{"name": "x"}]})), None);
    }
}

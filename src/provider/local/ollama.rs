//! Ollama: `GET /api/tags` lists what is here and what is handed to its service, `POST /api/show` describes a model,
//! `GET /api/ps` says with how much context each loaded one runs. Source: ollama, docs/api.md and docs/cloud.mdx (2026-08).

use serde_json::{Value, json};

use super::{Answer, LocalError, LocalModel, get, is_id, post, tokens};
use crate::net::http::Client;

/// The models, with the context of those that are loaded; `None` if this is no Ollama.
pub(super) async fn models(client: &Client, root: &str) -> Option<Vec<LocalModel>> {
    let tags = get(client, &format!("{root}/api/tags")).await.ok()?.ok()?;
    let rows = tags.as_object()?.get("models")?;
    let rows = if rows.is_null() { &[][..] } else { rows.as_array()?.as_slice() };
    let loaded = loaded(client, root).await;
    Some(rows.iter().filter_map(|row| listed(row, &loaded)).collect())
}

fn listed(row: &Value, loaded: &[(String, u64)]) -> Option<LocalModel> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let id = text("model").or_else(|| text("name")).filter(|id| is_id(id))?.to_owned();
    Some(LocalModel {
        context: loaded.iter().find(|(name, _)| *name == id).map(|(_, context)| *context),
        most: None,
        tools: None,
        hosted: is_hosted(row),
        id,
    })
}

/// A model of its own service names the host that runs it.
fn is_hosted(value: &Value) -> bool {
    ["remote_host", "remote_model"]
        .iter()
        .any(|name| value.get(name).and_then(Value::as_str).is_some_and(|t| !t.is_empty()))
}

async fn loaded(client: &Client, root: &str) -> Vec<(String, u64)> {
    let running = get(client, &format!("{root}/api/ps")).await.ok().and_then(Answer::ok);
    let rows = running.as_ref().and_then(|running| running.get("models")?.as_array());
    let one = |row: &Value| {
        let name = row.get("model").or_else(|| row.get("name"))?.as_str()?;
        Some((name.to_owned(), tokens(row.get("context_length"))?))
    };
    rows.map(|rows| rows.iter().filter_map(one).collect()).unwrap_or_default()
}

/// The model as it will run: described, and loaded where its context is not known otherwise. An empty prompt loads a
/// model and runs nothing.
pub(super) async fn in_force(client: &Client, root: &str, known: &LocalModel) -> Result<LocalModel, LocalError> {
    let mut model = known.clone();
    let shown = post(client, &format!("{root}/api/show"), &json!({"model": known.id})).await?.ok();
    if let Some(shown) = &shown {
        describe(shown, &mut model);
    }
    if model.hosted || model.context.is_some() {
        return Ok(model);
    }
    let answer = post(client, &format!("{root}/api/generate"), &json!({"model": known.id, "stream": false})).await?;
    if answer.status == 200 {
        model.context = loaded(client, root).await.into_iter().find(|(name, _)| *name == known.id).map(|(_, n)| n);
    }
    Ok(model)
}

fn describe(shown: &Value, model: &mut LocalModel) {
    model.hosted |= is_hosted(shown);
    let info = shown.get("model_info").and_then(Value::as_object);
    model.most = info
        .and_then(|info| info.iter().find(|(name, _)| name.ends_with(".context_length")))
        .and_then(|(_, n)| tokens(Some(n)));
    let able = shown.get("capabilities").and_then(Value::as_array);
    model.tools = able.map(|able| able.iter().any(|one| one == "tools"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_elsewhere_is_told_by_its_host() {
        let here =
            json!({"name": "qwen3:8b", "model": "qwen3:8b", "size": 5_225_387_677_u64, "details": {"family": "qwen3"}});
        let there = json!({"name": "gpt-oss:120b-cloud", "model": "gpt-oss:120b-cloud", "remote_model": "gpt-oss:120b", "remote_host": "https://ollama.com:443", "size": 384});
        let loaded = [("qwen3:8b".to_owned(), 4_096)];
        let here = listed(&here, &loaded).unwrap();
        assert_eq!((here.context, here.hosted), (Some(4_096), false));
        assert!(listed(&there, &loaded).unwrap().hosted);
        assert_eq!(listed(&json!({"size": 1}), &loaded), None);
    }

    #[test]
    fn a_description_says_the_most_and_whether_tools_are_taken() {
        let shown = json!({"capabilities": ["completion", "tools"],
            "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40_960, "qwen3.block_count": 36}});
        let mut model = LocalModel::default();
        describe(&shown, &mut model);
        assert_eq!((model.most, model.tools, model.hosted), (Some(40_960), Some(true), false));
    }
}

//! vLLM: its list of models has each one's length. Source: vllm, entrypoints/openai protocol (`ModelCard`, 2026-08).

use serde_json::Value;

use super::{LocalModel, tokens};

pub(super) fn describe(rows: &[Value], models: &mut [LocalModel]) {
    for model in models {
        let row = rows.iter().find(|row| row.get("id").is_some_and(|id| *id == *model.id));
        model.context = row.and_then(|row| tokens(row.get("max_model_len")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_length_is_the_context() {
        let rows = [json!({"id": "Qwen/Qwen3-8B", "object": "model", "owned_by": "vllm", "max_model_len": 40_960})];
        let mut models = [LocalModel { id: "Qwen/Qwen3-8B".to_owned(), ..LocalModel::default() }];
        describe(&rows, &mut models);
        assert_eq!(models[0].context, Some(40_960));
    }
}

//! Which tool shapes a model was trained on.

use crate::domain::path::Wire;
use crate::domain::route::Route;

/// A set of tool shapes. When in doubt it is `Plain`: functions with a JSON schema work with every model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// `bash` and `str_replace_based_edit_tool`, without schemas.
    Anthropic,
    /// A `shell` function and `apply_patch` as a custom tool under its grammar.
    OpenAi,
    /// `bash`, `read`, `edit`, `write`, `grep` as functions.
    Plain,
}

impl Family {
    #[must_use]
    pub fn of(route: &Route) -> Self {
        Self::for_model(route.wire, &route.model)
    }

    /// The wire must be able to say the shape and the model must know it: a gateway's Responses or Messages
    /// endpoint serves open models too, and those know neither grammar tools nor schema-less ones.
    #[must_use]
    pub fn for_model(wire: Wire, model: &str) -> Self {
        let id = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| id.starts_with(prefix));
        match wire {
            Wire::Anthropic if begins(&["claude"]) => Self::Anthropic,
            Wire::Responses if begins(&["gpt-oss"]) => Self::Plain,
            Wire::Responses if begins(&["gpt", "chatgpt", "codex", "o1", "o3", "o4"]) => Self::OpenAi,
            _ => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_needs_both_the_wire_and_the_model() {
        let cases = [
            (Wire::Anthropic, "claude-sonnet-5-5", Family::Anthropic),
            (Wire::Anthropic, "anthropic/claude-opus-5-5", Family::Anthropic),
            (Wire::Anthropic, "qwen3-coder", Family::Plain),
            (Wire::Responses, "gpt-6.2-sol", Family::OpenAi),
            (Wire::Responses, "openai/gpt-6-luna", Family::OpenAi),
            (Wire::Responses, "openai/gpt-oss-120b", Family::Plain),
            (Wire::Responses, "house-large", Family::Plain),
            (Wire::Chat, "claude-sonnet-5-5", Family::Plain),
            (Wire::Chat, "gpt-6.2-sol", Family::Plain),
        ];
        for (wire, model, family) in cases {
            assert_eq!(Family::for_model(wire, model), family, "{wire} {model}");
        }
    }
}

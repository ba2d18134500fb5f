//! The tools that servers offer, as the model is told of them: names that every provider takes and that cannot be
//! mistaken for vk's own, descriptions without hidden text, schemas that no provider refuses, and no more of all that
//! than a prompt has room for. What is left out is said.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::PREFIX;
use super::text::{cut, one_line, visible};
use crate::base::secret::sha256_hex;
use crate::domain::request::ToolSpec;

/// What providers take of a tool: OpenAI's 64 characters of a name and 1,024 of a description, and at most 128 tools
/// of a request (API reference, 2026-11), vk's own included.
const LONGEST_NAME: usize = 64;
const LONGEST_DESCRIPTION: usize = 1_024;
const MOST_TOOLS: usize = 100;
/// Bytes of one tool's schema, and of all that is told of every tool: about 4,000 and 32,000 tokens.
const LARGEST_SCHEMA: usize = 16 * 1024;
const MOST_BYTES: usize = 128 * 1024;

/// A tool as a server describes it, read without trust.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Raw {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) schema: Value,
}

impl Raw {
    /// `None` for what has no name.
    pub(super) fn read(tool: &Value) -> Option<Self> {
        let text = |key: &str| tool[key].as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
        let description = text("description").or_else(|| text("title")).unwrap_or_default();
        Some(Self { name: text("name")?, description, schema: tool["inputSchema"].clone() })
    }
}

/// A tool that the model is given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offer {
    pub(super) spec: ToolSpec,
    /// What the server calls it.
    pub(super) tool: String,
}

/// The tools of every server so far: names are used once, and room is shared.
#[derive(Debug, Default)]
pub(super) struct Offers {
    names: BTreeSet<String>,
    bytes: usize,
}

/// What became of one server's tools.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) offers: Vec<Offer>,
    /// Bytes of what is told of them in each request.
    pub(super) bytes: usize,
    /// What was left out, and why; for people.
    pub(super) left_out: Vec<String>,
}

impl Offers {
    /// Takes what fits of a server's tools, in its order. `only` are the ones that the configuration names.
    pub(super) fn take(&mut self, server: &str, tools: &[Raw], only: Option<&[String]>) -> Taken {
        let mut taken = Taken::default();
        let mut seen = BTreeSet::new();
        let mut no_room = 0_usize;
        for tool in tools {
            if only.is_some_and(|only| !only.contains(&tool.name)) {
                continue;
            }
            let shown = one_line(&tool.name, 40);
            if !seen.insert(&tool.name) {
                taken.left_out.push(format!("{shown}: a second tool of this name"));
                continue;
            }
            let schema = match schema(&tool.schema) {
                Ok(schema) => schema,
                Err(why) => {
                    taken.left_out.push(format!("{shown}: {why}"));
                    continue;
                }
            };
            let name = self.name(server, &tool.name);
            let description = cut(visible(&tool.description).trim(), LONGEST_DESCRIPTION);
            let told = json!({"name": name, "description": description, "input_schema": schema});
            let bytes = told.to_string().len();
            if self.names.len() >= MOST_TOOLS || self.bytes + bytes > MOST_BYTES {
                no_room += 1;
                continue;
            }
            self.bytes += bytes;
            taken.bytes += bytes;
            self.names.insert(name.clone());
            taken
                .offers
                .push(Offer { spec: ToolSpec::Function { name, description, schema }, tool: tool.name.clone() });
        }
        if no_room > 0 {
            let most = MOST_BYTES / 1024;
            taken.left_out.push(format!(
                "{no_room} more: a request has room for {MOST_TOOLS} tools and {most} KiB; name those you need with \
                 tools = [\"...\"] in [mcp.{server}]"
            ));
        }
        for missing in only.unwrap_or_default().iter().filter(|name| !tools.iter().any(|tool| tool.name == **name)) {
            taken
                .left_out
                .push(format!("{}: your configuration names it and the server has none such", one_line(missing, 40)));
        }
        taken
    }

    /// `mcp__server__tool` in the letters and the length that every provider takes; two tools never get one name.
    fn name(&self, server: &str, tool: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
        let whole: String = format!("{PREFIX}{server}__{tool}").chars().map(plain).collect();
        let is_as_it_was = whole.len() == PREFIX.len() + server.len() + 2 + tool.len();
        if is_as_it_was && whole.ends_with(tool) && whole.len() <= LONGEST_NAME && !self.names.contains(&whole) {
            return whole;
        }
        let mark = &sha256_hex(tool.as_bytes())[..8];
        format!("{}_{mark}", &whole[..whole.len().min(LONGEST_NAME - 9)])
    }
}

/// The schema as it is, if it is one of an object that providers take: without alternatives at its top, which
/// Anthropic and OpenAI answer with 400 (2026-11), and with properties, which OpenAI wants to see.
fn schema(schema: &Value) -> Result<Value, String> {
    let Value::Object(fields) = schema else { return Err("its arguments are not described by a schema".to_owned()) };
    if fields.get("type").and_then(Value::as_str) != Some("object") {
        return Err("its arguments are no object".to_owned());
    }
    if let Some(key) = ["oneOf", "anyOf", "allOf", "enum", "not"].into_iter().find(|key| fields.contains_key(*key)) {
        return Err(format!("its schema has \"{key}\" at the top, which no provider takes"));
    }
    let mut fields = fields.clone();
    if !fields.get("properties").is_some_and(Value::is_object) {
        fields.insert("properties".to_owned(), Value::Object(Map::new()));
    }
    let schema = Value::Object(fields);
    let bytes = schema.to_string().len();
    if bytes > LARGEST_SCHEMA {
        return Err(format!("its schema has {} KiB, more than {}", bytes / 1024, LARGEST_SCHEMA / 1024));
    }
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw(name: &str, description: &str) -> Raw {
        Raw { name: name.into(), description: description.into(), schema: json!({"type": "object"}) }
    }

    fn named(taken: &Taken) -> Vec<&str> {
        let name = |offer: &'_ Offer| match &offer.spec {
            ToolSpec::Function { name, .. } => name.clone(),
            other => panic!("{other:?}"),
        };
        taken.offers.iter().map(|offer| Box::leak(name(offer).into_boxed_str()) as &str).collect()
    }

    #[test]
    fn names_are_unique_and_none_is_vks_own() {
        let long = "x".repeat(90);
        let tools =
            [raw("bash", ""), raw("bash", "again"), raw("a b", ""), raw("a_b", ""), raw(&long, ""), raw("é", "")];
        let taken = Offers::default().take("s", &tools, None);
        let names = named(&taken);
        assert_eq!(names[0], "mcp__s__bash");
        assert_eq!(names[2], "mcp__s__a_b");
        assert!(names[1].starts_with("mcp__s__a_b_") && names[1].len() == 20, "{names:?}");
        assert!(names[3].len() == LONGEST_NAME, "{names:?}");
        assert_eq!(taken.left_out, ["bash: a second tool of this name"]);
        assert_eq!(taken.offers[1].tool, "a b", "the server is called by its own name");
    }

    #[test]
    fn what_providers_refuse_is_left_out_and_said() {
        let with = |name: &str, schema: Value| Raw { schema, ..raw(name, "") };
        let huge = json!({"type": "object", "properties": {"a": {"description": "x".repeat(LARGEST_SCHEMA)}}});
        let tools = [
            with("none", Value::Null),
            with("list", json!({"type": "array"})),
            with("either", json!({"type": "object", "anyOf": []})),
            with("huge", huge),
            with("kept", json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}})),
        ];
        let taken = Offers::default().take("s", &tools, None);
        insta::assert_snapshot!(taken.left_out.join("\n"), @r#"
        none: its arguments are not described by a schema
        list: its arguments are no object
        either: its schema has "anyOf" at the top, which no provider takes
        huge: its schema has 16 KiB, more than 16
        "#);
        let [Offer { spec: ToolSpec::Function { schema, .. }, .. }] = &taken.offers[..] else { panic!("{taken:?}") };
        assert_eq!(*schema, tools[4].schema, "as given");
    }

    #[test]
    fn a_flood_of_tools_is_bounded_and_the_configuration_can_choose() {
        let tools: Vec<Raw> = (0..500).map(|n| raw(&format!("t{n}"), &"d".repeat(5_000))).collect();
        let mut offers = Offers::default();
        let taken = offers.take("s", &tools, None);
        assert!(taken.offers.len() <= MOST_TOOLS && offers.bytes <= MOST_BYTES);
        assert!(taken.left_out[0].contains("name those you need with tools = "), "{:?}", taken.left_out);
        let only = ["t499".to_owned(), "gone".to_owned()];
        let taken = Offers::default().take("s", &tools, Some(&only));
        assert_eq!(named(&taken), ["mcp__s__t499"]);
        assert!(taken.left_out[0].starts_with("gone: "), "{:?}", taken.left_out);
    }

    #[test]
    fn hidden_text_does_not_reach_the_model() {
        let taken = Offers::default().take("s", &[raw("t", "Adds.\u{1b}[8m\u{e0041}\u{202e}\r")], None);
        let ToolSpec::Function { description, .. } = &taken.offers[0].spec else { panic!() };
        assert_eq!(description, "Adds.");
    }

    proptest! {
        #[test]
        fn any_name_becomes_one_that_providers_take(names in prop::collection::vec(".{0,80}", 1..8)) {
            let tools: Vec<Raw> = names.iter().map(|name| raw(name, "")).collect();
            let taken = Offers::default().take("some-server", &tools, None);
            let mut all = named(&taken);
            for name in &all {
                prop_assert!(name.len() <= LONGEST_NAME && name.starts_with("mcp__some-server__"));
                prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)));
            }
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(all.len(), taken.offers.len());
        }
    }
}

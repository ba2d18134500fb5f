//! Ids with a vendor before them, `anthropic/claude-sonnet-4.5`, as gateways write them: other names of some vendors,
//! and dots in versions where Anthropic has dashes. Source: OpenRouter's list of models (2026-08).

use crate::catalog::{Catalog, Model};

/// The catalog's vendor and what OpenRouter calls it, where that differs.
const OTHER_NAMES: &[(&str, &str)] =
    &[("gemini", "google"), ("mistral", "mistralai"), ("xai", "x-ai"), ("zai", "z-ai")];

/// The row that an id of a gateway stands for. What a gateway adds after a colon (`:free`, `:nitro`) is another offer
/// of the model, at other prices.
pub(super) fn row<'c>(catalog: &'c Catalog, vendor: &str, id: &str) -> Option<&'c Model> {
    let vendor = OTHER_NAMES.iter().find(|(_, theirs)| *theirs == vendor).map_or(vendor, |(ours, _)| ours);
    catalog.find(vendor, id).or_else(|| catalog.find(vendor, &id.replace('.', "-")))
}

/// How OpenRouter calls a vendor's model.
pub(super) fn at_openrouter(vendor: &str, id: &str) -> String {
    let theirs = OTHER_NAMES.iter().find(|(ours, _)| *ours == vendor).map_or(vendor, |(_, theirs)| theirs);
    let id = if vendor == "anthropic" { dotted(id) } else { id.to_owned() };
    format!("{theirs}/{id}")
}

/// `claude-sonnet-5-5` as `claude-sonnet-5.5`; a date stays what it is.
pub(super) fn dotted(id: &str) -> String {
    let Some((rest, minor)) = id.rsplit_once('-') else { return id.to_owned() };
    let is_number = |text: &str| !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    let major = rest.rsplit('-').next().unwrap_or_default();
    if is_number(minor) && is_number(major) { format!("{rest}.{minor}") } else { id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_there_and_back() {
        let catalog = Catalog::bundled();
        for (vendor, id, theirs) in [
            ("anthropic", "claude-sonnet-5-5", "anthropic/claude-sonnet-5.5"),
            ("anthropic", "claude-opus-4-5-20251101", "anthropic/claude-opus-4-5-20251101"),
            ("zai", "glm-5.2", "z-ai/glm-5.2"),
            ("xai", "grok-4.7", "x-ai/grok-4.7"),
        ] {
            assert_eq!(at_openrouter(vendor, id), theirs);
            let (named, rest) = theirs.split_once('/').unwrap();
            if let Some(found) = row(catalog, named, rest) {
                assert_eq!((found.vendor.as_str(), found.id.as_str()), (vendor, id));
            }
        }
        assert!(row(catalog, "anthropic", "claude-sonnet-5.5").is_some());
        assert!(row(catalog, "anthropic", "claude-sonnet-5.5:free").is_none());
    }
}

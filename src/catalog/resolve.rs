//! From what a person typed to a row: exact ids first, then aliases, tiers and families.

use jiff::Timestamp;

use super::{Catalog, Model, Tier, Vendor};

/// How a name led to its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    Id,
    /// A dated id that this version does not list, of a model that it does.
    Snapshot,
    Alias,
    Tier,
}

#[derive(Clone, Debug)]
pub struct Resolved<'c> {
    /// The id to send.
    pub id: String,
    /// The row it is priced and limited by.
    pub model: &'c Model,
    pub how: Match,
}

/// A name that is no model of this vendor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{vendor} has no model \"{name}\"")]
pub struct UnknownModel {
    pub vendor: String,
    pub name: String,
    /// It looks like an id of this vendor: perhaps one that is newer than this version.
    pub plausible: bool,
    /// Names that are close, best first.
    pub suggestions: Vec<String>,
    /// Other vendors that have it.
    pub elsewhere: Vec<String>,
}

impl Catalog {
    /// Resolves an exact id, an alias (`sonnet`), a tier (`best`) or a family (`fable`) of `vendor`; aliases and
    /// tiers take the newest row that is neither retired nor limited at `at`.
    ///
    /// # Errors
    /// When the vendor has no such model: with what is close, and who has it.
    pub fn resolve(&self, vendor: &str, name: &str, at: Timestamp) -> Result<Resolved<'_>, UnknownModel> {
        let found = self.vendor(vendor).and_then(|vendor| vendor.resolve(name, at));
        found.ok_or_else(|| self.unknown(vendor, name, at))
    }

    fn unknown(&self, vendor: &str, name: &str, at: Timestamp) -> UnknownModel {
        let others = self.vendors().filter(|other| other.id != vendor);
        // A tier exists everywhere, so only names of models say that somebody else has it.
        let has = |other: &&Vendor| Tier::parse(name).is_none() && other.resolve(name, at).is_some();
        UnknownModel {
            vendor: vendor.to_owned(),
            name: name.to_owned(),
            plausible: self.vendor(vendor).is_some_and(|vendor| vendor.could_have(name)),
            suggestions: self.vendor(vendor).map(|vendor| vendor.close_to(name)).unwrap_or_default(),
            elsewhere: others.filter(has).map(|other| other.id.clone()).collect(),
        }
    }
}

impl Vendor {
    /// See [`Catalog::resolve`].
    #[must_use]
    pub fn resolve(&self, name: &str, at: Timestamp) -> Option<Resolved<'_>> {
        if let Some(model) = self.find(name) {
            let how = if model.id == name { Match::Id } else { Match::Snapshot };
            return Some(Resolved { id: name.to_owned(), model, how });
        }
        let tier = Tier::parse(name).and_then(|tier| self.tiers.iter().find(|(each, _)| *each == tier));
        let (family, how) = match tier {
            Some((_, family)) => (family.as_str(), Match::Tier),
            None => (self.family_of_alias(name), Match::Alias),
        };
        let model = self.newest(family, at)?;
        Some(Resolved { id: model.id.clone(), model, how })
    }

    /// The family an alias stands for; any other word is taken as the name of a family.
    #[must_use]
    pub fn family_of_alias<'a>(&'a self, name: &'a str) -> &'a str {
        self.aliases.iter().find(|(alias, _)| alias == name).map_or(name, |(_, family)| family.as_str())
    }

    #[must_use]
    pub fn has_alias(&self, name: &str) -> bool {
        self.aliases.iter().any(|(alias, _)| alias == name)
    }

    /// Whether `name` is the name of a family and no id: a word for the newest of several models.
    #[must_use]
    pub fn is_family(&self, name: &str) -> bool {
        self.find(name).is_none() && self.models.iter().any(|model| model.family == name)
    }

    fn close_to(&self, name: &str) -> Vec<String> {
        let names = self.aliases.iter().map(|(alias, _)| alias).chain(self.models.iter().map(|model| &model.id));
        let mut scored: Vec<(f64, &String)> =
            names.map(|known| (strsim::jaro_winkler(name, known), known)).filter(|(score, _)| *score > 0.85).collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        scored.into_iter().take(3).map(|(_, known)| known.clone()).collect()
    }
}

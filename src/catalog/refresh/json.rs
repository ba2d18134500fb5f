//! JSON of strangers: objects whose members are kept in order with their own text, which list it is, and the
//! limits on what is believed.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::row::ListedRow;
use super::{ListKind, RawList, RefreshError, litellm, models_dev};

/// The members of an object in the order of the text, repeated names among them.
pub(super) struct Members<'a, T>(pub Vec<(String, T)>, PhantomData<&'a ()>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Members<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Each<T> {
            type Value = Vec<(String, T)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Each(PhantomData)).map(|members| Self(members, PhantomData))
    }
}

/// What tells the two lists apart.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow)]
    models: Option<&'a RawValue>,
    #[serde(borrow)]
    litellm_provider: Option<&'a RawValue>,
}

/// Which list the bytes are, its rows, and why some of them were left out.
pub(super) fn recognise(raw: &RawList) -> Result<(ListKind, Vec<ListedRow>, Vec<String>), RefreshError> {
    let not_json = |why: String| RefreshError::NotJson { from: raw.from.clone(), why };
    let text = std::str::from_utf8(&raw.bytes).map_err(|error| not_json(error.to_string()))?;
    let Members(members, _) = serde_json::from_str::<Members<'_, &RawValue>>(text).map_err(|error| {
        // An array, a number or a text is JSON, and no list of prices.
        match error.classify() {
            serde_json::error::Category::Data => RefreshError::NotRecognised { from: raw.from.clone() },
            _ => not_json(error.to_string()),
        }
    })?;
    let probes = || members.iter().filter_map(|(_, value)| serde_json::from_str::<Probe<'_>>(value.get()).ok());
    let mut reader = Reader { from: &raw.from, rows: Vec::new(), left_out: Vec::new() };
    let kind = if probes().any(|probe| probe.litellm_provider.is_some()) {
        litellm::read(&members, &mut reader)?;
        ListKind::LiteLlm
    } else if probes().any(|probe| probe.models.is_some()) {
        models_dev::read(&members, &mut reader)?;
        ListKind::ModelsDev
    } else {
        return Err(RefreshError::NotRecognised { from: raw.from.clone() });
    };
    Ok((kind, reader.rows, reader.left_out))
}

/// Where rows are collected, and what refuses a list as a whole.
pub(super) struct Reader<'a> {
    from: &'a str,
    pub rows: Vec<ListedRow>,
    pub left_out: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn unbelievable(&self, what: impl fmt::Display) -> RefreshError {
        RefreshError::Unbelievable { from: self.from.to_owned(), what: what.to_string() }
    }

    /// A name that hides something makes the whole list unbelievable; one that merely is no model id is skipped.
    pub(super) fn name(&self, id: &str) -> Result<bool, RefreshError> {
        if id.chars().any(|c| c.is_control() || !c.is_ascii()) {
            return Err(self.unbelievable("a model's name holds hidden characters"));
        }
        Ok(!id.is_empty() && id.len() <= 120 && id.bytes().all(|b| b.is_ascii_graphic()))
    }

    /// Takes the row of a model, unless it breaks a rule of prices.
    pub(super) fn add(&mut self, row: ListedRow) {
        match row.broken_rule() {
            Some(broken) => self.left_out.push(format!("{}/{}: {broken}", row.vendor, row.id)),
            None => self.rows.push(row),
        }
    }

    /// Refuses the list where a name stands twice with different content.
    pub(super) fn no_repeats<'v>(
        &self,
        members: impl Iterator<Item = (&'v str, &'v RawValue)>,
    ) -> Result<(), RefreshError> {
        let mut seen: Vec<(&str, &str)> = members.map(|(name, value)| (name, value.get())).collect();
        seen.sort_unstable();
        for pair in seen.windows(2) {
            if pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1 {
                return Err(self.unbelievable(format_args!("it names {} twice", pair[0].0)));
            }
        }
        Ok(())
    }
}

/// A whole number of tokens; anything else is not known.
pub(super) fn tokens(raw: Option<&RawValue>) -> Option<u64> {
    raw?.get().parse().ok().filter(|count| (1..=1_000_000_000).contains(count))
}

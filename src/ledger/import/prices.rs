//! What imported calls would cost at list price, by the catalog.

use std::sync::Arc;

use jiff::Timestamp;

use super::call::Call;
use crate::base::money::Usd;
use crate::catalog::{Catalog, Model};
use crate::config::Settings;
use crate::ledger::PriceRef;
use crate::ledger::store::moment;
use crate::routing::compare::locate;

/// The catalog, and the user's own prices over it.
#[derive(Clone, Copy, Debug)]
pub struct PriceList<'c> {
    settings: &'c Settings,
    catalog: &'c Catalog,
}

impl<'c> PriceList<'c> {
    #[must_use]
    pub const fn new(settings: &'c Settings, catalog: &'c Catalog) -> Self {
        Self { settings, catalog }
    }

    fn find(&self, provider: &str, model: &str, at: Timestamp) -> Option<&'c Model> {
        locate(self.settings, self.catalog, provider, model, at)
    }
}

/// Prices calls, and remembers the models and prices it met.
#[derive(Debug)]
pub(super) struct Pricer<'c> {
    list: PriceList<'c>,
    models: Vec<Known<'c>>,
    references: Vec<Arc<PriceRef>>,
}

#[derive(Debug)]
struct Known<'c> {
    provider: String,
    name: Arc<str>,
    model: Option<&'c Model>,
}

impl<'c> Pricer<'c> {
    pub(super) const fn new(list: PriceList<'c>) -> Self {
        Self { list, models: Vec::new(), references: Vec::new() }
    }

    pub(super) fn price(&mut self, call: &Call) -> Option<(Usd, Arc<PriceRef>)> {
        let at = moment(call.sent_at);
        let price = self.model(&call.payer.provider, &call.model, at)?.price(at)?;
        let known = self.references.iter().find(|known| known.hash == price.hash).map(Arc::clone);
        let reference = known.unwrap_or_else(|| {
            let (source, as_of, hash) = (price.source.clone(), price.as_of.to_string(), price.hash.clone());
            let made = Arc::new(PriceRef { source, as_of, hash });
            self.references.push(Arc::clone(&made));
            made
        });
        Some((price.list_cost(&call.usage), reference))
    }

    fn model(&mut self, provider: &str, name: &Arc<str>, at: Timestamp) -> Option<&'c Model> {
        let is =
            |known: &Known<'_>| (Arc::ptr_eq(&known.name, name) || known.name == *name) && known.provider == provider;
        if let Some(known) = self.models.iter().find(|known| is(known)) {
            return known.model;
        }
        let model = self.list.find(provider, name, at);
        // A log of made-up names is not remembered without end.
        if self.models.len() < 256 {
            self.models.push(Known { provider: provider.to_owned(), name: Arc::clone(name), model });
        }
        model
    }
}

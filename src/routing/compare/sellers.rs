//! Gateways that sell tokens: the ones whose terms are bundled, and the user's own.

use jiff::Timestamp;

use crate::base::money::{Rate, Usd};
use crate::catalog::plan::{Evidence, Offers};
use crate::catalog::{Catalog, Model, Price};
use crate::config::{Settings, Source};
use crate::domain::path::PayPath;
use crate::routing::{gateway_id, list_price, servers};

/// What a gateway adds to list price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seller {
    /// The provider's name in vk.
    pub id: String,
    pub name: String,
    pub markup: Rate,
    /// On the credits bought.
    pub fee: Rate,
    pub least_fee: Usd,
    /// Where its terms were read; `None` where they are the user's own.
    pub evidence: Option<Evidence>,
    /// How its ids begin for a vendor, where it has its own.
    prefixes: Vec<(String, String)>,
}

/// The bundled gateways, then the platforms of the user's configuration. A configured platform of a bundled name
/// keeps the bundled least fee, and has the markup and fee of the configuration.
#[must_use]
pub fn sellers(settings: &Settings, offers: &Offers) -> Vec<Seller> {
    let mut sellers: Vec<Seller> = offers
        .gateways
        .iter()
        .map(|gateway| Seller {
            id: gateway.id.clone(),
            name: gateway.name.clone(),
            markup: gateway.markup,
            fee: gateway.fee,
            least_fee: gateway.least_fee,
            evidence: Some(gateway.evidence.clone()),
            prefixes: gateway.prefixes.iter().map(|(vendor, prefix)| (vendor.clone(), prefix.clone())).collect(),
        })
        .collect();
    for (name, provider) in &settings.providers {
        if provider.kind != PayPath::Platform {
            continue;
        }
        match sellers.iter_mut().find(|seller| seller.id == *name) {
            Some(bundled) => (bundled.markup, bundled.fee) = (provider.markup, provider.fee),
            // Nobody has said that there is one.
            None if provider.source == Source::BuiltIn && provider.base_url.source == Source::BuiltIn => {}
            None => sellers.push(Seller {
                id: name.clone(),
                name: name.clone(),
                markup: provider.markup,
                fee: provider.fee,
                least_fee: Usd::ZERO,
                evidence: None,
                prefixes: Vec::new(),
            }),
        }
    }
    sellers
}

impl Seller {
    /// What the model's tokens cost there before markup; `None` where it passes the vendor's list price through.
    pub(super) fn price(&self, settings: &Settings, catalog: &Catalog, model: &Model, at: Timestamp) -> Option<Price> {
        let listed = servers(settings, catalog, model, at).into_iter().find(|server| server.provider == self.id);
        if let Some(server) = listed {
            return list_price(settings, catalog, &self.id, &server.id, at);
        }
        let (_, prefix) = self.prefixes.iter().find(|(vendor, _)| *vendor == model.vendor)?;
        let own = |id: &str| catalog.price(&self.id, &format!("{prefix}{id}"), at).cloned();
        // Gateways write Anthropic's versions with dots.
        own(&model.id).or_else(|| own(&gateway_id::dotted(&model.id)))
    }
}

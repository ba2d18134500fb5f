//! Which of the user's providers can serve a model of the catalog, and on which path that would be.

use jiff::Timestamp;

use crate::catalog::{Catalog, Model};
use crate::config::Settings;
use crate::config::provider::PriceSettings;
use crate::domain::path::PayPath;

/// A provider that takes the model, under the id it has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub path: PayPath,
    pub provider: String,
    pub id: String,
}

/// The vendor itself, where it is a provider here, and every provider whose table names the model. Gateways that
/// list nothing may have it too; nobody here knows.
#[must_use]
pub fn servers(settings: &Settings, catalog: &Catalog, model: &Model, at: Timestamp) -> Vec<Server> {
    let mut servers = Vec::new();
    for (name, provider) in &settings.providers {
        let server = |id: &str| Server { path: provider.kind, provider: name.clone(), id: id.to_owned() };
        if *name == model.vendor && provider.kind == PayPath::Byok {
            servers.push(server(&model.id));
        }
        for (id, price) in &provider.prices {
            let PriceSettings::As { vendor, model: named } = &price.value else { continue };
            if catalog.resolve(vendor, named, at).is_ok_and(|same| same.model.id == model.id && *vendor == model.vendor)
            {
                servers.push(server(id));
            }
        }
    }
    servers
}

//! Who pays, in one clause, as the route line says it.

use crate::base::money::Rate;
use crate::catalog::Catalog;
use crate::config::provider::ProviderSettings;
use crate::domain::path::PayPath;

#[must_use]
pub fn clause(catalog: &Catalog, name: &str, settings: &ProviderSettings) -> String {
    match settings.kind {
        PayPath::Byok => {
            let shown = catalog.vendor(name).map_or(name, |vendor| vendor.name.as_str());
            format!("you pay {shown} at list price")
        }
        PayPath::Platform if settings.markup == Rate::ZERO => format!("you pay {name}: list, no markup"),
        PayPath::Platform => format!("you pay {name}: list + {} markup", settings.markup),
        PayPath::Subscription => format!("your {name} plan covers it"),
        PayPath::Free => "nobody pays".to_owned(),
    }
}

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
        PayPath::Platform => {
            let shown = catalog.vendor(name).map_or(name, |vendor| vendor.name.as_str());
            gateway(shown, settings)
        }
        PayPath::Subscription => format!("your {} plan covers it", super::plan::shown(name, None)),
        PayPath::Free => "nobody pays".to_owned(),
    }
}

fn gateway(shown: &str, settings: &ProviderSettings) -> String {
    if let Some(flat) = settings.flat_month {
        return format!("your {shown} plan of {flat} a month covers it");
    }
    let markup = match settings.markup {
        Rate::ZERO => "list, no markup".to_owned(),
        markup => format!("list + {markup} markup"),
    };
    match settings.fee {
        Rate::ZERO => format!("you pay {shown}: {markup}"),
        fee => format!("you pay {shown}: {markup}, {fee} on credits bought"),
    }
}

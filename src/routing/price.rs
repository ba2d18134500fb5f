//! What a model costs at a provider: the user's own figure first, then the catalog's list price.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::model;
use crate::catalog::{Catalog, Price, Rates};
use crate::config::Settings;
use crate::config::provider::{OwnPrice, PriceSettings};
use crate::config::source::Source;

/// The list price, before any markup, of `model` as it is called at `provider`; `None` is unknown, never zero.
#[must_use]
pub fn list_price(settings: &Settings, catalog: &Catalog, provider: &str, model: &str, at: Timestamp) -> Option<Price> {
    let at_provider = settings.providers.get(provider)?;
    if let Some(price) = at_provider.prices.get(model)
        && let PriceSettings::Own(own) = &price.value
    {
        return Some(of_user(own, &price.source, at));
    }
    model::row(catalog, provider, at_provider, model, at)?.price(at).cloned()
}

fn of_user(own: &OwnPrice, source: &Source, at: Timestamp) -> Price {
    let cache_write_5m = own.cache_write_5m.unwrap_or(own.input);
    let rates = Rates {
        input: own.input,
        output: own.output,
        cache_read: own.cache_read.unwrap_or(own.input),
        cache_write_5m,
        cache_write_1h: own.cache_write_1h.unwrap_or(cache_write_5m),
    };
    Price::new(rates, None, None, &source.to_string(), at.to_zoned_datetime(TimeZone::UTC).date())
}

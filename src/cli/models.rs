//! `vk models list`: the catalog, and the models that the user's own configuration prices.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::args::{ListOutput, ModelsArgs, ModelsCommand};
use super::context::Context;
use super::{pool, prices};
use crate::base::clock;
use crate::catalog::{Catalog, Model, Vendor};
use crate::config::{self, Flags, Settings};
use crate::credential::Vault;
use crate::domain::failure::Failure;
use crate::domain::path::Auth;
use crate::present::models::{self, Row};
use crate::present::{self, grid};
use crate::routing;
use crate::task::free::record::Record;

/// # Errors
/// A configuration or key index that cannot be read; a filter that no model matches is exit 2.
pub fn run(args: ModelsArgs, context: &Context) -> Result<(), Failure> {
    let (filter, all, output) = match args.command {
        Some(ModelsCommand::List { filter, all, output }) => (filter, all, output),
        Some(ModelsCommand::Refresh { from }) => return super::block_on(prices::refresh(&from, context)),
        Some(ModelsCommand::Prices { diff, output }) => return prices::show(diff, output, context),
        Some(ModelsCommand::Pool(args)) => return pool::run(&args, context),
        None => (None, false, ListOutput::Table),
    };
    let loaded = config::load(&context.env, &Flags::default())?;
    let (catalog, damage) = Catalog::load(&loaded.dirs.data);
    if let Some(damage) = damage {
        context.ui.say(&damage.warning());
    }
    let vault = Vault::open(&loaded.dirs.data, &context.env, std::sync::Arc::clone(&context.ui));
    let with_key: BTreeSet<String> = vault.list()?.into_iter().map(|key| key.provider).collect();
    let listing = Listing { settings: &loaded.settings, catalog: &catalog, with_key: &with_key, at: clock::now() };
    let filter = filter.unwrap_or_default().to_lowercase();
    let mut rows: Vec<Row<'_>> = catalog
        .vendors()
        .flat_map(|vendor| vendor.models.iter().map(|model| listing.row(vendor, model)))
        .chain(listing.own())
        .collect();
    rows.retain(|row| row.id.to_lowercase().contains(&filter));
    // Public lists know hundreds of models; the table keeps to those that vk knows something else of.
    let before = rows.len();
    if filter.is_empty() && output == ListOutput::Table {
        rows.retain(|row| Catalog::bundled().find(row.provider, row.id).is_some() || row.context.is_none());
    }
    let more = before - rows.len();
    if rows.is_empty() {
        return Err(
            Failure::usage("no_such_model", format!("no known model's id holds \"{filter}\"")).fix("vk models list")
        );
    }
    // Who asks for a model by its name wants to know that it is retired; scripts read it from a field.
    let before = rows.len();
    if !all && filter.is_empty() && output == ListOutput::Table {
        rows.retain(|row| !row.is_retired);
    }
    let retired = before - rows.len();
    if retired > 0 {
        let models =
            if retired == 1 { "1 retired model is".to_owned() } else { format!("{retired} retired models are") };
        context.ui.say(&format!("{models} not shown: vk models list --all"));
    }
    for (name, _, why) in Record::read(&loaded.dirs.data)?.quarantined() {
        context.ui.say(&format!("out of use: {name}: {why}; vk models pool"));
    }
    if more > 0 {
        context.ui.say(&format!("{more} more models from vk models refresh are priced: vk models list TEXT"));
    }
    present::stdout(&match output {
        ListOutput::Json => models::json(&rows),
        ListOutput::Table => models::table(&rows, grid::Style::of(&context.env, listing.at)),
    })
}

struct Listing<'a> {
    settings: &'a Settings,
    catalog: &'a Catalog,
    /// Providers with a stored key.
    with_key: &'a BTreeSet<String>,
    at: Timestamp,
}

impl<'a> Listing<'a> {
    fn row(&self, vendor: &'a Vendor, model: &'a Model) -> Row<'a> {
        let words = vendor.aliases.iter().map(|(alias, _)| alias.as_str());
        let words = words.chain(vendor.tiers.iter().map(|(tier, _)| tier.as_str()));
        let leads_here = |word: &&str| vendor.resolve(word, self.at).is_some_and(|found| found.id == model.id);
        let servers = routing::servers(self.settings, self.catalog, model, self.at);
        let served_by = servers.into_iter().map(|one| {
            let ready = self.ready(&one.provider);
            (one.path, one.provider, ready)
        });
        Row {
            id: &model.id,
            provider: &vendor.id,
            family: &model.family,
            words: words.filter(leads_here).map(str::to_owned).collect(),
            context: Some(model.context),
            max_output: Some(model.max_output),
            released: model.released.map(|date| date.to_string()),
            retired: model.retired.map(|date| date.to_string()),
            is_retired: model.is_retired(self.at),
            price: model.price(self.at).cloned(),
            served_by: served_by.collect(),
            warning: model.warning(self.at),
        }
    }

    /// What the user's tables name under ids of their own.
    fn own(&self) -> impl Iterator<Item = Row<'a>> {
        let settings = self.settings;
        settings.providers.iter().flat_map(move |(name, provider)| {
            provider.prices.keys().map(move |id| Row {
                id,
                provider: name,
                family: "",
                words: Vec::new(),
                context: None,
                max_output: None,
                released: None,
                retired: None,
                is_retired: false,
                price: routing::list_price(settings, self.catalog, name, id, self.at),
                served_by: vec![(provider.kind, name.clone(), self.ready(name))],
                warning: None,
            })
        })
    }

    fn ready(&self, provider: &str) -> bool {
        let keyless = self.settings.providers.get(provider).is_some_and(|settings| settings.auth == Auth::None);
        keyless || self.with_key.contains(provider)
    }
}

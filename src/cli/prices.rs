//! `vk models refresh` and `vk models prices`: reading which models are free and what the others cost, and what that
//! changed.

use std::path::PathBuf;

use super::args::ListOutput;
use super::context::Context;
use crate::base::clock;
use crate::catalog::refresh::{self, Addresses, Outcome, RawList};
use crate::catalog::{Catalog, Overlay};
use crate::config::{self, Flags, Loaded};
use crate::domain::failure::Failure;
use crate::net::http::Client;
use crate::present::{self, prices, table};
use crate::task::free::discover;

/// # Errors
/// A list that cannot be read or believed (exit 2), an address that does not answer (exit 6), a data folder that
/// cannot be written; the prices in use are then those of before.
pub(super) async fn refresh(from: &[PathBuf], context: &Context) -> Result<(), Failure> {
    let loaded = config::load(&context.env, &Flags::default())?;
    let now = clock::now();
    let lists = if from.is_empty() {
        let client = Client::new(&context.env).map_err(Failure::from)?;
        if let Some(note) = client.proxy_note() {
            context.ui.say(&note);
        }
        free_models(&client, &loaded, context).await?;
        refresh::fetch(&client, &Addresses::default(), now).await?
    } else {
        from.iter().map(|path| RawList::read(path, now)).collect::<Result<Vec<_>, _>>()?
    };
    let (overlay, outcome) = refresh::digest(&lists, Catalog::bundled(), now)?;
    overlay.save(&loaded.dirs.data)?;
    report(&overlay, &outcome, context);
    let differences = refresh::differences(&overlay, Catalog::bundled(), now);
    present::stdout(&prices::summary(&overlay, &outcome, &differences))
}

/// Which models are free now, at the gateway and on this machine.
async fn free_models(client: &Client, loaded: &Loaded, context: &Context) -> Result<(), Failure> {
    for read in discover::everything(client, loaded, None).await? {
        let (name, address) = (&read.provider, &read.base_url);
        context.ui.say(&match &read.result {
            Ok(1) => format!("{name} at {address}: 1 free model"),
            Ok(count) => format!("{name} at {address}: {count} free models"),
            Err(why) => format!("{name} at {address}: no free models read: {why}"),
        });
    }
    Ok(())
}

/// What a person should look at: rows that are far apart, and rows that were not taken.
fn report(overlay: &Overlay, outcome: &Outcome, context: &Context) {
    for line in prices::warnings(overlay, outcome) {
        context.ui.say(&line);
    }
}

/// # Errors
/// A configuration that is wrong; with `--diff`, an overlay that is damaged.
pub(super) fn show(diff: bool, output: ListOutput, context: &Context) -> Result<(), Failure> {
    let loaded = config::load(&context.env, &Flags::default())?;
    let now = clock::now();
    let width = table::width(&context.env);
    if diff {
        let Some(overlay) = Overlay::load(&loaded.dirs.data)? else {
            context.ui.say("Only the bundled prices are used. Today's: vk models refresh");
            return if output == ListOutput::Json { present::stdout("[]") } else { Ok(()) };
        };
        let differences = refresh::differences(&overlay, Catalog::bundled(), now);
        return present::stdout(&match output {
            ListOutput::Json => prices::diff_json(&differences),
            ListOutput::Table => prices::diff(&overlay, &differences, width),
        });
    }
    let (catalog, damage) = Catalog::load(&loaded.dirs.data);
    if let Some(damage) = damage {
        context.ui.say(&damage.warning());
    }
    let rows: Vec<prices::InForce<'_>> = catalog
        .models()
        .map(|model| prices::InForce { vendor: &model.vendor, id: &model.id, price: model.price(now) })
        .collect();
    present::stdout(&match output {
        ListOutput::Json => prices::list_json(&rows),
        ListOutput::Table => prices::list(&rows, width),
    })
}

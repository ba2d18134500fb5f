//! Reading the lists of free models: the gateway's once a day, those of the servers of this machine whenever they may
//! be used. What cannot be read leaves what was known, and is said.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use super::facts;
use crate::base::clock;
use crate::catalog::free::{self, FreeList, FreeLists, FreeModel};
use crate::config::{Loaded, ProviderSettings, Settings};
use crate::domain::failure::Failure;
use crate::domain::path::{Auth, PayPath};
use crate::domain::route::is_local;
use crate::domain::ui::Ui;
use crate::net::http::Client;
use crate::provider::local::{self, LocalServer};
use crate::routing;
use crate::task::order::Order;
use crate::task::prepare::Known;

/// A program on this machine answers at once, or is busy with a model.
const PATIENCE_HERE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(15);

/// What came of reading one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub provider: String,
    pub base_url: String,
    /// How many free models it has, or why it could not be read.
    pub result: Result<usize, String>,
}

/// Reads what a task on the free path may need: the list of the gateway where it is older than a day, and those of the
/// local servers that the user has named. Another path, or a run that sends nothing, reads none. A model that is named needs no gateway's list.
///
/// # Errors
/// vk's own record of the free models cannot be read.
pub async fn for_task(client: &Client, known: &mut Known, order: &Order, ui: &dyn Ui) -> Result<(), Failure> {
    let settings = &known.loaded.settings;
    if order.dry_run || order.rehearsed || settings.path.as_deref() != Some(&PayPath::Free) {
        return Ok(());
    }
    let (candidates, is_pinned) = known.with_facts(settings, Some(&order.task), |facts| {
        (routing::free_providers(facts), routing::pinned(facts).is_some())
    });
    let now = clock::now();
    let mut lists = FreeLists::new();
    for name in candidates {
        let Some(provider) = settings.providers.get(&name) else { continue };
        let address = provider.base_url.as_str();
        if provider.has_free_models {
            let is_fresh = known.free.lists.get(&name).is_some_and(|list| list.is_fresh(address, now));
            if is_pinned || is_fresh {
                continue;
            }
            match gateway(client, address, now).await {
                Ok(list) => drop(lists.insert(name, list)),
                Err(why) => ui.say(&stale(&name, &why, known.free.lists.get(&name))),
            }
        } else if is_server(provider)
            && let Ok(server) = here(client, address).await
        {
            lists.insert(name, of_server(&server, address, now));
        }
    }
    keep(known, lists, ui)
}

/// Reads every list that can be read, or that of one provider: the gateway's, and those of the servers of this machine,
/// named or not.
///
/// # Errors
/// The data folder cannot be written.
pub async fn everything(client: &Client, loaded: &Loaded, only: Option<&str>) -> Result<Vec<Read>, Failure> {
    let now = clock::now();
    let (mut lists, mut read) = (FreeLists::new(), Vec::new());
    for (name, provider) in serving(&loaded.settings).filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        let address = provider.base_url.as_str();
        let list = if provider.has_free_models {
            gateway(client, address, now).await
        } else if is_server(provider) {
            match here(client, address).await {
                // Nobody is there: a built-in name that is not in use.
                Err(_) if provider.is_unnamed_server() => continue,
                Err(why) => Err(why),
                Ok(LocalServer { gateway: Some(gateway), .. }) => {
                    Err(format!("it is {gateway}, behind which somebody may pay"))
                }
                Ok(server) => Ok(of_server(&server, address, now)),
            }
        } else {
            continue;
        };
        let result = list.map(|list| {
            let count = list.models.len();
            lists.insert(name.clone(), list);
            count
        });
        read.push(Read { provider: name.clone(), base_url: address.to_owned(), result });
    }
    free::save(&loaded.dirs.data, lists)?;
    Ok(read)
}

/// Stores what was read and decides from it from now on.
fn keep(known: &mut Known, lists: FreeLists, ui: &dyn Ui) -> Result<(), Failure> {
    if lists.is_empty() {
        return Ok(());
    }
    // A list that cannot be kept is read again next time.
    if let Err(error) = free::save(&known.loaded.dirs.data, lists.clone()) {
        ui.say(&format!("the list of free models is not kept: {error}"));
    }
    let mut fresh = facts(&known.loaded)?;
    fresh.lists.extend(lists);
    known.free = fresh;
    Ok(())
}

fn stale(name: &str, why: &str, list: Option<&FreeList>) -> String {
    let instead = list.map_or_else(String::new, |list| {
        let day = list.read_at.strftime("%Y-%m-%d");
        format!("; the one of {day} is used")
    });
    format!("{name}'s list of free models could not be read: {why}{instead}")
}

async fn gateway(client: &Client, address: &str, now: Timestamp) -> Result<FreeList, String> {
    let models = match timeout(PATIENCE, free::fetch(client, address)).await {
        Ok(Ok(models)) if models.is_empty() => return Err("it has no free model that takes tools".to_owned()),
        Ok(Ok(models)) => models,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err(format!("{address} does not answer")),
    };
    Ok(FreeList { base_url: Some(address.to_owned()), read_at: now, models })
}

async fn here(client: &Client, address: &str) -> Result<LocalServer, String> {
    match timeout(PATIENCE_HERE, local::look(client, address)).await {
        Ok(Ok(server)) => Ok(server),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("{address} does not answer")),
    }
}

/// The models that run on this machine and may take tools. A gateway has none.
fn of_server(server: &LocalServer, address: &str, now: Timestamp) -> FreeList {
    let is_member = |model: &&local::LocalModel| !model.hosted && model.tools != Some(false);
    let model =
        |model: &local::LocalModel| FreeModel { id: model.id.clone(), context: model.context, max_output: None };
    let models =
        if server.gateway.is_some() { Vec::new() } else { server.models.iter().filter(is_member).map(model).collect() };
    FreeList { base_url: Some(address.to_owned()), read_at: now, models }
}

fn serving(settings: &Settings) -> impl Iterator<Item = (&String, &ProviderSettings)> {
    settings.providers.iter().filter(|(_, provider)| provider.serves(PayPath::Free))
}

/// A server of this machine that can be looked at without a key.
fn is_server(provider: &ProviderSettings) -> bool {
    provider.kind == PayPath::Free && provider.auth == Auth::None && is_local(&provider.base_url)
}

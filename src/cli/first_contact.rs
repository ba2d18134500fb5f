//! First contact: instead of refusing, what was found here and who would pay with it. `vk` alone shows it; a run or a
//! `vk use` without a route asks, and goes on with the answer. Nobody is asked where nobody is there.

use super::context::Context;
use super::keys;
use crate::catalog::Catalog;
use crate::config::{Flags, KeyChoice, ProviderSettings, Trust};
use crate::domain::failure::{Failure, Status};
use crate::domain::path::{Auth, PayPath};
use crate::domain::route::CredentialRef;
use crate::domain::ui::Question;
use crate::present;
use crate::present::first_contact::{self, Overview, Sight};
use crate::routing::plan::{self, Standing};
use crate::routing::{self, PathRow, payer};
use crate::task::detect::{self, Found};
use crate::task::prepare::Known;

/// What a person chose; what `vk use` writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub path: PayPath,
    pub provider: String,
    /// The label, where the provider has several keys.
    pub key: Option<String>,
    /// The model, where the provider has no default of its own.
    pub model: Option<String>,
}

/// Something that one keypress makes the route.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Offer {
    /// A path that is possible as things are.
    Row {
        path: PayPath,
        provider: String,
        label: Option<String>,
        model: String,
    },
    Stored {
        provider: String,
        label: String,
    },
    /// A plan whose program is logged in.
    Plan {
        provider: &'static str,
    },
    /// A configured server that takes no key.
    Keyless {
        provider: String,
        model: Option<String>,
    },
    /// A variable whose key is stored first, after a question of its own.
    Ambient {
        provider: String,
        variable: String,
    },
    /// Nothing is there yet: a key is asked for.
    NewKey {
        provider: String,
    },
}

/// `vk` alone.
///
/// # Errors
/// A configuration that is wrong.
pub async fn overview(context: &Context) -> Result<(), Failure> {
    let known = Known::read(&context.env, &Flags::default(), &context.ui)?;
    let found = detect::all(&context.env).await;
    let decided = known.decide(None).map(|(route, _)| route);
    let sights = sights(&known, &found, &[]);
    let line = decided.as_ref().map(routing::Route::line);
    let (next, mut notes) = match &decided {
        Ok(route) => (vec!["vk run \"fix the failing test\"".to_owned(), "vk cost".to_owned()], route.warnings.clone()),
        Err(failure) => (next_commands(failure, &found, &known), Vec::new()),
    };
    if let Trust::Needed(_) = known.loaded.trust {
        notes.push("vk.toml is not trusted yet: vk trust".to_owned());
    }
    let overview = Overview {
        project: &known.loaded.project.name,
        route: line.as_deref().map_err(|failure| failure.what.as_str()),
        sights: &sights,
        notes: &notes,
        next: &next,
    };
    present::stdout(&first_contact::overview(&overview))
}

/// What helps most: a key that lies about, else what the decision itself says.
fn next_commands(failure: &Failure, found: &Found, known: &Known) -> Vec<String> {
    let ambient = found.keys.iter().find(|key| known.loaded.settings.providers.contains_key(key.provider));
    match ambient {
        Some(key) if known.keys.is_empty() && failure.status == Status::NoCredential => vec![
            format!("vk keys add {} --from-env {}", key.provider, key.variable),
            format!("vk use byok --provider {}", key.provider),
        ],
        _ => failure.fix.clone(),
    }
}

/// The question, where it is about one project.
pub const IN_THIS_PROJECT: &str = "Whose account pays in this project?";

/// Asks `whose` account pays. Where `rows` has every path side by side, those that are possible are chosen there.
///
/// # Errors
/// Exit 3 with the commands to type where nobody is there to ask, nothing was chosen, or a key could not be stored.
pub async fn choose(context: &Context, known: &Known, whose: &str, rows: &[PathRow]) -> Result<Chosen, Failure> {
    let refused = || match known.decide(None) {
        Err(failure) if failure.code == routing::NO_PATH => failure,
        _ => Failure::new(Status::NoCredential, routing::NO_PATH, "nothing was chosen").fix("vk use byok"),
    };
    // A key that is named for one run is a script's; a file cannot say the same.
    let one_run = matches!(known.loaded.settings.key.as_deref(), Some(KeyChoice::Env(_)));
    if !context.ui.interactive() || one_run {
        return Err(refused());
    }
    let found = detect::all(&context.env).await;
    let offers = offers(known, &found, rows);
    let sights = sights(known, &found, &offers);
    let digit_of = |row: &PathRow| {
        let at = offers.iter().position(|offer| offer.is_row(row));
        at.map(|at| digit(at).to_string()).unwrap_or_default()
    };
    let table = if rows.is_empty() {
        String::new()
    } else {
        // The detail of a question stands behind a bar.
        let width = present::table::width(&context.env).map(|width| width.saturating_sub(4));
        present::route::lines(rows, digit_of, width) + "\n"
    };
    let mut question = Question {
        text: whose.to_owned(),
        detail: Some((table + &first_contact::list(&sights)).trim_end().to_owned()),
        options: vec![('n', "nobody, for now".to_owned())],
        one_key: true,
    };
    question.options.extend(offers.iter().enumerate().map(|(at, offer)| (digit(at), offer.name())));
    let answer = context.ui.ask(&question);
    let offer =
        answer.and_then(|key| offers.iter().enumerate().find(|(at, _)| digit(*at) == key)).map(|(_, offer)| offer);
    take(offer.ok_or_else(refused)?, context, known)
}

fn digit(at: usize) -> char {
    u32::try_from(at + 1).ok().and_then(|n| char::from_digit(n, 10)).unwrap_or('?')
}

impl Offer {
    fn name(&self) -> String {
        match self {
            Self::Row { path, provider, .. } => format!("{path} {provider}"),
            Self::Stored { provider, label } => format!("key {provider} {label}"),
            Self::Plan { provider } => format!("the login of {provider}"),
            Self::Keyless { provider, .. } => provider.clone(),
            Self::Ambient { variable, .. } => variable.clone(),
            Self::NewKey { provider } => format!("add a key of {provider}"),
        }
    }
}

/// At most nine, so that each has a digit: what is there first, then what could be made.
fn offers(known: &Known, found: &Found, rows: &[PathRow]) -> Vec<Offer> {
    let settings = &known.loaded.settings;
    let wanted = |name: &str| settings.provider.as_ref().is_none_or(|named| named.value == name);
    let mut offers = Vec::new();
    for key in known.keys.iter().filter(|key| settings.providers.contains_key(&key.provider)) {
        offers.push(Offer::Stored { provider: key.provider.clone(), label: key.label.clone() });
    }
    for fact in known.ask_programs().iter().filter(|fact| matches!(fact.standing, Standing::LoggedIn { .. })) {
        offers.push(Offer::Plan { provider: fact.provider });
    }
    for (name, provider) in settings.providers.iter().filter(|(_, provider)| provider.auth == Auth::None) {
        let server = found
            .servers
            .iter()
            .filter(|s| s.gateway.is_none())
            .find(|server| server.provider(settings) == Some(name.as_str()));
        if server.is_none() && provider.is_unnamed_server() {
            continue;
        }
        let listed = provider.prices.keys().next().cloned();
        let model = listed.or_else(|| server.and_then(|server| server.models.first().cloned()));
        offers.push(Offer::Keyless { provider: name.clone(), model });
    }
    for key in found.keys.iter().filter(|key| settings.providers.contains_key(key.provider)) {
        offers.push(Offer::Ambient { provider: key.provider.to_owned(), variable: key.variable.clone() });
    }
    for name in ["anthropic", "openai"] {
        if !offers.iter().any(|offer| offer.provider() == name) {
            offers.push(Offer::NewKey { provider: name.to_owned() });
        }
    }
    offers.retain(|offer| wanted(offer.provider()));
    // What is possible already stands in the table, and comes first.
    let possible: Vec<Offer> = rows.iter().filter_map(Offer::of_row).collect();
    offers.retain(|offer| !possible.iter().any(|row| row.stands_for(offer)));
    offers.splice(0..0, possible);
    offers.truncate(9);
    offers
}

impl Offer {
    fn of_row(row: &PathRow) -> Option<Self> {
        let route = row.route.as_ref()?;
        let label = match &route.credential {
            CredentialRef::Stored { label, .. } => Some(label.clone()),
            _ => None,
        };
        let (provider, model) = (route.provider.clone(), route.model.clone());
        Some(Self::Row { path: route.path, provider, label, model })
    }

    fn is_row(&self, row: &PathRow) -> bool {
        Self::of_row(row).is_some_and(|of_row| of_row == *self)
    }

    /// Whether the row pays with what the offer is about: another key of its provider is another choice.
    fn stands_for(&self, offer: &Self) -> bool {
        let Self::Row { provider, label, .. } = self else { return false };
        match offer {
            Self::Stored { provider: of, label: other } => provider == of && label.as_ref() == Some(other),
            Self::Row { .. } => false,
            _ => provider == offer.provider(),
        }
    }

    fn provider(&self) -> &str {
        match self {
            Self::Row { provider, .. }
            | Self::Stored { provider, .. }
            | Self::Keyless { provider, .. }
            | Self::Ambient { provider, .. }
            | Self::NewKey { provider } => provider,
            Self::Plan { provider } => provider,
        }
    }
}

/// Everything that was found, the offers with their digit.
fn sights(known: &Known, found: &Found, offers: &[Offer]) -> Vec<Sight> {
    let settings = &known.loaded.settings;
    let catalog = Catalog::bundled();
    let who = |name: &str, provider: &ProviderSettings| payer(catalog, name, provider);
    let key_of = |matches: &dyn Fn(&Offer) -> bool| offers.iter().position(matches).map(digit);
    let in_table = |offer: &Offer| offers.iter().any(|row| row.stands_for(offer));
    let mut sights = Vec::new();
    for key in &known.keys {
        let Some(provider) = settings.providers.get(&key.provider) else { continue };
        let offer = Offer::Stored { provider: key.provider.clone(), label: key.label.clone() };
        if in_table(&offer) {
            continue;
        }
        sights.push(Sight {
            key: key_of(&|each| *each == offer),
            what: format!("key {} {} {}", key.provider, key.label, key.fingerprint),
            who_pays: who(&key.provider, provider),
            how: format!("vk use {} --provider {} --key {}", provider.kind, key.provider, key.label),
        });
    }
    for key in &found.keys {
        let Some(provider) = settings.providers.get(key.provider) else { continue };
        sights.push(Sight {
            key: key_of(&|each| matches!(each, Offer::Ambient { variable, .. } if *variable == key.variable)),
            what: format!("{} is set", key.variable),
            who_pays: who(key.provider, provider),
            how: format!("vk keys add {} --from-env {}", key.provider, key.variable),
        });
    }
    for server in found.servers.iter().filter(|server| server.gateway.is_none()) {
        let models = if server.models.is_empty() { String::new() } else { format!(": {}", server.models.join(", ")) };
        let name = server.provider(settings);
        if name.is_some_and(|name| in_table(&Offer::Keyless { provider: name.to_owned(), model: None })) {
            continue;
        }
        let model = server.models.first().map_or("MODEL", String::as_str);
        let how = name.map(|name| format!("vk use free --provider {name} --model {model}")).unwrap_or_default();
        sights.push(Sight {
            key: name
                .and_then(|name| key_of(&|each| matches!(each, Offer::Keyless { provider, .. } if provider == name))),
            what: format!("{} answers at {}{}", server.name, server.base_url, present::escape::shorten(&models, 60)),
            who_pays: "nobody pays".to_owned(),
            how,
        });
    }
    for fact in known.ask_programs().iter().filter(|fact| fact.standing != Standing::Missing) {
        let name = fact.provider;
        if in_table(&Offer::Plan { provider: name }) {
            continue;
        }
        let why_not = plan::program(name).and_then(|program| program.why_not(Some(&fact.standing)));
        let (what, how) = match (&fact.standing, why_not) {
            (Standing::LoggedIn { account: Some(account), .. }, _) => {
                (format!("{name} is logged in as {account}"), None)
            }
            (_, None) => (format!("{name} is logged in"), None),
            (_, Some(failure)) => (failure.what, failure.fix.first().cloned()),
        };
        sights.push(Sight {
            key: key_of(&|each| matches!(each, Offer::Plan { provider } if *provider == name)),
            what,
            who_pays: format!("your {} plan covers it", plan::shown(name, Some(&fact.standing))),
            how: how.unwrap_or_else(|| format!("vk use subscription --provider {name}")),
        });
    }
    for offer in offers {
        if let Offer::NewKey { provider } = offer
            && let Some(provider_settings) = settings.providers.get(provider)
        {
            sights.push(Sight {
                key: key_of(&|each| each == offer),
                what: format!("a key of {provider} that you add now"),
                who_pays: who(provider, provider_settings),
                how: format!("vk keys add {provider}"),
            });
        }
    }
    sights
}

/// Does what the offer needs first, and says what is to be written.
fn take(offer: &Offer, context: &Context, known: &Known) -> Result<Chosen, Failure> {
    let provider = offer.provider().to_owned();
    let path = known.loaded.settings.providers.get(&provider).map_or(PayPath::Byok, |settings| settings.kind);
    let stored = known.keys.iter().filter(|key| key.provider == provider).count();
    let (has_one, several) = (stored > 0, stored > 1);
    let chosen = |key, model| Chosen { path, provider: provider.clone(), key, model };
    match offer {
        Offer::Row { path, label, model, .. } => {
            // What the provider has by itself is not written down.
            let needs_model = *path == PayPath::Free && label.is_none();
            Ok(Chosen {
                path: *path,
                provider: provider.clone(),
                key: label.clone().filter(|_| several),
                model: needs_model.then(|| model.clone()),
            })
        }
        Offer::Stored { label, .. } => Ok(chosen(several.then(|| label.clone()), None)),
        // Beside a token of the same plan, its own word says that it is the login.
        Offer::Plan { .. } => Ok(chosen(has_one.then(|| plan::OWN_LOGIN.to_owned()), None)),
        Offer::Keyless { model, .. } => Ok(chosen(None, model.clone())),
        Offer::Ambient { variable, .. } => {
            let question = Question::yes_no(format!("{variable} is set: store and use it?"));
            if !context.ui.confirm(&question) {
                return Err(Failure::new(Status::NoCredential, routing::NO_PATH, format!("{variable} stays ignored"))
                    .fix(format!("vk keys add {provider}")));
            }
            let label = keys::store(context, &provider, Some(variable))?;
            Ok(chosen(has_one.then_some(label), None))
        }
        Offer::NewKey { .. } => {
            keys::store(context, &provider, None)?;
            Ok(chosen(None, None))
        }
    }
}

//! `vk use`: writes whose account pays into a configuration file, and says what follows from it. What cannot work is
//! refused before a byte is written; what is only not there yet, such as a key, is named with the command that adds it.

use std::fmt::Display;

use super::args::UseArgs;
use super::context::Context;
use super::first_contact::{self, Chosen};
use crate::config::error::nearest;
use crate::config::{self, Change, Draft, Flags, Layer, Loaded, Scope, Settings, Source, Sourced, Trust, dirs, trust};
use crate::domain::failure::Failure;
use crate::domain::path::{PayPath, UnknownWord};
use crate::net::http::Client;
use crate::routing::{self, Facts, KeyFact, PathRow};
use crate::task::free::discover;
use crate::task::prepare::Known;

/// # Errors
/// Exit 2 for a name or a choice that cannot be, 3 where nothing is there to pay with, 7 for a file that is not trusted.
pub async fn run(args: UseArgs, context: &Context) -> Result<(), Failure> {
    let scope = match (args.global, args.personal) {
        (true, _) => Scope::Global,
        (_, true) => Scope::Personal,
        _ => Scope::Project,
    };
    let path: Option<PayPath> = args
        .path
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|error: UnknownWord| Failure::usage("bad_value", error.to_string()).fix("vk use --help"))?;
    if let Some(name) = args.key.as_deref().and_then(|key| key.strip_prefix("env:")) {
        return Err(Failure::usage("key_not_stored", "a file names a stored key by its label, never a variable")
            .why("whoever may change the file could otherwise pick among the secrets around it")
            .fix(
                format!("vk keys add {} --from-env {name}", args.provider.as_deref().unwrap_or_default())
                    .replace("  ", " "),
            )
            .fix(format!(
                "vk run --path {} --key env:{name} \"...\"   # for one run",
                args.path.as_deref().unwrap_or("byok")
            )));
    }
    let change = Change { path, provider: args.provider, model: args.model, key: args.key, without_model: false };
    // The names are checked as flags are, before they stand in a file.
    let named = Flags {
        provider: change.provider.clone(),
        model: change.model.clone(),
        key: change.key.clone(),
        ..Flags::default()
    };
    let mut known = Known::read(&context.env, &named, &context.ui)?;
    if change != Change::default() {
        look_at_server(context, &known.loaded, &change).await?;
        write(context, scope, &change)?;
        return tell_next(context);
    }
    if !context.ui.interactive() && known.loaded.settings.path.is_some() {
        return Err(Failure::usage(
            "nothing_to_write",
            "vk use was not told what to write, and nobody is there to ask",
        )
        .fix("vk use byok --provider anthropic")
        .fix("vk route    # what is chosen now"));
    }
    let whose = match scope {
        Scope::Global => "Whose account pays where a project does not say?",
        _ => first_contact::IN_THIS_PROJECT,
    };
    // What a file says so far does not narrow a new choice.
    let settings = &mut known.loaded.settings;
    settings.provider = settings.provider.take().filter(|provider| provider.layer() >= Layer::Env);
    settings.key = settings.key.take().filter(|key| key.layer() >= Layer::Env);
    settings.model = settings.model.take().filter(|model| model.layer() >= Layer::Env);
    let rows = side_by_side(context, &known).await?;
    let chosen =
        first_contact::choose(context, &known, whose, &rows).await.map_err(|failure| scoped(failure, scope))?;
    write(context, scope, &chosen.into())?;
    tell_next(context)
}

/// The commands of a failure for the file that was asked for.
fn scoped(mut failure: Failure, scope: Scope) -> Failure {
    let flag = match scope {
        Scope::Project => return failure,
        Scope::Personal => " --personal",
        Scope::Global => " --global",
    };
    for fix in failure.fix.iter_mut().filter(|fix| fix.starts_with("vk use ")) {
        fix.push_str(flag);
    }
    failure
}

/// Every path as `vk route` shows it; nobody is asked where nobody will choose.
async fn side_by_side(context: &Context, known: &Known) -> Result<Vec<PathRow>, Failure> {
    if !context.ui.interactive() {
        return Ok(Vec::new());
    }
    known.ask_programs();
    let mut rows = known.with_facts(&known.loaded.settings, None, routing::table);
    super::route::fill(context, known, &mut rows).await?;
    Ok(rows)
}

/// A server of this machine that is named now is asked which models it has, so that one need not be typed.
async fn look_at_server(context: &Context, loaded: &Loaded, change: &Change) -> Result<(), Failure> {
    let named = change.provider.as_ref().or(loaded.settings.provider.as_ref().map(|provider| &provider.value));
    let is_server =
        |name: &&String| loaded.settings.providers.get(*name).is_some_and(|provider| provider.kind == PayPath::Free);
    let Some(name) = named.filter(is_server) else { return Ok(()) };
    for read in discover::everything(&Client::new(&context.env)?, loaded, Some(name)).await? {
        if let Err(why) = read.result {
            context.ui.say(&format!("{name} at {}: {why}", read.base_url));
        }
    }
    Ok(())
}

/// Where a route follows, it can be used.
fn tell_next(context: &Context) -> Result<(), Failure> {
    let known = Known::read(&context.env, &Flags::default(), &context.ui)?;
    if known.decide(None).is_ok() {
        context.ui.say("next: vk run \"fix the failing test\"");
    }
    Ok(())
}

impl From<Chosen> for Change {
    fn from(chosen: Chosen) -> Self {
        Self {
            path: Some(chosen.path),
            provider: Some(chosen.provider),
            model: chosen.model,
            key: chosen.key,
            without_model: false,
        }
    }
}

/// Writes the change, and says what it wrote and what follows.
///
/// # Errors
/// Nothing is written then: exit 2 or 3 where no route could follow, 7 where the file is a stranger's.
pub fn write(context: &Context, scope: Scope, change: &Change) -> Result<(), Failure> {
    let known = Known::read(&context.env, &Flags::default(), &context.ui)?;
    let loaded = &known.loaded;
    let (draft, next) = decided(context, &known, scope, change)?;
    let ui = context.ui.as_ref();
    if scope == Scope::Project {
        trust::ask_whole(loaded, ui)?;
    }
    draft.write(loaded)?;
    let done = if draft.is_unchanged() { "was so already" } else { "written" };
    ui.say(&format!("{} ({done}): {}", draft.shown, draft.lines.join(", ")));
    if scope == Scope::Personal {
        ui.say(&format!("for {}", dirs::show(loaded.project.dir(), context.env.home().as_deref())));
    }
    for dropped in &draft.dropped {
        ui.say(&format!("removed {dropped}"));
    }
    match &next {
        Next::Route { line, warnings } => {
            ui.say(line);
            for warning in warnings {
                ui.say(&format!("warning: {warning}"));
            }
        }
        Next::Missing(missing) => {
            ui.say(&format!("no route yet: {}", missing.what));
            if let Some(fix) = missing.fix.first() {
                ui.say(&format!("next: {fix}"));
            }
        }
    }
    // What stands above the file, and what another reading makes of it.
    let now = config::load(&context.env, &Flags::default())?;
    for line in overrides(&draft, &now) {
        ui.say(&line);
    }
    if scope != Scope::Project && matches!(now.trust, Trust::Needed(_)) {
        ui.say("vk.toml in this project is not trusted yet: vk trust");
    }
    Ok(())
}

/// The draft and what follows. A model of the file that another payer does not offer goes with the old payer.
fn decided(context: &Context, known: &Known, scope: Scope, change: &Change) -> Result<(Draft, Next), Failure> {
    let draft = |change: &Change| config::draft(&context.env, &known.loaded, scope, change);
    let first = draft(change)?;
    let failure = match judge(known, &as_typed(&first.settings, change), scope, change) {
        Ok(next) => return Ok((first, next)),
        Err(failure) => failure,
    };
    let is_moved = change.path.is_some() || change.provider.is_some();
    if change.model.is_some() || !is_moved || !routing::UNKNOWN_MODEL.contains(&failure.code) {
        return Err(failure);
    }
    let change = Change { without_model: true, ..change.clone() };
    let second = draft(&change)?;
    match judge(known, &as_typed(&second.settings, &change), scope, &change) {
        Ok(next) if second.dropped.len() > first.dropped.len() => Ok((second, next)),
        _ => Err(failure),
    }
}

/// What follows from the file and the layers below it.
enum Next {
    Route {
        line: String,
        warnings: Vec<String>,
    },
    /// Nothing is wrong, but something has to be added first.
    Missing(Failure),
}

/// The settings with what was typed as what it is: no file says it yet.
fn as_typed(settings: &Settings, change: &Change) -> Settings {
    fn typed<T>(value: &mut Option<Sourced<T>>, is_typed: bool, flag: &'static str) {
        if let Some(value) = value.as_mut().filter(|_| is_typed) {
            value.source = Source::Flag(flag);
        }
    }
    let mut settings = settings.clone();
    typed(&mut settings.provider, change.provider.is_some(), "--provider");
    typed(&mut settings.model, change.model.is_some(), "--model");
    typed(&mut settings.key, change.key.is_some(), "--key");
    settings
}

fn judge(known: &Known, settings: &Settings, scope: Scope, change: &Change) -> Result<Next, Failure> {
    known.with_facts(settings, None, |facts| {
        let failure = match routing::decide(facts) {
            Ok(route) => return Ok(Next::Route { line: route.line(), warnings: route.warnings }),
            Err(failure) => failure,
        };
        if is_added_later(&failure, facts, scope, change) {
            // A key that is still to come must not hide a wrong model.
            if let Some(Err(failure)) = with_key_to_come(facts) {
                return Err(typed_again(failure, facts, scope, change));
            }
            return Ok(Next::Missing(failure));
        }
        Err(typed_again(failure, facts, scope, change))
    })
}

/// Whether the choice stands and only waits for something else.
fn is_added_later(failure: &Failure, facts: &Facts<'_>, scope: Scope, change: &Change) -> bool {
    let provider = facts.settings.provider.as_ref().map(|provider| provider.value.as_str());
    match failure.code {
        "no_key" => true,
        // Of a provider that has keys here, another label is a slip.
        "no_such_key" => !facts.keys.iter().any(|key| provider.is_none_or(|name| key.provider == name)),
        // The file for every project leaves the rest to each of them.
        "several_providers" | "several_keys" => scope == Scope::Global,
        routing::NO_PATH => scope == Scope::Global || (change.provider.is_none() && change.key.is_none()),
        _ => false,
    }
}

/// The decision as it will be with the key that is not there yet; `None` where nothing says whose key that is.
fn with_key_to_come(facts: &Facts<'_>) -> Option<Result<(), Failure>> {
    let name = &facts.settings.provider.as_ref()?.value;
    let provider = facts.settings.providers.get(name)?;
    let label = facts.settings.key.as_ref().map_or_else(|| "default".to_owned(), |key| key.value.to_string());
    let key = KeyFact {
        provider: name.clone(),
        label,
        fingerprint: String::new(),
        origin: provider.origin(),
        is_default: false,
    };
    Some(routing::decide(&Facts { keys: &[key], ..*facts }).map(|_| ()))
}

/// The failure with its flags as whole commands of `vk use`, and the nearest label first.
fn typed_again(mut failure: Failure, facts: &Facts<'_>, scope: Scope, change: &Change) -> Failure {
    for fix in &mut failure.fix {
        if let Some(command) = command_with(fix, scope, change) {
            *fix = command;
        }
    }
    if failure.code == "no_such_key"
        && let Some(label) = &change.key
    {
        let provider = facts.settings.provider.as_ref().map(|provider| provider.value.as_str());
        let same = facts.keys.iter().filter(|key| provider.is_none_or(|name| key.provider == name));
        if let Some(near) = nearest(label, same.map(|key| key.label.as_str())) {
            failure.fix.insert(0, command(scope, &Change { key: Some(near.to_owned()), ..change.clone() }));
        }
    }
    failure
}

/// The command with the flags of a fix in place of what was typed; `None` where the fix is no list of flags.
fn command_with(fix: &str, scope: Scope, change: &Change) -> Option<String> {
    let Change { path, provider, model, key, without_model } = change.clone();
    let typed = Flags { path: path.map(|path| path.to_string()), provider, model, key, ..Flags::default() };
    let Flags { path, provider, model, key, .. } = typed.with(fix)?;
    let path = path.map(|path| path.parse()).transpose().ok()?;
    Some(command(scope, &Change { path, provider, model, key, without_model }))
}

fn command(scope: Scope, change: &Change) -> String {
    let mut words = vec!["vk use".to_owned()];
    words.extend(change.path.map(|path| path.to_string()));
    for (flag, value) in [("--provider", &change.provider), ("--model", &change.model), ("--key", &change.key)] {
        words.extend(value.as_ref().map(|value| format!("{flag} {value}")));
    }
    match scope {
        Scope::Project => {}
        Scope::Personal => words.push("--personal".to_owned()),
        Scope::Global => words.push("--global".to_owned()),
    }
    words.join(" ")
}

/// Where a higher layer says something else than the file that was written.
fn overrides(draft: &Draft, now: &Loaded) -> Vec<String> {
    let line = |(mine, now): (Said, Said)| match (mine.value, now.value) {
        (Some(mine), Some(value)) if mine == value => None,
        (Some(_), Some(value)) => {
            Some(format!("warning: {} says {} = \"{value}\", which wins over this file here", now.by, now.key))
        }
        (None, Some(value)) => Some(format!("note: {} says {} = \"{value}\" here", now.by, now.key)),
        (_, None) => None,
    };
    said(&draft.settings).into_iter().zip(said(&now.settings)).filter_map(line).collect()
}

/// One of the four values as people read it.
struct Said {
    key: &'static str,
    value: Option<String>,
    by: String,
}

fn said(settings: &Settings) -> [Said; 4] {
    fn one<T: Display>(key: &'static str, value: Option<&Sourced<T>>) -> Said {
        let by = value.map(|value| value.source.to_string()).unwrap_or_default();
        Said { key, value: value.map(|value| value.value.to_string()), by }
    }
    [
        one("path", settings.path.as_ref()),
        one("provider", settings.provider.as_ref()),
        one("model", settings.model.as_ref()),
        one("key", settings.key.as_ref()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: PayPath, provider: &str, key: &str) -> Change {
        Change { path: Some(path), provider: Some(provider.into()), key: Some(key.into()), ..Change::default() }
    }

    #[test]
    fn the_flags_of_a_fix_become_the_whole_command() {
        let typed = change(PayPath::Byok, "anthropc", "client-a");
        let again = |flags: &str, scope| command_with(flags, scope, &typed);
        assert_eq!(again("--provider anthropic", Scope::Project).unwrap(), "vk use byok --provider anthropic");
        assert_eq!(
            again("--key client-b", Scope::Personal).unwrap(),
            "vk use byok --provider anthropc --key client-b --personal"
        );
        assert_eq!(
            again("--path platform --provider work --model gpt", Scope::Global).unwrap(),
            "vk use platform --provider work --model gpt --global"
        );
        assert_eq!(again("--model ID, the exact id that this provider takes", Scope::Project), None);
        assert_eq!(again("vk keys add anthropic", Scope::Project), None);
    }
}

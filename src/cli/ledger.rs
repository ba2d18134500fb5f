//! `vk ledger`: every row from this machine's file into a team's database, and back.

use std::sync::Arc;

use super::args::{LedgerArgs, LedgerCommand, ListOutput};
use super::context::Context;
use crate::base::clock;
use crate::config::{
    self, Database, DatabaseError, Flags, KeyChoice, LedgerSettings, Loaded, PASSWORD_OF, Source, Sourced,
};
use crate::credential::Vault;
use crate::domain::failure::Failure;
use crate::ledger::{Ledger, Server};
use crate::present;
use crate::present::ledger as shown;
use crate::task;

/// # Errors
/// Exit 2 for what was typed, and while a task still runs; 9 for a ledger that cannot be read or written.
pub fn run(args: LedgerArgs, context: &Context) -> Result<(), Failure> {
    let LedgerCommand::Copy { to, from, key, output } = args.command;
    let loaded = config::load(&context.env, &Flags::default())?;
    let to_file = to == "sqlite";
    if from.is_some() && !to_file {
        return Err(Failure::usage("copy_from_where", "--from names a database, and goes with --to sqlite")
            .why("what goes into a database comes from the file of this machine")
            .fix("vk ledger copy --to postgres")
            .fix("vk ledger copy --to sqlite --from postgres://vk@db.example.com/vk"));
    }
    let named = if to_file { from.as_deref() } else { Some(to.as_str()).filter(|to| *to != "postgres") };
    let flag = if to_file { "--from" } else { "--to" };
    let settings = settings(&loaded, named, flag, key.as_deref())?;
    let vault = Vault::open(&loaded.dirs.data, &context.env, Arc::clone(&context.ui));
    let server = task::ledger::server(&settings, &context.env, &vault)?;
    let data = &loaded.dirs.data;
    let file = data.join(crate::ledger::FILE_NAME).display().to_string();
    let place = settings.database.to_string();
    let (shown_from, shown_to) = if to_file { (&place, &file) } else { (&file, &place) };
    let source = if to_file { existing(server.clone())? } else { Ledger::open_existing(data)? };
    let Some(source) = source else {
        return Err(Failure::usage("nothing_to_copy", format!("there is no ledger in {shown_from}")).fix("vk doctor"));
    };
    still_running(&source, shown_from)?;
    let target = if to_file { Ledger::open(data)? } else { Ledger::connect(server)? };
    let copied = source.copy_to(&target)?;
    present::stdout(&match output {
        ListOutput::Json => shown::json(shown_from, shown_to, &copied),
        ListOutput::Table => shown::table(shown_from, shown_to, &copied),
    })?;
    let is_used = loaded.settings.ledger.as_ref().is_some_and(|used| *used.database == *settings.database);
    if to_file == is_used {
        let next = if to_file { "take [ledger] out of" } else { "write [ledger] with this url into" };
        context.ui.say(&format!(
            "Tasks are recorded where they were. To change that, {next} your config.toml (vk doctor says where it is)."
        ));
    }
    Ok(())
}

fn existing(server: Server) -> Result<Option<Ledger>, Failure> {
    Ok(Ledger::connect_existing(server)?)
}

/// The end of a task that still runs would be missing from the copy.
fn still_running(source: &Ledger, place: &str) -> Result<(), Failure> {
    let now = clock::now();
    // What died is settled first, as every report does.
    source.expire(now)?;
    let running = source.running(now)?;
    let Some(first) = running.first() else { return Ok(()) };
    let count =
        if running.len() == 1 { "a task still runs".to_owned() } else { format!("{} tasks still run", running.len()) };
    let by = if first.user.is_empty() { String::new() } else { format!(" by {}", first.user) };
    Err(Failure::usage("tasks_running", format!("{count} in {place}: {}{by}", first.task_id))
        .why("how it ends would be missing from the copy")
        .fix("vk tasks list --all   # and again once they have ended"))
}

/// The database that was named, or the one of the configuration.
fn settings(
    loaded: &Loaded,
    named: Option<&str>,
    flag: &'static str,
    key: Option<&str>,
) -> Result<LedgerSettings, Failure> {
    let used = loaded.settings.ledger.as_ref();
    let database = match (named, used) {
        (None, Some(used)) => used.database.clone(),
        (None, None) => {
            return Err(Failure::usage("no_team_ledger", "your config.toml names no database for the ledger")
                .fix(format!("vk ledger copy {flag} postgres://vk@db.example.com/vk")));
        }
        (Some(text), _) => Sourced::new(parse(text, flag)?, Source::Flag(flag)),
    };
    let same = used.filter(|used| *used.database == *database);
    let key = match key {
        None => same.and_then(|used| used.key.clone()),
        Some(text) => Some(Sourced::new(
            text.strip_prefix("env:")
                .map_or_else(|| KeyChoice::Label(text.to_owned()), |name| KeyChoice::Env(name.to_owned())),
            Source::Flag("--key"),
        )),
    };
    let certificates = used.and_then(|used| used.certificates.clone());
    Ok(LedgerSettings { database, key, certificates, user: None })
}

fn parse(text: &str, flag: &str) -> Result<Database, Failure> {
    text.parse().map_err(|error: DatabaseError| {
        // The text is not repeated: a password may stand in it.
        let failure = Failure::usage("bad_address", format!("{flag}: {error}"));
        match error {
            DatabaseError::Password => failure
                .fix(format!("vk keys add {PASSWORD_OF} --label team"))
                .fix(format!("vk ledger copy {flag} postgres://vk@db.example.com/vk --key team")),
            _ => failure.fix(format!("vk ledger copy {flag} postgres://vk@db.example.com/vk")),
        }
    })
}

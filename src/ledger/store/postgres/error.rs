//! How a team's database fails, and what a person can do about each way. All of them end a task before it spends, or
//! before it spends more: exit 9.

use super::session::Fault;
use super::{SCHEMA, Server, connect};
use crate::base::shell;
use crate::config::Database;
use crate::domain::failure::{Failure, Status};

/// What is wrong, by what mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody answers there, or nobody has room.
    Unreachable,
    /// The connection broke with something under way.
    Lost,
    /// Another certificate than one that is trusted, or none.
    Certificates,
    /// The role, or its password, is refused.
    Refused,
    NoDatabase,
    /// The role may not make or use the tables.
    NoRight,
    /// A server of before 2019.
    OldServer,
    /// The schema's name is taken by another program.
    Foreign,
    /// The database takes no writes: a copy that follows another server.
    ReadOnly,
    Full,
    /// Others kept the turn for half a minute.
    Locked,
    Failed,
}

/// A failure of the database at one address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.what())]
pub struct ServerError {
    pub trouble: Trouble,
    /// The server's own words, or the system's.
    pub why: String,
    at: Box<At>,
}

/// Where it is, and what is typed for its password.
#[derive(Clone, Debug, PartialEq, Eq)]
struct At {
    database: Database,
    password_fix: String,
}

impl ServerError {
    pub(super) fn new(server: &Server, trouble: Trouble, why: impl Into<String>) -> Self {
        let at = At { database: server.database.clone(), password_fix: server.password_fix.clone() };
        Self { trouble, why: why.into(), at: Box::new(at) }
    }

    pub(super) fn unreachable(server: &Server, why: impl Into<String>) -> Self {
        Self::new(server, Trouble::Unreachable, why)
    }

    pub(super) fn certificates(server: &Server, why: impl Into<String>) -> Self {
        Self::new(server, Trouble::Certificates, why)
    }

    /// Of a statement that failed.
    pub(super) fn of(server: &Server, fault: Fault) -> Self {
        match fault {
            Fault::Lost(why) => Self::new(server, Trouble::Lost, why),
            Fault::Answer { code, message } => Self::new(server, by_code(&code), message),
        }
    }

    /// Of a connection that was not made.
    pub(super) fn entering(server: &Server, error: &tokio_postgres::Error) -> Self {
        let why = connect::chain(error);
        let trouble = match error.code().map(|code| by_code(code.code())) {
            Some(Trouble::Failed) => Trouble::Unreachable,
            Some(trouble) => trouble,
            None if why.contains("certificate") || why.contains("TLS") => Trouble::Certificates,
            // It asks for a password and none is given, or asks in a way that is not known here.
            None if why.contains("password") || why.contains("authentication") => Trouble::Refused,
            None => Trouble::Unreachable,
        };
        let why = error.as_db_error().map_or(why, |answer| answer.message().to_owned());
        Self::new(server, trouble, why)
    }

    /// Whether it may be over in a moment: a server that starts, or has no room for one more.
    pub(super) fn is_passing(&self) -> bool {
        self.trouble == Trouble::Lost
    }

    fn what(&self) -> String {
        let place = &self.at.database;
        match self.trouble {
            Trouble::Unreachable => format!("the ledger {place} cannot be reached"),
            Trouble::Lost => format!("the connection to the ledger {place} is gone"),
            Trouble::Certificates => format!("the ledger {place} does not prove to be the right server"),
            Trouble::Refused => format!("the ledger {place} does not let this role in"),
            Trouble::NoDatabase => format!("there is no database for the ledger {place}"),
            Trouble::NoRight => format!("the role {} may not use the ledger {place}", place.role),
            Trouble::OldServer => format!("the server of the ledger {place} is too old"),
            Trouble::Foreign => format!("the schema {SCHEMA} of {place} belongs to another program"),
            Trouble::ReadOnly => format!("the ledger {place} cannot be written"),
            Trouble::Full => format!("the disk that holds the ledger {place} is full"),
            Trouble::Locked => format!("another process kept the ledger {place} locked for 30 seconds"),
            Trouble::Failed => format!("the ledger {place} could not be used"),
        }
    }

    /// What a person reads.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        let failure = |code| Failure::new(Status::Ledger, code, self.what());
        let unspent = format!("{}; vk spends nothing that it cannot record", self.why);
        let At { database: named, password_fix } = &*self.at;
        let (host, port, role) = (shell::word(&named.host), named.port, shell::word(&named.role));
        let database = shell::word(&named.name);
        let ready = format!("pg_isready -h {host} -p {port}");
        let psql = |sql: &str| format!("psql -h {host} -p {port} -U postgres -d {database} -c {}", shell::word(sql));
        match self.trouble {
            Trouble::Unreachable => failure("ledger_unreachable").why(unspent).fix(ready).fix("vk doctor"),
            Trouble::Lost => failure("ledger_lost")
                .why(format!("{}; a call that was under way counts in full until its figure is known", self.why))
                .fix(ready)
                .fix("vk budget list   # what is uncertain, once it answers"),
            Trouble::Certificates => failure("ledger_certificate")
                .why(format!("{}; TLS is verified for every other machine", self.why))
                .fix("vk doctor   # where config.toml is: certificates = \"/path/to/ca.pem\" in [ledger] names who vouches"),
            Trouble::Refused if self.why.contains("does not exist") => failure("ledger_refused_role")
                .why(unspent)
                .fix(format!("createuser -h {host} -p {port} -U postgres --pwprompt {role}")),
            Trouble::Refused => failure("ledger_refused_role").why(unspent).fix(password_fix.clone()),
            Trouble::NoDatabase => failure("ledger_no_database")
                .why(unspent)
                .fix(format!("createdb -h {host} -p {port} -U postgres -O {role} {database}")),
            Trouble::NoRight => failure("ledger_no_right")
                .why(unspent)
                .fix(psql(&format!("GRANT CREATE ON DATABASE {} TO {}", quoted(&named.name), quoted(&named.role))))
                .fix(psql(&format!(
                    "GRANT USAGE ON SCHEMA {SCHEMA} TO {0}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {0}",
                    quoted(&named.role)
                )) + "   # where its tables are there already"),
            Trouble::OldServer => failure("ledger_old_server").why(unspent).fix(psql("SHOW server_version")),
            Trouble::Foreign => failure("ledger_foreign")
                .why("it is left as it is")
                .fix(format!("createdb -h {host} -p {port} -U postgres -O {role} vk_ledger   # and name it in [ledger] url")),
            Trouble::ReadOnly => failure("ledger_unwritable")
                .why(unspent)
                .fix(psql("SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')")),
            Trouble::Full => failure("ledger_disk_full").why(unspent).fix(psql("SHOW data_directory")),
            Trouble::Locked => failure("ledger_locked")
                .why("every write takes a few milliseconds, so something is holding it")
                .fix(psql("SELECT pid, usename, client_addr, state, query FROM pg_stat_activity WHERE application_name = 'vk'")),
            Trouble::Failed => failure("ledger_failed").why(unspent).fix(ready).fix("vk doctor"),
        }
    }
}

/// A name as SQL takes it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// By the code of the answer. Source: postgresql.org/docs/17/errcodes-appendix.html (2026-11).
fn by_code(code: &str) -> Trouble {
    match code {
        "28000" | "28P01" => Trouble::Refused,
        "3D000" => Trouble::NoDatabase,
        "42501" => Trouble::NoRight,
        "25006" => Trouble::ReadOnly,
        "53100" => Trouble::Full,
        "55P03" => Trouble::Locked,
        // Too many connections, or the server is starting or going down.
        "53300" | "57P01" | "57P02" | "57P03" => Trouble::Lost,
        _ => Trouble::Failed,
    }
}

//! The same tests over every store: a file of this machine, and a team's PostgreSQL where one is installed.

use std::cell::Cell;

use vibekit::ledger::Ledger;

use super::owner;
#[cfg(target_os = "linux")]
use crate::support::postgres::Postgres;

/// Where the ledgers of a test lie.
pub(crate) enum Store {
    Memory,
    #[cfg(target_os = "linux")]
    Postgres(Box<Postgres>, Cell<u32>),
}

impl Store {
    /// `None` where it is not installed.
    #[cfg(target_os = "linux")]
    pub(crate) fn postgres() -> Option<Self> {
        Some(Self::Postgres(Box::new(Postgres::start()?), Cell::new(0)))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn postgres() -> Option<Self> {
        println!("skipped: the server is only started on Linux");
        None
    }

    /// A ledger of its own, with nothing in it.
    pub(crate) fn ledger(&self) -> Ledger {
        match self {
            Self::Memory => Ledger::in_memory(owner("here")).unwrap(),
            #[cfg(target_os = "linux")]
            Self::Postgres(server, made) => {
                let name = format!("vk{}", made.replace(made.get() + 1));
                server.sql("postgres", &format!("CREATE DATABASE {name}"));
                Ledger::connect_as(server.server_of(&name), owner("here")).unwrap()
            }
        }
    }

    /// How many cases of a property are tried: a new database takes a moment.
    pub(crate) const fn cases(&self, most: u32) -> u32 {
        match self {
            Self::Memory => most,
            #[cfg(target_os = "linux")]
            Self::Postgres(..) => most / 12,
        }
    }
}

/// Makes two tests of each function: over a file, and over a server.
macro_rules! over_both {
    ($($test:ident),+ $(,)?) => {
        mod in_a_file {
            $(#[test]
            fn $test() {
                super::$test(&$crate::ledger::stores::Store::Memory);
            })+
        }

        mod in_postgres {
            $(#[test]
            fn $test() {
                if let Some(store) = $crate::ledger::stores::Store::postgres() {
                    super::$test(&store);
                }
            })+
        }
    };
}
pub(crate) use over_both;

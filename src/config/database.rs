//! The address of a team's database: `postgres://ROLE@HOST/NAME`. A password has no place in it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

/// The port that PostgreSQL answers at unless another is named.
const PORT: u16 = 5432;

/// A database and the role that it is entered as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Database {
    pub role: String,
    /// A name or an IP address, without brackets.
    pub host: String,
    pub port: u16,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    #[error("a password does not belong into an address")]
    Password,
    #[error("a database's address is written postgres://ROLE@HOST/NAME, or with :PORT after the host")]
    NotOne,
    #[error("the address names no role; write postgres://ROLE@HOST/NAME")]
    NoRole,
    #[error("the address ends with the database's name: nothing may follow it, and TLS is always verified")]
    Extra,
}

impl Database {
    /// Whether it is on this machine: no name that a resolver could send elsewhere but `localhost` itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// `postgres://HOST:PORT`: what a stored password is bound to.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("postgres://{}:{}", self.shown_host(), self.port)
    }

    fn shown_host(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl FromStr for Database {
    type Err = DatabaseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What is written must be what is used.
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(DatabaseError::NotOne);
        }
        let url = Url::parse(text).map_err(|_| DatabaseError::NotOne)?;
        if url.password().is_some() {
            return Err(DatabaseError::Password);
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned).ok();
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let host = decoded(host).filter(|host| !host.is_empty() && !host.contains('/')).ok_or(DatabaseError::NotOne)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(DatabaseError::NotOne);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(DatabaseError::Extra);
        }
        let name = url.path().strip_prefix('/').filter(|name| !name.is_empty() && !name.contains('/'));
        let name = name.and_then(decoded).ok_or(DatabaseError::NotOne)?;
        let role = decoded(url.username()).filter(|role| !role.is_empty()).ok_or(DatabaseError::NoRole)?;
        Ok(Self { role, host: host.to_ascii_lowercase(), port: url.port().unwrap_or(PORT), name })
    }
}

/// As it is written, without the usual port.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = if self.port == PORT { String::new() } else { format!(":{}", self.port) };
        write!(f, "postgres://{}@{}{port}/{}", self.role, self.shown_host(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_written_as_it_was() {
        for (text, origin, loopback) in [
            ("postgres://vk@db/vk", "postgres://db:5432", false),
            ("postgres://ann@DB.example.com:6543/spend", "postgres://db.example.com:6543", false),
            ("postgresql://vk@127.0.0.1:5433/vk", "postgres://127.0.0.1:5433", true),
            ("postgres://vk@[::1]/vk", "postgres://[::1]:5432", true),
            ("postgres://vk@localhost/vk", "postgres://localhost:5432", true),
            ("postgres://vk@localhost.example.com/vk", "postgres://localhost.example.com:5432", false),
            ("postgres://vk@127.0.0.1.example.com/vk", "postgres://127.0.0.1.example.com:5432", false),
        ] {
            let database: Database = text.parse().unwrap();
            assert_eq!((database.origin().as_str(), database.is_loopback()), (origin, loopback), "{text}");
            assert_eq!(database.to_string().parse::<Database>().unwrap(), database);
        }
        let odd: Database = "postgres://a%40b@db/v%20k".parse().unwrap();
        assert_eq!((odd.role.as_str(), odd.name.as_str()), ("a@b", "v k"));
    }

    #[test]
    fn what_is_no_address_is_told_apart() {
        for (text, why) in [
            ("postgres://vk:secret@db/vk", DatabaseError::Password),
            ("postgres://db/vk", DatabaseError::NoRole),
            ("postgres://vk@db", DatabaseError::NotOne),
            ("postgres://vk@db/", DatabaseError::NotOne),
            ("postgres://vk@db/a/b", DatabaseError::NotOne),
            ("postgres://vk@/vk", DatabaseError::NotOne),
            ("postgres://vk@%2Frun%2Fpostgresql/vk", DatabaseError::NotOne),
            ("postgres://vk@db/vk?sslmode=disable", DatabaseError::Extra),
            ("postgres://vk@db/vk#x", DatabaseError::Extra),
            ("mysql://vk@db/vk", DatabaseError::NotOne),
            ("postgres://vk@d b/vk", DatabaseError::NotOne),
            ("db", DatabaseError::NotOne),
            ("", DatabaseError::NotOne),
        ] {
            assert_eq!(text.parse::<Database>(), Err(why), "{text}");
        }
    }
}

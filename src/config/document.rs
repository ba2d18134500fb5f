//! A TOML file read once, with the place of everything in it. Each key of a table is taken by name; a key that nobody
//! knows, a value of the wrong type or an empty word is an error that points at its line.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::error::{ConfigError, Wrong, did_you_mean};
use super::excerpt::{excerpt, line_and_column, mask};
use super::source::{Place, Source, Sourced};
use crate::base::shell;

/// The bytes of a file as text; the error says where they stop being any.
pub(super) fn decode(bytes: Vec<u8>, shown: &str) -> Result<String, ConfigError> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes());
        let document = Document::new(PathBuf::new(), shown, &text, Source::User);
        document.wrong("bad_toml", &(at..at), false, "not UTF-8 text").into()
    })
}

/// The text of a file and how to speak of it.
pub(super) struct Document<'t> {
    pub(super) text: &'t str,
    pub(super) file: Arc<PathBuf>,
    pub(super) shown: Arc<str>,
    /// Makes the source of a value from its place.
    pub(super) source: fn(Place) -> Source,
}

impl<'t> Document<'t> {
    pub(super) fn new(path: PathBuf, shown: &str, text: &'t str, source: fn(Place) -> Source) -> Self {
        Self { text, file: Arc::new(path), shown: Arc::from(shown), source }
    }

    /// The top table.
    pub(super) fn parse(&self) -> Result<Table<'_>, ConfigError> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            self.wrong("bad_toml", &span, false, format!("not TOML: {}", error.message()))
        })?;
        Ok(Table::new(self, String::new(), table.into_inner()))
    }

    pub(super) fn wrong(&self, code: &'static str, span: &Range<usize>, hide: bool, what: impl Into<String>) -> Wrong {
        let (line, column) = line_and_column(self.text, span.start);
        Wrong {
            code,
            place: format!("{}:{line}:{column}", self.shown),
            what: mask(&what.into()),
            excerpt: excerpt(self.text, span, hide),
            why: None,
            instead: Vec::new(),
            fix: self.opened().into_iter().collect(),
        }
    }

    /// The command that opens the file.
    fn opened(&self) -> Option<String> {
        let is_named = !self.file.as_os_str().is_empty();
        is_named.then(|| format!("${{EDITOR:-vi}} {}", shell::path(&self.file)))
    }

    fn source_at(&self, at: usize) -> Source {
        let (line, _) = line_and_column(self.text, at);
        (self.source)(Place { file: Arc::clone(&self.file), shown: Arc::clone(&self.shown), line })
    }
}

/// What the schema says of keys that are not taken.
pub(super) struct Refused {
    pub(super) key: &'static str,
    pub(super) reason: Reason,
}

pub(super) enum Reason {
    /// It may not stand here; why, and what to do instead.
    NotHere { why: &'static str, instead: &'static str },
    /// It is a credential in a file; why that is no place for one.
    Credential { why: &'static str },
}

/// One table: its entries in the order of the file.
pub(super) struct Table<'d> {
    /// `budget`, `providers.work`; empty for the top.
    name: String,
    entries: Vec<Entry<'d>>,
}

impl<'d> Table<'d> {
    fn new(document: &'d Document<'d>, name: String, table: DeTable<'d>) -> Self {
        let entry = |(key, value): (Spanned<DeString<'d>>, Spanned<DeValue<'d>>)| {
            let key_span = key.span();
            Entry { document, table: name.clone(), key: key.into_inner().into_owned(), key_span, value }
        };
        let mut entries: Vec<_> = table.into_iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        Self { name, entries }
    }

    /// Every key is one of `known`; the first that is not is an error, `refused` saying why where it is a word of vk's.
    pub(super) fn expect(&self, known: &[&str], refused: &[Refused]) -> Result<(), ConfigError> {
        let Some(entry) = self.entries.iter().find(|entry| !known.contains(&entry.key.as_str())) else {
            return Ok(());
        };
        let name = entry.name();
        let Some(refused) = refused.iter().find(|refused| refused.key == entry.key) else {
            let hint = did_you_mean(&entry.key, known.iter().copied());
            let inside = if self.name.is_empty() { String::new() } else { format!(" in [{}]", self.name) };
            let wrong = entry.wrong_key("unknown_key", format!("unknown key \"{}\"{inside}{hint}", entry.key));
            let all = known.join(", ");
            return Err(if all.is_empty() { wrong } else { wrong.why(format!("known here: {all}")) }.into());
        };
        let not_here = || entry.wrong_key("not_allowed_here", format!("\"{name}\" may not be set here"));
        Err(match &refused.reason {
            Reason::NotHere { why, instead } => not_here().why(*why).instead(*instead),
            Reason::Credential { why } => not_here().why(*why).first("vk keys add"),
        }
        .into())
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Entry<'d>> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(at))
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry<'d>> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn into_entries(self) -> Vec<Entry<'d>> {
        self.entries
    }

    /// Takes `key` as a word that `T` parses; its error says what is allowed.
    pub(super) fn take_parsed<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        key: &str,
        words: &[&str],
    ) -> Result<Option<Sourced<T>>, ConfigError> {
        self.take(key).map(|entry| entry.parsed(words)).transpose()
    }
}

/// One `key = value`.
#[derive(Clone)]
pub(super) struct Entry<'d> {
    document: &'d Document<'d>,
    table: String,
    pub(super) key: String,
    key_span: Range<usize>,
    value: Spanned<DeValue<'d>>,
}

impl<'d> Entry<'d> {
    /// `budget.task`
    pub(super) fn name(&self) -> String {
        if self.table.is_empty() { self.key.clone() } else { format!("{}.{}", self.table, self.key) }
    }

    pub(super) fn source(&self) -> Source {
        self.document.source_at(self.key_span.start)
    }

    /// An error at the key. What follows the key is not shown: it may be a secret in the wrong place.
    pub(super) fn wrong_key(&self, code: &'static str, what: impl Into<String>) -> Wrong {
        self.document.wrong(code, &self.key_span, true, what)
    }

    /// An error at the value.
    pub(super) fn wrong_value(&self, what: impl Into<String>) -> Wrong {
        self.document.wrong("bad_value", &self.value.span(), false, what)
    }

    fn wrong_type(&self, expected: &str) -> Wrong {
        let found = type_name(self.value.get_ref());
        let wrong = self.wrong_value(format!("\"{}\" must be {expected}, not {found}", self.name()));
        match self.value.get_ref() {
            DeValue::Integer(number) if expected.contains("quotes") => {
                wrong.instead(format!("write {} = \"{number}\"", self.key))
            }
            DeValue::Float(number) if expected.contains("quotes") => {
                wrong.instead(format!("write {} = \"{number}\"", self.key))
            }
            _ => wrong,
        }
    }

    pub(super) fn text(&self) -> Result<Sourced<String>, ConfigError> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(Sourced::new(text.clone().into_owned(), self.source())),
            _ => Err(self.wrong_type("text in quotes").into()),
        }
    }

    pub(super) fn flag(&self) -> Result<Sourced<bool>, ConfigError> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Ok(Sourced::new(*value, self.source())),
            _ => Err(self.wrong_type("true or false").into()),
        }
    }

    /// The text, if `allowed` takes it; `expected` finishes "must be".
    pub(super) fn text_that(
        &self,
        allowed: impl Fn(&str) -> bool,
        expected: &str,
    ) -> Result<Sourced<String>, ConfigError> {
        let text = self.text()?;
        if allowed(&text) {
            return Ok(text);
        }
        Err(self.wrong_value(format!("\"{}\" must be {expected}", self.name())).into())
    }

    /// The text as a `T`; `words` are all it can be, where that is a short list.
    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, words: &[&str]) -> Result<Sourced<T>, ConfigError> {
        let text = self.text()?;
        let value = text.parse().map_err(|error: T::Err| {
            self.wrong_value(format!("{}: {error}{}", self.name(), did_you_mean(&text, words.iter().copied())))
        })?;
        Ok(Sourced::new(value, text.source))
    }

    /// A whole number, where it is written without quotes.
    pub(super) fn number(&self) -> Option<i64> {
        match self.value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        }
    }

    pub(super) fn boolean(&self) -> Result<Sourced<bool>, ConfigError> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Ok(Sourced::new(*value, self.source())),
            _ => Err(self.wrong_type("true or false").into()),
        }
    }

    /// A list, each item as an entry of its own so that it keeps its line.
    pub(super) fn list(&self) -> Result<Vec<Self>, ConfigError> {
        let DeValue::Array(items) = self.value.get_ref() else {
            return Err(self.wrong_type("a list, like [\"one\", \"two\"]").into());
        };
        let item = |(i, value): (usize, &Spanned<DeValue<'d>>)| Self {
            document: self.document,
            table: self.table.clone(),
            key: format!("{}[{i}]", self.key),
            key_span: value.span(),
            value: value.clone(),
        };
        Ok(items.iter().enumerate().map(item).collect())
    }

    pub(super) fn table(&self) -> Result<Table<'d>, ConfigError> {
        let name = self.name();
        let DeValue::Table(table) = self.value.get_ref() else {
            return Err(self.wrong_type("a table").instead(format!("write [{name}] on a line of its own")).into());
        };
        Ok(Table::new(self.document, name, table.clone()))
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

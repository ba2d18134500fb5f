//! What goes into a statement and what comes out of a row: whole numbers and text, each perhaps absent. Every column of
//! the ledger is one of the two, so that any database that knows them can keep it.

use std::borrow::Cow;
use std::sync::Arc;

use super::Stop;

/// A parameter. What is absent still has a type, for databases that must know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ledger) enum Value<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
}

/// What can be a parameter.
pub(in crate::ledger) trait Bind {
    const NONE: Value<'static>;
    fn bind(&self) -> Value<'_>;
}

/// The parameters of a statement, `?1` first.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::ledger::store::Bind::bind(&$value)),*] };
}
pub(in crate::ledger) use params;

macro_rules! bind_whole {
    ($($number:ty),*) => {$(
        impl Bind for $number {
            const NONE: Value<'static> = Value::Int(None);
            fn bind(&self) -> Value<'_> {
                Value::Int(Some(i64::from(*self)))
            }
        }
    )*};
}
bind_whole!(i64, u32, u16, u8);

macro_rules! bind_text {
    ($($text:ty),*) => {$(
        impl Bind for $text {
            const NONE: Value<'static> = Value::Text(None);
            fn bind(&self) -> Value<'_> {
                Value::Text(Some(self))
            }
        }
    )*};
}
bind_text!(str, String, Cow<'_, str>, Arc<str>, Box<str>);

impl<T: Bind> Bind for Option<T> {
    const NONE: Value<'static> = T::NONE;
    fn bind(&self) -> Value<'_> {
        self.as_ref().map_or(T::NONE, T::bind)
    }
}

impl<T: Bind + ?Sized> Bind for &T {
    const NONE: Value<'static> = T::NONE;
    fn bind(&self) -> Value<'_> {
        T::bind(self)
    }
}

/// One column of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ledger) enum Cell<'r> {
    None,
    Int(i64),
    Text(&'r str),
}

/// What can be read from a column.
pub(in crate::ledger) trait Column: Sized {
    /// `None` where the column holds something else.
    fn of(cell: Cell<'_>) -> Option<Self>;
}

macro_rules! column_whole {
    ($($number:ty),*) => {$(
        impl Column for $number {
            fn of(cell: Cell<'_>) -> Option<Self> {
                match cell {
                    Cell::Int(value) => value.try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}
column_whole!(i64, u32, u16, u8);

impl Column for String {
    fn of(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn of(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::None => Some(None),
            cell => T::of(cell).map(Some),
        }
    }
}

/// A row as the database gave it.
pub(in crate::ledger) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// The column at a position, from 0.
    pub(in crate::ledger) fn get<T: Column>(&self, at: usize) -> Result<T, Stop> {
        T::of(self.cell(at)?).ok_or(Stop::Shape(at))
    }

    /// The text at a position, without a copy; empty where there is none.
    pub(in crate::ledger) fn text(&self, at: usize) -> Result<&str, Stop> {
        match self.cell(at)? {
            Cell::Text(text) => Ok(text),
            _ => Ok(""),
        }
    }

    pub(in crate::ledger) fn cell(&self, at: usize) -> Result<Cell<'_>, Stop> {
        match self {
            Self::Sqlite(row) => super::sqlite::cell(row, at),
            Self::Postgres(row) => super::postgres::cell(row, at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_keeps_its_type_and_a_wrong_column_is_none() {
        let (none, text): (Option<&str>, String) = (None, "b".to_owned());
        let values: &[Value<'_>] = params![7_u16, "a", text, Some(3_i64), None::<u32>, none];
        assert_eq!(
            values,
            [
                Value::Int(Some(7)),
                Value::Text(Some("a")),
                Value::Text(Some("b")),
                Value::Int(Some(3)),
                Value::Int(None),
                Value::Text(None)
            ]
        );
        assert_eq!(u8::of(Cell::Int(256)), None);
        assert_eq!(i64::of(Cell::Text("1")), None);
        assert_eq!(Option::<i64>::of(Cell::None), Some(None));
        assert_eq!(Option::<u8>::of(Cell::Int(-1)), None);
    }
}

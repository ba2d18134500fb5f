//! Values of foreign JSON as they may be: what is no text, no object or no count where one is looked for is told
//! apart from a line that is broken. Text is borrowed from the line wherever it has no escapes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

/// No call has a trillion tokens: a count above it is a broken one.
const MOST_TOKENS: u64 = 1_000_000_000_000;
/// 2001 and 2096: a moment outside is a broken one. In milliseconds since 1970.
const EARLIEST: i64 = 1_000_000_000_000;
const LATEST: i64 = 4_000_000_000_000;

/// Why a line says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub &'static str);

pub(super) const NOT_JSON: Broken = Broken("not JSON");
pub(super) const BAD_FIGURES: Broken = Broken("its figures cannot be right");
pub(super) const BAD_TIME: Broken = Broken("its time cannot be read");
pub(super) const TOO_LONG: Broken = Broken("longer than 16 MiB");

impl From<serde_json::Error> for Broken {
    fn from(error: serde_json::Error) -> Self {
        if error.is_data() { BAD_FIGURES } else { NOT_JSON }
    }
}

/// A moment as logs write it, in milliseconds since 1970.
pub(super) fn moment(text: Option<&str>) -> Result<i64, Broken> {
    let at: jiff::Timestamp = text.and_then(|text| text.trim().parse().ok()).ok_or(BAD_TIME)?;
    millis(at.as_millisecond())
}

/// A moment that is a number already.
pub(super) fn millis(at: i64) -> Result<i64, Broken> {
    if (EARLIEST..LATEST).contains(&at) { Ok(at) } else { Err(BAD_TIME) }
}

/// Text, or nothing where there is a value of another kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word<'a>(Option<Cow<'a, str>>);

impl Word<'_> {
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }

    pub(super) fn is(&self, text: &str) -> bool {
        self.0.as_deref() == Some(text)
    }
}

/// An object, or nothing where there is a value of another kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Maybe<T>(pub Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// A count of tokens: negative, broken and absurd ones are errors, `null` is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count(pub u64);

/// Makes a visitor pass over whatever its own methods do not take.
macro_rules! otherwise_nothing {
    () => {
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Text<'a> {
            type Value = Word<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Word<'a>, E> {
                Ok(Word(Some(Cow::Borrowed(text))))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Word<'a>, E> {
                Ok(Word(Some(Cow::Owned(text.to_owned()))))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Word<'a>, A::Error> {
                while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Word(None))
            }
            otherwise_nothing!();
        }
        deserializer.deserialize_any(Text(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = Maybe<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Maybe<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(entries)).map(|value| Maybe(Some(value)))
            }
            fn visit_str<E: Error>(self, _: &str) -> Result<Maybe<T>, E> {
                Ok(Maybe(None))
            }
            otherwise_nothing!();
        }
        deserializer.deserialize_any(Object(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count of tokens")
            }
            fn visit_u64<E: Error>(self, count: u64) -> Result<Count, E> {
                if count <= MOST_TOKENS {
                    Ok(Count(count))
                } else {
                    Err(E::invalid_value(Unexpected::Unsigned(count), &self))
                }
            }
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a whole number between 0 and a trillion is exact both ways"
            )]
            fn visit_f64<E: Error>(self, count: f64) -> Result<Count, E> {
                // Some tools write whole numbers as `12.0`.
                if count.fract() == 0.0 && (0.0..=MOST_TOKENS as f64).contains(&count) {
                    Ok(Count(count as u64))
                } else {
                    Err(E::invalid_value(Unexpected::Float(count), &self))
                }
            }
            fn visit_unit<E: Error>(self) -> Result<Count, E> {
                Ok(Count(0))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Line<'a> {
        #[serde(borrow, default)]
        word: Word<'a>,
        #[serde(default)]
        inner: Maybe<Inner>,
    }

    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Inner {
        #[serde(default)]
        n: Count,
    }

    fn read(text: &str) -> Result<(Option<String>, Option<u64>), Broken> {
        let line: Line<'_> = serde_json::from_slice(text.as_bytes())?;
        Ok((line.word.get().map(str::to_owned), line.inner.0.map(|inner| inner.n.0)))
    }

    #[test]
    fn other_kinds_are_nothing_and_false_counts_are_told() {
        assert_eq!(read(r#"{"word":"a\u0000b","inner":{"n":12.0}}"#), Ok((Some("a\0b".to_owned()), Some(12))));
        for other in ["1", "-1", "1.5", "true", "null", "[[1,{}]]", r#"{"a":[1]}"#, "\"\""] {
            assert_eq!(read(&format!(r#"{{"word":{other}}}"#)), Ok((None, None)), "{other}");
        }
        for other in ["1", "-1", "1.5", "true", "null", "[[1,{}]]", r#""x""#] {
            assert_eq!(read(&format!(r#"{{"inner":{other}}}"#)), Ok((None, None)), "{other}");
        }
        for bad in ["-1", "1.5", "1e30", "1000000000001", "\"7\"", "[]", "18446744073709551616"] {
            assert_eq!(read(&format!(r#"{{"inner":{{"n":{bad}}}}}"#)), Err(BAD_FIGURES), "{bad}");
        }
        assert_eq!(read(r#"{"word":"a"#), Err(NOT_JSON));
        let deep = format!(r#"{{"other":{}1{}}}"#, "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(read(&deep), Ok((None, None)));
        // A word of many objects in objects is refused, not recursed into.
        let deep = format!(r#"{{"word":{}1{}}}"#, "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(read(&deep), Ok((None, None)));
    }

    #[test]
    fn moments_outside_of_any_log_are_refused() {
        assert_eq!(moment(Some("2026-01-02T03:04:05.678Z")), Ok(1_767_323_045_678));
        assert_eq!(moment(Some("2026-01-02T03:04:05+02:00")), Ok(1_767_315_845_000));
        for bad in [None, Some(""), Some("yesterday"), Some("9999-01-01T00:00:00Z"), Some("1970-01-01T00:00:00Z")] {
            assert_eq!(moment(bad), Err(BAD_TIME));
        }
    }
}

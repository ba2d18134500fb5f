//! Secrets larger than one entry of a store. Windows' Credential Manager takes 2,560 bytes an entry; a longer secret
//! is cut into parts, written first and read back, and a header that names them, written last. A secret is there
//! when its header and all its parts are; one missing part means absent, never a shorter secret.

use secrecy::zeroize::Zeroizing;

use super::store::{SecretBytes, SecretStore, StoreError};
use crate::base::secret::sha256_hex;

/// The beginning of a header. A secret that begins like one is stored in parts, so that the two cannot be confused.
const HEADER: &str = "vk-parts:1:";

/// More parts than this are not written and not believed: 64 KiB in the smallest entries have 26.
const MOST_PARTS: usize = 64;

fn part_name(name: &str, number: usize) -> String {
    format!("{name}#{number}")
}

/// Writes a secret and reads it back.
///
/// # Errors
/// What the store answers, or [`StoreError::Damaged`] if it gives back something else than it was given. What was
/// written is deleted then.
pub(crate) fn put(store: &dyn SecretStore, name: &str, secret: &[u8]) -> Result<(), StoreError> {
    if secret.len() <= store.entry_limit() && !secret.starts_with(HEADER.as_bytes()) {
        return put_verified(store, name, secret);
    }
    let chunks: Vec<&[u8]> = secret.chunks(store.entry_limit().clamp(1, 2_048)).collect();
    if chunks.len() > MOST_PARTS {
        return Err(StoreError::Failed(format!("a secret of {} bytes does not fit", secret.len())));
    }
    let header = format!("{HEADER}{}:{}:{}", chunks.len(), secret.len(), sha256_hex(secret));
    let written = (|| {
        for (number, chunk) in chunks.iter().enumerate() {
            put_verified(store, &part_name(name, number), chunk)?;
        }
        put_verified(store, name, header.as_bytes())
    })();
    if written.is_err() {
        let _ = store.delete(name);
        for number in 0..chunks.len() {
            let _ = store.delete(&part_name(name, number));
        }
    }
    written
}

fn put_verified(store: &dyn SecretStore, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    store.put(name, bytes)?;
    let back = match store.get(name) {
        Err(StoreError::Absent) => None,
        other => Some(other?),
    };
    if back.is_some_and(|back| back.as_slice() == bytes) {
        return Ok(());
    }
    let _ = store.delete(name);
    Err(StoreError::Damaged("what was written does not read back".to_owned()))
}

/// Reads a secret whole.
///
/// # Errors
/// [`StoreError::Absent`] if it or one of its parts is missing, [`StoreError::Damaged`] if the parts are not those
/// that the header names, else what the store answers.
pub(crate) fn get(store: &dyn SecretStore, name: &str) -> Result<SecretBytes, StoreError> {
    let entry = store.get(name)?;
    let Some(header) = Header::parse(&entry)? else { return Ok(entry) };
    let mut secret = Zeroizing::new(Vec::with_capacity(header.bytes));
    for number in 0..header.parts {
        let part = store.get(&part_name(name, number))?;
        if secret.len() + part.len() > header.bytes {
            return Err(StoreError::Damaged("its parts are longer than its header says".to_owned()));
        }
        secret.extend_from_slice(&part);
    }
    if secret.len() != header.bytes || sha256_hex(&secret) != header.sha256 {
        return Err(StoreError::Damaged("its parts are not those that its header names".to_owned()));
    }
    Ok(secret)
}

/// Deletes a secret: parts first, so that a deletion that is cut short can be done again.
///
/// # Errors
/// [`StoreError::Absent`] if there was no entry, else what the store answers.
pub(crate) fn delete(store: &dyn SecretStore, name: &str) -> Result<(), StoreError> {
    let entry = store.get(name)?;
    if let Ok(Some(header)) = Header::parse(&entry) {
        for number in 0..header.parts {
            match store.delete(&part_name(name, number)) {
                Ok(()) | Err(StoreError::Absent) => {}
                Err(error) => return Err(error),
            }
        }
    }
    store.delete(name)
}

struct Header {
    parts: usize,
    bytes: usize,
    sha256: String,
}

impl Header {
    /// `None` if the entry is a secret itself.
    fn parse(entry: &[u8]) -> Result<Option<Self>, StoreError> {
        let Some(rest) = entry.strip_prefix(HEADER.as_bytes()) else { return Ok(None) };
        let parsed = std::str::from_utf8(rest).ok().and_then(|text| {
            let mut fields = text.split(':');
            let header = Self {
                parts: fields.next()?.parse().ok().filter(|parts| (1..=MOST_PARTS).contains(parts))?,
                bytes: fields.next()?.parse().ok().filter(|bytes| *bytes <= MOST_PARTS * 2_560)?,
                sha256: fields.next()?.to_owned(),
            };
            fields.next().is_none().then_some(header)
        });
        parsed.map(Some).ok_or_else(|| StoreError::Damaged("its header cannot be read".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::Memory;
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn secret_of(length: usize) -> Vec<u8> {
        (0..length).map(|i| b"abcdefghijklmnopqrstuvwxyz0123456789"[i * 7 % 36]).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_size_reads_back_whole_and_leaves_nothing_behind(length in 1..=65_536_usize) {
            let store = Memory::new().limited(2_560);
            let secret = secret_of(length);
            put(&store, "k", &secret).unwrap();
            prop_assert!(get(&store, "k").unwrap().as_slice() == secret.as_slice());
            delete(&store, "k").unwrap();
            prop_assert!(store.names().is_empty());
        }
    }

    #[test]
    fn the_limits_themselves_read_back() {
        for length in [1, 2_047, 2_048, 2_049, 2_559, 2_560, 2_561, 4_096, 65_535, 65_536] {
            let store = Memory::new().limited(2_560);
            put(&store, "k", &secret_of(length)).unwrap();
            assert_eq!(get(&store, "k").unwrap().len(), length);
            assert_eq!(store.names().len() > 1, length > 2_560, "{length}");
        }
    }

    #[test]
    fn a_missing_part_is_absence_and_a_changed_one_is_damage() {
        let store = Memory::new().limited(2_560);
        put(&store, "k", &secret_of(6_000)).unwrap();
        store.change("k#1", &secret_of(2_047));
        assert!(matches!(get(&store, "k"), Err(StoreError::Damaged(_))));
        store.lose("k#1");
        assert!(matches!(get(&store, "k"), Err(StoreError::Absent)));
        delete(&store, "k").unwrap();
        assert!(store.names().is_empty());
    }

    #[test]
    fn a_secret_that_looks_like_a_header_stays_a_secret() {
        let store = Memory::new();
        let secret = format!("{HEADER}1:5:abc");
        put(&store, "k", secret.as_bytes()).unwrap();
        assert_eq!(get(&store, "k").unwrap().as_slice(), secret.as_bytes());
        store.change("k", b"vk-parts:1:99999:5:abc");
        assert!(matches!(get(&store, "k"), Err(StoreError::Damaged(_))));
    }

    #[test]
    fn a_write_that_fails_midway_leaves_nothing_that_reads() {
        for fails_at in 0..4 {
            let puts = AtomicUsize::new(0);
            let store = Memory::new().limited(2_560).failing(move |action, _| {
                (action == "put" && puts.fetch_add(1, Ordering::Relaxed) == fails_at)
                    .then(|| StoreError::Failed("the daemon was killed".to_owned()))
            });
            assert!(put(&store, "k", &secret_of(6_000)).is_err());
            assert!(store.names().is_empty(), "part {fails_at} left {:?}", store.names());
        }
    }
}

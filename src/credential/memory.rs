//! A store that lives and dies with the process: for tests, with the size limit and the faults of real ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::store::{SecretBytes, SecretStore, StoreError};

/// Makes a call fail: it is asked before each one, with what is done and to which entry.
pub(crate) type Fault = Box<dyn Fn(&str, &str) -> Option<StoreError> + Send + Sync>;

pub(crate) struct Memory {
    entries: Mutex<BTreeMap<String, SecretBytes>>,
    limit: usize,
    fault: Option<Fault>,
    delay: Duration,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::default(), limit: usize::MAX, fault: None, delay: Duration::ZERO }
    }
}

#[cfg(test)]
impl Memory {
    pub(crate) fn limited(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    pub(crate) fn failing(mut self, fault: impl Fn(&str, &str) -> Option<StoreError> + Send + Sync + 'static) -> Self {
        self.fault = Some(Box::new(fault));
        self
    }

    pub(crate) fn slow(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.entries.lock().unwrap().keys().cloned().collect()
    }

    /// Takes an entry away behind vk's back.
    pub(crate) fn lose(&self, name: &str) {
        assert!(self.entries.lock().unwrap().remove(name).is_some(), "{name} is not there");
    }

    /// Changes an entry behind vk's back.
    pub(crate) fn change(&self, name: &str, bytes: &[u8]) {
        self.entries.lock().unwrap().insert(name.to_owned(), bytes.to_vec().into());
    }
}

impl Memory {
    fn before(&self, action: &str, name: &str) -> Result<(), StoreError> {
        std::thread::sleep(self.delay);
        self.fault.as_ref().and_then(|fault| fault(action, name)).map_or(Ok(()), Err)
    }
}

impl SecretStore for Memory {
    fn entry_limit(&self) -> usize {
        self.limit
    }

    fn get(&self, name: &str) -> Result<SecretBytes, StoreError> {
        self.before("get", name)?;
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(name).cloned().ok_or(StoreError::Absent)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.before("put", name)?;
        if bytes.len() > self.limit {
            return Err(StoreError::Failed(format!("an entry takes {} bytes", self.limit)));
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert(name.to_owned(), bytes.to_vec().into());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.before("delete", name)?;
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove(name).map(drop).ok_or(StoreError::Absent)
    }
}

impl<S: SecretStore + ?Sized> SecretStore for Arc<S> {
    fn entry_limit(&self) -> usize {
        (**self).entry_limit()
    }

    fn get(&self, name: &str) -> Result<SecretBytes, StoreError> {
        (**self).get(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        (**self).put(name, bytes)
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        (**self).delete(name)
    }
}

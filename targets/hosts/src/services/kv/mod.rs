//! A key-value store.

#[cfg(feature = "file-store")]
mod file;

#[cfg(feature = "file-store")]
pub use file::FileStore;

use dunlin::{Budget, Charge, Kind};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Named bytes that outlive an instance.
pub trait KeyValue: fmt::Debug + Send + Sync {
    /// The value of a key.
    ///
    /// # Errors
    ///
    /// If the store can't be asked.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError>;

    /// Sets the value of a key.
    ///
    /// # Errors
    ///
    /// If the store is full, or can't be asked.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError>;

    /// Removes a key, and says whether it was there.
    ///
    /// # Errors
    ///
    /// If the store can't be asked.
    fn delete(&self, key: &str) -> Result<bool, KeyValueError>;

    /// The keys that begin so, in order.
    ///
    /// # Errors
    ///
    /// If the store can't be asked.
    fn keys(&self, prefix: &str) -> Result<Vec<String>, KeyValueError>;

    /// Sets the value of a key to what `change` makes of it, with nobody in between, and gives it; `None` removes it.
    ///
    /// # Errors
    ///
    /// If the store is full, or can't be asked.
    fn update(&self, key: &str, change: Change<'_>) -> Result<Option<Vec<u8>>, KeyValueError>;
}

/// Makes a key's new value of its old one; `None` is that there is none.
pub type Change<'a> = &'a mut dyn FnMut(Option<&[u8]>) -> Option<Vec<u8>>;

/// Why a key-value store doesn't do what it was asked to.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum KeyValueError {
    /// There is no room for more.
    Full,
    /// It can't be asked, for this reason.
    Unavailable(String),
}

impl fmt::Display for KeyValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyValueError::Full => f.write_str("the key-value store is full"),
            KeyValueError::Unavailable(why) => write!(f, "the key-value store can't be asked: {why}"),
        }
    }
}

impl std::error::Error for KeyValueError {}

/// A store in memory, which a budget bounds.
#[derive(Debug)]
pub struct MemoryStore {
    budget: Budget,
    entries: Mutex<BTreeMap<String, Entry>>,
}

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    _charge: Charge,
}

/// What an entry takes besides its key and value: nodes of the tree, and the allocator's own.
const ENTRY_BYTES: u64 = 128;

impl MemoryStore {
    /// An empty store. Keys and values are charged to `budget`; a sub-budget bounds the store alone.
    pub fn new(budget: &Budget) -> Self {
        Self { budget: budget.clone(), entries: Mutex::default() }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, key: &str, value: &[u8]) -> Result<Entry, KeyValueError> {
        let bytes = ENTRY_BYTES + key.len() as u64 + value.len() as u64;
        let charge = self.budget.charge(Kind::Host, bytes).map_err(|_| KeyValueError::Full)?;
        Ok(Entry { value: value.to_vec(), _charge: charge })
    }
}

impl KeyValue for MemoryStore {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        Ok(self.entries().get(key).map(|entry| entry.value.clone()))
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
        let mut entries = self.entries();
        let entry = self.entry(key, value)?;
        entries.insert(key.into(), entry);
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<bool, KeyValueError> {
        Ok(self.entries().remove(key).is_some())
    }

    fn keys(&self, prefix: &str) -> Result<Vec<String>, KeyValueError> {
        let entries = self.entries();
        let keys = entries.range(prefix.to_owned()..).map(|(key, _)| key);
        Ok(keys.take_while(|key| key.starts_with(prefix)).cloned().collect())
    }

    fn update(&self, key: &str, change: Change<'_>) -> Result<Option<Vec<u8>>, KeyValueError> {
        let mut entries = self.entries();
        let value = change(entries.get(key).map(|entry| &*entry.value));
        match &value {
            Some(value) => entries.insert(key.into(), self.entry(key, value)?),
            None => entries.remove(key),
        };
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_until_they_are_removed() {
        let budget = Budget::new(10_000);
        let store = MemoryStore::new(&budget);
        store.set("b/1", b"one").unwrap();
        store.set("b/2", b"two").unwrap();
        store.set("a", b"").unwrap();
        store.set("b/1", b"three").unwrap();
        assert_eq!(store.get("b/1").unwrap().as_deref(), Some(&b"three"[..]));
        assert_eq!(store.get("b").unwrap(), None);
        assert_eq!(store.keys("b/").unwrap(), ["b/1", "b/2"]);
        assert_eq!(store.keys("").unwrap(), ["a", "b/1", "b/2"]);
        assert!(store.delete("b/2").unwrap() && !store.delete("b/2").unwrap());
        store.delete("b/1").unwrap();
        store.delete("a").unwrap();
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_full_store_keeps_what_it_has() {
        let budget = Budget::new(2 * ENTRY_BYTES);
        let store = MemoryStore::new(&budget);
        store.set("k", &[7; 100]).unwrap();
        assert_eq!(store.set("k", &[8; 100]), Err(KeyValueError::Full));
        assert_eq!(store.set("l", &[8; 100]), Err(KeyValueError::Full));
        assert_eq!(store.get("k").unwrap().unwrap(), [7; 100]);
        assert_eq!(store.keys("").unwrap(), ["k"]);
    }

    #[test]
    fn updates_see_each_other() {
        let store = MemoryStore::new(&Budget::unlimited());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        store
                            .update("count", &mut |old| Some(vec![0; old.map_or(0, <[u8]>::len) + 1]))
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(store.get("count").unwrap().unwrap().len(), 400);
        assert_eq!(store.update("count", &mut |_| None).unwrap(), None);
        assert!(store.keys("").unwrap().is_empty());
    }
}

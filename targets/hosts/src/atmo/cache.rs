//! What runnables keep from call to call, for a time.

use crate::services::clock::{Clock, SystemClock};
use crate::services::kv::{KeyValue, KeyValueError};
use std::sync::Arc;
use std::time::Duration;

/// Values in a key-value store, some of which expire.
#[derive(Debug)]
pub struct Cache {
    store: Arc<dyn KeyValue>,
    clock: Arc<dyn Clock>,
}

/// The time until which a value holds, in nanoseconds since 1970, stands before it.
const TIME_BYTES: usize = 8;

impl Cache {
    /// A cache in this store, which nobody else should write to.
    pub fn new(store: Arc<dyn KeyValue>) -> Self {
        Self { store, clock: Arc::new(SystemClock) }
    }

    /// Has another clock say what has expired.
    #[must_use]
    pub fn at(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        let Some(mut record) = self.store.get(key)? else { return Ok(None) };
        if !self.holds(&record) {
            return Ok(None);
        }
        record.drain(..TIME_BYTES.min(record.len()));
        Ok(Some(record))
    }

    /// Keeps a value; without a time, until the store ends. If it is full, what has expired makes room.
    pub(super) fn set(&self, key: &str, value: &[u8], time: Option<Duration>) -> Result<(), KeyValueError> {
        let end = time.map_or(u64::MAX, |time| nanoseconds(self.clock.now().saturating_add(time)));
        let record = [&end.to_le_bytes(), value].concat();
        match self.store.set(key, &record) {
            Err(KeyValueError::Full) => {
                self.clean()?;
                self.store.set(key, &record)
            }
            done => done,
        }
    }

    fn clean(&self) -> Result<(), KeyValueError> {
        for key in self.store.keys("")? {
            self.store
                .update(&key, &mut |record| record.filter(|record| self.holds(record)).map(<[u8]>::to_vec))?;
        }
        Ok(())
    }

    fn holds(&self, record: &[u8]) -> bool {
        record.first_chunk().is_some_and(|end| nanoseconds(self.clock.now()) < u64::from_le_bytes(*end))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    // Until the year 2554.
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::clock::FixedClock;
    use crate::services::kv::MemoryStore;
    use dunlin::Budget;

    #[test]
    fn values_expire_and_make_room() {
        let store: Arc<dyn KeyValue> = Arc::new(MemoryStore::new(&Budget::new(1000)));
        let at = |seconds| Cache::new(store.clone()).at(Arc::new(FixedClock(Duration::from_secs(seconds))));
        at(1).set("short", &[7; 300], Some(Duration::from_secs(2))).unwrap();
        at(1).set("long", b"value", None).unwrap();
        assert_eq!(at(2).get("short").unwrap().unwrap(), [7; 300]);
        assert_eq!(at(2).set("large", &[1; 400], None), Err(KeyValueError::Full));
        assert_eq!(at(3).get("short").unwrap(), None);
        at(3).set("large", &[1; 400], None).unwrap();
        assert_eq!(at(u64::MAX / 2).get("long").unwrap().unwrap(), b"value");
        assert_eq!(store.keys("").unwrap(), ["large", "long"]);
        assert_eq!(at(9).set("huge", &[1; 900], None), Err(KeyValueError::Full));
    }
}

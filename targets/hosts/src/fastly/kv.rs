//! Key-value stores: values with what is said of them, in the stores of `services::kv`.

use super::local_server::KvEntry;
use super::status::KvOutcome;
use crate::services::kv::{KeyValue, KeyValueError};
use std::sync::atomic::{AtomicU64, Ordering};

/// How long a key may be.
pub(super) const KEY_BYTES: usize = 1024;

/// A value, and what is said of it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Record {
    /// Another one each time that the key is written.
    pub(super) generation: u64,
    /// When it is no longer there, in seconds since 1970; 0 is never.
    pub(super) expires: u64,
    pub(super) metadata: Vec<u8>,
    pub(super) value: Vec<u8>,
}

/// What is done with a value that there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum InsertMode {
    Overwrite,
    /// Keep it, and fail.
    Add,
    Append,
    Prepend,
}

/// A value to insert.
#[derive(Debug)]
pub(super) struct Insertion {
    pub(super) mode: InsertMode,
    /// Its generation says nothing.
    pub(super) record: Record,
    /// Fail unless it has this generation.
    pub(super) only_if: Option<u64>,
}

/// Where generations come from.
static GENERATIONS: AtomicU64 = AtomicU64::new(1);

impl Record {
    const HEAD: usize = 20;

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::HEAD + self.metadata.len() + self.value.len());
        bytes.extend(self.generation.to_le_bytes());
        bytes.extend(self.expires.to_le_bytes());
        bytes.extend((self.metadata.len() as u32).to_le_bytes());
        bytes.extend(&self.metadata);
        bytes.extend(&self.value);
        bytes
    }

    /// `None` if it has expired, or a store gives what isn't one.
    fn decode(bytes: &[u8], now: u64) -> Option<Self> {
        let (generation, rest) = bytes.split_first_chunk()?;
        let (expires, rest) = rest.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (metadata, value) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        let expires = u64::from_le_bytes(*expires);
        let record = Self {
            generation: u64::from_le_bytes(*generation),
            expires,
            metadata: metadata.into(),
            value: value.into(),
        };
        (expires == 0 || expires > now).then_some(record)
    }

    fn numbered(mut self) -> Self {
        self.generation = GENERATIONS.fetch_add(1, Ordering::Relaxed);
        self
    }
}

impl From<KvEntry> for Record {
    fn from(entry: KvEntry) -> Self {
        Self { metadata: entry.metadata, value: entry.value, ..Self::default() }
    }
}

fn failure(error: KeyValueError) -> KvOutcome {
    match error {
        KeyValueError::Full => KvOutcome::PayloadTooLarge,
        KeyValueError::Unavailable(_) => KvOutcome::InternalError,
    }
}

fn check(key: &str) -> Result<(), KvOutcome> {
    match key.is_empty() || key.len() > KEY_BYTES || key.contains(|c: char| c.is_control()) {
        true => Err(KvOutcome::BadRequest),
        false => Ok(()),
    }
}

/// The value of a key.
pub(super) fn lookup(store: &dyn KeyValue, key: &str, now: u64) -> Result<Record, KvOutcome> {
    check(key)?;
    let bytes = store.get(key).map_err(failure)?;
    bytes.and_then(|bytes| Record::decode(&bytes, now)).ok_or(KvOutcome::NotFound)
}

/// Sets the value of a key.
pub(super) fn insert(
    store: &dyn KeyValue,
    key: &str,
    insertion: Insertion,
    now: u64,
) -> Result<(), KvOutcome> {
    check(key)?;
    let Insertion { mode, record, only_if } = insertion;
    let mut record = Some(record.numbered());
    let mut refused = false;
    let change = &mut |old: Option<&[u8]>| {
        let known = old.and_then(|old| Record::decode(old, now));
        let is_wrong =
            only_if.is_some_and(|wanted| known.as_ref().map(|known| known.generation) != Some(wanted));
        if is_wrong || mode == InsertMode::Add && known.is_some() {
            refused = true;
            return old.map(<[u8]>::to_vec);
        }
        let mut new = record.take()?;
        match (mode, known) {
            (InsertMode::Append, Some(known)) => new.value.splice(0..0, known.value).for_each(drop),
            (InsertMode::Prepend, Some(known)) => new.value.extend(known.value),
            _ => {}
        }
        Some(new.encode())
    };
    store.update(key, change).map_err(failure)?;
    match refused {
        true => Err(KvOutcome::PreconditionFailed),
        false => Ok(()),
    }
}

/// Removes a key.
pub(super) fn delete(store: &dyn KeyValue, key: &str) -> Result<(), KvOutcome> {
    check(key)?;
    match store.delete(key).map_err(failure)? {
        true => Ok(()),
        false => Err(KvOutcome::NotFound),
    }
}

/// A part of the keys that begin so, as JSON: at most `limit`, from behind `cursor` on.
pub(super) fn list(
    store: &dyn KeyValue,
    prefix: &str,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Vec<u8>, KvOutcome> {
    let keys = store.keys(prefix).map_err(failure)?;
    let mut rest = keys.iter().filter(|key| cursor.is_none_or(|cursor| key.as_str() > cursor));
    let page: Vec<&String> = rest.by_ref().take(limit).collect();
    let mut meta = serde_json::json!({ "limit": limit });
    if !prefix.is_empty() {
        meta["prefix"] = prefix.into();
    }
    if rest.next().is_some()
        && let Some(last) = page.last()
    {
        meta["next_cursor"] = last.as_str().into();
    }
    serde_json::to_vec(&serde_json::json!({ "data": page, "meta": meta }))
        .map_err(|_| KvOutcome::InternalError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::kv::MemoryStore;
    use dunlin::Budget;

    fn put(
        store: &MemoryStore,
        mode: InsertMode,
        value: &str,
        only_if: Option<u64>,
    ) -> Result<(), KvOutcome> {
        let record = Record { value: value.into(), metadata: b"m".into(), ..Record::default() };
        insert(store, "k", Insertion { mode, record, only_if }, 100)
    }

    #[test]
    fn values_are_inserted_as_their_mode_says() {
        let store = MemoryStore::new(&Budget::unlimited());
        assert_eq!(lookup(&store, "k", 100), Err(KvOutcome::NotFound));
        put(&store, InsertMode::Add, "b", None).unwrap();
        assert_eq!(put(&store, InsertMode::Add, "x", None), Err(KvOutcome::PreconditionFailed));
        put(&store, InsertMode::Append, "c", None).unwrap();
        put(&store, InsertMode::Prepend, "a", None).unwrap();
        let known = lookup(&store, "k", 100).unwrap();
        assert_eq!((&*known.value, &*known.metadata), (&b"abc"[..], &b"m"[..]));
        put(&store, InsertMode::Overwrite, "d", Some(known.generation)).unwrap();
        let late = put(&store, InsertMode::Overwrite, "e", Some(known.generation));
        assert_eq!(late, Err(KvOutcome::PreconditionFailed));
        assert_eq!(lookup(&store, "k", 100).unwrap().value, b"d");
        delete(&store, "k").unwrap();
        assert_eq!(delete(&store, "k"), Err(KvOutcome::NotFound));
        for key in ["", "a\nb", &"x".repeat(KEY_BYTES + 1)] {
            assert_eq!(lookup(&store, key, 100), Err(KvOutcome::BadRequest));
        }
    }

    #[test]
    fn values_expire() {
        let store = MemoryStore::new(&Budget::unlimited());
        let record = Record { expires: 101, ..Record::default() };
        insert(&store, "k", Insertion { mode: InsertMode::Add, record, only_if: None }, 100).unwrap();
        assert!(lookup(&store, "k", 100).is_ok());
        assert_eq!(lookup(&store, "k", 101), Err(KvOutcome::NotFound));
        let record = Record::default();
        insert(&store, "k", Insertion { mode: InsertMode::Add, record, only_if: None }, 101).unwrap();
    }

    #[test]
    fn keys_are_listed_in_parts() {
        let store = MemoryStore::new(&Budget::unlimited());
        for key in ["a1", "a2", "a3", "b"] {
            store.set(key, b"").unwrap();
        }
        let json = |bytes: Vec<u8>| serde_json::from_slice::<serde_json::Value>(&bytes).unwrap();
        let first = json(list(&store, "a", None, 2).unwrap());
        let meta = serde_json::json!({"limit": 2, "next_cursor": "a2", "prefix": "a"});
        assert_eq!(first, serde_json::json!({"data": ["a1", "a2"], "meta": meta}));
        let rest = json(list(&store, "a", Some("a2"), 2).unwrap());
        assert_eq!(rest, serde_json::json!({"data": ["a3"], "meta": {"limit": 2, "prefix": "a"}}));
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let record = Record { generation: 7, expires: 0, metadata: b"meta".into(), value: b"value".into() };
        let bytes = record.encode();
        assert_eq!(Record::decode(&bytes, 1), Some(record));
        for len in 0..Record::HEAD + 4 {
            assert_eq!(Record::decode(&bytes[..len], 1), None);
        }
    }
}

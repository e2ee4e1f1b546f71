//! A key-value store in a file.

use super::{Change, KeyValue, KeyValueError};
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition, TableError,
};
use std::fmt;
use std::path::Path;

const ENTRIES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("entries");
/// One number: how many bytes keys and values have together.
const SIZE: TableDefinition<'_, (), u64> = TableDefinition::new("size");

/// How much of the file is kept in memory.
const CACHE: usize = 1 << 20;

/// A store in a file, which survives whatever happens to the process: a value is there when [`set`](KeyValue::set) has
/// returned, and what was interrupted hasn't happened.
pub struct FileStore {
    database: Database,
    most: u64,
}

impl FileStore {
    /// Opens a store, or makes an empty one, whose keys and values take `most` bytes together at most.
    ///
    /// # Errors
    ///
    /// If the file can't be opened, another process has it open, or it isn't such a store.
    pub fn open(path: &Path, most: u64) -> Result<Self, KeyValueError> {
        let database =
            Database::builder().set_cache_size(CACHE).create(path).map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => unavailable("another process has it open"),
                error => unavailable(error),
            })?;
        Ok(Self { database, most })
    }

    /// Changes one entry. `None` removes it.
    fn write(&self, key: &str, change: Change<'_>) -> Result<Option<Vec<u8>>, KeyValueError> {
        let writing = self.database.begin_write().map_err(unavailable)?;
        let value = {
            let mut entries = writing.open_table(ENTRIES).map_err(unavailable)?;
            let mut size = writing.open_table(SIZE).map_err(unavailable)?;
            let old = entries.get(key).map_err(unavailable)?.map(|old| old.value().to_vec());
            let value = change(old.as_deref());
            let bytes =
                |value: &Option<Vec<u8>>| value.as_ref().map_or(0, |value| (key.len() + value.len()) as u64);
            let before = size.get(()).map_err(unavailable)?.map_or(0, |size| size.value());
            let after = before.saturating_sub(bytes(&old)) + bytes(&value);
            // One that was made with more room may still shrink.
            if after > self.most && after > before {
                return Err(KeyValueError::Full);
            }
            size.insert((), after).map_err(unavailable)?;
            match &value {
                Some(value) => drop(entries.insert(key, &**value).map_err(unavailable)?),
                None => drop(entries.remove(key).map_err(unavailable)?),
            }
            value
        };
        writing.commit().map_err(unavailable)?;
        Ok(value)
    }

    /// Reads; `nothing` if nothing was ever written.
    fn read<T>(
        &self,
        nothing: T,
        read: impl FnOnce(&redb::ReadOnlyTable<&str, &[u8]>) -> Result<T, StorageError>,
    ) -> Result<T, KeyValueError> {
        match self.database.begin_read().map_err(unavailable)?.open_table(ENTRIES) {
            Ok(entries) => read(&entries).map_err(unavailable),
            Err(TableError::TableDoesNotExist(_)) => Ok(nothing),
            Err(error) => Err(unavailable(error)),
        }
    }
}

fn unavailable(why: impl fmt::Display) -> KeyValueError {
    KeyValueError::Unavailable(why.to_string())
}

impl KeyValue for FileStore {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        self.read(None, |entries| Ok(entries.get(key)?.map(|value| value.value().to_vec())))
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
        self.write(key, &mut |_| Some(value.to_vec())).map(drop)
    }

    fn delete(&self, key: &str) -> Result<bool, KeyValueError> {
        let mut was_there = false;
        self.write(key, &mut |old| {
            was_there = old.is_some();
            None
        })?;
        Ok(was_there)
    }

    fn keys(&self, prefix: &str) -> Result<Vec<String>, KeyValueError> {
        self.read(Vec::new(), |entries| {
            let mut keys = Vec::new();
            for entry in entries.range(prefix..)? {
                let (key, _) = entry?;
                if !key.value().starts_with(prefix) {
                    break;
                }
                keys.push(key.value().to_owned());
            }
            Ok(keys)
        })
    }

    fn update(&self, key: &str, change: Change<'_>) -> Result<Option<Vec<u8>>, KeyValueError> {
        self.write(key, change)
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::thread;
    use std::time::Duration;

    fn path(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join("dunlin-file-store");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        path
    }

    #[test]
    fn values_outlive_the_store() {
        let path = path("outlive");
        let store = FileStore::open(&path, 1000).unwrap();
        assert_eq!((store.get("a").unwrap(), store.keys("").unwrap()), (None, Vec::new()));
        store.set("b/1", b"one").unwrap();
        store.set("b/2", b"two").unwrap();
        store.set("c", b"").unwrap();
        assert!(store.delete("b/2").unwrap() && !store.delete("b/2").unwrap());
        assert_eq!(FileStore::open(&path, 1000).unwrap_err(), unavailable("another process has it open"));
        drop(store);
        let store = FileStore::open(&path, 1000).unwrap();
        assert_eq!(store.get("b/1").unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(store.keys("b").unwrap(), ["b/1"]);
        assert_eq!(
            store.update("b/1", &mut |old| Some([old.unwrap(), b"!"].concat())).unwrap().unwrap(),
            b"one!"
        );
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_full_store_keeps_what_it_has() {
        let path = path("full");
        let store = FileStore::open(&path, 100).unwrap();
        store.set("k", &[7; 99]).unwrap();
        assert_eq!(store.set("k", &[8; 100]), Err(KeyValueError::Full));
        assert_eq!(store.set("l", b""), Err(KeyValueError::Full));
        assert_eq!(store.get("k").unwrap().unwrap(), [7; 99]);
        store.set("k", &[9; 10]).unwrap();
        store.set("l", &[9; 80]).unwrap();
        std::fs::remove_file(&path).unwrap();
    }

    /// What the process below does until it is killed: counts, in two entries that belong together.
    #[test]
    #[ignore = "it is run by the next test, and never ends"]
    fn counts_until_it_is_killed() {
        let path = std::env::var_os("STORE").unwrap();
        let store = FileStore::open(Path::new(&path), 1000).unwrap();
        for n in 0u64.. {
            store.set("count", &n.to_le_bytes()).unwrap();
            println!("{n}");
        }
    }

    #[test]
    fn a_killed_process_loses_nothing() {
        let path = path("killed");
        let mut last = 0;
        for round in 0..20 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "--ignored",
                    "--nocapture",
                    "services::kv::file::tests::counts_until_it_is_killed",
                ])
                .env("STORE", &path)
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            thread::sleep(Duration::from_millis(30 + 7 * round));
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            // Its last line may not have been written whole.
            let whole = said.rsplit_once('\n').map_or("", |(lines, _)| lines);
            let promised = whole.lines().filter_map(|line| line.parse::<u64>().ok()).max();
            let store = FileStore::open(&path, 1000).unwrap();
            let kept = store.get("count").unwrap().map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
            if let Some(promised) = promised {
                last = last.max(promised);
                assert!(kept.unwrap() >= promised, "{kept:?} {promised}");
            }
        }
        assert!(last > 0, "no process ever counted");
        std::fs::remove_file(&path).unwrap();
    }
}

//! Blobs that are kept, by what they are.
//!
//! A folder with `blobs/ALGORITHM/HEX`, `names` (which digest a tag had when it was last asked for), and `new` for what is
//! still arriving. Files appear whole, by being renamed, and are never changed: processes may share the folder.

use super::{Digest, Reference};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// A folder in which blobs are kept, up to a number of bytes. Those that weren't used for longest go first.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
}

/// What was still arriving so long ago was left by a process that has ended.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

impl Cache {
    /// How many bytes a user's cache keeps, if nothing else is said: 512 MiB.
    pub const DEFAULT_LIMIT: u64 = 512 << 20;

    /// A cache in this folder, which is made when it is needed.
    pub fn new(folder: impl Into<PathBuf>, limit: u64) -> Self {
        Self { folder: folder.into(), limit }
    }

    /// The folder for a user's caches, as XDG has it: `$XDG_CACHE_HOME/dunlin/oci` or `~/.cache/dunlin/oci`.
    pub fn folder_of_user() -> Option<PathBuf> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
        Some(folder.join("dunlin/oci"))
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.folder.join("blobs").join(digest.algorithm()).join(digest.hex())
    }

    fn name(&self, reference: &Reference) -> PathBuf {
        // A tag may be longer than a file's name, and so may a repository.
        self.folder.join("names").join(Digest::of(reference.to_string().as_bytes()).hex())
    }

    /// What is kept of a blob of this size. Another size is a damage.
    pub(super) fn open(&self, digest: &Digest, size: Option<u64>) -> Option<File> {
        let file = File::open(self.blob(digest)).ok()?;
        if size.is_some_and(|size| file.metadata().is_ok_and(|data| data.len() != size)) {
            self.remove(digest);
            return None;
        }
        // When it was used. Without a right to write there, it is as old as it is.
        let _ = file.set_modified(SystemTime::now());
        Some(file)
    }

    /// The whole of a small blob that is kept, if it is what it should be.
    pub(super) fn read(&self, digest: &Digest, limit: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(digest, None)?.take(limit).read_to_end(&mut bytes).ok()?;
        if digest.check(&bytes).is_err() {
            self.remove(digest);
            return None;
        }
        Some(bytes)
    }

    pub(super) fn remove(&self, digest: &Digest) {
        let _ = fs::remove_file(self.blob(digest));
    }

    /// Begins to keep a blob of this size; `None` if that can't be.
    pub(super) fn begin(&self, size: u64) -> Option<Arriving> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        if size > self.limit {
            return None;
        }
        let folder = self.folder.join("new");
        fs::create_dir_all(&folder).ok()?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}", std::process::id()));
        let file = match File::create_new(&path) {
            // Left by a process with the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&path).ok()?;
                File::create_new(&path).ok()?
            }
            file => file.ok()?,
        };
        Some(Arriving { cache: self.clone(), path, file })
    }

    /// Keeps a small blob. If that can't be, it will be asked for again.
    pub(super) fn keep(&self, digest: &Digest, bytes: &[u8]) {
        if let Some(mut arriving) = self.begin(bytes.len() as u64)
            && arriving.write(bytes).is_ok()
        {
            arriving.keep(digest);
        }
    }

    /// Remembers which digest a name has now.
    pub(super) fn remember(&self, reference: &Reference, digest: &Digest) {
        let path = self.name(reference);
        let text = digest.to_string();
        if let Some(mut arriving) = self.begin(text.len() as u64)
            && arriving.write(text.as_bytes()).is_ok()
        {
            arriving.rename(&path);
        }
    }

    /// Which digest a name had when it was last asked for.
    pub(super) fn remembered(&self, reference: &Reference) -> Option<Digest> {
        fs::read_to_string(self.name(reference)).ok()?.trim().parse().ok()
    }

    /// Removes what is too much, but not this.
    fn tidy(&self, newest: &Path) {
        let mut blobs: Vec<_> = ["blobs/sha256", "blobs/sha512", "names"]
            .iter()
            .flat_map(|folder| files(&self.folder.join(folder)))
            .filter(|blob| blob.path != newest)
            .collect();
        let mut total: u64 = blobs.iter().map(|blob| blob.size).sum();
        total += fs::metadata(newest).map_or(0, |data| data.len());
        blobs.sort_by_key(|blob| blob.used);
        for blob in blobs {
            if total <= self.limit {
                break;
            }
            // Who reads it goes on reading.
            if fs::remove_file(&blob.path).is_ok() {
                total -= blob.size;
            }
        }
        for left in files(&self.folder.join("new")) {
            if left.used.elapsed().is_ok_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(left.path);
            }
        }
    }
}

struct Kept {
    path: PathBuf,
    size: u64,
    used: SystemTime,
}

fn files(folder: &Path) -> Vec<Kept> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let kept = |entry: fs::DirEntry| {
        let data = entry.metadata().ok()?;
        Some(Kept { path: entry.path(), size: data.len(), used: data.modified().ok()? })
    };
    entries.filter_map(kept).collect()
}

/// A blob that is still arriving. Dropped, it leaves nothing behind.
pub(super) struct Arriving {
    cache: Cache,
    path: PathBuf,
    file: File,
}

impl Arriving {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// It is whole, and its digest is right.
    pub(super) fn keep(self, digest: &Digest) {
        let path = self.cache.blob(digest);
        self.rename(&path);
    }

    fn rename(self, to: &Path) {
        let folder = to.parent().unwrap_or(&self.cache.folder);
        if fs::create_dir_all(folder).and_then(|()| fs::rename(&self.path, to)).is_ok() {
            self.cache.tidy(to);
        }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("dunlin-cache-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn count(folder: &Path) -> usize {
        ["blobs/sha256", "names", "new"].iter().map(|part| files(&folder.join(part)).len()).sum()
    }

    #[test]
    fn what_is_kept_is_found_until_there_is_too_much() {
        let folder = folder("limit");
        let cache = Cache::new(&folder, 100);
        let blobs: Vec<_> = (0..4_u8).map(|n| vec![n; 30]).map(|bytes| (Digest::of(&bytes), bytes)).collect();
        for (age, (digest, bytes)) in blobs.iter().enumerate().take(3) {
            cache.keep(digest, bytes);
            assert_eq!(cache.read(digest, 100).as_ref(), Some(bytes));
            let used = SystemTime::now() - Duration::from_secs(100 - age as u64);
            File::open(cache.blob(digest)).unwrap().set_modified(used).unwrap();
        }
        // The first is used again, so the second goes.
        assert!(cache.open(&blobs[0].0, Some(30)).is_some());
        cache.keep(&blobs[3].0, &blobs[3].1);
        let there: Vec<_> = blobs.iter().map(|(digest, _)| cache.open(digest, None).is_some()).collect();
        assert_eq!(there, [true, false, true, true]);
        let large = vec![0; 101];
        cache.keep(&Digest::of(&large), &large);
        assert!(cache.open(&Digest::of(&large), None).is_none());
        assert_eq!(count(&folder), 3);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_damaged_or_unfinished_goes() {
        let folder = folder("damage");
        let cache = Cache::new(&folder, 1000);
        let digest = Digest::of(b"abc");
        cache.keep(&digest, b"abc");
        assert!(cache.open(&digest, Some(4)).is_none() && cache.open(&digest, None).is_none());
        cache.keep(&digest, b"abd");
        assert!(cache.read(&digest, 10).is_none() && cache.open(&digest, None).is_none());
        let mut arriving = cache.begin(3).unwrap();
        arriving.write(b"ab").unwrap();
        assert_eq!(count(&folder), 1);
        drop(arriving);
        assert_eq!(count(&folder), 0);
        let reference: Reference = "localhost:5000/app:v1".parse().unwrap();
        cache.remember(&reference, &digest);
        assert_eq!(cache.remembered(&reference), Some(digest));
        assert_eq!(cache.remembered(&reference.at_tag("v2")), None);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn without_a_folder_nothing_is_kept_and_nothing_fails() {
        let cache = Cache::new("/proc/nowhere", 1000);
        cache.keep(&Digest::of(b"abc"), b"abc");
        assert!(cache.read(&Digest::of(b"abc"), 10).is_none());
    }
}

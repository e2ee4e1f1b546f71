//! Files that are looked at for changes.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::path::PathBuf;
use std::time::SystemTime;

/// Files, and what was in them.
pub(super) struct Watched {
    files: Vec<(PathBuf, Seen)>,
    digest: RandomState,
}

/// What was seen of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    /// Its time and size, if there is such a file.
    state: Option<(Option<SystemTime>, u64)>,
    /// Of its contents.
    digest: Option<u64>,
}

impl Watched {
    /// Remembers what is in these files.
    pub(super) fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut watched = Self { files: Vec::new(), digest: RandomState::new() };
        for file in files {
            let seen = Seen { state: state(&file), digest: watched.digest(&file) };
            watched.files.push((file, seen));
        }
        watched
    }

    fn digest(&self, file: &PathBuf) -> Option<u64> {
        Some(self.digest.hash_one(fs::read(file).ok()?))
    }

    /// Whether anything else is in any of them since the last time. A file that is touched and the same hasn't changed,
    /// nor has one that is being replaced and isn't there.
    pub(super) fn has_changed(&mut self) -> bool {
        let mut changed = false;
        for at in 0..self.files.len() {
            let (file, seen) = &self.files[at];
            let state = state(file);
            if state == seen.state || state.is_none() {
                continue;
            }
            let digest = self.digest(file);
            changed |= digest != seen.digest;
            self.files[at].1 = Seen { state, digest };
        }
        changed
    }
}

fn state(file: &PathBuf) -> Option<(Option<SystemTime>, u64)> {
    let data = fs::metadata(file).ok()?;
    Some((data.modified().ok(), data.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn contents_count() {
        let file = std::env::temp_dir().join(format!("dunlin-watch-{}", std::process::id()));
        fs::write(&file, "one").unwrap();
        let mut watched = Watched::new([file.clone()]);
        assert!(!watched.has_changed());
        let touched = fs::File::options().write(true).open(&file).unwrap();
        touched.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
        assert!(!watched.has_changed());
        fs::write(&file, "two").unwrap();
        assert!(watched.has_changed() && !watched.has_changed());
        fs::remove_file(&file).unwrap();
        assert!(!watched.has_changed());
        fs::write(&file, "three").unwrap();
        assert!(watched.has_changed());
        fs::remove_file(&file).unwrap();
    }
}

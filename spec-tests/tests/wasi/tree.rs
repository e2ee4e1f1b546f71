//! What there is on the host, so that a change can be told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Everything of an entry but when it was last read.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(crate) struct Entry {
    ino: u64,
    nlink: u64,
    mode: u32,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    /// Of a file its bytes, of a symbolic link where it leads.
    contents: Vec<u8>,
}

/// All entries below a directory and itself.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(crate) struct Tree(BTreeMap<PathBuf, Entry>);

impl Tree {
    pub(crate) fn of(path: &Path) -> Self {
        let mut tree = BTreeMap::new();
        add(path, &mut tree);
        Self(tree)
    }

    /// The inodes of all entries.
    pub(crate) fn inodes(&self) -> BTreeSet<u64> {
        self.0.values().map(|entry| entry.ino).collect()
    }

    /// Checks that this tree is still the same.
    #[track_caller]
    pub(crate) fn assert_untouched(&self, path: &Path, after: &str) {
        let now = Self::of(path);
        for (path, entry) in &self.0 {
            assert_eq!(Some(entry), now.0.get(path), "{} has changed after {after}", path.display());
        }
        for path in now.0.keys() {
            assert!(self.0.contains_key(path), "{} is new after {after}", path.display());
        }
    }
}

fn add(path: &Path, tree: &mut BTreeMap<PathBuf, Entry>) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let contents = if metadata.is_symlink() {
        fs::read_link(path).unwrap().into_os_string().into_encoded_bytes()
    } else if metadata.is_file() {
        fs::read(path).unwrap()
    } else {
        for entry in fs::read_dir(path).unwrap() {
            add(&entry.unwrap().path(), tree);
        }
        Vec::new()
    };
    let entry = Entry {
        ino: metadata.ino(),
        nlink: metadata.nlink(),
        mode: metadata.permissions().mode(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        contents,
    };
    tree.insert(path.to_owned(), entry);
}

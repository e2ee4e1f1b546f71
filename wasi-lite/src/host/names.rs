//! Where a path ends. The sandbox's library takes a path as a whole, and doesn't tell `name/` from `name/.` or `name`
//! everywhere; the system does. So only what comes before the last name is left to the library, and the system gets that
//! name as the guest wrote it, with the slashes behind it.

use super::dir::Dir;
use crate::errno::Errno;

/// Whether `path` can only mean a directory. The system follows a symbolic link that ends so whatever the call says.
pub(crate) fn means_directory(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("" | "." | ".."))
}

/// A name in a directory that is sure to be in the sandbox.
pub(crate) struct NameInDir<'a> {
    start: &'a Dir,
    /// Unless it is `start`.
    parent: Option<cap_std::fs::Dir>,
    /// Has no slashes but at its end, of which there may be many.
    name: &'a str,
}

impl<'a> NameInDir<'a> {
    /// The last name of `path`, for a call that makes, moves or removes a name. For these the system never follows a
    /// symbolic link at the end, even if a slash comes behind it, nor does it go to `..`.
    pub(crate) fn to_change(start: &'a Dir, path: &'a str) -> Result<Self, Errno> {
        match path.as_bytes().first() {
            Some(b'/') => return Err(Errno::PERM),
            None => return Err(Errno::NOENT),
            Some(_) => (),
        }
        let end = path.trim_end_matches('/').len();
        let (parent, name) = path.split_at(path[..end].rfind('/').map_or(0, |slash| slash + 1));
        let parent = if parent.is_empty() { None } else { Some(start.below.open_dir(parent)?) };
        let entry = Self { start, parent, name };
        if entry.names_parent() {
            // Whether that is in the sandbox, too.
            start.below.open_dir(path)?;
        }
        Ok(entry)
    }

    /// The last name of `path`, for a call that looks at what is there and doesn't follow a symbolic link, unless what
    /// comes behind it has it do so: that is then up to the sandbox.
    pub(crate) fn to_look_up(start: &'a Dir, path: &'a str) -> Result<Self, Errno> {
        if means_directory(path) {
            Ok(Self { start, parent: Some(start.below.open_dir(path)?), name: "." })
        } else {
            Self::to_change(start, path)
        }
    }

    pub(super) fn name(&self) -> &str {
        self.name
    }

    /// The directory that it is in.
    pub(super) fn parent(&self) -> &cap_std::fs::Dir {
        self.parent.as_ref().unwrap_or(&self.start.below)
    }

    fn names_parent(&self) -> bool {
        self.name.trim_end_matches('/') == ".."
    }

    /// Whether it is the directory itself or the one that contains it.
    pub(crate) fn is_dots(&self) -> bool {
        self.names_parent() || self.name.trim_end_matches('/') == "."
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{AtFlags, statat};

    #[test]
    fn names_never_lead_anywhere() {
        let host = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(host.path().join("root/a/b")).unwrap();
        let root = host.path().join("root");
        let start = Dir::open_ambient(&root).unwrap();
        for (path, directory, name) in [
            ("new", "root", "new"),
            ("new/", "root", "new/"),
            ("a/new//", "a", "new//"),
            ("a//new", "a", "new"),
            ("./new", "root", "new"),
            ("a/b/./new", "b", "new"),
            ("a/../new", "root", "new"),
            ("a/.", "a", "."),
            ("a/.//", "a", ".//"),
            ("a/..", "a", ".."),
            ("a/b/../", "b", "../"),
            (".", "root", "."),
        ] {
            let entry = NameInDir::to_change(&start, path).unwrap();
            let inode = |name: &str| {
                let path = if name == "root" {
                    ".".into()
                } else {
                    format!("a/{}", if name == "a" { "." } else { name })
                };
                statat(&start.below, path, AtFlags::empty()).unwrap().st_ino
            };
            let found = statat(&entry, ".", AtFlags::empty()).unwrap().st_ino;
            assert_eq!((found, entry.name), (inode(directory), name), "{path}");
        }
        for path in ["/", "//", "/new", "..", "../", "../new", "a/../..", "a/../../", "a/../../new", "/a/new"]
        {
            assert_eq!(NameInDir::to_change(&start, path).err(), Some(Errno::PERM), "{path}");
            assert_eq!(NameInDir::to_look_up(&start, path).err(), Some(Errno::PERM), "{path}");
        }
    }
}

//! Where a path ends. The sandbox's library takes a path as a whole, and doesn't tell `name/` from `name/.` or `name` everywhere;
//! the system does. So only what comes before the last name is left to the library, and the system gets that name as the
//! guest wrote it, with the slashes behind it.

use crate::abi::{Lookupflags, flags};
use crate::errno::{Errno, Result};
use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, statat};
use std::os::fd::{AsFd, BorrowedFd};

/// Whether `path` can only mean a directory. The system follows a symbolic link that ends so whatever the call says.
pub(crate) fn means_directory(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("" | "." | ".."))
}

/// Whether a symbolic link at the end of `path` is followed by a call that looks up what is there.
pub(crate) fn follows(lookup_flags: u32, path: &str) -> Result<bool, Errno> {
    Ok(flags::<Lookupflags>(lookup_flags)?.contains(Lookupflags::SYMLINK_FOLLOW) || means_directory(path))
}

/// A name in a directory that is sure to be in the sandbox.
pub(crate) struct NameInDir<'a> {
    start: &'a Dir,
    /// Unless it is `start`.
    parent: Option<Dir>,
    /// Has no slashes but at its end, of which there may be many.
    pub(crate) name: &'a str,
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
        let parent = if parent.is_empty() { None } else { Some(start.open_dir(parent)?) };
        let entry = Self { start, parent, name };
        if entry.names_parent() {
            // Whether that is in the sandbox, too.
            start.open_dir(path)?;
        }
        Ok(entry)
    }

    /// The last name of `path`, for a call that looks at what is there and doesn't follow a symbolic link, unless what
    /// comes behind it has it do so: that is then up to the sandbox.
    pub(crate) fn to_look_up(start: &'a Dir, path: &'a str) -> Result<Self, Errno> {
        if means_directory(path) {
            Ok(Self { start, parent: Some(start.open_dir(path)?), name: "." })
        } else {
            Self::to_change(start, path)
        }
    }

    /// Whether a slash follows the name of what is there and neither a directory nor a symbolic link.
    pub(crate) fn slash_after_file(&self) -> bool {
        let name = self.name.trim_end_matches('/');
        name != self.name
            && statat(self, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| {
                !matches!(FileType::from_raw_mode(stat.st_mode), FileType::Directory | FileType::Symlink)
            })
    }

    fn names_parent(&self) -> bool {
        self.name.trim_end_matches('/') == ".."
    }

    /// Whether it is the directory itself or the one that contains it.
    pub(crate) fn is_dots(&self) -> bool {
        self.names_parent() || self.name.trim_end_matches('/') == "."
    }
}

impl AsFd for NameInDir<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.parent.as_ref().unwrap_or(self.start).as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_lead_anywhere() {
        let host = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(host.path().join("root/a/b")).unwrap();
        let root = host.path().join("root");
        let start = Dir::open_ambient_dir(&root, cap_std::ambient_authority()).unwrap();
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
                statat(&start, path, AtFlags::empty()).unwrap().st_ino
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

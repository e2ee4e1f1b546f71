//! What the system says of files beyond their contents: which file it is, how many names it has, whose it is; and paths
//! as the system has them, which needn't be UTF-8.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

/// What differs from file to file, whatever their names.
fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Whether two names are of one file.
#[cfg(feature = "jit")]
pub(crate) fn same_file(a: &Path, b: &Path) -> bool {
    let id = |path| std::fs::metadata(path).map(|file| identity(&file)).ok();
    id(a).is_some_and(|a| Some(a) == id(b))
}

/// Whether it is what our standard output leads to: `/dev/stdout`, or a file by its name.
pub(crate) fn is_stdout(_: &Path, file: &Metadata) -> bool {
    let stdout = io::stdout().as_fd().try_clone_to_owned().and_then(|stdout| File::from(stdout).metadata());
    stdout.is_ok_and(|stdout| identity(&stdout) == identity(file))
}

/// How many names it has.
pub(crate) fn names(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.nlink())
}

/// Makes a file that its owner alone may read, and that isn't there yet.
#[cfg(feature = "hosts")]
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

/// Makes `file` the property of whoever owns `old`.
pub(crate) fn set_owner(file: &File, old: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(file, Some(old.uid()), Some(old.gid()))
}

/// What stands before and behind the first `separator`, if there is one.
pub(crate) fn split_once<'a>(text: &'a OsStr, separator: &str) -> Option<(&'a OsStr, &'a OsStr)> {
    let (bytes, separator) = (text.as_bytes(), separator.as_bytes());
    let at = bytes.windows(separator.len()).position(|window| window == separator)?;
    Some((OsStr::from_bytes(&bytes[..at]), OsStr::from_bytes(&bytes[at + separator.len()..])))
}

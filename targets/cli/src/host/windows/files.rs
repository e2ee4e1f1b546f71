//! What Windows says of files beyond their contents.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use winapi_util::file::{Information, information};
use winapi_util::{AsHandleRef, Handle};

/// What differs from file to file, whatever their names.
fn identity(file: &Information) -> (u64, u64) {
    (file.volume_serial_number(), file.file_index())
}

/// Whether two names are of one file.
#[cfg(feature = "jit")]
pub(crate) fn same_file(a: &Path, b: &Path) -> bool {
    let id = |path| Handle::from_path_any(path).and_then(information).map(|file| identity(&file)).ok();
    id(a).is_some_and(|a| Some(a) == id(b))
}

/// Whether it is what our standard output leads to.
pub(crate) fn is_stdout(path: &Path, _: &Metadata) -> bool {
    let stdout = winapi_util::HandleRef::stdout();
    let id = |handle: &dyn AsHandleRef| information(handle.as_handle_ref()).map(|file| identity(&file)).ok();
    let named = Handle::from_path_any(path).ok().and_then(|file| id(&file));
    named.is_some_and(|named| Some(named) == id(&stdout))
}

/// How many names it has.
pub(crate) fn names(file: &File) -> io::Result<u64> {
    Ok(information(file)?.number_of_links())
}

/// Does nothing: a file here belongs to whoever makes it, and who may use it comes from its folder.
pub(crate) fn set_owner(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// What stands before and behind the first `separator`, if there is one. A name that is no Unicode stays whole.
pub(crate) fn split_once<'a>(text: &'a OsStr, separator: &str) -> Option<(&'a OsStr, &'a OsStr)> {
    let (before, behind) = text.to_str()?.split_once(separator)?;
    Some((before.as_ref(), behind.as_ref()))
}

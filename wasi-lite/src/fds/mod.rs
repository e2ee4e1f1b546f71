//! What the guest has open: a table of descriptors, and what each stands for.

mod cookies;
mod dir;
mod fd;
mod perms;
mod table;

pub(crate) use dir::DirFd;
pub(crate) use fd::{Fd, FdKind, FileFd};
pub use perms::{DirPerms, FilePerms};
pub(crate) use table::Fds;

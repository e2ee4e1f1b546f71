//! How the system's errors become the guest's.

use super::numbers::of_system;
use crate::errno::Errno;
use std::io;

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Self {
        if let Some(errno) = error.raw_os_error().and_then(of_system) {
            return errno;
        }
        match error.kind() {
            io::ErrorKind::NotFound => Errno::NOENT,
            // The sandbox reports so what would lead out of it.
            io::ErrorKind::PermissionDenied => Errno::PERM,
            io::ErrorKind::AlreadyExists => Errno::EXIST,
            io::ErrorKind::InvalidInput => Errno::INVAL,
            io::ErrorKind::InvalidData => Errno::ILSEQ,
            io::ErrorKind::WouldBlock => Errno::AGAIN,
            io::ErrorKind::BrokenPipe => Errno::PIPE,
            io::ErrorKind::Unsupported => Errno::NOTSUP,
            io::ErrorKind::OutOfMemory => Errno::NOMEM,
            io::ErrorKind::StorageFull => Errno::NOSPC,
            io::ErrorKind::Interrupted => Errno::INTR,
            io::ErrorKind::TimedOut => Errno::TIMEDOUT,
            io::ErrorKind::NotADirectory => Errno::NOTDIR,
            io::ErrorKind::IsADirectory => Errno::ISDIR,
            io::ErrorKind::DirectoryNotEmpty => Errno::NOTEMPTY,
            _ => Errno::IO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_without_a_number_have_the_nearest_name() {
        use io::ErrorKind as Kind;
        for (kind, errno) in [
            (Kind::NotFound, Errno::NOENT),
            (Kind::PermissionDenied, Errno::PERM),
            (Kind::AlreadyExists, Errno::EXIST),
            (Kind::InvalidInput, Errno::INVAL),
            (Kind::InvalidData, Errno::ILSEQ),
            (Kind::WouldBlock, Errno::AGAIN),
            (Kind::BrokenPipe, Errno::PIPE),
            (Kind::Unsupported, Errno::NOTSUP),
            (Kind::OutOfMemory, Errno::NOMEM),
            (Kind::StorageFull, Errno::NOSPC),
            (Kind::Interrupted, Errno::INTR),
            (Kind::TimedOut, Errno::TIMEDOUT),
            (Kind::NotADirectory, Errno::NOTDIR),
            (Kind::IsADirectory, Errno::ISDIR),
            (Kind::DirectoryNotEmpty, Errno::NOTEMPTY),
            (Kind::Other, Errno::IO),
        ] {
            assert_eq!(Errno::from(io::Error::new(kind, "of a writer's own")), errno);
        }
    }
}

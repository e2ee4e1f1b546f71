//! How the system's errors become the guest's.

use crate::errno::Errno;
use rustix::io::Errno as Os;
use std::io;

macro_rules! from_os {
    ($os:expr; $($name:ident)*; $($other:ident => $as:ident)*) => {
        match $os {
            $(Os::$name => Errno::$name,)*
            $(Os::$other => Errno::$as,)*
            _ => Errno::IO,
        }
    };
}

impl From<Os> for Errno {
    fn from(os: Os) -> Self {
        from_os! { os;
            ADDRINUSE ADDRNOTAVAIL AFNOSUPPORT AGAIN ALREADY BADF BADMSG BUSY CANCELED CHILD CONNABORTED
            CONNREFUSED CONNRESET DESTADDRREQ DOM DQUOT EXIST FAULT FBIG HOSTUNREACH IDRM ILSEQ INPROGRESS INTR
            INVAL IO ISCONN ISDIR LOOP MFILE MLINK MSGSIZE MULTIHOP NAMETOOLONG NETDOWN NETRESET NETUNREACH NFILE
            NOBUFS NODEV NOENT NOEXEC NOLCK NOLINK NOMEM NOMSG NOPROTOOPT NOSPC NOSYS NOTCONN NOTDIR NOTEMPTY
            NOTRECOVERABLE NOTSOCK NOTSUP NOTTY NXIO OVERFLOW OWNERDEAD PERM PIPE PROTO PROTONOSUPPORT PROTOTYPE
            RANGE ROFS SPIPE SRCH STALE TIMEDOUT TXTBSY XDEV;
            TOOBIG => _2BIG ACCESS => ACCES DEADLK => DEADLK
        }
    }
}

impl From<nix::errno::Errno> for Errno {
    fn from(os: nix::errno::Errno) -> Self {
        Os::from_raw_os_error(os as i32).into()
    }
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Self {
        if let Some(os) = Os::from_io_error(&error) {
            return os.into();
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
    fn system_errors_keep_their_names() {
        // Every name of the specification's, but for `SUCCESS`, `2BIG`, `ACCES` and the last, which isn't the system's.
        macro_rules! check {
            ($($name:ident)*) => {
                let names = [$((Os::$name, Errno::$name)),*];
                assert_eq!(names.len(), 77 - 4);
                for (os, errno) in names {
                    assert_eq!(Errno::from(os), errno);
                    assert_eq!(Errno::from(io::Error::from_raw_os_error(os.raw_os_error())), errno);
                    assert_eq!(Errno::from(nix::errno::Errno::from_raw(os.raw_os_error())), errno);
                }
            };
        }
        check! {
            ADDRINUSE ADDRNOTAVAIL AFNOSUPPORT AGAIN ALREADY BADF BADMSG BUSY CANCELED CHILD CONNABORTED
            CONNREFUSED CONNRESET DEADLK DESTADDRREQ DOM DQUOT EXIST FAULT FBIG HOSTUNREACH IDRM ILSEQ INPROGRESS INTR
            INVAL IO ISCONN ISDIR LOOP MFILE MLINK MSGSIZE MULTIHOP NAMETOOLONG NETDOWN NETRESET NETUNREACH NFILE
            NOBUFS NODEV NOENT NOEXEC NOLCK NOLINK NOMEM NOMSG NOPROTOOPT NOSPC NOSYS NOTCONN NOTDIR NOTEMPTY
            NOTRECOVERABLE NOTSOCK NOTSUP NOTTY NXIO OVERFLOW OWNERDEAD PERM PIPE PROTO PROTONOSUPPORT PROTOTYPE
            RANGE ROFS SPIPE SRCH STALE TIMEDOUT TXTBSY XDEV
        }
        assert_eq!((Errno::from(Os::TOOBIG), Errno::from(Os::ACCESS)), (Errno::_2BIG, Errno::ACCES));
        assert_eq!(Errno::from(Os::MEDIUMTYPE), Errno::IO, "the guest knows no such error");
    }

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

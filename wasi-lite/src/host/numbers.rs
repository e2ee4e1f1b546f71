//! The numbers of the system's errors.

use crate::errno::Errno;
use rustix::io::Errno as Os;

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

/// What the guest gets for a number of the system's.
pub(super) fn of_system(number: i32) -> Option<Errno> {
    Some(Os::from_raw_os_error(number).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

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
}

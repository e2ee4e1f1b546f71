//! `errno`: the error codes that the guest sees.

macro_rules! errno {
    ($($name:ident)*) => {
        /// An error code, by its name in the specification. (`SUCCESS` is the absence of an error.)
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "the specification's names")]
        #[allow(dead_code, reason = "some systems have fewer errors")]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u16)]
        pub(crate) enum Errno { $($name),* }
    };
}

// In the order of the specification, from 0 to 76.
errno! {
    SUCCESS _2BIG ACCES ADDRINUSE ADDRNOTAVAIL AFNOSUPPORT AGAIN ALREADY BADF BADMSG BUSY CANCELED CHILD
    CONNABORTED CONNREFUSED CONNRESET DEADLK DESTADDRREQ DOM DQUOT EXIST FAULT FBIG HOSTUNREACH IDRM ILSEQ
    INPROGRESS INTR INVAL IO ISCONN ISDIR LOOP MFILE MLINK MSGSIZE MULTIHOP NAMETOOLONG NETDOWN NETRESET
    NETUNREACH NFILE NOBUFS NODEV NOENT NOEXEC NOLCK NOLINK NOMEM NOMSG NOPROTOOPT NOSPC NOSYS NOTCONN NOTDIR
    NOTEMPTY NOTRECOVERABLE NOTSOCK NOTSUP NOTTY NXIO OVERFLOW OWNERDEAD PERM PIPE PROTO PROTONOSUPPORT
    PROTOTYPE RANGE ROFS SPIPE SRCH STALE TIMEDOUT TXTBSY XDEV NOTCAPABLE
}

/// Why a function doesn't return success.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fail {
    /// The guest gets an error code.
    Errno(Errno),
    /// The store was interrupted, so the guest traps.
    Interrupted,
    /// The call has to wait, and leaves that to its caller, who repeats it. It has done nothing yet.
    Waits,
    /// The guest called `proc_exit`.
    Exit(i32),
}

impl<E: Into<Errno>> From<E> for Fail {
    fn from(error: E) -> Self {
        Fail::Errno(error.into())
    }
}

/// What every function of this crate that the guest calls returns.
pub(crate) type Result<T = (), E = Fail> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_specification() {
        for (errno, number) in [
            (Errno::SUCCESS, 0),
            (Errno::BADF, 8),
            (Errno::FAULT, 21),
            (Errno::INVAL, 28),
            (Errno::NOENT, 44),
            (Errno::NOSYS, 52),
            (Errno::NOTSUP, 58),
            (Errno::PERM, 63),
            (Errno::PIPE, 64),
            (Errno::SPIPE, 70),
            (Errno::NOTCAPABLE, 76),
        ] {
            assert_eq!(errno as u16, number);
        }
    }
}

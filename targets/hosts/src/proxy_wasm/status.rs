//! The numbers of the ABI.

/// What a host function answers a guest; 0 is success.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(super) enum Status {
    NotFound = 1,
    BadArgument = 2,
    InvalidMemoryAccess = 6,
    Empty = 7,
    CasMismatch = 8,
    InternalFailure = 10,
    Unimplemented = 12,
}

/// How important a message is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}

impl Level {
    const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Critical];

    pub(super) fn from_abi(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }
}

/// Who closed a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// It isn't known, as Envoy says of each connection to an upstream.
    Unknown = 0,
    /// The proxy.
    Local = 1,
    /// Whoever it was a connection to.
    Remote = 2,
}

/// Which of a stream's two directions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    /// From downstream to upstream.
    Request,
    /// From upstream to downstream.
    Response,
}

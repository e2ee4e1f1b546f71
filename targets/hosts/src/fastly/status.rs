//! The numbers of the ABI.

use dunlin::OutOfBudget;

/// What a host function answers a guest that can't have what it asks for; 0 is success.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(super) enum Status {
    /// Something else.
    Error = 1,
    /// An argument, or an address in the guest's memory.
    Inval = 2,
    /// The handle leads to nothing.
    Badf = 3,
    /// The buffer is too small. What would be large enough is told, where the function has a place for it.
    Buflen = 4,
    Unsupported = 5,
    /// A message that isn't HTTP's.
    HttpInvalid = 7,
    /// A body whose end is missing.
    HttpIncomplete = 9,
    /// What was asked for isn't there.
    None = 10,
    LimitExceeded = 13,
    /// Later, it may be there.
    Again = 14,
}

impl From<OutOfBudget> for Status {
    fn from(_: OutOfBudget) -> Self {
        Self::LimitExceeded
    }
}

/// The handle that leads to nothing.
pub(super) const NO_HANDLE: u32 = u32::MAX - 1;

/// What went wrong with a request to a backend, as it is told in a detail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(super) enum SendError {
    DestinationUnavailable = 5,
    ConnectionTerminated = 8,
    ConnectionTimeout = 9,
    ConnectionLimitReached = 10,
    HttpResponseHeaderSectionTooLarge = 14,
    HttpProtocolError = 19,
    HttpRequestUriInvalid = 21,
    InternalError = 22,
}

/// The tag of a detail when nothing went wrong.
pub(super) const SENT_WELL: u32 = 1;

/// How a key-value store's operation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(super) enum KvOutcome {
    Ok = 1,
    BadRequest = 2,
    NotFound = 3,
    PreconditionFailed = 4,
    PayloadTooLarge = 5,
    InternalError = 6,
}

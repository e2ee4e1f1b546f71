//! Why something failed: errors on this side of the boundary.

use crate::host_info::InfoCell;
use crate::own::Shared;
use dunlin::{Error, ErrorKind, ThrownException, Trap};
use std::fmt;

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// The numbers of `dunlin_error_code_t`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Code {
    Other,
    Trap,
    Exception,
    Invalid,
    Limit,
    OutOfBudget,
    OutOfMemory,
    Link,
    Host,
    Io,
    Exit,
    Argument,
    Mistake,
}

impl Code {
    fn of(error: &Error) -> Self {
        if exit_status(error).is_some() {
            return Code::Exit;
        }
        match error.kind() {
            ErrorKind::Trap => Code::Trap,
            ErrorKind::Exception => Code::Exception,
            ErrorKind::Invalid => Code::Invalid,
            ErrorKind::Limit => Code::Limit,
            ErrorKind::OutOfBudget => Code::OutOfBudget,
            ErrorKind::OutOfMemory => Code::OutOfMemory,
            ErrorKind::Link => Code::Link,
            ErrorKind::Host => Code::Host,
            ErrorKind::Io => Code::Io,
            _ => Code::Other,
        }
    }
}

/// The status that the guest exited with.
#[cfg(feature = "wasi")]
pub(crate) fn exit_status(error: &Error) -> Option<i32> {
    error.downcast_ref::<dunlin_wasi_lite::I32Exit>().map(|exit| exit.0)
}

#[cfg(not(feature = "wasi"))]
pub(crate) fn exit_status(_: &Error) -> Option<i32> {
    None
}

/// Why something failed.
#[derive(Clone)]
pub struct Failure(Option<Shared<Inner>>);

struct Inner {
    code: Code,
    error: Error,
    /// What a host function failed with, if that is why.
    cause: Option<Failure>,
    /// Of the trap that C has of it.
    info: InfoCell,
}

impl Failure {
    /// There is no memory, for the error either.
    pub(crate) const NO_MEMORY: Failure = Failure(None);

    fn new(code: Code, error: Error) -> Self {
        let thrown = error.downcast_ref::<Failure>().cloned();
        // A host function's own error keeps its code.
        let code = thrown.as_ref().map_or(code, Failure::code);
        Self(Shared::try_new(Inner { code, error, cause: thrown, info: InfoCell::default() }))
    }

    pub(crate) fn argument(message: impl fmt::Display) -> Self {
        Self::new(Code::Argument, Error::msg(message))
    }

    pub(crate) fn null() -> Self {
        Self::argument("a pointer is null that must not be")
    }

    pub(crate) fn mistake(message: &str) -> Self {
        Self::new(Code::Mistake, Error::msg(message))
    }

    /// An error that a host function made.
    pub(crate) fn host(message: &str) -> Self {
        Self::new(Code::Host, Error::msg(message))
    }

    #[cfg(feature = "wat")]
    pub(crate) fn invalid(error: impl fmt::Display) -> Self {
        Self::new(Code::Invalid, Error::msg(error))
    }

    pub(crate) fn io(error: impl fmt::Display) -> Self {
        Self::new(Code::Io, Error::msg(error))
    }

    pub(crate) fn other(error: impl fmt::Display) -> Self {
        Self::new(Code::Other, Error::msg(error))
    }

    pub(crate) fn code(&self) -> Code {
        self.0.as_ref().map_or(Code::OutOfMemory, |inner| inner.code)
    }

    /// The error that it is made of; `None` if there was no memory for it.
    pub(crate) fn error(&self) -> Option<&Error> {
        self.0.as_ref().map(|inner| &inner.error)
    }

    /// What a host function failed with, if that is why; or else this itself.
    pub(crate) fn origin(&self) -> &Failure {
        match self.0.as_ref().and_then(|inner| inner.cause.as_ref()) {
            Some(cause) => cause.origin(),
            None => self,
        }
    }

    pub(crate) fn info(&self) -> Option<&InfoCell> {
        self.origin().0.as_ref().map(|inner| &inner.info)
    }

    /// What tells it from other errors.
    pub(crate) fn address(&self) -> usize {
        self.origin().0.as_ref().map_or(0, Shared::address)
    }

    pub(crate) fn trap(&self) -> Option<Trap> {
        self.error()?.trap().or_else(|| self.origin().error()?.trap())
    }

    /// The error that a host function gives the engine for this.
    pub(crate) fn into_error(self) -> Error {
        match (self.code(), self.trap()) {
            (Code::Trap, Some(trap)) => Error::from(trap),
            // The store still has the exception, which goes on.
            (Code::Exception, _) => Error::from(ThrownException),
            _ => Error::host(self),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error() {
            Some(error) => error.fmt(f),
            None => f.write_str("out of memory"),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Code::of(&error), error)
    }
}

impl From<dunlin::OutOfBudget> for Failure {
    fn from(error: dunlin::OutOfBudget) -> Self {
        Error::from(error).into()
    }
}

/// The traps by their numbers in `dunlin_trap_code_t`.
const TRAPS: [Trap; 18] = [
    Trap::StackOverflow,
    Trap::MemoryOutOfBounds,
    Trap::TableOutOfBounds,
    Trap::UndefinedElement,
    Trap::IndirectCallToNull,
    Trap::BadSignature,
    Trap::IntegerOverflow,
    Trap::IntegerDivisionByZero,
    Trap::BadConversionToInteger,
    Trap::UnreachableCodeReached,
    Trap::Interrupt,
    Trap::OutOfFuel,
    Trap::OutOfBudget,
    Trap::HeapMisaligned,
    Trap::AtomicWaitNonSharedMemory,
    Trap::NullExceptionReference,
    Trap::ModuleChanged,
    Trap::NullReference,
];

/// Its number; -1 of one that has none yet.
pub(crate) fn trap_number(trap: Trap) -> i32 {
    TRAPS.iter().position(|known| *known == trap).map_or(-1, |number| number as i32)
}

pub(crate) fn trap_numbered(number: i32) -> Result<Trap> {
    let known = usize::try_from(number).ok().and_then(|number| TRAPS.get(number));
    known.copied().ok_or_else(|| Failure::argument(format_args!("there is no trap {number}")))
}

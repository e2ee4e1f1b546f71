//! What errors are made of elsewhere.

use super::{Cause, Error, ErrorKind, Short, ThrownException};
use crate::Trap;
use crate::memory::{MemoryError, OutOfBudget};
use crate::module::load_error::{self, LoadError};
use crate::module::types::TooManyTypes;
use crate::translate;

impl From<Trap> for Error {
    #[cold]
    fn from(trap: Trap) -> Self {
        Self::short(Short::Trap(trap))
    }
}

impl From<ThrownException> for Error {
    #[cold]
    fn from(_: ThrownException) -> Self {
        Self::build(ErrorKind::Exception, Cause::Thrown(String::new()))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::of_host(ErrorKind::Io, error)
    }
}

impl From<TooManyTypes> for Error {
    #[cold]
    fn from(error: TooManyTypes) -> Self {
        Self::new(ErrorKind::Limit, error)
    }
}

impl From<MemoryError> for Error {
    #[cold]
    fn from(error: MemoryError) -> Self {
        match error {
            MemoryError::OutOfBudget(error) => error.into(),
            MemoryError::OutOfMemory(error) => Self::short(Short::OutOfMemory(error)),
        }
    }
}

impl From<OutOfBudget> for Error {
    #[cold]
    fn from(error: OutOfBudget) -> Self {
        Self::build(ErrorKind::OutOfBudget, Cause::OutOfBudget(error))
    }
}

impl From<translate::Error> for Error {
    #[cold]
    fn from(error: translate::Error) -> Self {
        use translate::Cause;
        match error.cause() {
            Cause::Memory(error) => error.into(),
            Cause::TooManySlots => Self::new(ErrorKind::Limit, Cause::TooManySlots),
            Cause::Changed => Trap::ModuleChanged.into(),
        }
    }
}

impl From<LoadError> for Error {
    #[cold]
    fn from(error: LoadError) -> Self {
        let kind = match error.kind {
            load_error::ErrorKind::Invalid | load_error::ErrorKind::Unsupported => ErrorKind::Invalid,
            load_error::ErrorKind::Limit => ErrorKind::Limit,
            load_error::ErrorKind::OutOfBudget => ErrorKind::OutOfBudget,
        };
        match error.cause {
            load_error::Cause::Memory(error) => error.into(),
            load_error::Cause::Text(text) => {
                Self::build(kind, Cause::Module(text, error.offset, error.missing))
            }
        }
    }
}

//! What errors are made of elsewhere.

use super::{Cause, Error, ErrorKind, Repr, Short};
use crate::Trap;
use crate::memory::MemoryError;
use crate::module::load_error::{self, LoadError};
use crate::module::types::TooManyTypes;
use crate::translate;
use alloc::boxed::Box;

impl<E: core::error::Error + Send + Sync + 'static> From<E> for Error {
    /// See [`Error::new`].
    #[cold]
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

impl From<TooManyTypes> for Error {
    #[cold]
    fn from(error: TooManyTypes) -> Self {
        Self::of_kind(ErrorKind::Limit, error)
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

impl From<translate::Error> for Error {
    #[cold]
    fn from(error: translate::Error) -> Self {
        use translate::Cause;
        match error.cause() {
            Cause::Memory(error) => error.into(),
            Cause::TooManySlots => Self::of_kind(ErrorKind::Limit, Cause::TooManySlots),
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

/// An error that implements [`core::error::Error`], as [`Error::into_boxed_dyn_error`] gives it.
macro_rules! boxed {
    ($($ty:ty),*) => {$(
        impl From<Error> for Box<$ty> {
            fn from(error: Error) -> Self {
                Box::new(error.0)
            }
        }
    )*};
}

boxed!(dyn core::error::Error, dyn core::error::Error + Send, dyn core::error::Error + Send + Sync);

impl Error {
    /// The same as one of the standard library's errors, with the same message. `?` does it too.
    ///
    /// ```
    /// use dunlin::{Error, Trap};
    /// fn parse() -> Result<u32, Box<dyn std::error::Error>> {
    ///     Err(Error::from(Trap::OutOfFuel))?
    /// }
    /// assert_eq!(parse().unwrap_err().to_string(), "all fuel consumed");
    /// ```
    pub fn into_boxed_dyn_error(self) -> Box<dyn core::error::Error + Send + Sync> {
        self.into()
    }
}

impl AsRef<dyn core::error::Error + Send + Sync + 'static> for Error {
    fn as_ref(&self) -> &(dyn core::error::Error + Send + Sync + 'static) {
        let repr: &Repr = &self.0;
        repr
    }
}

#[cfg(feature = "anyhow")]
impl From<Error> for anyhow::Error {
    fn from(error: Error) -> Self {
        anyhow::Error::new(error.0)
    }
}

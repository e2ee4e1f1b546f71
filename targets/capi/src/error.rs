//! Errors as C owns them, and how functions end that can fail.

use crate::boundary::{Returns, c_types};
use crate::failure::{Failure, Result};
use crate::own::try_box;

/// An error that C owns.
pub struct dunlin_error_t(pub(crate) Failure);

/// The one for which there is no memory.
static NO_MEMORY: dunlin_error_t = dunlin_error_t(Failure::NO_MEMORY);

/// How a function ended that can fail: null, or an error.
#[repr(transparent)]
pub struct Outcome(*const dunlin_error_t);

impl Outcome {
    pub(crate) const DONE: Outcome = Outcome(std::ptr::null());

    pub(crate) fn failed(failure: Failure) -> Self {
        Self(try_box(dunlin_error_t(failure)).map_or(&raw const NO_MEMORY, |error| Box::into_raw(error)))
    }

    /// The error, which was C's.
    pub(crate) fn take(self) -> Option<Failure> {
        if self.0.is_null() {
            return None;
        }
        if std::ptr::eq(self.0, &raw const NO_MEMORY) {
            return Some(Failure::NO_MEMORY);
        }
        // SAFETY: all others are boxes that `failed` gave to C, which gives this one back.
        Some(unsafe { Box::from_raw(self.0.cast_mut()) }.0)
    }
}

impl Returns for Outcome {
    type Body = Result<()>;

    fn of(body: Result<()>) -> Self {
        body.map_or_else(Self::failed, |()| Self::DONE)
    }

    fn of_panic(message: &str) -> Self {
        Self::failed(Failure::mistake(message))
    }
}

c_types! {
    dunlin_error_t = "dunlin_error_t";
    Outcome = "dunlin_error_t *";
}

//! Why a function can't be translated.

use crate::memory::{BoxOr, MemoryError, OutOfBudget, OutOfMemory, box_or_back};
use crate::module::trap::Trap;
use crate::ops::frame::MAX_SLOTS;
use core::fmt;

/// What a translation failed for, in one word: it is a part of every result of the translator's.
pub(crate) struct Error(BoxOr<OutOfBudget>);

pub(crate) enum Cause {
    Memory(MemoryError),
    /// The frame is larger than cells can name slots in.
    TooManySlots,
    /// A body that was validated isn't valid any more: its file has changed, and the hash didn't tell.
    Changed,
}

const TOO_MANY_SLOTS: usize = 0;
const CHANGED: usize = 1;

impl Error {
    #[cold]
    pub(super) fn too_many_slots() -> Self {
        Self(BoxOr::number(TOO_MANY_SLOTS))
    }

    #[cold]
    pub(super) fn changed() -> Self {
        Self(BoxOr::number(CHANGED))
    }

    pub(crate) fn cause(self) -> Cause {
        match self.0.into_inner() {
            Ok(error) => Cause::Memory(MemoryError::OutOfBudget(*error)),
            Err(TOO_MANY_SLOTS) => Cause::TooManySlots,
            Err(number) => match OutOfMemory::unpack(number) {
                Some(error) => Cause::Memory(MemoryError::OutOfMemory(error)),
                None => Cause::Changed,
            },
        }
    }
}

impl From<MemoryError> for Error {
    #[cold]
    fn from(error: MemoryError) -> Self {
        let error = match error {
            MemoryError::OutOfMemory(error) => error,
            MemoryError::OutOfBudget(error) => match box_or_back(error) {
                Ok(error) => return Self(BoxOr::new(error)),
                Err(error) => OutOfMemory { kind: error.kind, asked: error.asked },
            },
        };
        Self(BoxOr::number(error.pack()))
    }
}

impl From<OutOfBudget> for Error {
    #[cold]
    fn from(error: OutOfBudget) -> Self {
        MemoryError::from(error).into()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Memory(error) => error.fmt(f),
            Cause::TooManySlots => write!(f, "function needs more than {MAX_SLOTS} slots"),
            Cause::Changed => Trap::ModuleChanged.fmt(f),
        }
    }
}

//! What stands in for an operating system where there is none.

mod hash;
mod mapping;
mod pipe;
mod stack;
mod sync;
mod unwind;

pub(crate) use hash::HashMap;
pub use hash::seed_hashes;
pub(crate) use mapping::{Mapping, RESERVE_MEMORIES, Snapshot, has_memory, page_size, refuses_mappings};
pub(crate) use pipe::SignalPipe;
pub(crate) use stack::stack_left;
pub(crate) use sync::{Mutex, MutexGuard, OnceLock};
pub(crate) use unwind::{Payload, catch_panic, panicking, resume_panic};

/// The processor, of which nobody knows the name.
pub(crate) const ARCH: &str = "bare";

/// Ends the program at once.
pub(crate) fn abort() -> ! {
    panic!("the engine is used beyond what memory could hold")
}

/// Nothing is read here.
pub(crate) fn is_io(_: &dyn core::any::Any) -> bool {
    false
}

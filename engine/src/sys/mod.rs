//! What the engine needs of the operating system. No other folder names one, except that `api` gives the pipe of an
//! interrupt waiter to `poll` and its like, where the platform has file descriptors.
//!
//! Without the feature `std` there is none, and `bare` has what stands in for it.

#[cfg(not(feature = "std"))]
mod bare;
#[cfg(feature = "std")]
mod file;
#[cfg(feature = "std")]
mod hash;
#[cfg(feature = "std")]
mod mapping;
#[cfg(feature = "std")]
mod pipe;
#[cfg(feature = "std")]
mod stack;
#[cfg(feature = "std")]
mod sync;
#[cfg(feature = "std")]
mod unwind;

#[cfg(not(feature = "std"))]
pub use bare::seed_hashes;
#[cfg(not(feature = "std"))]
pub(crate) use bare::*;

#[cfg(feature = "std")]
pub(crate) use file::PositionedFile;
#[cfg(feature = "std")]
pub(crate) use hash::HashMap;
#[cfg(all(test, feature = "std"))]
pub(crate) use mapping::LARGEST;
#[cfg(feature = "std")]
pub(crate) use mapping::{
    Mapping, REFUSED, REFUSED_AFTER, RESERVE_MEMORIES, Snapshot, has_memory, page_size, refuses_mappings,
};
#[cfg(feature = "std")]
pub(crate) use pipe::SignalPipe;
#[cfg(feature = "std")]
pub(crate) use stack::stack_left;
#[cfg(feature = "std")]
pub(crate) use sync::{Condvar, Mutex, MutexGuard, OnceLock};
#[cfg(feature = "std")]
pub(crate) use unwind::{Payload, catch_panic, panicking, resume_panic};

#[cfg(target_has_atomic = "64")]
pub(crate) use core::sync::atomic::AtomicU64;
// By a lock.
#[cfg(not(target_has_atomic = "64"))]
pub(crate) use portable_atomic::AtomicU64;

/// The processor, by the name that target triples begin with.
#[cfg(feature = "std")]
pub(crate) use std::env::consts::ARCH;

/// Ends the program at once.
#[cfg(feature = "std")]
pub(crate) use std::process::abort;

/// Whether an error is one of the system's.
#[cfg(feature = "std")]
pub(crate) fn is_io(error: &dyn core::any::Any) -> bool {
    error.is::<std::io::Error>()
}

/// Whether this machine's processor has a feature of x86_64.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
macro_rules! has {
    ($feature:tt) => {
        std::is_x86_feature_detected!($feature)
    };
}
/// Whether every processor that this build is for has a feature of x86_64.
#[cfg(all(not(feature = "std"), target_arch = "x86_64"))]
macro_rules! has {
    ($feature:tt) => {
        cfg!(target_feature = $feature)
    };
}
#[cfg(target_arch = "x86_64")]
pub(crate) use has;

//! Panics of host functions, which must not unwind through the guest.

use alloc::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

pub(crate) use std::thread::panicking;

/// What a panic leaves.
pub(crate) type Payload = Box<dyn core::any::Any + Send>;

/// Calls `f`, and catches its panic. Whoever does so has the panic go on once the guest has been left.
#[inline(always)]
pub(crate) fn catch_panic<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Has a panic go on that was caught.
pub(crate) fn resume_panic(payload: Payload) -> ! {
    resume_unwind(payload)
}

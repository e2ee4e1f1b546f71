//! The processor: how stacks are switched, where a signal's context has its registers, how frames are linked, and how
//! new code becomes visible. Each processor has a file with the same functions; nothing else in `runtime` depends on
//! which one it is.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
use aarch64 as this;
#[cfg(target_arch = "x86_64")]
use x86_64 as this;

pub(super) use this::{
    CORES_PREFETCH, Registers, SAVED_BELOW_FP, SIGNING, call_on, go_on, leave, missing_feature,
    preserved_registers, resume_in, stack_pointer, switch, synchronise_caches, without_signature,
};

/// Machine code, as [`switch`] calls it.
pub(super) type Code = unsafe extern "C" fn(vm: *mut u8, sp: *mut u64, code: *const u8);

/// What [`resume_in`] has a thread execute next.
pub(super) type Landing = unsafe extern "C" fn(usize, usize, usize) -> !;

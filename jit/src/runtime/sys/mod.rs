//! The operating system: address space, signals, their alternate stack, and what makes cores fetch new code.
//!
//! No other file of this crate names a system call or a type of the system's, with one exception: `arch` reads and
//! writes the registers in the [`Context`] of a signal, whose layout the system and the processor define together. The
//! rest uses the system through the standard library, for threads and locks.

mod altstack;
mod cores;
mod memory;
mod signals;

pub(super) use altstack::{ensure as ensure_signal_stack, is_ensured as has_signal_stack};
pub(super) use cores::synchronise_cores;
#[cfg(feature = "compiler")]
pub(crate) use memory::has_address_space;
pub(crate) use memory::leaves_address_space;
pub(super) use memory::{Access, CodePages, Reservation, page_size};
pub(super) use signals::{Context, Fault, FaultHandler, SIGNAL_FRAME, are_unblocked, replace_handlers};

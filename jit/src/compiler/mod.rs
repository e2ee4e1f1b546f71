//! Compiles WebAssembly to machine code with Cranelift.

mod call;
mod census;
mod control;
mod copy;
mod exits;
mod flags;
mod func;
mod heaps;
mod inline;
mod lanes;
mod leave;
mod link;
mod memory;
mod numeric;
mod passes;
mod phis;
mod positions;
mod scratch;
mod slots;
mod state;
mod stubs;
mod traps;
mod unit;
mod values;
mod vector;

#[cfg(test)]
mod ops_tests;
#[cfg(test)]
mod tests;

pub(crate) use func::Part;
pub(crate) use link::{Batch, Pieces};
pub(crate) use scratch::{LEAST_ADDRESS_SPACE, Scratch};
pub(crate) use unit::{Compiler, Decline, Options, flags, protect_branches};

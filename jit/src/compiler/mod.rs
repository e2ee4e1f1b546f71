//! Compiles WebAssembly to machine code with Cranelift.
//!
//! ```text
//! body ──> translate ──> CLIF ──> passes ──> codegen ──> pieces ──> link ──> batch
//! ```
//!
//! The entries are floors. From the lowest: [`decline`] and [`options`]; [`census`], which counts what determines
//! Cranelift's memory use; [`clif`], what CLIF is built of; [`operators`], instructions without control flow; [`translate`],
//! function bodies, and [`adapters`], trampolines and stubs; [`passes`]; [`codegen`].

mod adapters;
mod census;
mod clif;
mod codegen;
mod decline;
mod operators;
mod options;
mod passes;
mod scratch;
mod translate;

#[cfg(test)]
mod ops_tests;
#[cfg(test)]
mod tests;

pub(crate) use codegen::{Batch, Compiler, Pieces, flags, protect_branches};
pub(crate) use decline::Decline;
pub(crate) use options::CodeOptions;
pub(crate) use scratch::{LEAST_ADDRESS_SPACE, Scratch};
pub(crate) use translate::Part;

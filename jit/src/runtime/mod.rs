//! Runs machine code: executable pages, a native stack, entry and exit, and the signal handler that turns faults into
//! traps. Nothing here depends on how code is generated.
//!
//! Traps are hardware faults, and stacks grow by faults too, so this rests on signal handlers. It is written for Linux
//! on x86_64 and aarch64. [`sys`] is what it wants of the system, [`arch`] what differs by processor. On other targets,
//! `unsupported.rs` stands in for all of this.
//!
//! The crate's `unsafe` is here, apart from `tier.rs`, which passes the contract of [`Tier`](dunlin::tier::Tier)'s
//! methods on to this module, and the harness of `compiler/ops_tests`.

mod activation;
mod arch;
mod available;
mod call;
mod chunk;
mod faults;
mod frames;
mod host_stack;
mod perf_map;
mod publish;
mod registry;
mod stack;
mod sys;
#[cfg(feature = "compiler")]
mod temporary_stack;
#[cfg(test)]
mod tests;
mod throw;

pub(crate) use available::prepare_process;
pub(crate) use call::{call, frames, is_outermost, unwind};
pub(crate) use chunk::CodeChunk;
pub(crate) use faults::prepare_thread;
pub(crate) use host_stack::on_host_stack;
pub(crate) use publish::publish;
pub(crate) use stack::{CodeStack, StackAccount};
#[cfg(feature = "compiler")]
pub(crate) use sys::has_address_space;
pub(crate) use sys::leaves_address_space;
#[cfg(feature = "compiler")]
pub(crate) use temporary_stack::on_temporary_stack;
pub(crate) use throw::{fail, handler, land, words};

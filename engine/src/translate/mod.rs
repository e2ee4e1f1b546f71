//! WebAssembly to cells, one function at a time, when it is first called.
//!
//! One pass over a body that is known to be valid. It keeps a model of the operand stack (`stack`) that knows for
//! each operand whether it is in its own slot, still only in an accumulator, or just the name of a local or a
//! constant; most `local.get`s, constants and `local.set`s thus need no cell. Translation is deterministic: the
//! same body gives the same cells, which is how a cell's place in the module is found without keeping it.
//!
//! At every label, operands are in the slots of their heights: see ARCHITECTURE.md, *canonical state*.

mod admit;
mod atomic;
mod branch;
mod call;
pub(crate) mod check;
mod control;
mod debug;
mod decode;
mod enclosed;
mod error;
mod exceptions;
mod frames;
mod fuel;
mod function;
mod memory;
mod memory64;
mod numeric;
mod operand;
mod operators;
mod plain;
mod references;
mod regions;
#[cfg(feature = "simd")]
mod relaxed;
mod rotate;
mod scan;
mod stack;
mod translator;
mod turns;
mod variable;
mod wide;

pub(crate) use admit::Translatable;
pub(crate) use error::{Cause, Error};
pub(crate) use frames::Label;
pub(crate) use function::translate;
pub(crate) use translator::{Charged, Env, Held, OperandsAt, Settings, StateAt, Translated, Wanted};

//! WebAssembly to CLIF: one pass over a validated body. Locals are variables of Cranelift's frontend; operands are SSA
//! values.
//!
//! `translator` has the state, `body` the loop over operators, the others what is translated by them. All are one floor
//! because inlining is recursive: a call translates the callee's body.

mod body;
mod branch;
mod builtins;
mod bulk;
mod call;
mod control;
mod control_stack;
mod deopt;
mod exceptions;
mod frame_slots;
mod globals;
mod inline;
mod island;
mod osr;
mod safepoints;
mod tables;
mod translator;

pub(crate) use body::translate;
pub(crate) use translator::{Needs, Part};

//! CLIF to pieces of machine code, and these to code that can be placed in pages.

mod compiled;
mod compiler;
mod link;
mod settings;

pub(crate) use compiler::Compiler;
pub(crate) use link::{Batch, Pieces};
pub(crate) use settings::{flags, protect_branches};

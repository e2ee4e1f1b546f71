//! What the command writes: to the standard streams, and to files.

mod console;
pub(crate) mod destination;
pub(crate) mod json;
mod words;

pub(crate) use console::{complain, hurry, print};
pub(crate) use words::{count, readable, shown};

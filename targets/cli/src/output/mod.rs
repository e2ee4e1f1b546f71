//! What the command writes: to the standard streams, and to files.

mod console;
pub(crate) mod destination;
pub(crate) mod json;
#[cfg(feature = "trace")]
mod lines;
#[cfg(any(feature = "jit", feature = "hosts", feature = "text"))]
mod progress;
mod style;
mod words;

#[cfg(feature = "record")]
pub(crate) use console::patience;
pub(crate) use console::{complain, hurry, print};
#[cfg(feature = "trace")]
pub(crate) use lines::Lines;
#[cfg(any(feature = "jit", feature = "hosts", feature = "text"))]
pub(crate) use progress::Progress;
#[cfg(feature = "text")]
pub(crate) use style::{Style, styled};
#[cfg(any(feature = "hosts", feature = "inspect"))]
pub(crate) use words::readable;
pub(crate) use words::{count, shown};

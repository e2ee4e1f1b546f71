//! The official test suite.

mod compiled;
mod data;
mod runs;
mod streaming;

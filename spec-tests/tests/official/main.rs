//! The official test suite.

mod data;
mod runs;
mod streaming;

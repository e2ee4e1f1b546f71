//! The official test suite.

mod checkout;
mod compiled;
mod data;
mod runs;
mod streaming;
mod unfold;

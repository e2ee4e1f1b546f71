//! The official test suite.

mod checkout;
mod compiled;
mod data;
mod moving;
mod runs;
mod streaming;
mod unfold;

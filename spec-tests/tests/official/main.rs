//! The official test suite.

mod checkout;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod compiled;
mod data;
mod moving;
mod runs;
mod streaming;
mod unfold;

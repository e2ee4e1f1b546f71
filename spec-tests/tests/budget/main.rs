//! One budget over everything: what is charged against what is held, the least budgets that do, and refused
//! allocations.

mod charges;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod compiled;
mod figures;
mod guests;
mod hostile;
mod least;
mod ledger;
mod plans;
mod refused;
mod shares;
mod uncounted;
mod wasi;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod whole;

//! One budget over everything: what is charged against what is held, the least budgets that do, and refused
//! allocations.

mod charges;
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
mod whole;

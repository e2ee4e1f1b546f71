//! One budget over everything: what is charged against what is held, the least budgets that do, and refused
//! allocations.

mod guests;
mod ledger;
mod uncounted;

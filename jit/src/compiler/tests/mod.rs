//! What is in functions as Cranelift represents them.

mod golden;
mod listing;
mod spectre;

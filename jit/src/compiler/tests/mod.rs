//! What is in functions as Cranelift represents them.

mod counts;
mod golden;
mod inlining;
mod listing;
mod spectre;

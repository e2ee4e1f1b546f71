//! What is in functions as Cranelift represents them.

mod counts;
mod golden;
mod golden_files;
mod inlining;
mod listing;
mod spectre;

//! What is in functions as Cranelift represents them.

mod spectre;

//! What programs are charged: compared with the rule as `rule.rs` states it, and with what they execute.
//!
//! `instrument.rs` rewrites a module so that it counts both itself.

mod instrument;
mod programs;
mod rule;
mod small;

//! The same programs interpreted and compiled: whatever can be seen of them must be the same.
#![cfg(feature = "compiler")]

mod builtins;
mod calls;
mod checks;
mod hosts;
mod loops;
mod positions;
mod programs;
mod stacks;
mod stops;
mod tails;
mod ways;

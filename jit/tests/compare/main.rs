//! Differential tests: the same programs are interpreted and compiled, and everything observable must be the same.
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

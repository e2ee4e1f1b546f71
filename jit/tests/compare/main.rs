//! Differential tests: the same programs are interpreted and compiled, and everything observable must be the same.
#![cfg(feature = "compiler")]

mod calls;
mod hosts;
mod loops;
mod programs;
mod stacks;
mod stops;
mod tails;
mod ways;

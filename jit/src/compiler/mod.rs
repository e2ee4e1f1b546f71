//! From WebAssembly's instructions to Cranelift's.
#![allow(dead_code, reason = "the function translator isn't there yet")]

mod flags;
mod heaps;
mod lanes;
mod memory;
mod numeric;
mod traps;
mod values;
mod vector;

#[cfg(test)]
mod ops_tests;

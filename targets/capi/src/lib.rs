//! Dunlin for C: the standard `wasm.h`, and `dunlin.h` for what it lacks. The headers say what each function does and who
//! owns what; here is how.
//!
//! A module for each object. [`boundary`] and [`pointers`] are how C calls in, and [`callback`] how it is called. Handles are C's own; all
//! objects of a store have a handle of one kind ([`object`]), which keeps the store.

#![allow(non_camel_case_types, reason = "C's names")]
#![allow(unreachable_pub, reason = "C reaches functions by their names, and types through them")]

mod boundary;
mod budget;
mod call;
mod callback;
mod deadline;
mod engine;
mod error;
mod error_info;
mod exceptions;
mod externs;
mod failure;
mod foreign;
mod frame;
mod func;
mod global;
mod handles;
#[cfg(test)]
mod header_tests;
mod host_info;
mod instance;
mod interrupt;
mod key;
mod linker;
mod memory;
mod module;
mod numeric;
mod object;
mod own;
mod pointers;
mod prototypes;
mod store;
mod table;
mod tier;
#[cfg(feature = "jit")]
mod tier_choice;
mod types;
mod val;
mod vec;
mod vectors;
mod wasi;

//! Dunlin's Cranelift tier: **not built yet**. This crate is empty and nothing depends on it.
//!
//! It will compile functions that the interpreter finds hot, from the module's retained bytes, inside the same memory
//! budget; see `ARCHITECTURE.md` for the invariants of the engine that it will rest on.

// Nothing uses it yet.
#[allow(dead_code, unused_imports)]
pub(crate) mod runtime;

//! Dunlin's Cranelift tier: **not built yet**. Nothing depends on this crate.
//!
//! It will compile functions that the interpreter finds hot, from the module's retained bytes, inside the same memory
//! budget; see `ARCHITECTURE.md` for the invariants of the engine that it will rest on.
#![cfg_attr(not(test), forbid(unsafe_code))]

#[cfg(feature = "compiler")]
mod compiler;

//! Dunlin's compiled tier: functions and loops that the interpreter finds hot are compiled to machine code with
//! Cranelift, within the same memory budget.
//!
//! ```
//! # #[cfg(feature = "compiler")] {
//! use dunlin::{Config, Engine, Instance, Module, Store};
//! use dunlin_jit::{Jit, Mode};
//!
//! let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0))?;
//! let engine = Engine::new(Config::new().tier(jit.clone()))?;
//! let module = Module::new(&engine, b"\0asm\x01\0\0\0\x01\x06\x01\x60\x01\x7f\x01\x7f\x03\x02\x01\0\
//!     \x07\x05\x01\x01f\0\0\x0a\x09\x01\x07\0\x20\0\x20\0\x6c\x0b")?;
//! let mut store = Store::new(&engine, ());
//! let instance = Instance::new(&mut store, &module, &[])?;
//! let square = instance.get_typed_func::<i32, i32>(&store, "f")?;
//! assert_eq!(square.call(&mut store, 12)?, 144);
//! assert_eq!(jit.stats().functions, 1);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The engine knows this crate only as a [`dunlin::tier::Tier`].

pub mod aot;
mod charged_vec;
mod code;
#[cfg(feature = "compiler")]
mod compiler;
#[cfg(feature = "compiler")]
mod jobs;
mod options;
// Elsewhere machine code can't be run, but it can be compiled ahead of time.
#[cfg_attr(
    not(all(
        target_os = "linux",
        target_pointer_width = "64",
        target_endian = "little",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )),
    path = "unsupported.rs"
)]
mod runtime;
mod stats;
mod tier;
mod unavailable;

/// The README's example, compiled and run.
#[cfg(all(doctest, feature = "compiler"))]
#[doc = include_str!("../README.md")]
pub struct Readme;

pub use options::{CacheFull, MemoryGuard, Mode, Options};
pub use stats::Stats;
pub use tier::Jit;
pub use unavailable::Unavailable;

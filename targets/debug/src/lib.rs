//! What a backtrace's offsets mean: source files, lines, inlined functions, and names as they were written.
//!
//! The engine keeps nothing for this: it skips DWARF while a module arrives. So the module's file is read again, after a
//! trap, and only its debug sections, within a limit on memory.
//!
//! ```
//! use dunlin::{Engine, Instance, Module, Store};
//! use dunlin_debug::{Backtrace, DebugInfo};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/modules/lines.wasm");
//! let engine = Engine::default();
//! let module = Module::from_file(&engine, path)?;
//! let mut store = Store::new(&engine, ());
//! let instance = Instance::new(&mut store, &module, &[])?;
//! let error = instance.get_typed_func::<i32, i32>(&store, "divide_all")?.call(&mut store, 0).unwrap_err();
//!
//! let debug_info = DebugInfo::read(&mut std::fs::File::open(path)?, 16 << 20)?;
//! let text = Backtrace::new(error.backtrace().unwrap(), debug_info.as_ref()).to_string();
//! assert!(text.contains("lines.c:6:"), "{text}");
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod backtrace;
mod demangle;
mod dwarf;
mod error;
#[cfg(feature = "explore")]
mod explore;
mod firefox_profile;
#[cfg(feature = "flamegraph")]
mod flame_graph;
mod frame;
mod module;
mod names;

pub use backtrace::{Backtrace, Symbols};
pub use demangle::demangle;
pub use dwarf::{DebugInfo, FrameSymbol};
pub use error::DebugInfoError;
#[cfg(feature = "explore")]
pub use explore::{Explored, explore};
pub use firefox_profile::firefox_profile;
#[cfg(feature = "flamegraph")]
pub use flame_graph::flame_graph;
pub use names::function_names;

//! Core dumps: what a guest's memory and stack held when it trapped.

mod encode;
mod sections;

use crate::runtime::backtrace::WasmBacktrace;
use crate::{AsContext, Error, FrameInfo};
use alloc::vec::Vec;
use sections::Dump;
use std::io::{self, Write};

/// A core dump of a guest that has stopped with an error, in the format of WebAssembly's
/// [tool conventions](https://github.com/WebAssembly/tool-conventions/blob/main/Coredump.md): the functions that were
/// executing with their locals and operands, and the memories and globals of all instances in the store.
///
/// The frames are those of the error's [`WasmBacktrace`]; of a deep stack it keeps the innermost and the outermost only.
/// Locals and operands are known of interpreted functions, where
/// [`Config::coredump_on_trap`](crate::Config::coredump_on_trap) is on. A compiled function keeps them in machine registers: all its
/// locals are missing, and it has no operands. The operands are those below the ones that the instruction takes. What is in
/// shared memories, which other threads may change, isn't written.
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use dunlin::{Config, CoreValue, Engine, Instance, Module, Store, WasmCoreDump};
/// let engine = Engine::new(Config::new().coredump_on_trap(true))?;
/// let module = Module::new(&engine, r#"(module (func (export "f") (param i32) unreachable))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let error = instance.get_typed_func::<i32, ()>(&store, "f")?.call(&mut store, 7).unwrap_err();
///
/// let dump = WasmCoreDump::of(&error).unwrap();
/// assert_eq!(dump.frames()[0].locals(), Some(&[CoreValue::I32(7)][..]));
/// let bytes = dump.serialize(&store, "f.wasm");
/// assert!(bytes.starts_with(b"\0asm"));
/// # }
/// # Ok::<(), dunlin::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WasmCoreDump {
    backtrace: WasmBacktrace,
}

impl WasmCoreDump {
    /// The most bytes of memories that a dump contains, since a section has less than 4 GiB.
    pub const MAX_MEMORY_BYTES: u64 = 3 << 30;

    /// The core dump of a guest that has stopped with this error; `None` if nothing was executing.
    pub fn of(error: &Error) -> Option<Self> {
        error.backtrace().map(|backtrace| Self { backtrace: backtrace.clone() })
    }

    /// The functions that were executing, innermost first.
    pub fn frames(&self) -> &[FrameInfo] {
        self.backtrace.frames()
    }

    /// The dump as a module in the binary format. `name` says what was executed, such as the module's file. It allocates
    /// as many bytes as the memories have, without what is zero: [`write`](Self::write) needs none.
    pub fn serialize(&self, store: impl AsContext, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(store, name, Self::MAX_MEMORY_BYTES, &mut bytes).expect("a vector takes everything");
        bytes
    }

    /// Writes the dump, with this many bytes of memories at most, and gives how many there would have been. Of what is
    /// left out, a reader sees zeros.
    ///
    /// The memories are as they are now, so this is to be called before anything else in the store is.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write(
        &self,
        store: impl AsContext,
        name: &str,
        max_memory_bytes: u64,
        out: &mut dyn Write,
    ) -> io::Result<u64> {
        let store = store.as_context();
        let most = max_memory_bytes.min(Self::MAX_MEMORY_BYTES);
        Dump { backtrace: &self.backtrace, store: store.inner(), name, most }.write(out)
    }
}

//! The engines: each behind a function that loads a module, and some also behind one that loads it from a file, for a
//! whole run.

mod dunlin;
#[cfg(feature = "peers")]
mod silverfir;
#[cfg(feature = "peers")]
mod stitch;
#[cfg(feature = "peers")]
mod tinywasm;
#[cfg(feature = "wasm3")]
mod wasm3;
#[cfg(feature = "peers")]
mod wasmi;
#[cfg(feature = "peers")]
mod wasmtime;

use std::path::Path;

/// A function of a loaded module: it takes an `i32` and returns an `i64`.
pub(crate) type Call = Box<dyn FnMut(i32) -> Result<i64, String>>;

/// How an engine loads a module, instantiates it, and finds the export of that name.
pub(crate) type Load = fn(&[u8], &str) -> Result<Call, String>;

/// How an engine loads a module from a file for a run of its own, as its command line would.
pub(crate) type LoadFile = fn(&Path, &str) -> Result<Call, String>;

/// What an engine is measured for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything, in comparison with Dunlin's interpreter.
    Peer,
    /// Loading only: otherwise it equals another engine in the list.
    Loading,
    /// Loading, and the speed of its compiled code.
    Compiled,
    /// The speed of its compiled code only: otherwise it equals another engine in the list.
    CompiledOnly,
}

/// One engine, or one way to configure it.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) load: Load,
    pub(crate) role: Role,
    /// If it is an engine of another build of this program: its name there.
    pub(crate) before: Option<&'static str>,
}

impl Engine {
    pub(crate) fn loads_alone(&self) -> bool {
        self.role == Role::Loading
    }

    /// Whether the speed of its compiled code is compared.
    pub(crate) fn compiles(&self) -> bool {
        COMPILED.iter().any(|(own, other)| [*own, *other].contains(&self.name))
    }
}

const fn engine(name: &'static str, version: &'static str, load: Load) -> Engine {
    Engine { name, version, load, role: Role::Peer, before: None }
}

const DUNLIN: &str = env!("CARGO_PKG_VERSION");

/// The tier of another build.
pub(crate) const BEFORE: &str = "before-jit";

/// All engines of this build. The first is what the others are compared with.
pub(crate) const ENGINES: &[Engine] = &[
    engine("dunlin", DUNLIN, dunlin::load),
    Engine { before: Some("dunlin"), ..engine("before", DUNLIN, dunlin::load) },
    #[cfg(feature = "peers")]
    engine("wasmi2", "2.0.0", wasmi::v2::eager),
    #[cfg(feature = "peers")]
    Engine { role: Role::Loading, ..engine("wasmi2-lazy", "2.0.0", wasmi::v2::lazy) },
    #[cfg(feature = "peers")]
    engine("wasmi1", "1.1.0", wasmi::v1::eager),
    #[cfg(feature = "wasm3")]
    engine("wasm3", "0.9.0", wasm3::load),
    #[cfg(feature = "peers")]
    engine("silverfir", "0.6.0", silverfir::load),
    #[cfg(feature = "peers")]
    engine("stitch", "0.1.0", stitch::load),
    #[cfg(feature = "peers")]
    engine("tinywasm", "0.10.0", tinywasm::load),
    #[cfg(feature = "peers")]
    engine("pulley", "48", wasmtime::pulley),
    #[cfg(feature = "peers")]
    engine("winch", "48", wasmtime::winch),
    #[cfg(feature = "peers")]
    engine("cranelift", "48", wasmtime::cranelift),
    Engine { role: Role::Compiled, ..engine("dunlin-jit", DUNLIN, dunlin::tiered) },
    Engine { role: Role::Compiled, before: Some("dunlin-jit"), ..engine(BEFORE, DUNLIN, dunlin::tiered) },
    Engine { role: Role::Compiled, ..engine("dunlin-eager", DUNLIN, dunlin::eager) },
    Engine { role: Role::CompiledOnly, ..engine("dunlin-checked", DUNLIN, dunlin::checked) },
    #[cfg(feature = "peers")]
    Engine { role: Role::CompiledOnly, ..engine("cranelift-checked", "48", wasmtime::checked) },
    #[cfg(feature = "peers")]
    Engine { role: Role::CompiledOnly, ..engine("silverfir-jit", "0.6.0", silverfir::compiled) },
];

/// The pairs of engines whose compiled code is compared: with guard regions, and with explicit bounds checks.
pub(crate) const COMPILED: &[(&str, &str)] = &[
    ("dunlin-jit", "cranelift"),
    ("dunlin-jit", BEFORE),
    ("dunlin-eager", "cranelift"),
    ("dunlin-checked", "cranelift-checked"),
    ("dunlin-jit", "silverfir-jit"),
];

/// The engines whose whole runs are compared.
pub(crate) const RUNS: &[(&str, LoadFile)] = &[
    ("dunlin", dunlin::file_interpreted),
    ("dunlin-jit", dunlin::file_tiered),
    #[cfg(feature = "peers")]
    ("winch", wasmtime::file_winch),
    #[cfg(feature = "peers")]
    ("cranelift", wasmtime::file_cranelift),
];

/// The other engines that can make a whole run: `curve` has their CPU time beside that of Dunlin's command.
pub(crate) const CURVES: &[(&str, LoadFile)] = &[
    #[cfg(feature = "peers")]
    ("cranelift", wasmtime::file_cranelift),
    #[cfg(feature = "peers")]
    ("silverfir-jit", silverfir::file_compiled),
];

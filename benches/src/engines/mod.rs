//! The engines, each behind one function that loads a module.

mod dunlin;
#[cfg(feature = "peers")]
mod stitch;
#[cfg(feature = "peers")]
mod tinywasm;
pub(crate) mod wasm3;
#[cfg(feature = "peers")]
mod wasmi;
#[cfg(feature = "peers")]
mod wasmtime;

/// A function of a loaded module: it takes an `i32` and returns an `i64`.
pub(crate) type Call = Box<dyn FnMut(i32) -> Result<i64, String>>;

/// How an engine loads a module, instantiates it, and finds the export of that name.
pub(crate) type Load = fn(&[u8], &str) -> Result<Call, String>;

/// One engine, or one way to configure it.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// `None` for wasm3, whose worker is a program of its own.
    pub(crate) load: Option<Load>,
    /// Whether it only differs from another engine in how it loads.
    pub(crate) startup_only: bool,
}

const fn engine(name: &'static str, version: &'static str, load: Load) -> Engine {
    Engine { name, version, load: Some(load), startup_only: false }
}

/// All engines of this build. The first is what the others are compared with.
pub(crate) const ENGINES: &[Engine] = &[
    engine("dunlin", env!("CARGO_PKG_VERSION"), dunlin::load),
    #[cfg(feature = "peers")]
    engine("wasmi2", "2.0.0", wasmi::v2::eager),
    #[cfg(feature = "peers")]
    Engine { startup_only: true, ..engine("wasmi2-lazy", "2.0.0", wasmi::v2::lazy) },
    #[cfg(feature = "peers")]
    engine("wasmi1", "1.1.0", wasmi::v1::eager),
    #[cfg(feature = "peers")]
    Engine { name: "wasm3", version: wasm3::VERSION, load: None, startup_only: false },
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
];

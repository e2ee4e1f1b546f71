//! Dunlin: its interpreter, and its compiled tier.

use super::Call;
use dunlin::{Config, Engine, Error, Linker, Module, ModuleOptions, Result, Store};
use dunlin_jit::{Jit, MemoryGuard, Mode, Options};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn load(wasm: &[u8], export: &str) -> Result<Call, String> {
    prepare(&Config::new(), wasm, export).map_err(|error| error.to_string())
}

/// The compiled tier in its default configuration.
pub(super) fn tiered(wasm: &[u8], export: &str) -> Result<Call, String> {
    let jit = jit(Jit::options().memory_guard(MemoryGuard::On))?;
    let mut call = compiling(&jit, wasm, export)?;
    let mut warm = false;
    Ok(Box::new(move |n| {
        while !warm {
            let before = jit.stats();
            call(n)?;
            // The compiler's thread may still be working.
            std::thread::sleep(QUIET);
            let after = jit.stats();
            warm = (before.functions, before.loops) == (after.functions, after.loops);
        }
        call(n)
    }))
}

/// If nothing new has been compiled after a run and this pause, compilation is assumed to be complete.
const QUIET: Duration = Duration::from_millis(200);

pub(super) fn eager(wasm: &[u8], export: &str) -> Result<Call, String> {
    compiling(&jit(Jit::options().mode(Mode::Eager).memory_guard(MemoryGuard::On))?, wasm, export)
}

/// Everything compiled in advance, with explicit bounds checks.
pub(super) fn checked(wasm: &[u8], export: &str) -> Result<Call, String> {
    compiling(&jit(Jit::options().mode(Mode::Eager).memory_guard(MemoryGuard::Off))?, wasm, export)
}

fn jit(options: &Options) -> Result<Arc<Jit>, String> {
    Jit::new(options).map_err(|error| error.to_string())
}

fn compiling(jit: &Arc<Jit>, wasm: &[u8], export: &str) -> Result<Call, String> {
    prepare(Config::new().tier(jit.clone()), wasm, export).map_err(|error| error.to_string())
}

fn prepare(config: &Config, wasm: &[u8], export: &str) -> Result<Call> {
    let engine = Engine::new(config)?;
    let module = Module::new(&engine, wasm)?;
    instantiate(&engine, &module, export)
}

fn instantiate(engine: &Engine, module: &Module, export: &str) -> Result<Call> {
    let mut store = Store::new(engine, ());
    let instance = Linker::new(engine).instantiate(&mut store, module)?;
    let run = instance.get_typed_func::<i32, i64>(&store, export)?;
    Ok(Box::new(move |n| run.call(&mut store, n).map_err(|error| error.to_string())))
}

pub(super) fn file_interpreted(path: &Path, export: &str) -> Result<Call, String> {
    file(&Config::new(), path, export).map_err(|error| error.to_string())
}

pub(super) fn file_tiered(path: &Path, export: &str) -> Result<Call, String> {
    let jit = jit(&Jit::options())?;
    file(Config::new().tier(jit), path, export).map_err(|error| error.to_string())
}

fn file(config: &Config, path: &Path, export: &str) -> Result<Call> {
    let engine = Engine::new(config)?;
    let file = File::open(path).map_err(|error| Error::msg(error.to_string()))?;
    let module = Module::from_reader_with(&engine, file, ModuleOptions::new().one_instance(true))?;
    instantiate(&engine, &module, export)
}

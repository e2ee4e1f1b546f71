//! wasmtime with its two compilers, and its interpreter, Pulley, for which Cranelift compiles.

use super::Call;
use std::path::Path;
use wasmtime::{Config, Engine, Instance, Module, OptLevel, Result, Store, Strategy};

pub(super) fn cranelift(wasm: &[u8], export: &str) -> Result<Call, String> {
    load(&optimising(), wasm, export)
}

/// With explicit bounds checks instead of guard regions.
pub(super) fn checked(wasm: &[u8], export: &str) -> Result<Call, String> {
    load(optimising().memory_reservation(0).memory_guard_size(0), wasm, export)
}

pub(super) fn winch(wasm: &[u8], export: &str) -> Result<Call, String> {
    load(&baseline(), wasm, export)
}

fn optimising() -> Config {
    let mut config = Config::new();
    config.strategy(Strategy::Cranelift).cranelift_opt_level(OptLevel::Speed);
    config
}

fn baseline() -> Config {
    let mut config = Config::new();
    config.strategy(Strategy::Winch);
    config
}

pub(super) fn pulley(wasm: &[u8], export: &str) -> Result<Call, String> {
    let mut config = Config::new();
    config.strategy(Strategy::Cranelift);
    config.target("pulley64").map_err(|error| error.to_string())?;
    load(&config, wasm, export)
}

fn load(config: &Config, wasm: &[u8], export: &str) -> Result<Call, String> {
    prepare(config, |engine| Module::from_binary(engine, wasm), export)
}

fn prepare(
    config: &Config,
    module: impl FnOnce(&Engine) -> Result<Module>,
    export: &str,
) -> Result<Call, String> {
    let prepare = || {
        let engine = Engine::new(config)?;
        let module = module(&engine)?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let run = instance.get_typed_func::<i32, i64>(&mut store, export)?;
        Ok((store, run))
    };
    let (mut store, run) = prepare().map_err(told)?;
    Ok(Box::new(move |n| run.call(&mut store, n).map_err(told)))
}

fn told(error: wasmtime::Error) -> String {
    format!("{error:#}")
}

pub(super) fn file_cranelift(path: &Path, export: &str) -> Result<Call, String> {
    prepare(&optimising(), |engine| Module::from_file(engine, path), export)
}

pub(super) fn file_winch(path: &Path, export: &str) -> Result<Call, String> {
    prepare(&baseline(), |engine| Module::from_file(engine, path), export)
}

//! wasmtime with its two compilers, and its interpreter, Pulley, for which Cranelift compiles.

use super::Call;
use std::path::Path;
use wasmtime::{Config, Engine, Instance, Module, OptLevel, Result, Store, Strategy, TypedFunc};

pub(super) fn cranelift(wasm: &[u8], export: &str) -> Result<Call, String> {
    load(&optimising(), wasm, export)
}

/// With explicit checks of accesses to memories, in place of guard regions.
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
    let load = || {
        let engine = Engine::new(config)?;
        let module = Module::from_binary(&engine, wasm)?;
        prepare(&engine, &module, export)
    };
    let (mut store, run) = load().map_err(told)?;
    Ok(Box::new(move |n| run.call(&mut store, n).map_err(told)))
}

fn prepare(engine: &Engine, module: &Module, export: &str) -> Result<(Store<()>, TypedFunc<i32, i64>)> {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[])?;
    let run = instance.get_typed_func::<i32, i64>(&mut store, export)?;
    Ok((store, run))
}

fn told(error: wasmtime::Error) -> String {
    format!("{error:#}")
}

pub(super) fn once_cranelift(path: &Path, export: &str, n: i32) -> Result<i64, String> {
    once(&optimising(), path, export, n).map_err(told)
}

pub(super) fn once_winch(path: &Path, export: &str, n: i32) -> Result<i64, String> {
    once(&baseline(), path, export, n).map_err(told)
}

fn once(config: &Config, path: &Path, export: &str, n: i32) -> Result<i64> {
    let engine = Engine::new(config)?;
    let module = Module::from_file(&engine, path)?;
    let (mut store, run) = prepare(&engine, &module, export)?;
    run.call(&mut store, n)
}

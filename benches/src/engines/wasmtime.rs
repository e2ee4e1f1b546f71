//! wasmtime with its two compilers, and its interpreter, Pulley, for which Cranelift compiles.

use super::Call;
use wasmtime::{Config, Engine, Instance, Module, Store, Strategy};

pub(super) fn cranelift(wasm: &[u8], export: &str) -> Result<Call, String> {
    let mut config = Config::new();
    config.strategy(Strategy::Cranelift);
    load(&config, wasm, export)
}

pub(super) fn winch(wasm: &[u8], export: &str) -> Result<Call, String> {
    let mut config = Config::new();
    config.strategy(Strategy::Winch);
    load(&config, wasm, export)
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
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let run = instance.get_typed_func::<i32, i64>(&mut store, export)?;
        Ok((store, run))
    };
    let (mut store, run) = load().map_err(|error: wasmtime::Error| format!("{error:#}"))?;
    Ok(Box::new(move |n| run.call(&mut store, n).map_err(|error| format!("{error:#}"))))
}

//! Silverfir-nano's interpreter, and its compiler.

use super::Call;
use sf_nano_core::{Config, Engine, Instance, Tier, Value};
use std::path::Path;

pub(super) fn load(wasm: &[u8], export: &str) -> Result<Call, String> {
    with(Tier::Interp, wasm, export)
}

pub(super) fn compiled(wasm: &[u8], export: &str) -> Result<Call, String> {
    with(Tier::Jit, wasm, export)
}

pub(super) fn file_compiled(path: &Path, export: &str) -> Result<Call, String> {
    let wasm = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    with(Tier::Jit, &wasm, export)
}

fn with(tier: Tier, wasm: &[u8], export: &str) -> Result<Call, String> {
    let engine = Engine::new(Config::new().tier(tier)).map_err(|error| format!("{error:?}"))?;
    let mut instance = Instance::new(&engine, wasm, &[]).map_err(|error| format!("{error:?}"))?;
    let run = instance.get_func(export).ok_or("no such export")?;
    Ok(Box::new(move |n| {
        let mut results = [Value::I64(0)];
        instance.call(&run, &[Value::I32(n)], &mut results).map_err(|error| format!("{error:?}"))?;
        match results[0] {
            Value::I64(result) => Ok(result),
            _ => Err("the result is no i64".to_owned()),
        }
    }))
}

//! wasm3, built from the C sources that its bindings carry.

use super::Call;
use wasm3x::{Engine, Linker, Module, Store};

pub(super) fn load(wasm: &[u8], export: &str) -> Result<Call, String> {
    let load = || {
        let engine = Engine::default();
        let mut store = Store::new(&engine, ());
        let module = Module::new(&engine, wasm)?;
        let instance = Linker::<()>::new(&engine).instantiate_and_start(&mut store, &module)?;
        let run = instance.get_typed_func::<i32, i64>(&store, export)?;
        Ok((store, run))
    };
    let (mut store, run) = load().map_err(|error: wasm3x::Error| error.to_string())?;
    Ok(Box::new(move |n| run.call(&mut store, n).map_err(|error| error.to_string())))
}

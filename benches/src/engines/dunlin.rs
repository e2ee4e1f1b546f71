use super::Call;
use dunlin::{Config, Engine, Linker, Module, Store};

pub(super) fn load(wasm: &[u8], export: &str) -> Result<Call, String> {
    let load = || {
        let engine = Engine::new(&Config::new())?;
        let module = Module::new(&engine, wasm)?;
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &module)?;
        let run = instance.get_typed_func::<i32, i64>(&store, export)?;
        Ok((store, run))
    };
    let (mut store, run) = load().map_err(|error: dunlin::Error| error.to_string())?;
    Ok(Box::new(move |n| run.call(&mut store, n).map_err(|error| error.to_string())))
}

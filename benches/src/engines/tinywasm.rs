use super::Call;
use tinywasm::{ModuleInstance, Store};

pub(super) fn load(wasm: &[u8], export: &str) -> Result<Call, String> {
    let load = || {
        let module = tinywasm::parse_bytes(wasm)?;
        let mut store = Store::default();
        let instance = ModuleInstance::instantiate(&mut store, &module, None)?;
        let run = instance.func::<i32, i64>(&store, export)?;
        Ok((store, run))
    };
    let (mut store, run) = load().map_err(|error: tinywasm::Error| error.to_string())?;
    Ok(Box::new(move |n| run.call(&mut store, n).map_err(|error| error.to_string())))
}

use super::Call;
use makepad_stitch::{Engine, Linker, Module, Store, Val};

pub(super) fn load(wasm: &[u8], export: &str) -> Result<Call, String> {
    let mut store = Store::new(Engine::new());
    let module = Module::new(store.engine(), wasm).map_err(|error| format!("{error:?}"))?;
    let instance = Linker::new().instantiate(&mut store, &module).map_err(|error| format!("{error:?}"))?;
    let run = instance.exported_func(export).ok_or("no such export")?;
    Ok(Box::new(move |n| {
        let mut results = [Val::I64(0)];
        run.call(&mut store, &[Val::I32(n)], &mut results).map_err(|error| format!("{error:?}"))?;
        results[0].to_i64().ok_or_else(|| "the result is no i64".to_owned())
    }))
}

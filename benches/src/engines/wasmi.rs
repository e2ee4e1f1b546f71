//! wasmi 1 and 2, whose API is the same. wasmi 2 dispatches by tail calls in optimised builds.

macro_rules! version {
    ($version:ident, $wasmi:ident) => {
        pub(crate) mod $version {
            use crate::engines::Call;
            use $wasmi::{CompilationMode, Config, Engine, Linker, Module, Store};

            pub(crate) fn eager(wasm: &[u8], export: &str) -> Result<Call, String> {
                load(wasm, export, CompilationMode::Eager)
            }

            #[allow(dead_code, reason = "wasmi 1 is measured in its default mode alone")]
            pub(crate) fn lazy(wasm: &[u8], export: &str) -> Result<Call, String> {
                load(wasm, export, CompilationMode::LazyTranslation)
            }

            fn load(wasm: &[u8], export: &str, mode: CompilationMode) -> Result<Call, String> {
                let load = || {
                    let mut config = Config::default();
                    config.compilation_mode(mode);
                    let engine = Engine::new(&config);
                    let module = Module::new(&engine, wasm)?;
                    let mut store = Store::new(&engine, ());
                    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
                    let run = instance.get_typed_func::<i32, i64>(&store, export)?;
                    Ok((store, run))
                };
                let (mut store, run) = load().map_err(|error: $wasmi::Error| error.to_string())?;
                Ok(Box::new(move |n| run.call(&mut store, n).map_err(|error| error.to_string())))
            }
        }
    };
}

version!(v1, wasmi1);
version!(v2, wasmi2);

//! Every workload computes what it must, however the interpreter dispatches.

use dunlin::{Config, Dispatch, Engine, Error, Linker, Module, Store};
use dunlin_benches::workloads::WORKLOADS;

fn check(config: &Config) -> Result<(), Error> {
    let engine = Engine::new(config)?;
    for workload in WORKLOADS {
        let module = Module::new(&engine, workload.wasm)?;
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &module)?;
        let run = instance.get_typed_func::<i32, i64>(&store, "run")?;
        // Twice: a run must not depend on what an earlier one left behind.
        for _ in 0..2 {
            assert_eq!(run.call(&mut store, workload.small_n)?, workload.small_result, "{}", workload.name);
        }
    }
    Ok(())
}

#[test]
fn by_default() -> Result<(), Error> {
    check(&Config::new())
}

#[test]
fn by_the_loop() -> Result<(), Error> {
    check(Config::new().dispatch(Dispatch::Loop))
}

//! Gives a module functions of the host, which keep their state in the store and can fail.
//!
//!     cargo run --release -p dunlin --example host_functions

use dunlin::{Caller, Engine, ErrorKind, Linker, Module, Store};
use std::error::Error;

const TEXT: &str = r#"
    (module
        (import "sensor" "read" (func $read (param i32) (result f64)))
        (import "log" "value" (func $log (param f64)))
        (func (export "measure") (param i32)
            (call $log (call $read (local.get 0)))))
"#;

/// What host functions work on. Each store has its own.
struct Host {
    sensors: Vec<f64>,
    log: Vec<f64>,
}

#[derive(Debug)]
struct NoSensor(i32);
impl std::fmt::Display for NoSensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "there is no sensor {}", self.0)
    }
}
impl Error for NoSensor {}

fn read(caller: Caller<'_, Host>, sensor: i32) -> Result<f64, dunlin::Error> {
    let value = usize::try_from(sensor).ok().and_then(|i| caller.data().sensors.get(i));
    value.copied().ok_or_else(|| dunlin::Error::host(NoSensor(sensor)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::default();
    let module = Module::new(&engine, wat::parse_str(TEXT)?)?;

    // The closure's parameters and results are the function's type. A linker serves any number of stores.
    let mut linker = Linker::<Host>::new(&engine);
    linker.func_wrap("sensor", "read", read)?;
    linker.func_wrap("log", "value", |mut caller: Caller<'_, Host>, value: f64| {
        caller.data_mut().log.push(value)
    })?;

    let mut store = Store::new(&engine, Host { sensors: vec![20.5, 21.0], log: Vec::new() });
    let instance = linker.instantiate(&mut store, &module)?;
    let measure = instance.get_typed_func::<i32, ()>(&store, "measure")?;
    measure.call(&mut store, 1)?;

    // A host function's error ends the guest's call, and the embedder gets it back as it was.
    let error = measure.call(&mut store, 7).unwrap_err();
    assert_eq!((error.kind(), error.downcast_ref::<NoSensor>().unwrap().0), (ErrorKind::Host, 7));
    println!("{error}; logged before: {:?}", store.data().log);
    assert_eq!(store.into_data().log, [21.0]);
    Ok(())
}

//! Exceptions: thrown and caught by guests, by `try_table` and as it was before, and by the host.

use dunlin::{Config, Dispatch, Engine, Error, Instance, Module, Store};

#[path = "exceptions/collected.rs"]
mod collected;
#[path = "exceptions/host.rs"]
mod host;
#[path = "exceptions/hostile.rs"]
mod hostile;
#[path = "exceptions/legacy.rs"]
mod legacy;
#[path = "exceptions/portions.rs"]
mod portions;
#[path = "exceptions/standard.rs"]
mod standard;

/// One engine for each way of dispatch.
fn engines(fuel: bool) -> [Engine; 2] {
    let mut config = Config::new();
    config.consume_fuel(fuel).check_translation(true);
    [Engine::new(&config).unwrap(), Engine::new(config.dispatch(Dispatch::Loop)).unwrap()]
}

fn loaded(engine: &Engine, text: &str) -> Result<Module, Error> {
    Module::new(engine, wat::parse_str(text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

fn instance(store: &mut Store<()>, text: &str) -> Instance {
    let module = loaded(store.engine(), text).unwrap_or_else(|error| panic!("{error}: {text}"));
    Instance::new(store, &module, &[]).unwrap()
}

/// Calls `f`, which the module exports, in each way of dispatch.
fn each(text: &str, cases: &[(i32, i32)]) {
    for engine in engines(false) {
        let mut store = Store::new(&engine, ());
        let f = instance(&mut store, text).get_typed_func::<i32, i32>(&store, "f").unwrap();
        for (arg, result) in cases {
            assert_eq!(f.call(&mut store, *arg).unwrap(), *result, "{arg}: {text}");
        }
    }
}

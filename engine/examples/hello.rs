//! Loads a module, calls what it exports, and looks at a trap.
//!
//!     cargo run --release -p dunlin --example hello

use dunlin::{Engine, Instance, Module, Store, Trap};
use std::error::Error;

// Real programs read a `.wasm` file: `Module::from_file(&engine, "program.wasm")`.
const TEXT: &str = r#"
    (module $arithmetic
        (func $divide (export "divide") (param i32 i32) (result i32)
            (i32.div_s (local.get 0) (local.get 1))))
"#;

fn main() -> Result<(), Box<dyn Error>> {
    // The configuration, and what all modules share. One for a process is usual.
    let engine = Engine::default();

    // Loading validates. A module can be instantiated any number of times, on any thread.
    let module = Module::new(&engine, wat::parse_str(TEXT)?)?;

    // A store owns instances with their memories and tables, and a value of the host's (here none).
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;

    // The function's type is checked here, once, and not at each call.
    let divide = instance.get_typed_func::<(i32, i32), i32>(&store, "divide")?;
    let quotient = divide.call(&mut store, (42, 6))?;
    println!("42 / 6 = {quotient}");
    assert_eq!(quotient, 7);

    // A trap ends the call with an error, which has a backtrace. The instance can still be used.
    let error = divide.call(&mut store, (42, 0)).unwrap_err();
    println!("42 / 0: {error:?}");
    assert_eq!(error.trap(), Some(Trap::IntegerDivisionByZero));
    assert_eq!(divide.call(&mut store, (9, 3))?, 3);
    Ok(())
}

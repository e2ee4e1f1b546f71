//! Compiles what is hot to machine code while it is interpreted, within the same budget.
//!
//!     cargo run --release -p dunlin-jit --example tier

use dunlin::{Budget, Config, Engine, Instance, Module, Store};
use dunlin_jit::{Jit, Mode};
use std::error::Error;

const TEXT: &str = r#"
    (module
        (func $fib (export "fib") (param i32) (result i64)
            (if (result i64) (i32.lt_u (local.get 0) (i32.const 2))
                (then (i64.extend_i32_u (local.get 0)))
                (else (i64.add
                    (call $fib (i32.sub (local.get 0) (i32.const 1)))
                    (call $fib (i32.sub (local.get 0) (i32.const 2))))))))
"#;

fn main() -> Result<(), Box<dyn Error>> {
    // By default a thread compiles in the background, and execution never waits for it. `Mode::Sync` waits, so that this
    // example prints the same each time.
    let jit = Jit::new(Jit::options().mode(Mode::Sync))?;

    // Results, fuel and traps are the same as without the tier.
    let budget = Budget::new(64 << 20);
    let engine = Engine::new(Config::new().budget(budget.clone()).tier(jit.clone()))?;
    let module = Module::new(&engine, wat::parse_str(TEXT)?)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let fib = instance.get_typed_func::<i32, i64>(&store, "fib")?;

    // The interpreter samples which functions execute, and has those compiled that it finds often.
    assert_eq!(fib.call(&mut store, 30)?, 832_040);
    let stats = jit.stats();
    println!("{} function, {} bytes of machine code", stats.functions, stats.code_bytes);
    assert_eq!(stats.functions, 1);
    assert!(budget.used() > stats.code_bytes, "the code is part of what the budget pays for");

    // Compiles what is left of a module, on as many threads as there are processors.
    jit.compile(&module);
    Ok(())
}

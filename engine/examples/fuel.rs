//! Bounds what a guest may execute, and lets it go on later: programs that take turns on one thread.
//!
//!     cargo run --release -p dunlin --example fuel

use dunlin::{Config, Engine, Instance, Module, ResumableCall, Store, Trap, Val};
use std::collections::VecDeque;
use std::error::Error;

const TEXT: &str = r#"
    (module
        (func (export "sum_up_to") (param i64) (result i64) (local $sum i64)
            (loop $again
                (local.set $sum (i64.add (local.get $sum) (local.get 0)))
                (br_if $again (i32.wrap_i64 (local.tee 0 (i64.sub (local.get 0) (i64.const 1))))))
            (local.get $sum)))
"#;

/// The fuel of one turn. An instruction takes about one unit.
const TURN: u64 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(Config::new().consume_fuel(true))?;
    let module = Module::new(&engine, wat::parse_str(TEXT)?)?;

    // A program uses the same fuel on every machine. When it has used it up, it traps.
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let sum = instance.get_typed_func::<i64, i64>(&store, "sum_up_to")?;
    store.set_fuel(TURN)?;
    assert_eq!(sum.call(&mut store, 10)?, 55);
    println!("10 rounds used {} units", TURN - store.get_fuel()?);
    assert_eq!(sum.call(&mut store, 1_000_000).unwrap_err().trap(), Some(Trap::OutOfFuel));

    // A resumable call is suspended instead, and keeps its stack until it is resumed.
    let mut turns = VecDeque::new();
    for n in [2000, 500, 1000] {
        let mut store = Store::new(&engine, ());
        let func = Instance::new(&mut store, &module, &[])?.get_func(&store, "sum_up_to").expect("exported");
        store.set_fuel(TURN)?;
        let mut results = [Val::I64(0)];
        let call = func.call_resumable(&mut store, &[Val::I64(n)], &mut results)?;
        turns.push_back((n, store, call, results));
    }
    let mut order = Vec::new();
    while let Some((n, mut store, call, mut results)) = turns.pop_front() {
        match call {
            ResumableCall::Finished => order.push((n, results[0].unwrap_i64())),
            ResumableCall::Suspended(suspended) => {
                store.set_fuel(TURN)?;
                let call = suspended.resume(&mut store, &mut results)?;
                turns.push_back((n, store, call, results));
            }
        }
    }
    println!("in the order in which they finished: {order:?}");
    assert_eq!(order, [(500, 125_250), (1000, 500_500), (2000, 2_001_000)]);
    Ok(())
}

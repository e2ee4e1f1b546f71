//! Many instances of one module, on several threads.
//!
//!     cargo run --release -p dunlin --example threads

use dunlin::{Caller, Engine, Linker, Module, Store};
use std::error::Error;
use std::thread;

const TEXT: &str = r#"
    (module
        (import "host" "id" (func $id (result i32)))
        (global $calls (mut i32) (i32.const 0))
        (func (export "call") (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (i32.add (i32.mul (call $id) (i32.const 100)) (global.get $calls))))
"#;

const THREADS: i32 = 4;
const INSTANCES: i32 = 25;

fn main() -> Result<(), Box<dyn Error>> {
    // All threads share the module: it is loaded once, and each function is translated once.
    let engine = Engine::default();
    let module = Module::new(&engine, wat::parse_str(TEXT)?)?;
    let mut linker = Linker::<i32>::new(&engine);
    linker.func_wrap("host", "id", |caller: Caller<'_, i32>| *caller.data())?;
    // Looks up the imports once, for all instances.
    let prepared = linker.instantiate_pre(&module)?;

    // Each instance has a store of its own here, with its own data and globals. A store can be sent to another thread; one
    // thread uses it at a time.
    let work = |thread: i32| -> Result<i32, dunlin::Error> {
        let mut sum = 0;
        for instance in 0..INSTANCES {
            let mut store = Store::new(&engine, thread * INSTANCES + instance);
            let call = prepared.instantiate(&mut store)?.get_typed_func::<(), i32>(&store, "call")?;
            call.call(&mut store, ())?;
            let result = call.call(&mut store, ())?;
            assert_eq!(result, store.data() * 100 + 2, "nobody else counts in this instance");
            sum += result;
        }
        Ok(sum)
    };
    let sums: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || work(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let sum = sums.into_iter().sum::<Result<i32, _>>()?;
    println!("{} instances on {THREADS} threads: {sum}", THREADS * INSTANCES);
    assert_eq!(sum, (0..THREADS * INSTANCES).map(|id| id * 100 + 2).sum());
    assert_eq!(module.translated_functions(), 1);
    Ok(())
}

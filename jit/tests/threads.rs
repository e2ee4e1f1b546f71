//! Threads with instances of one module share its machine code, as the guests of a server do.
#![cfg(feature = "compiler")]

use dunlin::{Config, Engine, InstancePre, Linker, Module, Store};
use dunlin_jit::{Jit, Mode};
use std::sync::{Arc, Barrier};
use std::thread;

const MODULE: &str = r#"(module
    (func $step (param i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 1)))
    (func $twice (param i32) (result i32) (call $step (call $step (local.get 0))))
    (func (export "run") (param i32) (result i32) (local i32)
        (loop
            (local.set 1 (i32.add (local.get 1) (call $twice (local.get 0))))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))"#;

fn ready(mode: Mode) -> (Arc<Jit>, InstancePre<()>) {
    let jit = Jit::new(Jit::options().mode(mode).threshold(0)).unwrap();
    let mut config = Config::new();
    config.tier(jit.clone());
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, MODULE).unwrap();
    let pre = Linker::<()>::new(&engine).instantiate_pre(&module).unwrap();
    (jit, pre)
}

/// A new instance, called once.
fn call(pre: &InstancePre<()>) -> i32 {
    let mut store = Store::new(pre.module().engine(), ());
    let instance = pre.instantiate(&mut store).unwrap();
    instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap().call(&mut store, 1000).unwrap()
}

#[test]
fn each_function_is_compiled_once_for_all_threads() {
    let (_, pre) = ready(Mode::Sync);
    let expected = call(&pre);
    let (jit, pre) = ready(Mode::Sync);
    let together = Barrier::new(8);
    thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    together.wait();
                    (0..50).map(|_| call(&pre)).collect::<Vec<_>>()
                })
            })
            .collect();
        for results in calls.into_iter().flat_map(|call| call.join().unwrap()) {
            assert_eq!(results, expected);
        }
    });
    // Of the module's three functions, for four hundred instances on eight threads.
    let compiled = jit.stats().functions;
    assert!((1..=3).contains(&compiled), "{compiled}");
}

//! Tests of threads that share modules, and of everything that may be dropped while something is compiled.

use crate::{WORK, run, wanted};
use dunlin::{Config, Engine, Instance, Module, Store, Trap};
use dunlin_jit::{Jit, MemoryGuard, Mode, Options};
use std::sync::Barrier;
use std::thread;

fn options(mode: Mode, guard: MemoryGuard) -> Options {
    let mut options = Jit::options();
    options.mode(mode).threshold(1).sample_every(20).memory_guard(guard);
    options
}

#[test]
fn many_threads_share_a_module_that_is_being_compiled() {
    const THREADS: i32 = 6;
    let wanted: Vec<i64> = (0..THREADS).map(|n| wanted(100 + n)).collect();
    for mode in [Mode::Background, Mode::Sync] {
        for guard in [MemoryGuard::On, MemoryGuard::Off] {
            let jit = Jit::new(&options(mode, guard)).unwrap();
            let engine = Engine::new(Config::new().tier(jit.clone())).unwrap();
            for _ in 0..10 {
                let module = Module::new(&engine, WORK).unwrap();
                let barrier = Barrier::new(THREADS as usize);
                thread::scope(|scope| {
                    for n in 0..THREADS {
                        let (engine, module, barrier, wanted) = (&engine, &module, &barrier, &wanted);
                        scope.spawn(move || {
                            barrier.wait();
                            for _ in 0..10 {
                                assert_eq!(run(engine, module, 100 + n).unwrap(), wanted[n as usize]);
                            }
                        });
                    }
                });
            }
            assert!(jit.stats().functions > 0 && jit.stats().declined.is_empty(), "{:?}", jit.stats());
        }
    }
}

/// Things are dropped in any order, while the compiler thread may be working.
#[test]
fn everything_may_be_dropped_while_it_is_compiled() {
    let wanted = wanted(50);
    for order in 0..60 {
        let jit = Jit::new(&options(Mode::Background, MemoryGuard::On)).unwrap();
        let engine = Engine::new(Config::new().tier(jit.clone())).unwrap();
        let module = Module::new(&engine, WORK).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let run = instance.get_typed_func::<i32, i64>(&store, "run").unwrap();
        for _ in 0..order % 4 {
            assert_eq!(run.call(&mut store, 50).unwrap(), wanted);
        }
        match order % 5 {
            0 => drop((jit, engine, module, store)),
            1 => drop((store, module, engine, jit)),
            2 => drop((module, jit, store, engine)),
            3 => {
                drop((module, engine, jit));
                assert_eq!(run.call(&mut store, 50).unwrap(), wanted);
            }
            _ => {
                // Dropped on another thread, while this one makes the next.
                thread::spawn(move || {
                    assert_eq!(run.call(&mut store, 50).unwrap(), wanted);
                    drop((engine, store, jit, module));
                });
            }
        }
    }
}

/// A store moves from thread to thread, each of which must be able to run compiled code, and to trap in it.
#[test]
fn stores_go_to_other_threads() {
    const TRAPS: &str = r#"(module (memory 1)
        (func (export "f") (param i32) (result i32) (i32.load (local.get 0))))"#;
    let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0).memory_guard(MemoryGuard::On)).unwrap();
    let engine = Engine::new(Config::new().tier(jit)).unwrap();
    let module = Module::new(&engine, TRAPS).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let f = instance.get_typed_func::<i32, i32>(&store, "f").unwrap();
    for _ in 0..8 {
        store = thread::spawn(move || {
            assert_eq!(f.call(&mut store, 0).unwrap(), 0);
            assert_eq!(f.call(&mut store, 0x10000).unwrap_err().trap(), Some(Trap::MemoryOutOfBounds));
            store
        })
        .join()
        .unwrap();
    }
}

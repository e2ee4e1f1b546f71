//! Tests with small thread stacks, and with host functions that need much stack.

use dunlin::{Caller, Config, Engine, Error, Linker, Module, Store, Trap};
use dunlin_jit::{Jit, Mode, aot};
use std::thread;

/// Calls `deep` in the middle of a recursion, from a frame that is compiled or not.
const GUEST: &str = r#"(module
    (import "host" "deep" (func $deep (param i32) (result i32)))
    (table funcref (elem $down))
    (func $down (export "down") (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (call $deep (i32.const 1)))))
        (i32.add (call $down (i32.sub (local.get $n) (i32.const 1))) (i32.const 1)))
    (func (export "indirect") (param $n i32) (result i32)
        (call_indirect (param i32) (result i32) (local.get $n) (i32.const 0)))
    (func (export "tail") (param $n i32) (result i32) (return_call $deep (local.get $n)))
    (func (export "work") (param $n i32) (result i32) (local $x i32)
        (loop $l
            (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 31)) (local.get $n)))
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $x)))"#;

/// Uses `kib` KiB of the stack and a little more; returns 1.
fn uses(kib: usize) -> i32 {
    #[inline(never)]
    fn until(end: usize) -> i32 {
        let room = core::hint::black_box([1_u8; 1024]);
        let bit = i32::from(room[500]);
        if room.as_ptr().addr() < end { bit } else { until(end) & bit }
    }
    let here = 0_u8;
    until((&raw const here).addr() - (kib << 10))
}

fn linker(engine: &Engine, kib: usize) -> Linker<u32> {
    let mut linker = Linker::<u32>::new(engine);
    let deep = move |mut caller: Caller<'_, u32>, n: i32| -> Result<i32, Error> {
        let used = uses(kib);
        *caller.data_mut() += 1;
        if n > 1 {
            // Calls compiled code from the bottom of the host's stack use.
            let down = caller.instance().unwrap().get_typed_func::<i32, i32>(&caller, "down")?;
            return down.call(&mut caller, n - 2);
        }
        Ok(used)
    };
    linker.func_wrap("host", "deep", deep).unwrap();
    linker
}

fn engines() -> Vec<Engine> {
    let made = |change: &dyn Fn(&mut Config, &mut dunlin_jit::Options)| {
        let (mut config, mut options) = (Config::new(), Jit::options());
        change(&mut config, &mut options);
        config.tier(Jit::new(&options).unwrap());
        Engine::new(&config).unwrap()
    };
    vec![
        Engine::default(),
        made(&|_, options| {
            options.mode(Mode::Eager);
        }),
        made(&|config, options| {
            config.max_wasm_stack(64 << 10);
            options.mode(Mode::Sync).threshold(0);
        }),
        // Interpreted functions that are called by compiled ones call the host.
        made(&|_, options| {
            options.mode(Mode::Sync).threshold(0).largest_function(20);
        }),
        made(&|config, options| {
            config.suspend_compiled(true);
            options.mode(Mode::Eager);
        }),
    ]
}

fn on_thread<R: Send>(bytes: usize, f: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        thread::Builder::new().stack_size(bytes).spawn_scoped(scope, f).unwrap().join().unwrap()
    })
}

/// A host function has as much stack as the thread that the embedder called from, whatever stack the guest has.
#[test]
fn host_functions_have_the_embedders_stack() {
    for engine in engines() {
        on_thread(16 << 20, || {
            let module = Module::new(&engine, GUEST).unwrap();
            let mut store = Store::new(&engine, 0);
            let instance = linker(&engine, 4096).instantiate(&mut store, &module).unwrap();
            for name in ["down", "indirect"] {
                let f = instance.get_typed_func::<i32, i32>(&store, name).unwrap();
                assert_eq!(f.call(&mut store, 100).unwrap(), 101);
            }
            let tail = instance.get_typed_func::<i32, i32>(&store, "tail").unwrap();
            // Twice 4 MiB, with compiled frames in between.
            assert_eq!(tail.call(&mut store, 12).unwrap(), 11);
            let resumed = instance.get_func(&store, "tail").unwrap();
            let mut results = [dunlin::Val::I32(0)];
            resumed.call_resumable(&mut store, &[dunlin::Val::I32(12)], &mut results).unwrap();
            assert_eq!(results[0].unwrap_i32(), 11);
            assert_eq!(*store.data(), 6);
        });
    }
}

/// However deep the guest's recursion is, the rest of its stack doesn't matter for the host.
#[test]
fn host_functions_run_at_the_end_of_the_guests_stack() {
    for engine in engines() {
        let module = Module::new(&engine, GUEST).unwrap();
        let mut store = Store::new(&engine, 0);
        let instance = linker(&engine, 500).instantiate(&mut store, &module).unwrap();
        let down = instance.get_typed_func::<i32, i32>(&store, "down").unwrap();
        let (mut fits, mut too_deep) = (1, 100_000);
        while too_deep - fits > 1 {
            let depth = (fits + too_deep) / 2;
            match down.call(&mut store, depth) {
                Ok(result) => {
                    assert_eq!(result, depth + 1);
                    fits = depth;
                }
                Err(error) => {
                    assert_eq!(error.trap(), Some(Trap::StackOverflow), "{error:?}");
                    too_deep = depth;
                }
            }
        }
        assert!(fits > 500, "{fits}");
    }
}

/// Loads, compiles and runs on the smallest possible thread.
#[test]
fn a_small_thread_compiles() {
    // In an unoptimised build, the interpreter alone needs as much.
    for mode in [Mode::Sync, Mode::Eager, Mode::Background] {
        let jit = Jit::new(Jit::options().mode(mode).threshold(0)).unwrap();
        let engine = Engine::new(Config::new().tier(jit.clone())).unwrap();
        let module = Module::new(&engine, GUEST).unwrap();
        on_thread(SMALL, || {
            if mode == Mode::Eager {
                jit.compile(&module);
            }
            let mut store = Store::new(&engine, 0);
            let instance = linker(&engine, 1).instantiate(&mut store, &module).unwrap();
            let work = instance.get_typed_func::<i32, i32>(&store, "work").unwrap();
            let wanted = (1..=1000).rev().fold(0_i32, |x, n| x.wrapping_mul(31).wrapping_add(n));
            assert_eq!(work.call(&mut store, 1000).unwrap(), wanted);
            let down = instance.get_typed_func::<i32, i32>(&store, "down").unwrap();
            assert_eq!(down.call(&mut store, 200).unwrap(), 201);
        });
        if mode == Mode::Sync {
            assert!(jit.stats().functions >= 2, "{:?}", jit.stats());
        }
    }
    let engine = Engine::default();
    let bytes = wat::parse_str(GUEST).unwrap();
    let module = Module::new(&engine, &bytes).unwrap();
    let how = aot::Compile::new(aot::Target::here().unwrap());
    let compiled = on_thread(SMALL, || aot::compile(&module, &bytes, &how).unwrap());
    assert_eq!(compiled.stats.functions, 4);
}

const SMALL: usize = 64 << 10;

//! Tests of host functions between compiled frames: they call back, grow memories, fail and panic.

use crate::configurations::{Seen, all_compiled, call, compare, compare_with, module, state};
use dunlin::{Caller, Engine, Error, Func, Instance, Linker, Store, Trap, Val};
use std::panic::{AssertUnwindSafe, catch_unwind};

const GUEST: &str = r#"(module $guest
    (import "host" "again" (func $again (param i32) (result i32)))
    (import "host" "fail" (func $fail (param i32) (result i32)))
    (import "host" "wide" (func $wide (param i64 f32 v128 f64 i32) (result f64 v128 i64)))
    (memory (export "memory") 1 100)
    (table (export "table") 3 50 funcref)
    (elem (i32.const 0) func $again $fail $down)
    (global $g (export "g") (mut i32) (i32.const 0))
    (func $down (export "down") (param $n i32) (result i32)
        (local $before i32)
        (local.set $before (global.get $g))
        (global.set $g (i32.add (global.get $g) (i32.const 1)))
        (i32.store (i32.const 8) (local.get $n))
        (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
        (i32.add
            (i32.mul (call $again (i32.sub (local.get $n) (i32.const 1))) (i32.const 3))
            (i32.add (local.get $before) (i32.load (i32.const 8)))))
    (func (export "indirect") (param $n i32) (result i32)
        (i32.add (call_indirect (param i32) (result i32) (local.get $n) (i32.const 0)) (i32.const 1)))
    (func $fails (export "fails") (param $n i32) (result i32)
        (i32.add (local.get $n) (call $middle (local.get $n))))
    (func $middle (param $n i32) (result i32) (local $i i32)
        (loop $l
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $i) (i32.const 40)))
            (local.set $n (i32.add (call $fail (local.get $n)) (local.get $i))))
        (local.get $n))
    (func (export "failing tail") (param $n i32) (result i32) (return_call $fail (local.get $n)))
    (func (export "grown") (param $n i32) (result i32 i32)
        (drop (call $again (i32.const -1)))
        (i32.store8 (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)) (i32.const 77))
        (i32.load8_u (i32.const 65536))
        (table.size))
    (func (export "loops") (param $n i32) (result i32) (local $i i32) (local $sum i32)
        (loop $l
            (local.set $sum (i32.add (local.get $sum) (call $again (i32.and (local.get $i) (i32.const 3)))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_s (local.get $i) (local.get $n))))
        (local.get $sum))
    (func (export "values") (param $n i32) (result f64 v128 i64)
        (call $wide (i64.const -5) (f32.const 1.5) (v128.const i32x4 1 2 3 4) (f64.const -0.0) (local.get $n))))"#;

/// A linker with the guest's imports. Calls of host functions are recorded in the store.
fn linker(engine: &Engine) -> Linker<Vec<i32>> {
    let mut linker = Linker::<Vec<i32>>::new(engine);
    linker
        .func_wrap("host", "again", |mut caller: Caller<'_, Vec<i32>>, n: i32| -> Result<i32, Error> {
            caller.data_mut().push(n);
            let instance = caller.instance().expect("a guest calls");
            if n < 0 {
                instance.get_memory(&caller, "memory").unwrap().grow(&mut caller, 1)?;
                let table = instance.get_table(&caller, "table").unwrap();
                return Ok(table.grow(&mut caller, 2, Val::FuncRef(None))? as i32);
            }
            instance.get_typed_func::<i32, i32>(&caller, "down")?.call(&mut caller, n)
        })
        .unwrap()
        .func_wrap("host", "fail", |mut caller: Caller<'_, Vec<i32>>, n: i32| -> Result<i32, Error> {
            caller.data_mut().push(n);
            match n {
                0 => Err(Trap::IntegerOverflow.into()),
                1 => Err(Error::host(std::io::Error::other("the host's own"))),
                2 => panic!("two is too many"),
                3 => Err(Error::msg("in words")),
                n if n > 100 => {
                    // An error that already has a backtrace passes through another segment of frames.
                    let fails = caller.instance().unwrap().get_typed_func::<i32, i32>(&caller, "fails")?;
                    fails.call(&mut caller, n - 100)
                }
                n => Ok(n * 2),
            }
        })
        .unwrap()
        .func_wrap(
            "host",
            "wide",
            |a: i64, b: f32, c: dunlin::V128, d: f64, e: i32| -> (f64, dunlin::V128, i64) {
                (d - f64::from(b), dunlin::V128::from_bits(c.to_bits().rotate_left(32)), a * i64::from(e))
            },
        )
        .unwrap();
    linker
}

fn start(engine: &Engine) -> (Store<Vec<i32>>, Instance) {
    let mut store = Store::new(engine, Vec::new());
    let _ = store.set_fuel(1 << 40);
    let instance = linker(engine).instantiate(&mut store, &module(engine, GUEST)).unwrap();
    (store, instance)
}

#[test]
fn hosts_call_back_fail_and_panic() {
    let (_, stats) = compare(|config| {
        let (mut store, instance) = start(&Engine::new(config).unwrap());
        let mut seen = Seen::new();
        for _ in 0..2 {
            for (name, args) in [
                ("down", vec![0, 1, 5, 30]),
                ("indirect", vec![0, 20]),
                ("grown", vec![0]),
                ("loops", vec![1, 200]),
                ("values", vec![3]),
                // Too deep: calls between guest and host may only nest so far.
                ("down", vec![150, 99, 2]),
            ] {
                seen.extend(args.into_iter().map(|n| call(&mut store, instance, name, &[Val::I32(n)])));
            }
            for name in ["fails", "failing tail"] {
                for n in [0, 1, 3, 4, 100, 101, 103, 201, 1001, 2] {
                    let called =
                        catch_unwind(AssertUnwindSafe(|| call(&mut store, instance, name, &[Val::I32(n)])));
                    seen.push(called.unwrap_or_else(|panic| {
                        format!("{}{}", panic.downcast_ref::<&str>().unwrap(), state(&store, instance))
                    }));
                }
            }
            seen.push(format!("{:?}", store.data()));
        }
        seen
    });
    assert!(all_compiled(&stats));
}

/// The guest recurses by way of the host, on a small value stack, and exhausts it at the same depth.
#[test]
fn hosts_call_back_on_little_stack() {
    for stack in [4096, 16 << 10] {
        let small = move |config: &mut dunlin::Config| {
            config.max_wasm_stack(stack);
        };
        compare_with(&small, |config| {
            let (mut store, instance) = start(&Engine::new(config).unwrap());
            (0..120).step_by(7).map(|n| call(&mut store, instance, "down", &[Val::I32(n)])).collect()
        });
    }
}

/// A function reference is passed to the host, which calls it, and returns in a table.
#[test]
fn functions_go_to_the_host_and_back() {
    let (_, stats) = compare(|config| {
        let engine = Engine::new(config).unwrap();
        let mut store = Store::new(&engine, ());
        let _ = store.set_fuel(1 << 40);
        let mut linker = Linker::<()>::new(&engine);
        linker
            .func_wrap(
                "host",
                "apply",
                |mut caller: Caller<'_, ()>, f: Option<Func>, n: i32| -> Result<i32, Error> {
                    let f = f.ok_or_else(|| Error::msg("null"))?;
                    f.typed::<i32, i32>(&caller)?.call(&mut caller, n)
                },
            )
            .unwrap()
            .func_wrap("host", "same", |f: Option<Func>| f)
            .unwrap();
        let text = r#"(module
            (import "host" "apply" (func $apply (param funcref i32) (result i32)))
            (import "host" "same" (func $same (param funcref) (result funcref)))
            (table (export "t") 2 funcref)
            (elem declare func $square $cube)
            (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
            (func $cube (param i32) (result i32)
                (i32.mul (local.get 0) (call $apply (ref.func $square) (local.get 0))))
            (func (export "run") (param i32) (result i32)
                (table.set (i32.const 1) (call $same (ref.func $cube)))
                (i32.add
                    (call $apply (table.get (i32.const 1)) (local.get 0))
                    (call_indirect (param i32) (result i32) (local.get 0) (i32.const 1))))
            (func (export "null") (param i32) (result i32)
                (call $apply (table.get (i32.const 0)) (local.get 0))))"#;
        let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
        let mut seen = Seen::new();
        for n in 0..20 {
            seen.push(call(&mut store, instance, "run", &[Val::I32(n)]));
            seen.push(call(&mut store, instance, "null", &[Val::I32(n)]));
        }
        seen
    });
    assert!(all_compiled(&stats));
}

/// Fuel that the host sets counts from there on, wherever the guest is.
#[test]
fn the_host_sets_the_fuel() {
    let fuel = |config: &mut dunlin::Config| {
        config.consume_fuel(true);
    };
    compare_with(&fuel, |config| {
        let engine = Engine::new(config).unwrap();
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::<()>::new(&engine);
        linker
            .func_wrap("host", "set", |mut caller: Caller<'_, ()>, fuel: i32| -> Result<i32, Error> {
                let left = caller.get_fuel()?;
                caller.set_fuel(fuel as u64)?;
                Ok(left as i32)
            })
            .unwrap();
        let text = r#"(module (import "host" "set" (func $set (param i32) (result i32)))
            (global (export "left") (mut i32) (i32.const 0))
            (func (export "run") (param $n i32) (result i32) (local $i i32)
                (loop $l
                    (if (i32.eqz (i32.and (local.get $i) (i32.const 15)))
                        (then (global.set 0 (call $set (local.get $n)))))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $l (i32.lt_s (local.get $i) (i32.const 200))))
                (local.get $i)))"#;
        let mut store_of = |fuel: u64| store.set_fuel(fuel);
        store_of(1000).unwrap();
        let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
        let mut seen = Seen::new();
        for n in (0..400).step_by(9) {
            store.set_fuel(100).unwrap();
            seen.extend([call(&mut store, instance, "run", &[Val::I32(n)])]);
        }
        seen
    });
}

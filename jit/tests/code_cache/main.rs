//! Tests of the life of compiled code: it is made, shared, refused and evicted, and programs compute the same
//! throughout.
#![cfg(feature = "compiler")]

mod budgets;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod no_threads;
mod sharing;
mod w_xor_x;

use dunlin::{Engine, Error, Instance, Module, Store};

/// Some functions with loops, which call each other and through a table; `run` adds up what they compute.
const WORK: &str = r#"(module
    (memory (export "memory") 1 2)
    (type $f (func (param i32) (result i64)))
    (table 4 4 funcref)
    (elem (i32.const 0) $sum $mixes $calls $floats)
    (global $seed (mut i64) (i64.const 88172645463325252))
    (func $next (result i64)
        (global.set $seed (i64.xor (global.get $seed) (i64.shl (global.get $seed) (i64.const 13))))
        (global.set $seed (i64.xor (global.get $seed) (i64.shr_u (global.get $seed) (i64.const 7))))
        (global.set $seed (i64.xor (global.get $seed) (i64.shl (global.get $seed) (i64.const 17))))
        (global.get $seed))
    (func $sum (type $f) (local $x i64)
        (loop $l
            (local.set $x (i64.add (local.get $x) (call $next)))
            (br_if $l (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))))
        (local.get $x))
    (func $mixes (type $f) (local $x i64) (local $at i32)
        (loop $l
            (local.set $at (i32.and (i32.wrap_i64 (local.get $x)) (i32.const 0xfff8)))
            (i64.store (local.get $at) (i64.add (i64.load (local.get $at)) (call $next)))
            (local.set $x (i64.rotl (i64.xor (local.get $x) (i64.load (local.get $at))) (i64.const 9)))
            (br_if $l (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))))
        (local.get $x))
    (func $calls (type $f)
        (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (i64.const 1))))
        (i64.add
            (call $calls (i32.sub (local.get 0) (i32.const 20)))
            (i64.mul (call $sum (i32.const 3)) (call $calls (i32.shr_u (local.get 0) (i32.const 1))))))
    (func $floats (type $f) (local $x f64)
        (local.set $x (f64.const 1))
        (loop $l
            (local.set $x (f64.add (f64.sqrt (local.get $x)) (f64.convert_i32_s (local.get 0))))
            (br_if $l (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))))
        (i64.reinterpret_f64 (local.get $x)))
    (func (export "run") (param $n i32) (result i64) (local $i i32) (local $x i64)
        (global.set $seed (i64.const 88172645463325252))
        (memory.fill (i32.const 0) (i32.const 0) (i32.const 0x10000))
        (loop $l
            (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 31))
                (call_indirect (type $f) (local.get $n) (i32.and (local.get $i) (i32.const 3)))))
            (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
        (local.get $x)))"#;

fn run(engine: &Engine, module: &Module, n: i32) -> Result<i64, Error> {
    let mut store = Store::try_new(engine, ())?;
    let instance = Instance::new(&mut store, module, &[])?;
    instance.get_typed_func::<i32, i64>(&store, "run")?.call(&mut store, n)
}

/// The interpreter's result.
fn wanted(n: i32) -> i64 {
    let engine = Engine::default();
    run(&engine, &Module::new(&engine, WORK).unwrap(), n).unwrap()
}

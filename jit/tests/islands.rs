//! Loops of functions that are too large as a whole are compiled alone.
#![cfg(feature = "compiler")]

use dunlin::{Config, Engine, Instance, Linker, Module, Store};
use dunlin_jit::{Jit, Mode, Options, Stats};
use std::fmt::Write;
use std::sync::Arc;

/// Code that is too large for the compiler's memory, and is never executed: so many times a part of about 100 bytes.
fn ballast(parts: u32) -> String {
    let mut text = String::from("(if (i32.eq (local.get $n) (i32.const -1)) (then\n");
    for i in 0..parts {
        write!(
            text,
            "(local.set $a (i32.mul (i32.add (local.get $a) (i32.const {i})) (i32.xor (local.get $b) (local.get $a))))
             (if (i32.lt_s (local.get $a) (local.get $b)) (then (local.set $b (i32.shl (local.get $a) (local.get $b)))
                (i32.store (local.get $b) (i32.rotl (local.get $a) (i32.const 3)))))
             (local.set $b (i32.sub (i32.load offset={i} (local.get $a)) (i32.const 77)))\n"
        )
        .expect("a string");
    }
    text + "))\n"
}

/// A module whose function `run` has this body, behind a lot of ballast and before it.
fn module(parts: u32, body: &str) -> String {
    let ballast = ballast(parts);
    format!(
        r#"(module
            (memory (export "memory") 1)
            (global $g (mut i32) (i32.const 0))
            (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 3)))
            (func (export "run") (param $n i32) (result i32)
                (local $i i32) (local $j i32) (local $a i32) (local $b i32) (local $x i64) (local $f f64) (local $v v128)
                {ballast}
                (local.set $a (i32.const 0))
                {body}
                {ballast}
                (local.get $a)))"#
    )
}

fn run(options: Option<&Options>, fuel: bool, text: &str, args: &[i32]) -> (Vec<String>, Option<Arc<Jit>>) {
    let jit = options.map(|options| Jit::new(options).unwrap());
    let mut config = Config::new();
    config.check_translation(true).consume_fuel(fuel);
    if let Some(jit) = &jit {
        config.tier(jit.clone());
    }
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    if fuel {
        store.set_fuel(1 << 40).unwrap();
    }
    let instance: Instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<i32, i32>(&store, "run").unwrap();
    let seen = args.iter().map(|n| {
        let result = run.call(&mut store, *n);
        format!("{n}: {result:?}, fuel left {:?}", store.get_fuel().ok())
    });
    (seen.collect(), jit)
}

/// Compares the interpreter with the tier, which has too little memory for the function as a whole. Gives its statistics.
fn compare(body: &str, args: &[i32]) -> Vec<Stats> {
    let text = module(400, body);
    let mut stats = Vec::new();
    for fuel in [false, true] {
        for threshold in [1, 3] {
            let mut options = Jit::options();
            options.mode(Mode::Sync).threshold(threshold).sample_every(500).compiler_memory(8 << 20);
            let (interpreted, _) = run(None, fuel, &text, args);
            let (compiled, jit) = run(Some(&options), fuel, &text, args);
            assert_eq!(compiled, interpreted, "fuel {fuel}, threshold {threshold}");
            stats.push(jit.unwrap().stats());
        }
    }
    stats
}

/// That loops were compiled alone, and entered.
fn entered(stats: &[Stats]) {
    assert!(stats.iter().all(|stats| stats.loops > 0 && stats.osr_entries > 0), "{stats:?}");
}

#[test]
fn one_loop() {
    let body = "
        (loop $l
            (local.set $a (i32.add (i32.mul (local.get $a) (i32.const 31)) (call $leaf (local.get $i))))
            (i32.store (i32.and (local.get $a) (i32.const 0xfff0)) (local.get $a))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $i) (local.get $n))))";
    entered(&compare(body, &[1, 100_000, 0, 5, 30_000]));
}

/// A loop is entered at its beginning again and again, and left in all ways.
#[test]
fn a_loop_in_a_loop_that_is_too_large() {
    let inside = ballast(400);
    let body = format!(
        "(block $out
            (loop $outer
                (local.set $j (i32.const 0))
                {inside}
                (i64.extend_i32_u (local.get $a))
                (block $three (result i32)
                  (block $two (result i32)
                    (f64.const 1.5)
                    (block $one
                        (loop $inner
                            (local.set $a (i32.add (i32.xor (local.get $a) (local.get $j)) (i32.const 5)))
                            (local.set $x (i64.add (local.get $x) (i64.extend_i32_u (local.get $a))))
                            (local.set $f (f64.add (local.get $f) (f64.const 0.25)))
                            (local.set $v (i32x4.add (local.get $v) (i32x4.splat (local.get $a))))
                            (local.set $j (i32.add (local.get $j) (i32.const 1)))
                            (br_if $outer (i32.eq (i32.and (local.get $a) (i32.const 0x3ff)) (i32.const 77)))
                            (br_if $out (i32.eq (i32.and (local.get $a) (i32.const 0xfffff)) (i32.const 0xabcde)))
                            (if (i32.eq (i32.and (local.get $a) (i32.const 0x1ff)) (i32.const 3))
                                (then (br $two (local.get $j))))
                            (if (i32.eq (i32.and (local.get $a) (i32.const 0xffff)) (i32.const 0x7777))
                                (then (return (local.get $a))))
                            (br_if $inner (i32.lt_u (local.get $j) (i32.const 300)))
                            (br_table $one $one $one (local.get $j))))
                    (drop)
                    (i32.const 9))
                  (i32.const 2)
                  (i32.add))
                (local.set $a (i32.add (local.get $a)))
                (local.set $a (i32.xor (i32.wrap_i64) (local.get $a)))
                (local.set $a (i32.add (local.get $a) (i32.wrap_i64 (local.get $x))))
                (local.set $a (i32.add (local.get $a) (i32.trunc_sat_f64_s (local.get $f))))
                (local.set $a (i32.add (local.get $a) (i32x4.extract_lane 2 (local.get $v))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $outer (i32.lt_u (local.get $i) (local.get $n)))))"
    );
    let stats = compare(&body, &[1, 500, 3000, 0, 2000]);
    entered(&stats);
    assert!(stats.iter().all(|stats| stats.osr_entries > 300), "{stats:?}");
}

/// Loops that begin at the same place, one with parameters and results.
#[test]
fn loops_at_one_place() {
    let body = "
        (local.get $n)
        (loop $a0 (param i32) (result i32)
            (loop $b0 (param i32) (result i32)
                (loop $c0 (param i32) (result i32)
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (i32.const 3)
                    (i32.add)
                    (br_if $c0 (i32.and (local.get $i) (i32.const 7)))
                    (br_if $b0 (i32.and (local.get $i) (i32.const 63)))
                    (br_if $a0 (i32.lt_u (local.get $i) (local.get $n))))))
        (local.set $a)
        (local.set $i (i32.const 0))
        (loop $d (loop $e (loop $f
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (local.set $a (i32.add (local.get $a) (local.get $i)))
            (br_if $f (i32.and (local.get $i) (i32.const 7))))
            (br_if $e (i32.and (local.get $i) (i32.const 63))))
            (br_if $d (i32.lt_u (local.get $i) (local.get $n))))";
    entered(&compare(body, &[1, 100_000, 0, 64, 5000]));
}

/// A trap in a loop that was compiled alone says where it happened.
#[test]
fn traps() {
    let body = "
        (loop $l
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (local.set $a (i32.add (local.get $a) (i32.div_s (i32.const 1000) (i32.sub (local.get $n) (local.get $i)))))
            (br_if $l (i32.lt_u (local.get $i) (i32.const 1000000))))";
    entered(&compare(body, &[50_000, 7, 90_000]));
}

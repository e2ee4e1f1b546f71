//! Tests of calls: many values, other instances, tables.

use crate::configurations::{Seen, all_compiled, call, calls, compare, instance, module, state};
use dunlin::{Config, Engine, Linker, Store, V128, Val};
use dunlin_jit::Stats;

const TYPES: [&str; 7] = ["i32", "i64", "f32", "f64", "v128", "externref", "funcref"];

/// Programs whose functions pass `params` values of every type to each other, and `results` back, through every kind of
/// call.
fn hands_on(params: usize, results: usize) -> String {
    let names = |n: usize| TYPES.iter().cycle().take(n).map(|ty| format!(" {ty}")).collect::<String>();
    let gets = |n: usize| (0..n).map(|i| format!("(local.get {i})")).collect::<String>();
    let reversed = |n: usize| (0..n).rev().map(|i| format!("(local.get {i})")).collect::<String>();
    let turned = (0..results).rev().map(|i| format!(" {}", TYPES[i % TYPES.len()])).collect::<String>();
    let (inputs, outputs) = (names(params), names(results));
    let (args, some, back) = (gets(params), gets(results), reversed(results));
    format!(
        r#"(module
            (type $many (func (param{inputs}) (result{outputs})))
            (type $block (func (param{outputs}) (result{outputs})))
            (table funcref (elem $same $turned))
            (func $same (type $many) {some})
            (func $turn (param{outputs}) (result{turned}) {back})
            (func $unturn (param{turned}) (result{outputs}) {back})
            (func $turned (type $many) {some} (call $turn) (call $unturn))
            (func $around (type $many)
                (call $unturn (call $turn (call $turned {args}))))
            (func (export "direct") (type $many) {args} (call $turned))
            (func (export "indirect") (type $many) {args} (call_indirect (type $many) (i32.const 1)))
            (func (export "around") (type $many) {args} (return_call $around))
            (func (export "tail") (type $many) {args} (return_call_indirect (type $many) (i32.const 0)))
            (func (export "block") (type $many)
                {some} (block (type $block) (loop (type $block) (br_if 1 (i32.const 1))))))"#
    )
}

fn hand_on(config: &Config, params: usize, results: usize) -> Seen {
    let (mut store, instance) = instance(config, &hands_on(params, results));
    let object = dunlin::ExternRef::new(&mut store, 5u8).unwrap();
    let args: Vec<Val> = (0..params)
        .map(|i| match TYPES[i % TYPES.len()] {
            "i32" => Val::I32(i as i32 - 15),
            "i64" => Val::I64((i as i64) << 40),
            "f32" => Val::F32(0x7fa0_0001 + i as u32),
            "f64" => Val::F64(0x7ff4_0000_0000_0001 + i as u64),
            "v128" => V128::from_bits(u128::MAX / (i as u128 + 3)).into(),
            "externref" => Val::ExternRef((i % 2 == 0).then_some(object)),
            _ => Val::FuncRef((i % 2 == 0).then(|| instance.get_func(&store, "tail").unwrap())),
        })
        .collect();
    let mut seen = Seen::new();
    for _ in 0..3 {
        for name in ["direct", "indirect", "around", "tail", "block"] {
            seen.push(call(&mut store, instance, name, &args));
        }
    }
    seen
}

/// More values than there are registers, of every type, through every kind of call.
#[test]
fn many_params() {
    for results in [1, 9] {
        let (_, stats) = compare(|config| hand_on(config, 29, results));
        assert!(all_compiled(&stats), "{stats:?}");
    }
}

/// A function with more results than there are registers stays interpreted, but nothing else does.
#[test]
fn many_results() {
    let (_, stats) = compare(|config| hand_on(config, 29, 29));
    let reason = "so many results is not supported";
    assert!(
        stats
            .iter()
            .all(|(_, stats)| stats.declined.keys().all(|why| why == reason || why == "it is too large"))
    );
    let (_, stats) = compare(|config| {
        let results = "i32 ".repeat(40);
        let values = "(local.get 0)".repeat(40);
        let text = format!(
            r#"(module
                (func $many (param i32) (result {results}) {values})
                (func (export "sum") (param i32) (result i32) (local i32)
                    (call $many (call $one (local.get 0)))
                    {} (call $one))
                (func $one (export "one") (param i32) (result i32) (local i32)
                    (loop (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (local.get 0))))
                    (local.get 1)))"#,
            "(i32.add)".repeat(39),
        );
        let (mut store, instance) = instance(config, &text);
        let mut seen = calls(&mut store, instance, "sum", 0..10);
        seen.extend(calls(&mut store, instance, "one", 0..10));
        seen
    });
    assert!(all_compiled(&stats), "{stats:?}");
    let counted = |(way, stats): &(&str, Stats)| *way != "eagerly" || stats.declined.get(reason) == Some(&2);
    assert!(stats.iter().all(counted), "{stats:?}");
}

/// Two instances of one module and one of another call each other, and share what they have.
#[test]
fn instances_share_and_call_each_other() {
    const OWNER: &str = r#"(module $owner
        (memory (export "memory") 1 10)
        (memory (export "second") 1 3)
        (table (export "table") 4 20 funcref)
        (global (export "counter") (mut i64) (i64.const 0))
        (global (export "fixed") i32 (i32.const 7))
        (global (export "wide") (mut v128) (v128.const i64x2 1 2))
        (func (export "count") (param i64) (result i64)
            (global.set 0 (i64.add (global.get 0) (local.get 0)))
            (global.get 0))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "again") (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0) (i32.const 1))))"#;
    const USER: &str = r#"(module $user
        (import "owner" "memory" (memory 1 10))
        (import "owner" "second" (memory 1 3))
        (import "owner" "table" (table 4 20 funcref))
        (import "owner" "counter" (global $counter (mut i64)))
        (import "owner" "fixed" (global $fixed i32))
        (import "owner" "wide" (global $wide (mut v128)))
        (import "owner" "count" (func $count (param i64) (result i64)))
        (import "owner" "grow" (func $grow (param i32) (result i32)))
        (import "owner" "again" (func $again (param i32) (result i32)))
        (memory $mine 1)
        (global $depth (export "depth") (mut i32) (i32.const 0))
        (func $down (export "down") (param $n i32) (result i32)
            (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
            (i32.store $mine (i32.const 16) (local.get $n))
            (i32.store (i32.mul (local.get $n) (i32.const 8)) (i32.load $mine (i32.const 16)))
            (i64.store 1 offset=100 (local.get $n) (call $count (i64.extend_i32_u (local.get $n))))
            (global.set $wide (i32x4.add (global.get $wide) (i32x4.splat (global.get $fixed))))
            (if (result i32) (local.get $n)
                (then (i32.add (call $again (i32.sub (local.get $n) (i32.const 1))) (i32.const 1)))
                (else (i32.const 0))))
        (func (export "put") (table.set (i32.const 1) (ref.func $down)))
        (func (export "grown") (param $n i32) (result i32 i32)
            (i32.store8 (i32.const 65535) (i32.const 1))
            (call $grow (local.get $n))
            (i32.store8 (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)) (i32.const 2))
            (memory.size))
        (func (export "beyond") (param $n i32) (result i32)
            (drop (i32.load8_u (i32.const 65536)))
            (i32.load8_u (i32.add (i32.shl (memory.size) (i32.const 16)) (local.get $n)))))"#;
    let (_, stats) = compare(|config| {
        let engine = Engine::new(config).unwrap();
        let mut store = Store::new(&engine, ());
        let _ = store.set_fuel(1 << 40);
        let mut linker = Linker::new(&engine);
        let owner = linker.instantiate(&mut store, &module(&engine, OWNER)).unwrap();
        linker.instance(&store, "owner", owner).unwrap();
        let user = module(&engine, USER);
        let users = [(); 2].map(|()| linker.instantiate(&mut store, &user).unwrap());
        let mut seen = Seen::new();
        for user in users {
            seen.push(call(&mut store, user, "put", &[]));
            for n in [0, 1, 5, 100, 40_000] {
                seen.push(call(&mut store, user, "down", &[Val::I32(n)]));
                seen.push(state(&store, owner));
            }
            for n in [0, 1, 2, 100] {
                seen.push(call(&mut store, user, "beyond", &[Val::I32(-1)]));
                seen.push(call(&mut store, user, "grown", &[Val::I32(n)]));
                seen.push(call(&mut store, user, "beyond", &[Val::I32(0)]));
            }
            seen.push(state(&store, owner));
        }
        seen
    });
    assert!(all_compiled(&stats), "{stats:?}");
}

/// Table elements: functions of any kind, null, or of another type.
#[test]
fn indirect_calls_of_all_kinds() {
    const OTHER: &str = r#"(module $other (func (export "f") (param i32) (result i32)
        (i32.div_s (i32.const 100) (local.get 0))))"#;
    const MAIN: &str = r#"(module $main
        (import "other" "f" (func $other (param i32) (result i32)))
        (import "host" "f" (func $host (param i32) (result i32)))
        (type $wanted (func (param i32) (result i32)))
        (table $t (export "t") 8 12 funcref)
        (table $fixed 4 4 funcref)
        (elem (table $t) (i32.const 0) func $other $host $own $typed $larger)
        (elem (table $fixed) (i32.const 1) func $own $host)
        (func $own (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func $typed (param i64) (result i32) (i32.const 1))
        (func $larger (param i32) (result i32) (local i64 i64 i64 i64)
            (i32.mul (local.get 0) (i32.add (local.get 0) (i32.add (local.get 0) (i32.add (local.get 0)
                (i32.add (local.get 0) (i32.add (local.get 0) (i32.const 1000))))))))
        (func (export "call") (param $i i32) (result i32)
            (i32.add (call_indirect $t (type $wanted) (i32.const 5) (local.get $i)) (i32.const 1)))
        (func (export "fixed") (param $i i32) (result i32)
            (i32.add (call_indirect $fixed (type $wanted) (i32.const 5) (local.get $i)) (i32.const 1)))
        (func (export "tail") (param $i i32) (result i32)
            (return_call_indirect $t (type $wanted) (i32.const 7) (local.get $i)))
        (func (export "zero") (param $i i32) (result i32)
            (call_indirect $t (type $wanted) (i32.const 0) (local.get $i)))
        (func (export "set") (param $i i32)
            (table.set $t (local.get $i) (table.get $t (i32.sub (local.get $i) (i32.const 4)))))
        (func (export "grow") (param $n i32) (result i32 i32)
            (table.grow $t (ref.func $own) (local.get $n)) (table.size $t))
        (elem declare func $own))"#;
    let (_, stats) = compare(|config| {
        let engine = Engine::new(config).unwrap();
        let mut store = Store::new(&engine, ());
        let _ = store.set_fuel(1 << 40);
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "f", |n: i32| n * 3).unwrap();
        let other = linker.instantiate(&mut store, &module(&engine, OTHER)).unwrap();
        linker.instance(&store, "other", other).unwrap();
        let main = linker.instantiate(&mut store, &module(&engine, MAIN)).unwrap();
        let mut seen = Seen::new();
        for _ in 0..2 {
            for name in ["call", "tail", "zero", "fixed"] {
                seen.extend(calls(&mut store, main, name, 0..13));
                seen.extend(calls(&mut store, main, name, [-1, i32::MIN]));
            }
            seen.extend(calls(&mut store, main, "set", [6, 3, 100, 4, 5]));
            seen.extend(calls(&mut store, main, "grow", [1, 0, 9, -1]));
        }
        seen
    });
    assert!(all_compiled(&stats), "{stats:?}");
}

//! Bulk operations: what they cost, and how they go on.

use super::work::module;
use dunlin::{Caller, Engine, Error, Func, Instance, Linker, ResumableCall, Store, Trap, Val};

/// Functions that do one operation with `n` bytes or elements, each of four instructions that cost something; what a
/// unit of fuel buys besides, if that is counted.
const OPERATIONS: [(&str, &str, Option<u64>); 12] = [
    ("memory.fill", "(memory.fill (i32.const 8) (i32.const 1) (local.get 0))", Some(64)),
    ("memory.copy", "(memory.copy (i32.const 8) (i32.const 9000) (local.get 0))", Some(64)),
    ("memory.copy between", "(memory.copy $m $other (i32.const 8) (i32.const 0) (local.get 0))", Some(64)),
    ("memory.init", "(memory.init $data (i32.const 8) (i32.const 1) (local.get 0))", Some(64)),
    ("table.fill", "(table.fill $t (i32.const 8) (ref.func $f) (local.get 0))", Some(8)),
    ("table.copy", "(table.copy $t $t (i32.const 8) (i32.const 700) (local.get 0))", Some(8)),
    ("table.copy between", "(table.copy $t $other (i32.const 8) (i32.const 0) (local.get 0))", Some(8)),
    ("table.init", "(table.init $t $elem (i32.const 8) (i32.const 1) (local.get 0))", Some(8)),
    ("table.grow", "(local.set 0 (table.grow $other (ref.null func) (local.get 0)))", Some(8)),
    // These are paid by the budget.
    ("memory.grow", "(local.set 0 (i32.clz (memory.grow $other (local.get 0))))", None),
    ("data.drop", "(local.set 0 (i32.clz (local.get 0))) (data.drop $data)", None),
    ("elem.drop", "(local.set 0 (i32.clz (local.get 0))) (elem.drop $elem)", None),
];

fn text() -> String {
    let (data, elems) = ("x".repeat(9000), "$f ".repeat(700));
    let operations = OPERATIONS.iter();
    let functions: String =
        operations.map(|(name, body, _)| format!(r#"(func (export "{name}") (param i32) {body})"#)).collect();
    format!(
        r#"(module (memory $m (export "memory") 1) (memory $other 1 100)
            (table $t (export "table") 1500 funcref) (table $other (export "other") 700 10000 funcref)
            (data $data "{data}") (elem $elem func {elems}) (func $f) (elem (table $other) (i32.const 0) func $f)
            {functions})"#
    )
}

/// An instance of a module, and an export of it.
fn exported(engine: &Engine, text: &str, name: &str) -> (Store<()>, Instance, Func) {
    let mut store = Store::new(engine, ());
    let mut linker = Linker::new(engine);
    let handle = store.interrupt_handle();
    linker.func_wrap("host", "interrupt", move |_: Caller<'_, ()>| handle.interrupt()).unwrap();
    let instance = linker.instantiate(&mut store, &module(engine, text)).unwrap();
    let func = instance.get_func(&store, name).unwrap();
    (store, instance, func)
}

/// What can be seen of memories and tables.
fn state(store: &Store<()>, instance: Instance) -> (Vec<u8>, usize, u64) {
    let table = instance.get_table(store, "table").unwrap();
    let set = (0..table.size(store)).filter(|i| table.get(store, *i).unwrap().unwrap_func_ref().is_some());
    let size = instance.get_table(store, "other").unwrap().size(store);
    (instance.get_memory(store, "memory").unwrap().data(store).to_vec(), set.count(), size)
}

/// Each operation at the sizes where its price changes, with exactly the fuel that it takes, and with one less.
pub(crate) fn each_costs_what_it_must(engine: &Engine) {
    let text = text();
    for (name, _, bought) in OPERATIONS {
        let sizes = match bought {
            Some(bought) => {
                [0, 1, bought - 1, bought, bought + 1, 2 * bought - 1, 2 * bought, 65 * bought + 1]
            }
            None => [0, 1, 7, 8, 9, 0, 0, 10],
        };
        for n in sizes {
            let price = 4 + bought.map_or(0, |bought| n / bought);
            let (mut store, instance, func) = exported(engine, &text, name);
            let args = [Val::I32(n as i32)];
            let before = state(&store, instance);
            store.set_fuel(price - 1).unwrap();
            let error = func.call(&mut store, &args, &mut []).unwrap_err();
            assert_eq!(error.trap(), Some(Trap::OutOfFuel), "{name} of {n}: {error}");
            assert!(state(&store, instance) == before, "{name} of {n} was done without its fuel");
            let left = if price > 4 { price - 5 } else { 3 };
            assert_eq!(store.get_fuel().unwrap(), left, "{name} of {n}");
            store.set_fuel(price).unwrap();
            func.call(&mut store, &args, &mut []).unwrap_or_else(|error| panic!("{name} of {n}: {error}"));
            assert_eq!(store.get_fuel().unwrap(), 0, "{name} of {n}");
        }
    }
}

/// More than is worked on between two looks at the flag, and less than the fuel between two looks elsewhere.
const MUCH: usize = (1 << 20) + (1 << 16) + 5;

/// Operations on much of memory, which are interrupted after a part of it; the copies overlap.
const INTERRUPTED: [(&str, &str); 5] = [
    ("memory.fill", "(memory.fill (i32.const 9) (i32.const 0xaa) (local.get 0))"),
    ("memory.copy up", "(memory.copy (i32.const 1009) (i32.const 9) (local.get 0))"),
    ("memory.copy down", "(memory.copy (i32.const 9) (i32.const 1009) (local.get 0))"),
    ("memory.copy between", "(memory.copy $m $other (i32.const 9) (i32.const 9) (local.get 0))"),
    ("memory.init", "(memory.init $data (i32.const 9) (i32.const 3) (local.get 0))"),
];

/// An operation that is interrupted has done a part, and has paid for that part. If it goes on it does the rest, and pays for
/// it.
pub(crate) fn each_goes_on_where_it_was(engine: &Engine) {
    let data: String = (0..MUCH + 3).map(|i| char::from(b'a' + (i % 23) as u8)).collect();
    let functions: String = (INTERRUPTED.iter())
        .map(|(name, body)| {
            format!(
                r#"(func (export "{name}") (param i32) (result i32) (call $interrupt) {body} (i32.const 5))"#
            )
        })
        .collect();
    let text = format!(
        r#"(module (import "host" "interrupt" (func $interrupt))
            (memory $m (export "memory") 18) (memory $other 18) (data $data "{data}") {functions})"#
    );
    let bytes: Vec<u8> = (0..18 << 16).map(|i: u32| (i.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    for (name, _) in INTERRUPTED {
        let (mut store, instance, func) = exported(engine, &text, name);
        let memory = instance.get_memory(&store, "memory").unwrap();
        memory.data_mut(&mut store).copy_from_slice(&bytes);
        let mut expected = bytes.clone();
        match name {
            "memory.fill" => expected[9..9 + MUCH].fill(0xaa),
            "memory.copy up" => expected.copy_within(9..9 + MUCH, 1009),
            "memory.copy down" => expected.copy_within(1009..1009 + MUCH, 9),
            "memory.copy between" => expected[9..9 + MUCH].fill(0),
            _ => expected[9..9 + MUCH].copy_from_slice(&data.as_bytes()[3..]),
        }
        let (given, whole) = (1_000_000, 6 + MUCH as u64 / 64);
        let args = [Val::I32(MUCH as i32)];
        // Not to go on.
        store.set_fuel(given).unwrap();
        let error: Error = func.call(&mut store, &args, &mut [Val::I32(0)]).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::Interrupt), "{name}: {error}");
        let used = given - store.get_fuel().unwrap();
        assert!(memory.data(&store) != bytes && memory.data(&store) != expected, "{name}");
        assert_eq!(used, 6 + (1 << 20) / 64, "{name}");
        // To go on, with the fuel for the rest given later.
        memory.data_mut(&mut store).copy_from_slice(&bytes);
        store.set_fuel(given).unwrap();
        let mut results = [Val::I32(0)];
        let mut call = func.call_resumable(&mut store, &args, &mut results).unwrap();
        let mut reasons = Vec::new();
        while let ResumableCall::Suspended(suspended) = call {
            reasons.push(suspended.reason().trap().unwrap());
            assert_eq!(store.get_fuel().unwrap(), if reasons.len() == 1 { given - used } else { 0 });
            store.set_fuel(if reasons.len() == 1 { 0 } else { whole - used }).unwrap();
            call = suspended.resume(&mut store, &mut results).unwrap();
        }
        assert_eq!(reasons, [Trap::Interrupt, Trap::OutOfFuel], "{name}");
        assert!(memory.data(&store) == expected, "{name}");
        assert_eq!((store.get_fuel().unwrap(), results[0].unwrap_i32()), (0, 5), "{name}");
    }
}

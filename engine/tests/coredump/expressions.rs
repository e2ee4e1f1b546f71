//! Operands of frames that stopped in the midst of expressions.

use crate::read::{operands, read};
use crate::{engine, fail};
use dunlin::CoreValue::{self, F32, F64, I32, I64, Missing};
use dunlin::{Budget, Config, Dispatch, Engine, Error, Instance, Kind, Linker, Module, Store, WasmCoreDump};

/// Calls `f` of the module, and gives the operands of the frames, innermost first.
fn stacks(text: &str) -> Vec<Vec<CoreValue>> {
    let of = |dispatch| {
        let (error, store) = fail(&engine(dispatch), text);
        let dump = WasmCoreDump::of(&error).unwrap();
        let read = read(&dump.serialize(&store, ""));
        let stacks: Vec<_> = read.frames.iter().map(operands).collect();
        for (frame, stack) in dump.frames().iter().zip(&stacks) {
            assert_eq!(frame.operands(), Some(&stack[..]));
        }
        stacks
    };
    let stacks = of(Dispatch::Tail);
    assert_eq!(stacks, of(Dispatch::Loop), "{text}");
    stacks
}

fn f32(value: f32) -> CoreValue {
    F32(value.to_bits())
}

fn f64(value: f64) -> CoreValue {
    F64(value.to_bits())
}

#[test]
fn operands_of_each_type_wherever_they_are_held() {
    // Each is a constant, a local's value, or a result that no slot may hold yet.
    let stacks = stacks(
        r#"(module (memory 1) (data (i32.const 8) "\01\02\03\04")
        (func $id (param i64) (result i64) (local.get 0))
        (func (export "f") (local $a i32) (local $x f32) (local $y f64)
            (local.set $a (i32.const 40)) (local.set $x (f32.const 1.5)) (local.set $y (f64.const -8))
            (i32.const -7) (local.get $a) (i64.const 0x123456789abcdef0) (call $id (i64.const -3))
            (v128.const i64x2 1 2) (ref.null func) (i32.load (i32.const 8))
            (local.get $a) (local.set $a (i32.const 41)) (local.get $a)
            (f32.add (local.get $x) (f32.const 1)) (f64.mul (local.get $y) (local.get $y))
            (i32x4.add (v128.const i32x4 1 2 3 4) (v128.const i32x4 1 2 3 4))
            (i32.add (local.get $a) (i32.const 1))
            unreachable))"#,
    );
    let expected = [
        I32(-7),
        I32(40),
        I64(0x1234_5678_9abc_def0),
        I64(-3),
        Missing,
        Missing,
        I32(0x0403_0201),
        I32(40),
        I32(41),
        f32(2.5),
        f64(64.0),
        Missing,
        I32(42),
    ];
    assert_eq!(stacks, [expected]);
}

#[test]
fn an_instruction_that_traps_has_taken_its_operands() {
    let traps = [
        "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
        "(drop (i32.trunc_f64_s (f64.const 1e30)))",
        "(drop (i64.load (i32.const 65529)))",
        "(drop (f32.load (i32.const 70000)))",
        "(drop (i32.load $wide (i64.const -1)))",
        "(drop (i32.load $wide offset=8 (i64.const -1)))",
        "(f64.store (i32.const -1) (f64.const 1))",
        "(v128.store (i32.const -1) (v128.const i64x2 1 2))",
        "(memory.copy (i32.const 1) (i32.const 65000) (i32.const 1000))",
        "(drop (table.get (i32.const 9)))",
        "(table.set (i32.const 9) (ref.null func))",
        "(call_indirect (param i32) (i32.const 5) (i32.const 0))",
        "(i32.atomic.store (i32.const 2) (i32.const 1))",
    ];
    for trap in traps {
        let text = format!(
            r#"(module (memory 1) (memory $wide i64 1) (table 4 funcref)
            (func (export "f") (local $a i32) (local.set $a (i32.const 3))
                (f32.const 5) (f32.sqrt (f32.const 9)) (f64.neg (f64.const 2)) (i32.mul (local.get $a) (local.get $a))
                {trap} unreachable))"#
        );
        let below = [f32(5.0), f32(3.0), f64(-2.0), I32(9)];
        assert_eq!(stacks(&text), [below], "{trap}");
    }
}

#[test]
fn calls_leave_what_is_below_their_arguments() {
    let stacks = stacks(
        r#"(module (type $t (func (param i32 i64) (result i32))) (table funcref (elem $c))
        (elem declare func $b)
        (func (export "f") (i64.const 1) (i32.add (i32.const 1) (i32.const 1))
            (call $a (i32.const 10) (f64.const 11)) drop drop drop)
        (func $a (param i32 f64) (result i32) (local.get 1) (local.get 0)
            (call_ref $t (i32.const 20) (i64.const 21) (ref.func $b)) drop drop drop (i32.const 0))
        (func $b (param i32 i64) (result i32)
            (local.get 1) (i64.const 30) (block (param i64) (result i64) (f32.const 31)
                (call_indirect (type $t) (i32.const 32) (i64.const 33) (i32.const 0)) drop drop)
            drop drop (i32.const 0))
        (func $c (param i32 i64) (result i32) (i32.sub (local.get 0) (i32.const 1)) (i64.div_u (local.get 1) (i64.const 0))
            unreachable))"#,
    );
    assert_eq!(
        stacks,
        [vec![I32(31)], vec![I64(21), I64(30), f32(31.0)], vec![f64(11.0), I32(10)], vec![I64(1), I32(2)],]
    );
}

#[test]
fn frames_around_a_host_function_and_an_exception() {
    let engine = engine(Dispatch::Tail);
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "no", |_: i32| -> Result<(), Error> { Err(Error::msg("no")) }).unwrap();
    let text = r#"(module (import "host" "no" (func $no (param i32))) (tag $e (param i32 i32))
        (func $throws (result i32) (i64.const 4) (throw $e (i32.const 5) (i32.const 6)))
        (func (export "host") (f64.const 1) (i32.const 2) (call $no (i32.const 3)) drop drop)
        (func (export "thrown") (f64.abs (f64.const -7)) (call $throws) drop drop))"#;
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    for (name, expected) in
        [("host", vec![vec![f64(1.0), I32(2)]]), ("thrown", vec![vec![I64(4)], vec![f64(7.0)]])]
    {
        let f = instance.get_typed_func::<(), ()>(&store, name).unwrap();
        let error = f.call(&mut store, ()).unwrap_err();
        let frames = read(&WasmCoreDump::of(&error).unwrap().serialize(&store, "")).frames;
        assert_eq!(frames.iter().map(operands).collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn guests_that_run_out_of_fuel_in_loops_and_behind_branches() {
    let engine = Engine::new(Config::new().coredump_on_trap(true).consume_fuel(true)).unwrap();
    let text = r#"(module
        (func (export "loop") (local $n i32)
            (i64.const 1) (f32.const 2)
            (loop $again (param f32) (result f32)
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $again (local.get $n)))
            drop drop))"#;
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    for fuel in 1..60 {
        let mut store = Store::new(&engine, ());
        store.set_fuel(fuel).unwrap();
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let f = instance.get_typed_func::<(), ()>(&store, "loop").unwrap();
        let error = f.call(&mut store, ()).unwrap_err();
        let Some(dump) = WasmCoreDump::of(&error) else { continue };
        // The loop takes the second one.
        for frame in dump.frames() {
            assert_eq!(frame.operands(), Some(&[I64(1)][..]), "{fuel}");
        }
    }
}

#[test]
fn a_deep_stack_of_large_functions_takes_no_long_time() {
    let engine = engine(Dispatch::Tail);
    let long = "(i32.eqz (i32.mul (local.get 0) (i32.const 3))) drop ".repeat(20_000);
    let text = format!(
        r#"(module (func $even (export "f") (param i32) (local.get 0) (call $odd (i32.add (local.get 0) (i32.const 1))) drop)
        (func $odd (param i32) (i64.extend_i32_u (local.get 0)) {long}
            (call $even (i32.add (local.get 0) (i32.const 1))) drop))"#
    );
    let module = Module::new(&engine, wat::parse_str(&text).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let f = instance.get_typed_func::<i32, ()>(&store, "f").unwrap();
    let error = f.call(&mut store, 0).unwrap_err();
    let backtrace = error.backtrace().unwrap();
    assert_eq!(backtrace.frames().len(), 50);
    assert!(backtrace.omitted() > 5000, "{}", backtrace.omitted());
    for frame in &backtrace.frames()[1..] {
        let Some([I32(n)]) = frame.locals() else { panic!("{:?}", frame.locals()) };
        let expected = if n % 2 == 0 { I32(*n) } else { I64((*n).into()) };
        assert_eq!(frame.operands(), Some(&[expected][..]));
    }
    assert_eq!(backtrace.frames()[49].locals(), Some(&[I32(0)][..]));
}

#[test]
fn without_memory_to_find_them_there_are_none() {
    let budget = Budget::new(16 << 20);
    let engine = Engine::new(Config::new().coredump_on_trap(true).budget(budget.clone())).unwrap();
    let text = format!(
        r#"(module (func (export "f") (local i32) (i32.const 7) {} unreachable))"#,
        "(local.set 0 (i32.mul (local.get 0) (i32.const 3))) ".repeat(5000)
    );
    let module = Module::new(&engine, wat::parse_str(&text).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let f = instance.get_typed_func::<(), ()>(&store, "f").unwrap();
    let mut found = |spare: u64| {
        let taken = budget.available().unwrap() - spare;
        let _kept = budget.charge(Kind::Host, taken).unwrap();
        let error = f.call(&mut store, ()).unwrap_err();
        error.backtrace().unwrap().frames()[0].operands().map(<[_]>::to_vec)
    };
    assert_eq!(found(1 << 20), Some(vec![I32(7)]));
    // The cells of the function take more.
    assert_eq!(found(20_000), None);
    assert_eq!(found(1 << 20), Some(vec![I32(7)]));
}

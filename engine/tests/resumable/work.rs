//! Something to be suspended in.

use dunlin::{Caller, Engine, Func, Linker, Module, Store};

/// Loops, calls of all kinds, branches on what is only in a register, bulk operations beneath which operands wait, another
/// instance.
const WORK: &str = r#"(module
    (import "host" "twice" (func $twice (param i64) (result i64)))
    (import "other" "step" (func $step (param i32 i64) (result i64)))
    (memory 1)
    (type $op (func (param i64) (result i64)))
    (table funcref (elem $inc $dec $twice))
    (func $inc (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))
    (func $dec (param i64) (result i64) (i64.sub (local.get 0) (i64.const 1)))
    (func $sum (param i32) (result i64) (local i64)
        (loop $again
            (local.set 1 (i64.add (local.get 1) (i64.load8_u (local.get 0))))
            (br_if $again (i32.and (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 63))))
        (local.get 1))
    (func $tail (export "tail") (param i32 i64) (result i64)
        (if (i32.eqz (local.get 0)) (then (return_call $inc (local.get 1))))
        (return_call $step (i32.sub (local.get 0) (i32.const 1)) (local.get 1)))
    (func $deep (param i32) (result i64)
        (if (result i64) (i32.eqz (local.get 0))
            (then (i64.const 0))
            (else (i64.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i64.const 1)))))
    (func (export "work") (param $n i32) (result i64 i32) (local $x i64) (local $f f64)
        (loop $again
            (i64.mul (i64.extend_i32_u (local.get $n)) (i64.const 3))
            (f64.mul (f64.convert_i32_u (local.get $n)) (f64.const 1.5))
            (memory.fill (i32.const 0) (local.get $n) (i32.const 1000))
            (local.set $f)
            (local.set $x (i64.add (local.get $x)))
            (local.set $x (i64.add (local.get $x) (i64.trunc_f64_s (local.get $f))))
            (local.set $x (i64.add (local.get $x) (call $sum (i32.const 0))))
            (local.set $x (i64.add (local.get $x) (call $deep (i32.const 5))))
            (local.set $x (call_indirect (type $op) (i64.rem_u (local.get $x) (i64.const 1000003))
                (i32.rem_u (local.get $n) (i32.const 3))))
            (local.set $x (call $step (i32.const 3) (call $twice (local.get $x))))
            (local.set $x (call $tail (i32.const 2) (local.get $x)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $x) (i32.const 7)))"#;

const OTHER: &str = r#"(module
    (import "host" "twice" (func $twice (param i64) (result i64)))
    (func (export "step") (param i32 i64) (result i64)
        (loop $again
            (local.set 1 (i64.add (call $twice (local.get 1)) (i64.extend_i32_u (local.get 0))))
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (br_if $again (i32.gt_s (local.get 0) (i32.const 0))))
        (local.get 1)))"#;

pub(crate) fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

/// What it takes, in a store that counts the calls of the host.
pub(crate) struct World {
    pub(crate) store: Store<u32>,
    pub(crate) linker: Linker<u32>,
    pub(crate) modules: [Module; 2],
}

impl World {
    pub(crate) fn new(engine: &Engine, calls: u32) -> Self {
        let mut linker = Linker::new(engine);
        linker
            .func_wrap("host", "twice", |mut caller: Caller<'_, u32>, x: i64| {
                *caller.data_mut() += 1;
                x.wrapping_mul(2)
            })
            .unwrap();
        let modules = [OTHER, WORK].map(|text| module(engine, text));
        Self { store: Store::new(engine, calls), linker, modules }
    }

    /// A function of new instances.
    pub(crate) fn func(&mut self, name: &str) -> Func {
        let other = self.linker.instantiate(&mut self.store, &self.modules[0]).unwrap();
        self.linker.instance(&self.store, "other", other).unwrap();
        let instance = self.linker.instantiate(&mut self.store, &self.modules[1]).unwrap();
        instance.get_func(&self.store, name).unwrap()
    }
}

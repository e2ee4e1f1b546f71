//! Snapshots of calls that are suspended in compiled code, and that go on in another tier.
#![cfg(feature = "compiler")]

use dunlin::{
    Caller, Config, Dispatch, Engine, Func, Linker, Module, ResumableCall, Snapshot, Store, SuspendedCall,
    Val,
};
use dunlin_jit::{Jit, Mode};
use std::sync::Arc;

/// Loops, calls of all kinds, tail calls, bulk operations beneath which operands wait, another instance.
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
    (func (export "run") (param $n i32) (result i64) (local $x i64) (local $f f64)
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
        (local.get $x)))"#;

const OTHER: &str = r#"(module
    (import "host" "twice" (func $twice (param i64) (result i64)))
    (func (export "step") (param i32 i64) (result i64)
        (loop $again
            (local.set 1 (i64.add (call $twice (local.get 1)) (i64.extend_i32_u (local.get 0))))
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (br_if $again (i32.gt_s (local.get 0) (i32.const 0))))
        (local.get 1)))"#;

struct World {
    store: Store<u32>,
    linker: Linker<u32>,
    modules: [Module; 2],
}

impl World {
    fn new(engine: &Engine, calls: u32) -> Self {
        let mut linker = Linker::new(engine);
        linker
            .func_wrap("host", "twice", |mut caller: Caller<'_, u32>, x: i64| {
                *caller.data_mut() += 1;
                x.wrapping_mul(2)
            })
            .unwrap();
        let modules = [OTHER, WORK].map(|text| Module::new(engine, wat::parse_str(text).unwrap()).unwrap());
        Self { store: Store::new(engine, calls), linker, modules }
    }

    fn func(&mut self, name: &str) -> Func {
        let other = self.linker.instantiate(&mut self.store, &self.modules[0]).unwrap();
        self.linker.instance(&self.store, "other", other).unwrap();
        let main = self.linker.instantiate(&mut self.store, &self.modules[1]).unwrap();
        main.get_func(&self.store, name).unwrap()
    }

    /// The same in a store of another engine.
    fn moved(&mut self, call: &SuspendedCall, to: &Engine) -> (Self, SuspendedCall) {
        let mut bytes = Vec::new();
        call.snapshot(&mut self.store, &self.linker, b"", &mut bytes).unwrap();
        let mut next = Self::new(to, *self.store.data());
        let snapshot = Snapshot::open(to.budget(), &bytes[..]).unwrap();
        let modules: Vec<_> = next.modules.iter().collect();
        let restored = snapshot.restore(&mut next.store, &next.linker, &modules).unwrap();
        (next, restored.call.unwrap())
    }
}

fn engine(jit: Option<&Arc<Jit>>, dispatch: Dispatch) -> Engine {
    let mut config = Config::new();
    config.consume_fuel(true).suspend_compiled(true).snapshots(true).dispatch(dispatch);
    if let Some(jit) = jit {
        config.tier(jit.clone());
    }
    Engine::new(&config).unwrap()
}

/// In portions of so much fuel, with everything moved to the next engine after each, if there are several.
fn in_portions(engines: &[Engine], portion: u64, (name, args): (&str, &[Val])) -> (i64, u64, u32) {
    let mut world = World::new(&engines[0], 0);
    let func = world.func(name);
    let mut results = [Val::I64(0)];
    let (mut given, mut moves) = (portion, 0);
    world.store.set_fuel(portion).unwrap();
    let mut call = func.call_resumable(&mut world.store, args, &mut results).unwrap();
    while let ResumableCall::Suspended(mut suspended) = call {
        if engines.len() > 1 {
            moves += 1;
            (world, suspended) = world.moved(&suspended, &engines[moves % engines.len()]);
        }
        let left = world.store.get_fuel().unwrap();
        world.store.set_fuel(left + portion).unwrap();
        given += portion;
        call = suspended.resume(&mut world.store, &mut results).unwrap();
    }
    (results[0].unwrap_i64(), given - world.store.get_fuel().unwrap(), *world.store.data())
}

#[test]
fn calls_go_on_in_other_tiers() {
    let jits: Vec<_> = [(0, 30_000), (1, 5), (3, 50)]
        .into_iter()
        .map(|(threshold, every)| {
            Jit::new(Jit::options().mode(Mode::Sync).threshold(threshold).sample_every(every)).unwrap()
        })
        .collect();
    let run: (_, &[_]) = ("run", &[Val::I32(6)]);
    let interprets = engine(None, Dispatch::Tail);
    let whole = in_portions(std::slice::from_ref(&interprets), 1 << 40, run);
    let mut engines = vec![interprets];
    for (jit, dispatch) in jits.iter().zip([Dispatch::Tail, Dispatch::Loop, Dispatch::Tail]) {
        engines.push(engine(Some(jit), dispatch));
        // Where it stays, too.
        let stays = std::slice::from_ref(engines.last().unwrap());
        for portion in [1, 3, 40, 300] {
            assert_eq!(in_portions(stays, portion, run), whole, "portions of {portion} in one place");
        }
    }
    for portion in [1, 2, 7, 40, 300] {
        assert_eq!(in_portions(&engines, portion, run), whole, "portions of {portion}");
    }
    for jit in &jits {
        assert!(jit.stats().functions > 0, "{:?}", jit.stats());
    }
}

/// The fuel ends between the outermost compiled function and one of another instance, which it calls in its place; that one calls
/// back the same way.
#[test]
fn tail_calls_out_of_compiled_code_are_resumed() {
    let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0)).unwrap();
    let tail: (_, &[_]) = ("tail", &[Val::I32(3), Val::I64(5)]);
    let whole = in_portions(&[engine(None, Dispatch::Tail)], 1 << 40, tail);
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let engines = [engine(Some(&jit), dispatch), engine(None, Dispatch::Loop)];
        for portion in 1..20 {
            assert_eq!(
                in_portions(&engines[..1], portion, tail),
                whole,
                "portions of {portion} in one place"
            );
            assert_eq!(in_portions(&engines, portion, tail), whole, "portions of {portion}");
        }
    }
}

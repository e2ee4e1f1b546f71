//! Snapshots of calls that are suspended in compiled code, and that go on in another tier.
#![cfg(feature = "compiler")]

#[path = "resumable/work.rs"]
mod work;

use dunlin::{
    Config, Dispatch, Engine, InterruptHandle, Linker, ResumableCall, Snapshot, Store, SuspendedCall, Val,
};
use dunlin_jit::{Jit, Mode};
use std::sync::Arc;
use std::time::Duration;
use work::World;

/// A suspended call, in a store of another engine.
fn moved(from: &mut World, call: &SuspendedCall, to: &Engine) -> (World, SuspendedCall) {
    let mut bytes = Vec::new();
    call.snapshot(&mut from.store, &from.linker, b"", &mut bytes).unwrap();
    let mut next = World::new(to, *from.store.data());
    let snapshot = Snapshot::open(to.budget(), &bytes[..]).unwrap();
    let modules: Vec<_> = next.modules.iter().collect();
    let restored = snapshot.restore(&mut next.store, &next.linker, &modules).unwrap();
    (next, restored.call.unwrap())
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
    let mut results = vec![Val::I64(0); func.ty(&world.store).results().len()];
    let (mut given, mut moves) = (portion, 0);
    world.store.set_fuel(portion).unwrap();
    let mut call = func.call_resumable(&mut world.store, args, &mut results).unwrap();
    while let ResumableCall::Suspended(mut suspended) = call {
        if engines.len() > 1 {
            moves += 1;
            (world, suspended) = moved(&mut world, &suspended, &engines[moves % engines.len()]);
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
    let work: (_, &[_]) = ("work", &[Val::I32(6)]);
    let interprets = engine(None, Dispatch::Tail);
    let whole = in_portions(std::slice::from_ref(&interprets), 1 << 40, work);
    let mut engines = vec![interprets];
    for (jit, dispatch) in jits.iter().zip([Dispatch::Tail, Dispatch::Loop, Dispatch::Tail]) {
        engines.push(engine(Some(jit), dispatch));
        // Where it stays, too.
        let stays = std::slice::from_ref(engines.last().unwrap());
        for portion in [1, 3, 40, 300] {
            assert_eq!(in_portions(stays, portion, work), whole, "portions of {portion} in one place");
        }
    }
    for portion in [1, 2, 7, 40, 300] {
        assert_eq!(in_portions(&engines, portion, work), whole, "portions of {portion}");
    }
    for jit in &jits {
        assert!(jit.stats().functions > 0, "{:?}", jit.stats());
    }
}

/// Functions that call each other for the first time: each is compiled then, and called by the interpreter, which the one before has
/// called. The fuel ends between them.
#[test]
fn calls_that_have_just_been_compiled_are_resumed() {
    const CHAIN: &str = r#"(module
        (func $e (param i32) (result i64) (i64.extend_i32_u (i32.mul (local.get 0) (i32.const 3))))
        (func $d (param i32) (result i64) (i64.add (call $e (i32.add (local.get 0) (i32.const 1))) (i64.const 5)))
        (func $c (param i32) (result i64) (i64.mul (call $d (i32.sub (local.get 0) (i32.const 9))) (i64.const 7)))
        (func $b (param i32) (result i64) (i64.xor (call $c (local.get 0)) (i64.extend_i32_u (local.get 0))))
        (func $a (param i32) (result i64) (i64.add (i64.const 100) (call $b (i32.shl (local.get 0) (i32.const 2)))))
        (func (export "chain") (param i32) (result i64) (call $a (local.get 0))))"#;
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        for first in 1..60 {
            let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0)).unwrap();
            let engine = engine(Some(&jit), dispatch);
            let module = work::module(&engine, CHAIN);
            let (mut store, linker) = (Store::new(&engine, ()), Linker::new(&engine));
            let chain = linker.instantiate(&mut store, &module).unwrap().get_func(&store, "chain").unwrap();
            let (mut results, mut snapshots) = ([Val::I64(0)], Vec::new());
            store.set_fuel(first).unwrap();
            let mut call = chain.call_resumable(&mut store, &[Val::I32(11)], &mut results).unwrap();
            while let ResumableCall::Suspended(suspended) = call {
                // Each function is in the backtrace once, from the innermost.
                let backtrace =
                    suspended.reason().backtrace().map_or(&[][..], |backtrace| backtrace.frames());
                let functions: Vec<_> = backtrace.iter().map(|frame| frame.func_index()).collect();
                assert!(
                    functions.is_sorted_by(|a, b| a < b) && *functions.last().unwrap_or(&5) == 5,
                    "{functions:?}"
                );
                let mut bytes = Vec::new();
                suspended.snapshot(&mut store, &linker, b"", &mut bytes).unwrap();
                snapshots.push(bytes);
                store.set_fuel(store.get_fuel().unwrap() + 3).unwrap();
                call = suspended.resume(&mut store, &mut results).unwrap();
            }
            let result = 100 + ((((44 - 9 + 1) * 3 + 5) * 7) ^ 44);
            assert_eq!(results[0].unwrap_i64(), result, "{first} units at first");
            for bytes in snapshots {
                let mut store = Store::new(&engine, ());
                let snapshot = Snapshot::open(engine.budget(), &bytes[..]).unwrap();
                let restored = snapshot.restore(&mut store, &linker, &[&module]).unwrap().call.unwrap();
                store.set_fuel(1_000).unwrap();
                let call = restored.resume(&mut store, &mut results).unwrap();
                assert!(matches!(call, ResumableCall::Finished) && results[0].unwrap_i64() == result);
            }
        }
    }
}

/// Requests come at any time, to compiled code, too; the call moves each time.
#[test]
fn calls_go_on_in_other_tiers_whenever_that_is_asked_for() {
    let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(1).sample_every(5)).unwrap();
    let work: (_, &[_]) = ("work", &[Val::I32(30_000)]);
    let whole = in_portions(&[engine(None, Dispatch::Tail)], 1 << 50, work);
    let engines = [
        engine(Some(&jit), Dispatch::Tail),
        engine(Some(&jit), Dispatch::Loop),
        engine(None, Dispatch::Tail),
    ];
    let compiled = std::slice::from_ref(&engines[0]);
    for engines in [compiled, &engines] {
        let (moves, result) = whenever_asked(engines, work);
        assert_eq!(result, whole);
        assert!(moves > 3, "{moves}");
    }
    assert!(jit.stats().functions > 0, "{:?}", jit.stats());
}

/// Moves at each of some requests, which another thread makes. How many there were, and what came of it.
fn whenever_asked(engines: &[Engine], (name, args): (&str, &[Val])) -> (usize, (i64, u64, u32)) {
    const FUEL: u64 = 1 << 50;
    let mut world = World::new(&engines[0], 0);
    let func = world.func(name);
    let mut results = vec![Val::I64(0); func.ty(&world.store).results().len()];
    let (mut moves, (running, runs)) = (0, std::sync::mpsc::channel());
    world.store.set_fuel(FUEL).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for (number, handle) in (1..=20).zip(runs) {
                std::thread::sleep(Duration::from_micros(200 * number));
                InterruptHandle::request_snapshot(&handle);
            }
        });
        running.send(world.store.interrupt_handle()).unwrap();
        let mut call = func.call_resumable(&mut world.store, args, &mut results).unwrap();
        while let ResumableCall::Suspended(suspended) = call {
            assert!(suspended.wants_snapshot(), "{:?}", suspended.reason());
            moves += 1;
            let restored;
            (world, restored) = moved(&mut world, &suspended, &engines[moves % engines.len()]);
            let _ = running.send(world.store.interrupt_handle());
            call = restored.resume(&mut world.store, &mut results).unwrap();
        }
        drop(running);
    });
    (moves, (results[0].unwrap_i64(), FUEL - world.store.get_fuel().unwrap(), *world.store.data()))
}

/// The fuel ends between the outermost compiled function and one of another instance, which it calls in its place.
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

//! Snapshots of calls that are suspended in compiled code, and that go on in another tier.
#![cfg(feature = "compiler")]

#[path = "resumable/work.rs"]
mod work;

use dunlin::{Config, Dispatch, Engine, InterruptHandle, ResumableCall, Snapshot, SuspendedCall, Val};
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

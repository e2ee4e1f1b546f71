//! What suspends calls, and has them go on.

use super::work::{World, module};
use dunlin::{Caller, Engine, Error, Func, Linker, ResumableCall, Store, Trap, Val};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What became of the work, and what it took.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct WorkDone {
    values: (i64, i32),
    /// Calls of the host.
    calls: u32,
    pub(crate) fuel: u64,
}

fn work(engine: &Engine) -> (Store<u32>, Func) {
    let mut world = World::new(engine, 0);
    let work = world.func("work");
    (world.store, work)
}

fn outcome(store: &Store<u32>, results: &[Val; 2], given: u64) -> WorkDone {
    let values = (results[0].unwrap_i64(), results[1].unwrap_i32());
    WorkDone { values, calls: *store.data(), fuel: given - store.get_fuel().unwrap() }
}

/// The work in an ordinary call.
pub(crate) fn at_once(engine: &Engine) -> WorkDone {
    let (mut store, func) = work(engine);
    let mut results = [Val::I64(0), Val::I32(0)];
    let given = 1_000_000;
    store.set_fuel(given).unwrap();
    func.call(&mut store, &[Val::I32(9)], &mut results).unwrap();
    outcome(&store, &results, given)
}

/// A call that gets its fuel in portions, each when it has used up what came before: how many it took.
pub(crate) fn call_in_portions<T>(
    store: &mut Store<T>,
    func: Func,
    args: &[Val],
    results: &mut [Val],
    portion: u64,
) -> u64 {
    let mut times = 0;
    let mut call = func.call_resumable(&mut *store, args, results).unwrap();
    while let ResumableCall::Suspended(suspended) = call {
        assert_eq!(suspended.reason().trap(), Some(Trap::OutOfFuel));
        assert!(suspended.host_func(&mut *store).is_none());
        let left = store.get_fuel().unwrap();
        store.set_fuel(left + portion).unwrap();
        times += 1;
        call = suspended.resume(&mut *store, results).unwrap();
    }
    times
}

/// The work, with fuel in portions; and how many it took.
pub(crate) fn in_portions(engine: &Engine, portion: u64) -> (WorkDone, u64) {
    let (mut store, func) = work(engine);
    let mut results = [Val::I64(0), Val::I32(0)];
    let times = call_in_portions(&mut store, func, &[Val::I32(9)], &mut results, portion);
    (outcome(&store, &results, times * portion), times)
}

/// A call that another thread interrupts again and again: its result, and how often it had to go on.
pub(crate) fn interrupted(store: &mut Store<()>, run: Func, n: i32) -> (i32, u32) {
    let handle = store.interrupt_handle();
    let (done, stop) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        while stop.recv_timeout(Duration::from_millis(2)).is_err() {
            handle.interrupt();
        }
    });
    let mut results = [Val::I32(0)];
    let mut times = 0;
    let mut call = run.call_resumable(&mut *store, &[Val::I32(n)], &mut results).unwrap();
    while let ResumableCall::Suspended(suspended) = call {
        assert_eq!(suspended.reason().trap(), Some(Trap::Interrupt));
        times += 1;
        call = suspended.resume(&mut *store, &mut results).unwrap();
    }
    done.send(()).unwrap();
    thread.join().unwrap();
    (results[0].unwrap_i32(), times)
}

/// Why a host function fails that has no results yet.
#[derive(Debug)]
pub(crate) struct Wait(pub(crate) i64);

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "waits for {}", self.0)
    }
}

impl std::error::Error for Wait {}

/// With `host.ask`, which waits for what it is asked.
pub(crate) fn asking(engine: &Engine) -> Linker<()> {
    let mut linker = Linker::new(engine);
    let ask = |_: Caller<'_, ()>, x: i64| -> Result<(i64, i32), Error> { Err(Error::host(Wait(x))) };
    linker.func_wrap("host", "ask", ask).unwrap();
    linker
}

/// A host function that fails several times before it waits for results, called and tail-called: each time it is called
/// again, with the same arguments.
pub(crate) fn host_fails_again(engine: &Engine) {
    const REASONS: [Option<Trap>; 4] =
        [Some(Trap::OutOfFuel), Some(Trap::Interrupt), Some(Trap::OutOfFuel), None];
    let mut linker = Linker::<usize>::new(engine);
    let ask = |mut caller: Caller<'_, usize>, x: i64, y: i32| -> Result<(i64, i32), Error> {
        let n = *caller.data();
        *caller.data_mut() += 1;
        assert_eq!((x, y), (3, 4), "call {n}");
        match REASONS.get(n) {
            Some(Some(trap)) => Err((*trap).into()),
            Some(None) => Err(Error::host(Wait(x))),
            None => Ok((30, 12)),
        }
    };
    linker.func_wrap("host", "ask", ask).unwrap();
    let text = r#"(module (import "host" "ask" (func $ask (param i64 i32) (result i64 i32)))
        (func $tail (param i64 i32) (result i64 i32) (return_call $ask (local.get 0) (local.get 1)))
        (func $sum (param i64 i32) (result i64) (i64.add (local.get 0) (i64.extend_i32_s (local.get 1))))
        (func (export "calls") (param i64) (result i64) (call $sum (call $ask (local.get 0) (i32.const 4))))
        (func (export "tail-calls") (param i64) (result i64) (call $sum (call $tail (local.get 0) (i32.const 4)))))"#;
    for name in ["calls", "tail-calls"] {
        // Where it begins decides whether it ends by waiting, or by returning.
        for first in [0, 2, 4] {
            for waits in [true, false] {
                let mut store = Store::new(engine, first);
                let _ = store.set_fuel(1_000_000);
                let instance = linker.instantiate(&mut store, &module(engine, text)).unwrap();
                let func = instance.get_func(&store, name).unwrap();
                let mut results = [Val::I64(0)];
                let mut call = func.call_resumable(&mut store, &[Val::I64(3)], &mut results).unwrap();
                let mut seen = first;
                while let ResumableCall::Suspended(suspended) = call {
                    assert_eq!(suspended.reason().trap(), REASONS[seen], "{name}");
                    seen += 1;
                    assert_eq!(*store.data(), seen, "{name}");
                    let host = suspended.host_func(&mut store);
                    assert_eq!(host.is_some(), seen == REASONS.len(), "{name}");
                    if seen + 1 == REASONS.len() && !waits {
                        // The last reason is passed over.
                        *store.data_mut() = REASONS.len();
                        call = suspended.resume(&mut store, &mut results).unwrap();
                        break;
                    }
                    let answer = [Val::I64(40), Val::I32(2)];
                    let answer = if host.is_some() { &answer[..] } else { &[] };
                    call = suspended.resume_with(&mut store, answer, &mut results).unwrap();
                }
                assert!(matches!(call, ResumableCall::Finished), "{name}");
                assert_eq!(results[0].unwrap_i64(), 42);
            }
        }
    }
}

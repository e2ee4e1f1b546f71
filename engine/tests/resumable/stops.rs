//! What suspends calls, and has them go on.

use super::work::work;
use dunlin::{Caller, Engine, Error, Func, Linker, ResumableCall, Store, Trap, Val};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What became of the work, and what it took.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Outcome {
    values: (i64, i32),
    /// Calls of the host.
    calls: u32,
    pub(crate) fuel: u64,
}

fn outcome(store: &Store<u32>, results: &[Val; 2], given: u64) -> Outcome {
    let values = (results[0].unwrap_i64(), results[1].unwrap_i32());
    Outcome { values, calls: *store.data(), fuel: given - store.get_fuel().unwrap() }
}

/// The work in an ordinary call.
pub(crate) fn at_once(engine: &Engine) -> Outcome {
    let (mut store, func) = work(engine);
    let mut results = [Val::I64(0), Val::I32(0)];
    let given = 1_000_000;
    store.set_fuel(given).unwrap();
    func.call(&mut store, &[Val::I32(9)], &mut results).unwrap();
    outcome(&store, &results, given)
}

/// The work, with fuel in portions; and how many it took.
pub(crate) fn in_portions(engine: &Engine, portion: u64) -> (Outcome, u64) {
    let (mut store, func) = work(engine);
    let mut results = [Val::I64(0), Val::I32(0)];
    let mut times = 0;
    let mut call = func.call_resumable(&mut store, &[Val::I32(9)], &mut results).unwrap();
    while let ResumableCall::Suspended(suspended) = call {
        assert_eq!(suspended.reason().trap(), Some(Trap::OutOfFuel));
        assert!(suspended.host_func(&mut store).is_none());
        let left = store.get_fuel().unwrap();
        store.set_fuel(left + portion).unwrap();
        times += 1;
        call = suspended.resume(&mut store, &mut results).unwrap();
    }
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

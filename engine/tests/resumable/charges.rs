//! What calls that may be suspended take of the budget, and that they give it back however they end.

use super::stops::asking;
use super::suspended;
use super::work::module;
use dunlin::{Engine, ErrorKind, Func, ResumableCall, Store, Val};

/// Asks the host, then divides 10 by what it answers.
const TEXT: &str = r#"(module (import "host" "ask" (func $ask (param i64) (result i64 i32)))
    (func (export "run") (param i64) (result i64)
        (call $ask (local.get 0)) (drop) (local.set 0)
        (i64.div_u (i64.const 10) (local.get 0)))
    (func (export "idle") (param i64) (result i64) (local.get 0)))"#;

struct Calls {
    store: Store<()>,
    run: Func,
    idle: Func,
}

impl Calls {
    fn new(engine: &Engine) -> Self {
        let mut store = Store::new(engine, ());
        let instance = asking(engine).instantiate(&mut store, &module(engine, TEXT)).unwrap();
        let [run, idle] = ["run", "idle"].map(|name| instance.get_func(&store, name).unwrap());
        let mut calls = Self { store, run, idle };
        // Code, and the lists of the store.
        let first = calls.begin();
        calls.answer(first, 5).unwrap();
        calls.settled();
        calls
    }

    fn used(&self) -> u64 {
        self.store.budget().used()
    }

    fn begin(&mut self) -> dunlin::SuspendedCall {
        suspended(self.run.call_resumable(&mut self.store, &[Val::I64(1)], &mut [Val::I64(0)]).unwrap())
    }

    /// Goes on with a call.
    fn answer(&mut self, call: dunlin::SuspendedCall, answer: i64) -> Result<ResumableCall, dunlin::Error> {
        call.resume_with(&mut self.store, &[Val::I64(answer), Val::I32(0)], &mut [Val::I64(0)])
    }

    /// What is used after a call: those that were dropped before are forgotten then.
    fn settled(&mut self) -> u64 {
        let end = self.idle.call_resumable(&mut self.store, &[Val::I64(1)], &mut [Val::I64(0)]).unwrap();
        assert!(matches!(end, ResumableCall::Finished));
        self.used()
    }
}

type End = fn(&mut Calls);

/// How a call that is suspended ends.
const ENDS: [(&str, End); 7] = [
    ("nothing", |_| ()),
    ("it finishes", |calls| {
        let call = calls.begin();
        assert!(matches!(calls.answer(call, 2), Ok(ResumableCall::Finished)));
    }),
    ("it traps", |calls| {
        let call = calls.begin();
        calls.answer(call, 0).unwrap_err();
    }),
    ("it is dropped", |calls| drop(calls.begin())),
    ("its results are refused", |calls| {
        let call = calls.begin();
        call.resume(&mut calls.store, &mut [Val::I64(0)]).unwrap_err();
    }),
    ("it is interrupted before it begins", |calls| {
        calls.store.interrupt_handle().interrupt();
        let call = calls.begin();
        call.resume(&mut calls.store, &mut [Val::I64(0)]).map(drop).unwrap();
    }),
    ("it fails at once", |calls| {
        calls.run.call_resumable(&mut calls.store, &[], &mut [Val::I64(0)]).map(drop).unwrap_err();
    }),
];

#[test]
fn however_a_call_ends_what_it_took_is_given_back() {
    for engine in super::engines(false) {
        let mut calls = Calls::new(&engine);
        let before = calls.settled();
        for (how, end) in ENDS {
            for _ in 0..3 {
                end(&mut calls);
            }
            assert_eq!(calls.settled(), before, "{how}");
        }
    }
}

#[test]
fn each_suspended_call_takes_as_much() {
    for engine in super::engines(false) {
        let mut calls = Calls::new(&engine);
        let before = calls.settled();
        let first = calls.begin();
        let one = calls.used() - before;
        assert!((4 << 10..5 << 10).contains(&one), "its stack and what it is noted in: {one}");
        let second = calls.begin();
        assert_eq!(calls.used() - before, 2 * one);
        assert!(matches!(calls.answer(first, 3), Ok(ResumableCall::Finished)));
        assert_eq!(calls.used() - before, one);
        drop(second);
        assert_eq!(calls.settled(), before);
    }
}

/// A call that can't begin, since the budget or the system has no room for it, takes nothing.
#[test]
fn a_call_that_is_refused_takes_nothing() {
    let budget = dunlin::Budget::new(16 << 20);
    let engine = Engine::new(dunlin::Config::new().budget(budget.clone())).unwrap();
    let mut calls = Calls::new(&engine);
    let before = calls.settled();
    // Without room for its first frame it can be tried again.
    let stopped = |calls: &mut Calls| {
        let (run, mut results) = (calls.run, [Val::I64(0)]);
        match run.call_resumable(&mut calls.store, &[Val::I64(1)], &mut results) {
            Ok(call) => (suspended(call).reason().kind(), true),
            Err(error) => (error.kind(), false),
        }
    };
    for (left, expected) in [
        (0, (ErrorKind::OutOfBudget, false)),
        (100, (ErrorKind::OutOfBudget, false)),
        (4000, (ErrorKind::Trap, true)),
        (4 << 10, (ErrorKind::Trap, true)),
    ] {
        let rest = budget.charge(dunlin::Kind::Host, budget.available().unwrap() - left).unwrap();
        assert_eq!(stopped(&mut calls), expected, "with {left} bytes");
        drop(rest);
        assert_eq!(calls.used(), before, "with {left} bytes");
    }
    // The stack of the last call is at hand.
    let (again, count) = dunlin::testing::refuse_mappings_after(0, || stopped(&mut calls));
    assert_eq!((again, count), ((ErrorKind::Host, true), 0));
    // An engine keeps four. Where others use them, the system has to have one.
    let others: Vec<_> = (0..4).map(|_| calls.begin()).collect();
    let held = calls.used();
    let (refused, count) = dunlin::testing::refuse_mappings_after(0, || stopped(&mut calls));
    assert_eq!((refused, count), ((ErrorKind::OutOfMemory, false), 1));
    assert_eq!(calls.used(), held);
    drop(others);
    assert_eq!(stopped(&mut calls), (ErrorKind::Host, true));
    calls.settled();
}

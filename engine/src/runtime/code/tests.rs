//! Code that frames are in is kept, whatever else is dropped. That code is still where it was is looked at directly, so
//! these tests see a fault in release builds as well; besides, dropped code ends the process when it is executed.

mod cache;

use super::*;
use crate::module::trap::Trap;
use crate::{
    AsContextMut, Caller, Config, Engine, Extern, Func, Instance, Module, ResumableCall, Store,
    SuspendedCall, Val,
};
use alloc::string::String;
use alloc::vec::Vec;
use std::fmt::Write;

/// Functions beside those of the crowd, by their place among the functions that the module defines.
const F: u32 = 0;
const OUTER: u32 = 1;
const SPIN: u32 = 2;
const FAILS: u32 = 3;
const TOUR: u32 = 4;
const GUIDE: u32 = 5;
const HOP: u32 = 6;
/// How often code is dropped until nothing is left: each time an eighth of the reserve.
const ROUNDS: usize = 12;
/// Functions whose code doesn't fit the module's reserve all at once.
const CROWD: i32 = 80;

/// `outer` calls `f`, which calls the host; `spin` loops; `fails` traps; `guide` calls `tour`, which
/// calls the crowd; `hop` calls the host as well.
fn module(engine: &Engine) -> Module {
    let mut text = String::from(
        r#"(module (import "host" "ask" (func $ask (param i32) (result i32)))
        (func $f (export "f") (param i32) (result i32)
            (i32.add (call $ask (i32.mul (local.get 0) (i32.const 2))) (local.get 0)))
        (func $outer (export "outer") (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1000)))
        (func (export "spin") (param i32) (result i32) (local i32)
            (loop $again
                (local.set 1 (i32.add (local.get 1) (i32.const 3)))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1))
        (func (export "fails") (param i32) (result i32) unreachable)
        (func $tour (export "tour") (param i32) (result i32)"#,
    );
    for i in 0..2 * CROWD {
        write!(text, "(local.set 0 (i32.add (i32.const {i}) (call $c{} (local.get 0))))", i % CROWD).unwrap();
    }
    text.push_str("(local.get 0))");
    text.push_str(
        r#"(func (export "guide") (param i32) (result i32) (i32.mul (call $tour (local.get 0)) (i32.const 3)))
        (func (export "hop") (param i32) (result i32) (i32.add (call $ask (local.get 0)) (i32.const 1)))"#,
    );
    for i in 0..CROWD {
        write!(text, r#"(func $c{i} (export "c{i}") (param i32) (result i32)"#).unwrap();
        for k in 0..40 {
            write!(text, "(local.set 0 (i32.xor (local.get 0) (i32.const {})))", i * k).unwrap();
        }
        text.push_str("(local.get 0))\n");
    }
    text.push(')');
    Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

/// What the host function does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Answers,
    /// It fails, so that a resumable call is suspended.
    Fails,
    /// It calls the crowd.
    Calls,
    /// It calls the crowd, each function in a call of its own that could be suspended.
    CallsApart,
    /// It calls a function that calls it again; then it is as above.
    Nests,
    /// It calls a function that traps when all memory is taken.
    Traps,
}

struct Host {
    ask: Ask,
    module: Module,
    instance: Option<Instance>,
}

fn crowd(mut store: impl AsContextMut<Data = Host>, apart: bool) -> Result<(), Error> {
    let instance = store.as_context().data().instance.unwrap();
    for i in 0..2 * CROWD {
        let func = instance.get_func(&store, &format!("c{}", i % CROWD)).unwrap();
        let (args, mut results) = ([Val::I32(i)], [Val::I32(0)]);
        if apart {
            assert!(matches!(func.call_resumable(&mut store, &args, &mut results)?, ResumableCall::Finished));
        } else {
            func.call(&mut store, &args, &mut results)?;
        }
    }
    Ok(())
}

/// Calls a function that fails while nothing is left of the engine's budget.
fn starve(mut store: impl AsContextMut<Data = Host>) {
    let context = store.as_context();
    let (instance, module) = (context.data().instance.unwrap(), context.data().module.clone());
    let fails = instance.get_func(context, "fails").unwrap();
    // So that its code is there.
    fails.call(&mut store, &[Val::I32(0)], &mut [Val::I32(0)]).unwrap_err();
    let taken = take_all(&module);
    let error = fails.call(&mut store, &[Val::I32(0)], &mut [Val::I32(0)]).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::UnreachableCodeReached), "{error}");
    drop(taken);
}

/// Takes what is left of the engine's budget and of the reserve for the module's code.
fn take_all(module: &Module) -> [Charge; 2] {
    let budgets = [module.engine().budget(), &module.shared().code.cache];
    budgets.map(|budget| budget.charge(Kind::Host, budget.available().unwrap()).unwrap())
}

/// Engines in whose budgets a module's code doesn't fit, one for each way of dispatch.
fn engines() -> [Engine; 2] {
    let least = module(&Engine::default()).plan().least();
    [Dispatch::Tail, Dispatch::Loop].map(|dispatch| {
        let mut config = Config::new();
        config.budget(Budget::new(least + (128 << 10))).dispatch(dispatch).consume_fuel(true);
        Engine::new(&config).unwrap()
    })
}

/// A store of its own budget, with an instance of the module.
fn store(module: &Module, ask: Ask) -> (Store<Host>, Instance) {
    let engine = module.engine();
    let mut store = Store::with_budget(
        engine,
        &Budget::unlimited(),
        Host { ask, module: module.clone(), instance: None },
    )
    .unwrap();
    store.set_fuel(u64::MAX).unwrap();
    let asked = |mut caller: Caller<'_, Host>, x: i32| -> Result<i32, Error> {
        match caller.data().ask {
            Ask::Answers => {}
            Ask::Fails => return Err(Error::msg("it takes a while")),
            Ask::Calls => crowd(&mut caller, false)?,
            Ask::CallsApart => crowd(&mut caller, true)?,
            Ask::Nests => {
                caller.data_mut().ask = Ask::CallsApart;
                let hop = caller.data().instance.unwrap().get_typed_func::<i32, i32>(&caller, "hop")?;
                assert_eq!(hop.call(&mut caller, x)?, x + 2);
                caller.data_mut().ask = Ask::Nests;
            }
            // Often enough for all code to be dropped that isn't in use.
            Ask::Traps => (0..ROUNDS).for_each(|_| starve(&mut caller)),
        }
        Ok(x + 1)
    };
    let ask = Func::try_wrap(&mut store, asked).unwrap();
    let instance = Instance::new(&mut store, module, &[ask.into()]).unwrap();
    store.data_mut().instance = Some(instance);
    (store, instance)
}

/// Where the cells of a function are, if there are some.
fn place(module: &Module, index: u32) -> Option<usize> {
    let made = module.shared().code.made();
    let mut found = made.codes.iter().filter(|code| code.index == index && !code.native);
    let place = found.next().map(|code| code.words.as_ptr() as usize);
    assert!(found.next().is_none(), "function {index} has cells twice");
    place
}

fn suspended(store: &mut Store<Host>, name: &str, arg: i32) -> SuspendedCall {
    let func = store.data().instance.unwrap().get_func(&*store, name).unwrap();
    match func.call_resumable(&mut *store, &[Val::I32(arg)], &mut [Val::I32(0)]).unwrap() {
        ResumableCall::Suspended(suspended) => suspended,
        ResumableCall::Finished => panic!("it should have been suspended"),
    }
}

fn resumed(store: &mut Store<Host>, call: SuspendedCall, host_results: &[Val]) -> i32 {
    let mut results = [Val::I32(0)];
    let end = call.resume_with(store, host_results, &mut results).unwrap();
    assert!(matches!(end, ResumableCall::Finished));
    results[0].unwrap_i32()
}

/// Has `run` done in a store, which ends with dropping most of the crowd's code but none of the functions that are
/// listed.
fn keeps(module: &Module, functions: &[u32], mut run: impl FnMut()) {
    let before: Vec<_> = functions.iter().map(|index| place(module, *index)).collect();
    let dropped = module.dropped_translations();
    run();
    assert!(module.dropped_translations() >= dropped + CROWD as u64, "{}", module.dropped_translations());
    for (index, before) in functions.iter().zip(before) {
        assert!(before.is_some() && place(module, *index) == before, "function {index}");
    }
}

#[test]
fn code_of_suspended_calls_is_kept() {
    for engine in engines() {
        let module = module(&engine);
        let (mut store, _) = store(&module, Ask::Fails);
        let waits = suspended(&mut store, "outer", 5);
        // Fuel for an entry and some rounds.
        store.set_fuel(50).unwrap();
        let spins = suspended(&mut store, "spin", 100);
        assert!(place(&module, F).is_some() && place(&module, SPIN).is_some());
        store.set_fuel(u64::MAX).unwrap();
        keeps(&module, &[F, OUTER, SPIN], || crowd(&mut store, false).unwrap());
        assert_eq!(resumed(&mut store, waits, &[Val::I32(7)]), 7 + 5 + 1000);
        keeps(&module, &[SPIN], || crowd(&mut store, true).unwrap());
        // Nobody is in it any more.
        assert_eq!(place(&module, F).or(place(&module, OUTER)), None);
        assert_eq!(resumed(&mut store, spins, &[]), 300);
        crowd(&mut store, false).unwrap();
        assert_eq!(place(&module, SPIN), None);
    }
}

/// A call of an export that gives one number.
fn call(store: &mut Store<Host>, name: &str, arg: i32) -> i32 {
    let func = store.data().instance.unwrap().get_typed_func::<i32, i32>(&*store, name).unwrap();
    func.call(store, arg).unwrap()
}

#[test]
fn code_around_calls_is_kept() {
    let unbounded = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let (mut unbounded, _) = store(&module(&unbounded), Ask::Answers);
    let toured = call(&mut unbounded, "guide", 9);
    for engine in engines() {
        let module = module(&engine);
        let (mut store, _) = store(&module, Ask::Answers);
        assert_eq!(call(&mut store, "guide", 9), toured);
        keeps(&module, &[TOUR, GUIDE], || assert_eq!(call(&mut store, "guide", 9), toured));
    }
}

#[test]
fn code_around_calls_of_the_host_is_kept() {
    for engine in engines() {
        for (ask, functions) in
            [(Ask::Calls, &[F, OUTER][..]), (Ask::CallsApart, &[F, OUTER]), (Ask::Nests, &[F, OUTER, HOP])]
        {
            let module = module(&engine);
            let (mut store, instance) = store(&module, Ask::Answers);
            assert_eq!(call(&mut store, "outer", 5), 11 + 5 + 1000);
            assert_eq!(call(&mut store, "hop", 5), 7);
            store.data_mut().ask = ask;
            keeps(&module, functions, || assert_eq!(call(&mut store, "outer", 5), 11 + 5 + 1000));
            // The same in a call that could be suspended.
            let mut results = [Val::I32(0)];
            let outer = instance.get_func(&store, "outer").unwrap();
            keeps(&module, functions, || {
                let end = outer.call_resumable(&mut store, &[Val::I32(5)], &mut results).unwrap();
                assert!(matches!(end, ResumableCall::Finished));
            });
            assert_eq!(results[0].unwrap_i32(), 11 + 5 + 1000);
        }
    }
}

/// Frames of two modules, of which one is entered from the other.
#[test]
fn code_of_callers_in_other_instances_is_kept() {
    for engine in engines() {
        let module = module(&engine);
        let (mut store, instance) = store(&module, Ask::Fails);
        let text = r#"(module (import "" "outer" (func $outer (param i32) (result i32)))
            (func (export "around") (param i32) (result i32) (i32.sub (call $outer (local.get 0)) (i32.const 3))))"#;
        let other = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        let outer = instance.get_func(&store, "outer").unwrap();
        let around = Instance::new(&mut store, &other, &[outer.into()]).unwrap();
        let around: Extern = around.get_export(&store, "around").unwrap();
        let around = around.into_func().unwrap();
        let mut results = [Val::I32(0)];
        let call = around.call_resumable(&mut store, &[Val::I32(5)], &mut results).unwrap();
        let ResumableCall::Suspended(call) = call else { panic!("it should have been suspended") };
        assert!(place(&module, F).is_some() && place(&other, 0).is_some());
        keeps(&module, &[F, OUTER], || crowd(&mut store, false).unwrap());
        assert_eq!(resumed(&mut store, call, &[Val::I32(7)]), 7 + 5 + 1000 - 3);
    }
}

/// Frames of other stores can't be looked at, so nothing is dropped while there are any.
#[test]
fn code_of_other_stores_is_kept() {
    for engine in engines() {
        let module = module(&engine);
        let (mut first, _) = store(&module, Ask::Fails);
        let waits = suspended(&mut first, "outer", 5);
        let before = [place(&module, F), place(&module, OUTER)];
        let (mut second, _) = store(&module, Ask::Fails);
        // What doesn't fit the reserve takes its memory from the rest.
        crowd(&mut second, false).unwrap();
        assert_eq!(module.dropped_translations(), 0);
        assert_eq!([place(&module, F), place(&module, OUTER)], before);
        assert_eq!(resumed(&mut first, waits, &[Val::I32(7)]), 7 + 5 + 1000);
        drop(second);
    }
    for engine in engines() {
        // The same, if the first one is dropped: then the second is alone.
        let module = module(&engine);
        let (mut first, _) = store(&module, Ask::Fails);
        let _ = suspended(&mut first, "outer", 5);
        let (mut second, _) = store(&module, Ask::Fails);
        drop(first);
        keeps(&module, &[], || crowd(&mut second, false).unwrap());
        // Two instances in one store are no hindrance.
        let ask = Func::try_wrap(&mut second, |x: i32| x).unwrap();
        Instance::new(&mut second, &module, &[ask.into()]).unwrap();
        keeps(&module, &[], || crowd(&mut second, false).unwrap());
    }
}

/// Who translates ahead of calls may have no look at any frames.
#[test]
fn translating_ahead_drops_nothing() {
    for engine in engines() {
        let module = module(&engine);
        let (mut store, _) = store(&module, Ask::Fails);
        let waits = suspended(&mut store, "outer", 5);
        let before = [place(&module, F), place(&module, OUTER)];
        module.translate().unwrap();
        assert_eq!(module.dropped_translations(), 0);
        assert_eq!([place(&module, F), place(&module, OUTER)], before);
        assert_eq!(resumed(&mut store, waits, &[Val::I32(7)]), 7 + 5 + 1000);
    }
}

/// Backtraces that are made when no memory is left drop code as well; not that of a call that goes on, nor what is around a
/// call that has failed.
#[test]
fn backtraces_keep_code_in_use() {
    for engine in engines() {
        let module = module(&engine);
        let (mut store, _) = store(&module, Ask::Answers);
        call(&mut store, "spin", 1);
        crowd(&mut store, false).unwrap();
        call(&mut store, "spin", 1);
        let (spin, dropped) = (place(&module, SPIN), module.dropped_translations());
        store.set_fuel(50).unwrap();
        let mut spins = suspended(&mut store, "spin", 100);
        for _ in 0..ROUNDS {
            store.set_fuel(20).unwrap();
            let taken = take_all(&module);
            let ResumableCall::Suspended(again) = spins.resume(&mut store, &mut [Val::I32(0)]).unwrap()
            else {
                panic!("it should have been suspended")
            };
            drop(taken);
            assert_eq!(again.reason().backtrace().unwrap().frames().len(), 1);
            assert_eq!(place(&module, SPIN), spin);
            spins = again;
        }
        assert!(module.dropped_translations() > dropped, "{dropped}");
        store.set_fuel(u64::MAX).unwrap();
        assert_eq!(resumed(&mut store, spins, &[]), 300);

        crowd(&mut store, false).unwrap();
        assert_eq!(call(&mut store, "outer", 5), 11 + 5 + 1000);
        let before = [place(&module, F), place(&module, OUTER)];
        let dropped = module.dropped_translations();
        store.data_mut().ask = Ask::Traps;
        assert_eq!(call(&mut store, "outer", 5), 11 + 5 + 1000);
        assert!(module.dropped_translations() > dropped, "{dropped}");
        assert_eq!([place(&module, F), place(&module, OUTER)], before);
        // Whose call has failed is in nobody's way.
        crowd(&mut store, false).unwrap();
        assert_eq!(place(&module, FAILS), None);
    }
}

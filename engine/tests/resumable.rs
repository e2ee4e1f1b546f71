//! Calls that are suspended and go on.

use dunlin::{
    Caller, Config, Dispatch, Engine, Error, Instance, Linker, ResumableCall, Store, SuspendedCall, Trap, Val,
};

#[path = "resumable/bulk.rs"]
mod bulk;
#[path = "resumable/charges.rs"]
mod charges;
#[path = "resumable/stops.rs"]
mod stops;
#[path = "resumable/work.rs"]
mod work;

use stops::{Wait, asking, at_once, host_fails_again, in_portions, interrupted};
use work::module;

/// One engine for each way of dispatch.
fn engines(fuel: bool) -> [Engine; 2] {
    let mut config = Config::new();
    config.consume_fuel(fuel);
    [Engine::new(&config).unwrap(), Engine::new(config.dispatch(Dispatch::Loop)).unwrap()]
}

fn suspended(call: ResumableCall) -> SuspendedCall {
    match call {
        ResumableCall::Suspended(suspended) => suspended,
        ResumableCall::Finished => panic!("it should have been suspended"),
    }
}

#[test]
fn fuel_in_portions_of_any_size_gives_the_same() {
    for engine in engines(true) {
        let whole = at_once(&engine);
        for portion in (1..40).chain([101, 997, 5000]) {
            let (outcome, times) = in_portions(&engine, portion);
            assert_eq!(outcome, whole, "portions of {portion}");
            assert!(times >= whole.fuel / portion / 40, "{times} times for portions of {portion}");
        }
    }
}

#[test]
fn an_interrupted_call_goes_on() {
    for engine in engines(false) {
        let mut store = Store::new(&engine, ());
        let text = r#"(module (memory 1) (func (export "run") (param i32) (result i32)
            (loop $again
                (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
                (br_if $again (i32.lt_u (i32.load (i32.const 0)) (local.get 0))))
            (i32.load (i32.const 0))))"#;
        let module = module(&engine, text);
        let mut most = 0;
        // Where the machine is busy, it may end before the other thread begins.
        for _ in 0..100 {
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let run = instance.get_func(&store, "run").unwrap();
            // Before it begins, and while it runs.
            store.interrupt_handle().interrupt();
            let (result, times) = interrupted(&mut store, run, 30_000_000);
            assert_eq!(result, 30_000_000);
            assert!(times > 0);
            most = most.max(times);
            if most > 1 {
                break;
            }
        }
        assert!(most > 1, "{most}");
    }
}

#[test]
fn a_host_function_gets_its_results_later() {
    for engine in engines(false) {
        let mut store = Store::new(&engine, ());
        let text = r#"(module (import "host" "ask" (func $ask (param i64) (result i64 i32)))
            (func $inner (param i64) (result i64) (local $n i32)
                (call $ask (local.get 0))
                (local.set $n)
                (i64.add (i64.extend_i32_s (local.get $n))))
            (func (export "run") (param i64) (result i64)
                (i64.mul (call $inner (local.get 0)) (call $inner (i64.const 5)))))"#;
        let instance = asking(&engine).instantiate(&mut store, &module(&engine, text)).unwrap();
        let run = instance.get_func(&store, "run").unwrap();
        let mut got = [Val::I64(0)];
        let first = suspended(run.call_resumable(&mut store, &[Val::I64(3)], &mut got).unwrap());
        assert_eq!(first.reason().downcast_ref::<Wait>().unwrap().0, 3);
        assert!(first.reason().backtrace().unwrap().frames().len() == 2);
        assert_eq!(first.host_func(&mut store).unwrap().ty(&store).to_string(), "(i64) -> (i64, i32)");
        // Another call meanwhile, which is dropped half done.
        drop(run.call_resumable(&mut store, &[Val::I64(9)], &mut got).unwrap());
        let used = store.budget().used();
        let second = first.resume_with(&mut store, &[Val::I64(40), Val::I32(2)], &mut got).unwrap();
        assert!(store.budget().used() < used, "what was dropped is given back");
        let second = suspended(second);
        assert_eq!(second.reason().downcast_ref::<Wait>().unwrap().0, 5);
        let end = second.resume_with(&mut store, &[Val::I64(9), Val::I32(1)], &mut got).unwrap();
        assert!(matches!(end, ResumableCall::Finished));
        assert_eq!(got[0].unwrap_i64(), 420);

        let wrong = suspended(run.call_resumable(&mut store, &[Val::I64(3)], &mut got).unwrap());
        let error = wrong.resume(&mut store, &mut got).unwrap_err();
        assert!(error.to_string().contains("expected 2 results of the host function"), "{error}");
        // An ordinary call fails as ever.
        assert!(run.call(&mut store, &[Val::I64(3)], &mut got).unwrap_err().is::<Wait>());
    }
}

#[test]
fn a_host_function_fails_again() {
    engines(false).iter().for_each(host_fails_again);
}

/// The functions that an error came through, with the offsets of their calls.
fn frames(error: &Error) -> Vec<(u32, Option<u64>)> {
    let frames = error.backtrace().unwrap().frames();
    frames.iter().map(|frame| (frame.func_index(), frame.module_offset())).collect()
}

#[test]
fn a_call_that_is_tried_again_fails_where_it_did() {
    let text = r#"(module (import "host" "ask" (func $ask (param i32) (result i32)))
        (func $tail (param i32) (result i32) (return_call $ask (local.get 0)))
        (func $inner (param i32) (result i32) (i32.add (call $ask (local.get 0)) (i32.const 1)))
        (func (export "calls") (param i32) (result i32) (i32.mul (call $inner (local.get 0)) (i32.const 2)))
        (func (export "tail-calls") (param i32) (result i32) (i32.mul (call $tail (local.get 0)) (i32.const 2))))"#;
    for engine in engines(false) {
        for (name, depth) in [("calls", 2), ("tail-calls", 1)] {
            let mut store = Store::new(&engine, 0);
            let mut linker = Linker::new(&engine);
            let ask = |mut caller: Caller<'_, i32>, x: i32| -> Result<i32, Error> {
                *caller.data_mut() += 1;
                if *caller.data() < 4 { Err(Trap::Interrupt.into()) } else { Ok(x + 20) }
            };
            linker.func_wrap("host", "ask", ask).unwrap();
            let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
            let func = instance.get_func(&store, name).unwrap();
            let mut got = [Val::I32(0)];
            let mut call = func.call_resumable(&mut store, &[Val::I32(1)], &mut got).unwrap();
            let mut places = Vec::new();
            while let ResumableCall::Suspended(suspended) = call {
                places.push(frames(suspended.reason()));
                call = suspended.resume(&mut store, &mut got).unwrap();
            }
            assert_eq!((places.len(), places[0].len()), (3, depth), "{places:?}");
            assert!(places.iter().all(|place| *place == places[0]), "{name}: {places:?}");
            assert_eq!(got[0].unwrap_i32(), if depth == 2 { 44 } else { 42 });
        }
    }
}

#[test]
fn each_bulk_operation_costs_what_it_must() {
    engines(true).iter().for_each(bulk::each_costs_what_it_must);
}

#[test]
fn each_bulk_operation_goes_on_where_it_was() {
    engines(true).iter().for_each(bulk::each_goes_on_where_it_was);
}

#[test]
fn what_ends_a_call_ends_it() {
    for engine in engines(false) {
        let mut store = Store::new(&engine, ());
        let text = r#"(module (func (export "run") (param i32) (result i32)
            (i32.div_u (i32.const 10) (local.get 0))))"#;
        let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
        let run = instance.get_func(&store, "run").unwrap();
        let mut got = [Val::I32(0)];
        let error = run.call_resumable(&mut store, &[Val::I32(0)], &mut got).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::IntegerDivisionByZero));
        assert!(run.call_resumable(&mut store, &[], &mut got).is_err());
        let end = run.call_resumable(&mut store, &[Val::I32(5)], &mut got).unwrap();
        assert!(matches!(end, ResumableCall::Finished));
        assert_eq!(got[0].unwrap_i32(), 2);
    }
}

/// A host function that makes a resumable call, and goes on with it later, from another host function.
#[test]
fn suspended_calls_nest() {
    for engine in engines(true) {
        let mut store = Store::new(&engine, None::<SuspendedCall>);
        let mut linker = Linker::<Option<SuspendedCall>>::new(&engine);
        let begin = |mut caller: Caller<'_, Option<SuspendedCall>>| -> Result<(), Error> {
            let spin = caller.get_export("spin").unwrap().into_func().unwrap();
            let fuel = caller.get_fuel()?;
            caller.set_fuel(50)?;
            let call = spin.call_resumable(&mut caller, &[Val::I32(1000)], &mut [Val::I32(0)])?;
            caller.set_fuel(fuel)?;
            *caller.data_mut() = Some(suspended(call));
            Ok(())
        };
        let end = |mut caller: Caller<'_, Option<SuspendedCall>>| -> Result<i32, Error> {
            let call = caller.data_mut().take().unwrap();
            let mut got = [Val::I32(0)];
            let call = call.resume(&mut caller, &mut got)?;
            assert!(matches!(call, ResumableCall::Finished));
            Ok(got[0].unwrap_i32())
        };
        linker.func_wrap("host", "begin", begin).unwrap();
        linker.func_wrap("host", "end", end).unwrap();
        let text = r#"(module
            (import "host" "begin" (func $begin))
            (import "host" "end" (func $end (result i32)))
            (func (export "spin") (param i32) (result i32) (local i32)
                (loop $again
                    (local.set 1 (i32.add (local.get 1) (i32.const 3)))
                    (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (local.get 1))
            (func (export "run") (result i32) (call $begin) (i32.add (call $end) (i32.const 1))))"#;
        let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
        store.set_fuel(1_000_000).unwrap();
        let run = instance.get_typed_func::<(), i32>(&store, "run").unwrap();
        assert_eq!(run.call(&mut store, ()).unwrap(), 3001);
    }
}

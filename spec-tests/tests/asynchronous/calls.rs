//! What asynchronous calls do.

use crate::{engines, everywhere, later, linker};
use dunlin::{
    Caller, Engine, Error, Extern, FuncType, Linker, Module, Store, Trap, UpdateDeadline, Val, ValType,
};

const SUM: &str = r#"(module
    (import "host" "add" (func $add (param i32 i32) (result i32)))
    (import "host" "log" (func $log (param i32)))
    (start $start)
    (func $start (call $log (call $add (i32.const 100) (i32.const 1))))
    (func (export "sum") (param $n i32) (result i32) (local $sum i32)
        (loop $again
            (local.set $sum (call $add (local.get $sum) (local.get $n)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
    (func (export "tail") (param i32 i32) (result i32)
        (return_call $add (local.get 0) (local.get 1))))"#;

#[test]
fn guests_wait_for_host_functions() {
    for engine in engines(|_| ()) {
        let module = Module::new(&engine, SUM).unwrap();
        let linker = linker(&engine);
        everywhere(|| {
            let (module, linker, mut store) =
                (module.clone(), linker.clone(), Store::new(&engine, Vec::new()));
            async move {
                let instance = linker.instantiate_async(&mut store, &module).await.unwrap();
                assert_eq!(*store.data(), [100, 101], "the start function waits, too");
                let sum = instance.get_typed_func::<i32, i32>(&store, "sum").unwrap();
                for _ in 0..3 {
                    store.data_mut().clear();
                    assert_eq!(sum.call_async(&mut store, 4).await.unwrap(), 10);
                    assert_eq!(*store.data(), [0, 4, 7, 9]);
                }
                let tail = instance.get_func(&store, "tail").unwrap();
                let mut results = [Val::I32(0)];
                tail.call_async(&mut store, &[Val::I32(3), Val::I32(4)], &mut results).await.unwrap();
                assert_eq!(results[0].unwrap_i32(), 7);
                // The host function itself, and a call that isn't asynchronous.
                let Some(Extern::Func(add)) = linker.get(&mut store, "host", "add") else { panic!() };
                let add = add.typed::<(i32, i32), i32>(&store).unwrap();
                assert_eq!(add.call_async(&mut store, (1, 2)).await.unwrap(), 3);
                let error = sum.call(&mut store, 1).unwrap_err();
                assert!(error.to_string().contains("call_async"), "{error}");
                assert!(linker.instantiate(&mut store, &module).is_err());
                assert_eq!(sum.call_async(&mut store, 2).await.unwrap(), 3, "the store is as it was");
            }
        });
    }
}

#[test]
fn host_functions_fail_and_throw_later() {
    let text = r#"(module
        (import "host" "f" (func $f (param i32) (result i64)))
        (import "host" "tag" (tag $tag (param i32)))
        (func (export "run") (param i32) (result i64)
            (block $caught (result i32)
                (try_table (catch $tag $caught) (return (call $f (local.get 0))))
                (unreachable))
            (i64.extend_i32_s)))"#;
    for engine in engines(|_| ()) {
        let module = Module::new(&engine, text).unwrap();
        everywhere(|| {
            let (engine, module) = (engine.clone(), module.clone());
            async move {
                let mut store = Store::new(&engine, None);
                let mut linker = Linker::new(&engine);
                let ty = FuncType::new([ValType::I32], [ValType::I64]);
                let func =
                    |mut caller: Caller<'_, Option<dunlin::Tag>>, args: &[Val], results: &mut [Val]| {
                        match args[0].unwrap_i32() {
                            0 => Err(Error::msg("later, it failed")),
                            1 => Err(Trap::IntegerOverflow.into()),
                            2 => {
                                let tag = caller.data().unwrap();
                                let exception = dunlin::ExnRef::new(&mut caller, &tag, &[Val::I32(-5)])?;
                                Ok(caller.as_store().throw(exception)?)
                            }
                            3 => {
                                results[0] = Val::I32(0);
                                Ok(())
                            }
                            n => {
                                results[0] = Val::I64(n.into());
                                Ok(())
                            }
                        }
                    };
                linker
                    .func_new_async("host", "f", ty, move |caller, args, results| {
                        Box::new(async move {
                            later().await;
                            func(caller, args, results)
                        })
                    })
                    .unwrap();
                let ty = dunlin::TagType::new(FuncType::new([ValType::I32], []));
                let tag = dunlin::Tag::new(&mut store, &ty).unwrap();
                *store.data_mut() = Some(tag);
                linker.define(&store, "host", "tag", tag).unwrap();
                let instance = linker.instantiate_async(&mut store, &module).await.unwrap();
                let run = instance.get_typed_func::<i32, i64>(&store, "run").unwrap();
                let error = run.call_async(&mut store, 0).await.unwrap_err();
                assert_eq!(error.to_string(), "later, it failed");
                assert_eq!(error.backtrace().unwrap().frames().len(), 1);
                let error = run.call_async(&mut store, 1).await.unwrap_err();
                assert_eq!(error.trap(), Some(Trap::IntegerOverflow));
                assert_eq!(run.call_async(&mut store, 2).await.unwrap(), -5, "the guest catches it");
                assert!(run.call_async(&mut store, 3).await.unwrap_err().to_string().contains("result 0"));
                assert_eq!(run.call_async(&mut store, 4).await.unwrap(), 4);
            }
        });
    }
}

const SPIN: &str = r#"(module
    (func (export "spin") (param i32) (result i32)
        (loop $again (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i32.const 9))
    (func (export "forever") (loop (br 0))))"#;

/// How often a future is polled until it is ready.
async fn polls<F: Future>(future: F) -> (F::Output, u32) {
    let (mut future, mut count) = (std::pin::pin!(future), 0);
    let output = std::future::poll_fn(|context| {
        count += 1;
        future.as_mut().poll(context)
    });
    (output.await, count)
}

#[test]
fn calls_yield_after_so_much_fuel() {
    for engine in engines(|config| _ = config.consume_fuel(true)) {
        let module = Module::new(&engine, SPIN).unwrap();
        everywhere(|| {
            let (engine, module) = (engine.clone(), module.clone());
            async move {
                let mut store = Store::new(&engine, ());
                let instance = dunlin::Instance::new_async(&mut store, &module, &[]).await.unwrap();
                let spin = instance.get_typed_func::<i32, i32>(&store, "spin").unwrap();
                let mut used = Vec::new();
                for (interval, least) in
                    [(None, 1), (Some(1 << 40), 1), (Some(10_000), 10), (Some(100), 1000)]
                {
                    store.set_fuel(1 << 30).unwrap();
                    store.fuel_async_yield_interval(interval).unwrap();
                    let (result, count) = polls(spin.call_async(&mut store, 100_000)).await;
                    assert_eq!(result.unwrap(), 9);
                    assert!(count >= least && (least > 1 || count == 1), "{count} polls for {interval:?}");
                    used.push(store.get_fuel().unwrap());
                }
                assert!(used.iter().all(|left| *left == used[0]), "yielding uses no fuel: {used:?}");
                // Other calls don't yield; and where the fuel ends, so does the call.
                assert_eq!(spin.call(&mut store, 10_000).unwrap(), 9);
                store.set_fuel(5_000).unwrap();
                let error = spin.call_async(&mut store, 100_000).await.unwrap_err();
                assert_eq!(error.trap(), Some(Trap::OutOfFuel));
                assert!(store.fuel_async_yield_interval(Some(0)).is_err());
            }
        });
    }
    let mut store = Store::<()>::default();
    assert!(store.fuel_async_yield_interval(Some(1)).is_err(), "fuel isn't counted");
}

#[test]
fn calls_yield_at_their_deadline() {
    for engine in engines(|config| _ = config.epoch_interruption(true)) {
        let module = Module::new(&engine, SPIN).unwrap();
        everywhere(|| {
            let (engine, module) = (engine.clone(), module.clone());
            async move {
                let mut store = Store::new(&engine, 0);
                store.epoch_deadline_async_yield_and_update(1);
                let instance = dunlin::Instance::new_async(&mut store, &module, &[]).await.unwrap();
                let forever = instance.get_typed_func::<(), ()>(&store, "forever").unwrap();
                // It begins by yielding, as each epoch begins when it is polled again.
                let mut polled = 0;
                {
                    let mut call = std::pin::pin!(forever.call_async(&mut store, ()));
                    std::future::poll_fn(|context| {
                        engine.increment_epoch();
                        assert!(call.as_mut().poll(context).is_pending());
                        polled += 1;
                        if polled < 5 { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
                    })
                    .await;
                }
                // The call was dropped where it was. A callback does as it likes.
                store.epoch_deadline_callback(|mut store| {
                    *store.data_mut() += 1;
                    let calls = *store.data();
                    store.engine().increment_epoch();
                    Ok(match calls {
                        1 => UpdateDeadline::Continue(0),
                        2 => UpdateDeadline::Yield(0),
                        3 => UpdateDeadline::YieldCustom(0, Box::pin(later())),
                        _ => UpdateDeadline::Interrupt,
                    })
                });
                store.set_epoch_deadline(0);
                let (result, count) = polls(forever.call_async(&mut store, ())).await;
                assert_eq!(result.unwrap_err().trap(), Some(Trap::Interrupt));
                assert_eq!((*store.data(), count), (4, 3));
                store.epoch_deadline_trap();
                let error = forever.call_async(&mut store, ()).await.unwrap_err();
                assert_eq!(error.trap(), Some(Trap::Interrupt));
            }
        });
    }
}

#[test]
fn a_host_function_calls_the_guest_while_it_waits() {
    let text = r#"(module
        (import "host" "again" (func $again (param i32) (result i32)))
        (func (export "run") (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (call $again (i32.sub (local.get 0) (i32.const 1)))))
                (else (i32.const 0)))))"#;
    for engine in engines(|_| ()) {
        let module = Module::new(&engine, text).unwrap();
        everywhere(|| {
            let (engine, module) = (engine.clone(), module.clone());
            async move {
                let mut linker = Linker::<()>::new(&engine);
                linker
                    .func_wrap_async("host", "again", |mut caller: Caller<'_, ()>, (n,): (i32,)| {
                        Box::new(async move {
                            let run = caller.get_export("run").and_then(Extern::into_func).unwrap();
                            let run = run.typed::<i32, i32>(&caller)?;
                            later().await;
                            run.call_async(&mut caller, n).await
                        })
                    })
                    .unwrap();
                let mut store = Store::new(&engine, ());
                let instance = linker.instantiate_async(&mut store, &module).await.unwrap();
                let run = instance.get_typed_func::<i32, i32>(&store, "run").unwrap();
                assert_eq!(run.call_async(&mut store, 20).await.unwrap(), 20);
                // A call that isn't asynchronous, inside of one that is, can't wait.
                let error = run.call(&mut store, 1).unwrap_err();
                assert!(error.to_string().contains("call_async"), "{error}");
            }
        });
    }
}

#[test]
fn a_panic_and_a_dropped_call_leave_the_store_as_it_was() {
    let engine = Engine::default();
    let mut linker = linker(&engine);
    linker.allow_shadowing(true);
    linker
        .func_wrap_async("host", "log", |_: Caller<'_, Vec<i32>>, (n,): (i32,)| {
            Box::new(async move {
                later().await;
                assert!(n > 0, "the host's");
            })
        })
        .unwrap();
    let text = r#"(module (import "host" "log" (func $log (param i32)))
        (func (export "run") (param i32) (result i32) (call $log (local.get 0)) (local.get 0)))"#;
    let module = Module::new(&engine, text).unwrap();
    let mut store = Store::new(&engine, Vec::new());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<i32, i32>(&store, "run").unwrap();
    let mut calls = |n: i32| {
        let call = run.call_async(&mut store, n);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| smol::block_on(call)))
    };
    assert!(calls(0).is_err());
    assert_eq!(calls(3).unwrap().unwrap(), 3);
    for _ in 0..100 {
        let mut call = Box::pin(run.call_async(&mut store, 4));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    let used = store.budget().used();
    smol::block_on(run.call_async(&mut store, 5)).unwrap();
    assert!(store.budget().used() <= used, "what is dropped is given back");
}

#[test]
fn commands_are_called_asynchronously() {
    let text = r#"(module
        (import "host" "add" (func $add (param i32 i32) (result i32)))
        (func (export "_start") (drop (call $add (i32.const 5) (i32.const 6)))))"#;
    let engine = Engine::default();
    let module = Module::new(&engine, text).unwrap();
    everywhere(|| {
        let (mut linker, module, mut store) =
            (linker(&engine), module.clone(), Store::new(&engine, Vec::new()));
        async move {
            linker.module_async(&mut store, "", &module).await.unwrap();
            let start = linker.get_default(&mut store, "").unwrap().typed::<(), ()>(&store).unwrap();
            start.call_async(&mut store, ()).await.unwrap();
            start.call_async(&mut store, ()).await.unwrap();
            assert_eq!(*store.data(), [5, 5]);
        }
    });
}

//! Deadlines in an engine's epochs.

use dunlin::{
    AsContextMut, Caller, Config, Dispatch, Engine, Error, Func, Instance, Module, Result, ResumableCall,
    Store, Trap, UpdateDeadline,
};

/// A module of its text.
fn loaded(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).expect("valid text")).expect("valid module")
}

const TEXT: &str = r#"(module
    (import "host" "tick" (func $tick))
    (func (export "count") (param i32) (result i32) (local i32)
        (loop $again
            (call $tick)
            (local.set 1 (i32.add (local.get 1) (i32.const 2)))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))
    (func (export "spin") (loop (br 0))))"#;

fn engine(dispatch: Dispatch) -> Engine {
    Engine::new(Config::new().epoch_interruption(true).dispatch(dispatch)).unwrap()
}

/// A store whose guest begins an epoch with each call of `tick`.
fn guest(engine: &Engine) -> (Store<u32>, Instance) {
    let module = loaded(engine, TEXT);
    let mut store = Store::new(engine, 0);
    store.set_epoch_deadline(1);
    let tick = Func::wrap(&mut store, |caller: Caller<'_, u32>| caller.engine().increment_epoch());
    let instance = Instance::new(&mut store, &module, &[tick.into()]).unwrap();
    (store, instance)
}

fn count(store: &mut Store<u32>, instance: Instance, n: i32) -> Result<i32> {
    instance.get_typed_func::<i32, i32>(&*store, "count")?.call(store, n)
}

#[test]
fn a_deadline_traps_until_it_is_moved() {
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let engine = engine(dispatch);
        let (mut store, instance) = guest(&engine);
        // The interpreter looks at flags once in a slice of fuel.
        for _ in 0..3 {
            let error = count(&mut store, instance, 1_000_000).unwrap_err();
            assert_eq!(error.trap(), Some(Trap::Interrupt));
        }
        store.set_epoch_deadline(u64::MAX);
        assert_eq!(count(&mut store, instance, 1000).unwrap(), 2000);
        // Only the handle's interruption is over with one trap.
        store.interrupt_handle().interrupt();
        assert_eq!(count(&mut store, instance, 1).unwrap_err().trap(), Some(Trap::Interrupt));
        assert_eq!(count(&mut store, instance, 1).unwrap(), 2);
        store.set_epoch_deadline(0);
        assert_eq!(count(&mut store, instance, 1).unwrap_err().trap(), Some(Trap::Interrupt));
    }
}

#[test]
fn a_new_store_has_reached_its_deadline() {
    let engine = engine(Dispatch::Tail);
    let module = loaded(&engine, "(module (func (export \"f\")))");
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let f = instance.get_typed_func::<(), ()>(&store, "f").unwrap();
    assert_eq!(f.call(&mut store, ()).unwrap_err().trap(), Some(Trap::Interrupt));
    store.set_epoch_deadline(1);
    f.call(&mut store, ()).unwrap();
    // Without the switch, there are no deadlines.
    let engine = Engine::default();
    let module = loaded(&engine, "(module (func (export \"f\")))");
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(0);
    engine.increment_epoch();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    instance.get_typed_func::<(), ()>(&store, "f").unwrap().call(&mut store, ()).unwrap();
}

#[test]
fn another_thread_begins_epochs_for_all_stores() {
    let engine = engine(Dispatch::Tail);
    std::thread::scope(|scope| {
        let spinning: Vec<_> = (1..=3)
            .map(|ticks| {
                let engine = &engine;
                scope.spawn(move || {
                    let (mut store, instance) = guest(engine);
                    store.set_epoch_deadline(ticks);
                    let spin = instance.get_typed_func::<(), ()>(&store, "spin").unwrap();
                    assert_eq!(spin.call(&mut store, ()).unwrap_err().trap(), Some(Trap::Interrupt));
                })
            })
            .collect();
        while spinning.iter().any(|thread| !thread.is_finished()) {
            engine.increment_epoch();
            std::thread::yield_now();
        }
    });
}

#[test]
fn a_callback_moves_the_deadline_or_ends_the_call() {
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let engine = engine(dispatch);
        let (mut store, instance) = guest(&engine);
        store.epoch_deadline_callback(move |mut store| {
            *store.data_mut() += 1;
            // It may use the store as it likes.
            let calls = *store.data();
            if calls == 1 {
                store.set_epoch_deadline(u64::MAX);
                let count = instance.get_typed_func::<i32, i32>(&store, "count")?;
                assert_eq!(count.call(&mut store, 3)?, 6);
            }
            Ok(if calls < 5 { UpdateDeadline::Continue(1) } else { UpdateDeadline::Interrupt })
        });
        assert_eq!(count(&mut store, instance, 200_000).unwrap_err().trap(), Some(Trap::Interrupt));
        assert_eq!(*store.data(), 5);
        store.epoch_deadline_callback(|mut store| {
            *store.data_mut() += 1;
            Ok(UpdateDeadline::Continue(1000))
        });
        assert_eq!(count(&mut store, instance, 200_000).unwrap(), 400_000);
        assert!(*store.data() > 6, "{}", store.data());
        store.epoch_deadline_callback(|_| Err(Error::msg("enough")));
        store.set_epoch_deadline(0);
        assert_eq!(count(&mut store, instance, 1).unwrap_err().to_string(), "enough");
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        store.set_epoch_deadline(0);
        let error = count(&mut store, instance, 1).unwrap_err();
        assert!(error.to_string().contains("can't yield"), "{error}");
        // A callback may replace itself.
        store.epoch_deadline_callback(|mut store| {
            store.epoch_deadline_trap();
            Ok(UpdateDeadline::Continue(0))
        });
        store.set_epoch_deadline(0);
        assert_eq!(count(&mut store, instance, 1).unwrap_err().trap(), Some(Trap::Interrupt));
    }
}

#[test]
fn an_interruption_comes_before_a_callback() {
    let engine = engine(Dispatch::Tail);
    let (mut store, instance) = guest(&engine);
    store.epoch_deadline_callback(|mut store| {
        *store.data_mut() += 1;
        Ok(UpdateDeadline::Continue(u64::MAX))
    });
    store.set_epoch_deadline(0);
    store.interrupt_handle().interrupt();
    assert_eq!(count(&mut store, instance, 1).unwrap_err().trap(), Some(Trap::Interrupt));
    assert_eq!(*store.data(), 0);
    assert_eq!(count(&mut store, instance, 1).unwrap(), 2);
    assert_eq!(*store.data(), 1);
}

#[test]
fn resumable_calls_stop_at_a_deadline() {
    let engine = engine(Dispatch::Tail);
    let (mut store, instance) = guest(&engine);
    let count = instance.get_func(&store, "count").unwrap();
    let mut results = [dunlin::Val::I32(0)];
    let mut stops = 0;
    let mut call = count.call_resumable(&mut store, &[dunlin::Val::I32(200_000)], &mut results).unwrap();
    while let ResumableCall::Suspended(suspended) = call {
        assert_eq!(suspended.reason().trap(), Some(Trap::Interrupt));
        stops += 1;
        store.as_context_mut().set_epoch_deadline(50_000);
        call = suspended.resume(&mut store, &mut results).unwrap();
    }
    assert_eq!(results[0].unwrap_i32(), 400_000);
    assert!(stops > 1, "{stops}");
}

#[test]
fn a_store_that_is_gone_costs_nothing() {
    let budget = dunlin::Budget::unlimited();
    let engine = Engine::new(Config::new().epoch_interruption(true).budget(budget.clone())).unwrap();
    drop(Store::new(&engine, ()));
    let before = budget.used();
    for _ in 0..1000 {
        drop(Store::new(&engine, ()));
        engine.increment_epoch();
    }
    assert_eq!(budget.used(), before);
}

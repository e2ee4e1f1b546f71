//! Snapshots that another thread, or the host, asks for while a program runs.

use crate::moving::engine;
use dunlin::{
    Caller, Config, Dispatch, Engine, Error, Extern, InterruptHandle, Linker, Module, ResumableCall,
    Snapshot, Store, SuspendedCall, Trap, Val,
};
use std::time::Duration;

/// Counts down, and has the host called now and then.
const PROGRAM: &str = r#"(module
    (import "host" "call" (func $call (param i32) (result i32)))
    (func (export "nested") (param i32) (result i32) (local i32)
        (loop $again
            (local.set 1 (i32.add (local.get 1) (i32.const 3)))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))
    (func (export "run") (param i32) (result i32) (call $call (local.get 0))))"#;

/// What the host was told, and what it asks for snapshots by.
struct Told {
    said: Vec<&'static str>,
    handle: Option<InterruptHandle>,
}

impl Told {
    fn request_snapshot(&self) {
        self.handle.as_ref().unwrap().request_snapshot();
    }
}

struct World {
    store: Store<Told>,
    linker: Linker<Told>,
    module: Module,
}

impl World {
    fn new(
        engine: &Engine,
        said: &[&'static str],
        call: impl Fn(Caller<'_, Told>, i32) -> Result<i32, Error> + Send + Sync + 'static,
    ) -> Self {
        let mut linker = Linker::new(engine);
        linker.func_wrap("host", "call", call).unwrap();
        let mut store = Store::new(engine, Told { said: said.to_vec(), handle: None });
        store.data_mut().handle = Some(store.interrupt_handle());
        Self { store, linker, module: Module::new(engine, PROGRAM).unwrap() }
    }

    fn begin(&mut self, name: &str, n: i32) -> Result<ResumableCall, Error> {
        self.store.set_fuel(1 << 40).unwrap();
        let instance = self.linker.instantiate(&mut self.store, &self.module).unwrap();
        let func = instance.get_func(&self.store, name).unwrap();
        func.call_resumable(&mut self.store, &[Val::I32(n)], &mut [Val::I32(0)])
    }

    /// Whether a suspended call can be moved, and what it returns then.
    fn moved(&mut self, call: &SuspendedCall, mut to: Self) -> i32 {
        let mut bytes = Vec::new();
        call.snapshot(&mut self.store, &self.linker, b"", &mut bytes).unwrap();
        let snapshot = Snapshot::open(&dunlin::Budget::unlimited(), &bytes[..]).unwrap();
        let restored = snapshot.restore(&mut to.store, &to.linker, &[&to.module]).unwrap().call.unwrap();
        assert!(!restored.wants_snapshot());
        finish(&mut to.store, restored)
    }
}

fn suspended(call: Result<ResumableCall, Error>) -> SuspendedCall {
    match call.unwrap() {
        ResumableCall::Suspended(call) => call,
        ResumableCall::Finished => panic!("it isn't suspended"),
    }
}

fn finish(store: &mut Store<Told>, call: SuspendedCall) -> i32 {
    let mut results = [Val::I32(0)];
    assert!(matches!(call.resume(store, &mut results).unwrap(), ResumableCall::Finished));
    results[0].unwrap_i32()
}

fn engines() -> [Engine; 2] {
    [Dispatch::Tail, Dispatch::Loop].map(|dispatch| engine(|config| _ = config.dispatch(dispatch)))
}

#[test]
fn another_thread_has_a_program_suspended_again_and_again() {
    const TURNS: i32 = 30_000_000;
    for engine in engines() {
        let mut world = World::new(&engine, &[], |_, n| Ok(n));
        let (handle, mut results, mut stops) = (world.store.interrupt_handle(), [Val::I32(0)], 0);
        let (done, over) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while over.recv_timeout(Duration::from_micros(300)).is_err() {
                    handle.request_snapshot();
                }
            });
            let mut call = world.begin("nested", TURNS).unwrap();
            while let ResumableCall::Suspended(stopped) = call {
                assert!(stopped.wants_snapshot() && stopped.reason().trap() == Some(Trap::Interrupt));
                stops += 1;
                if stops == 3 {
                    let elsewhere = World::new(&engine, &[], |_, n| Ok(n));
                    assert_eq!(world.moved(&stopped, elsewhere), TURNS.wrapping_mul(3));
                }
                call = stopped.resume(&mut world.store, &mut results).unwrap();
            }
            done.send(()).unwrap();
        });
        assert_eq!(results[0].unwrap_i32(), TURNS.wrapping_mul(3));
        assert!(stops > 3, "{stops}");
    }
}

#[test]
fn calls_that_cannot_go_on_are_not_disturbed() {
    for engine in engines() {
        let mut world = World::new(&engine, &[], |_, n| Ok(n + 1));
        let instance = world.linker.instantiate(&mut world.store, &world.module).unwrap();
        let handle = world.store.interrupt_handle();
        world.store.set_fuel(1 << 40).unwrap();
        handle.request_snapshot();
        let nested = instance.get_typed_func::<i32, i32>(&world.store, "nested").unwrap();
        assert_eq!(nested.call(&mut world.store, 500_000).unwrap(), 1_500_000);
        // The request is still there for one that can, which hasn't begun then.
        let call = suspended(world.begin("run", 4));
        assert!(call.wants_snapshot());
        assert_eq!(world.moved(&call, World::new(&engine, &[], |_, n| Ok(n * 100))), 400);
        assert_eq!(finish(&mut world.store, call), 5);
        assert!(matches!(world.begin("run", 4).unwrap(), ResumableCall::Finished));
    }
}

#[test]
fn deadlines_and_asynchronous_calls_are_not_disturbed() {
    let engine = Engine::new(Config::new().snapshots(true).epoch_interruption(true)).unwrap();
    let module = Module::new(
        &engine,
        PROGRAM.replace(
            "(import \"host\" \"call\" (func $call (param i32) (result i32)))",
            "(func $call (param i32) (result i32) (local.get 0))",
        ),
    )
    .unwrap();
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(1 << 40);
    store.epoch_deadline_callback(|_| panic!("no deadline was reached"));
    let instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
    let nested = instance.get_typed_func::<i32, i32>(&store, "nested").unwrap();
    store.interrupt_handle().request_snapshot();
    assert_eq!(nested.call(&mut store, 500_000).unwrap(), 1_500_000);
    let mut call = std::pin::pin!(nested.call_async(&mut store, 500_000));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match call.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => assert_eq!(result.unwrap(), 1_500_000),
        std::task::Poll::Pending => panic!("it has nothing to wait for"),
    }
}

/// A host function that calls the guest is a part of the call that is suspended only when it has returned.
#[test]
fn a_nested_call_ends_before_the_outer_one_is_suspended() {
    for engine in engines() {
        let call = |mut caller: Caller<'_, Told>, n: i32| {
            caller.data_mut().said.push("begins");
            caller.data().request_snapshot();
            let Some(Extern::Func(nested)) = caller.get_export("nested") else { panic!() };
            let mut results = [Val::I32(0)];
            nested.call(&mut caller, &[Val::I32(n)], &mut results)?;
            // One that can go on is suspended by itself, for the same request.
            let call = suspended(nested.call_resumable(&mut caller, &[Val::I32(n)], &mut results));
            assert!(call.wants_snapshot());
            assert!(matches!(call.resume(&mut caller, &mut results)?, ResumableCall::Finished));
            caller.data().request_snapshot();
            caller.data_mut().said.push("ends");
            Ok(results[0].unwrap_i32())
        };
        let mut world = World::new(&engine, &[], call);
        // The last request is for what is called next, since little is left to execute of this one.
        assert!(matches!(world.begin("run", 200_000).unwrap(), ResumableCall::Finished));
        assert_eq!(world.store.data().said, ["begins", "ends"]);
        assert!(suspended(world.begin("nested", 5)).wants_snapshot());
    }
}

#[test]
fn a_host_function_that_waits_is_called_again() {
    for engine in engines() {
        let call = |mut caller: Caller<'_, Told>, n: i32| {
            let waiter = caller.interrupt_waiter().map_err(Error::host)?;
            if caller.data().said.is_empty() {
                caller.data().request_snapshot();
            }
            let waits = waiter.is_interrupted();
            assert_eq!(waits, waiter.is_for_snapshot());
            caller.data_mut().said.push(if waits { "waits" } else { "goes on" });
            if waits { Err(Trap::Interrupt.into()) } else { Ok(n) }
        };
        let mut world = World::new(&engine, &[], call);
        let call = suspended(world.begin("run", 9));
        assert!(call.wants_snapshot() && call.host_func(&mut world.store).is_none());
        let elsewhere = World::new(&engine, &["moved"], call_again);
        assert_eq!(world.moved(&call, elsewhere), 10);
        assert_eq!(finish(&mut world.store, call), 9);
        assert_eq!(world.store.data().said, ["waits", "goes on"]);
    }
}

fn call_again(caller: Caller<'_, Told>, n: i32) -> Result<i32, Error> {
    assert_eq!(caller.data().said, ["moved"]);
    Ok(n + 1)
}

#[test]
fn an_interruption_comes_after_the_snapshot() {
    for engine in engines() {
        let mut world = World::new(&engine, &[], |_, n| Ok(n));
        let handle = world.store.interrupt_handle();
        handle.interrupt();
        handle.request_snapshot();
        let call = suspended(world.begin("run", 7));
        assert!(call.wants_snapshot());
        let call = suspended(call.resume(&mut world.store, &mut [Val::I32(0)]));
        assert!(!call.wants_snapshot() && call.reason().trap() == Some(Trap::Interrupt));
        assert_eq!(finish(&mut world.store, call), 7);
    }
}

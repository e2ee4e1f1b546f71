//! Shared memories and threads, interpreted in both ways and compiled with guards and with checks.
#![cfg(feature = "compiler")]

use dunlin::{
    Budget, Config, Dispatch, Engine, ErrorKind, Extern, Instance, Linker, MemoryType, Module, ResumableCall,
    SharedMemory, Store, Trap, Val, WaitResult,
};
use dunlin_jit::{Jit, MemoryGuard, Mode};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const THREADS: usize = 4;

const GUEST: &str = r#"(module
    (import "" "m" (memory 1 10 shared))
    (func (export "count") (param $n i32)
        (loop $l
            (drop (i32.atomic.rmw.add offset=64 (i32.const 0) (i32.const 1)))
            (drop (i64.atomic.rmw16.add_u (i32.const 72) (i64.const 3)))
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func $lock
        (block $done (loop $again
            (br_if $done (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1))))
            (drop (memory.atomic.wait32 (i32.const 0) (i32.const 1) (i64.const -1)))
            (br $again))))
    (func $unlock
        (i32.atomic.store (i32.const 0) (i32.const 0))
        (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))
    (func (export "count locked") (param $n i32)
        (loop $l
            (call $lock)
            (i32.store (i32.const 80) (i32.add (i32.load (i32.const 80)) (i32.const 1)))
            (call $unlock)
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "wait") (param $timeout i64) (result i32)
        (memory.atomic.wait64 (i32.const 8) (i64.const 0) (local.get $timeout)))
    (func (export "notify") (param $count i32) (result i32)
        (memory.atomic.notify (i32.const 8) (local.get $count)))
    (func (export "grow") (param $pages i32) (result i32) (memory.grow (local.get $pages)))
    (func (export "size") (result i32) (memory.size))
    (func (export "sizes until") (param $pages i32)
        (loop $l (br_if $l (i32.lt_u (memory.size) (local.get $pages)))))
    (func (export "load") (param $at i32) (result i32) (i32.load (local.get $at)))
    (func (export "sum") (param $at i32) (result i32)
        (i32.add (i32.load8_u offset=1 (i32.add (local.get $at) (i32.const 1)))
                 (i32.atomic.load (local.get $at))))
    (func (export "store") (param $at i32) (i64.store (local.get $at) (i64.const 0x0101010101010101)))
    (func (export "copy") (param $to i32) (memory.copy (local.get $to) (i32.const 64) (i32.const 8))))"#;

/// Engines of each kind.
fn engines(change: impl Fn(&mut Config)) -> Vec<(&'static str, Engine)> {
    let engine = |set: &dyn Fn(&mut Config)| {
        let mut config = Config::new();
        config.shared_memory(true).check_translation(true);
        set(&mut config);
        change(&mut config);
        Engine::new(&config).unwrap()
    };
    let interpreted = |dispatch| {
        engine(&|config| {
            config.dispatch(dispatch);
        })
    };
    let compiled = |guard, fuel| {
        let mut options = Jit::options();
        let jit = Jit::new(options.mode(Mode::Sync).threshold(0).memory_guard(guard)).unwrap();
        engine(&|config| {
            config.tier(jit.clone()).consume_fuel(fuel);
        })
    };
    vec![
        ("tail", interpreted(Dispatch::Tail)),
        ("loop", interpreted(Dispatch::Loop)),
        ("guarded", compiled(MemoryGuard::On, false)),
        ("checked", compiled(MemoryGuard::Off, false)),
        ("checked, with fuel", compiled(MemoryGuard::Off, true)),
    ]
}

struct Guest {
    store: Store<()>,
    instance: Instance,
}

impl Guest {
    fn new(engine: &Engine, module: &Module, memory: &SharedMemory) -> Guest {
        let mut store = Store::new(engine, ());
        let _ = store.set_fuel(u64::MAX);
        let mut linker = Linker::new(engine);
        linker.define(&store, "", "m", memory.clone()).unwrap();
        let instance = linker.instantiate(&mut store, module).unwrap();
        Guest { store, instance }
    }

    fn call<P: dunlin::WasmParams, R: dunlin::WasmResults>(
        &mut self,
        name: &str,
        args: P,
    ) -> Result<R, Trap> {
        let func = self.instance.get_typed_func::<P, R>(&self.store, name).unwrap();
        func.call(&mut self.store, args).map_err(|error| error.trap().unwrap_or_else(|| panic!("{error}")))
    }
}

fn word(memory: &SharedMemory, at: usize) -> u32 {
    let mut bytes = [0; 4];
    memory.read(at, &mut bytes).unwrap();
    u32::from_le_bytes(bytes)
}

/// Has `run` done for each engine, with a module and a memory.
fn each(run: impl Fn(&str, &Engine, &Module, &SharedMemory)) {
    let wasm = wat::parse_str(GUEST).unwrap();
    for (way, engine) in engines(|_| ()) {
        let module = Module::new(&engine, &wasm).unwrap();
        let memory = SharedMemory::new(&engine, MemoryType::shared(1, 10)).unwrap();
        run(way, &engine, &module, &memory);
    }
}

#[test]
fn threads_count_together() {
    each(|way, engine, module, memory| {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let mut guest = Guest::new(engine, module, memory);
                    guest.call::<_, ()>("count", 20_000).unwrap();
                    guest.call::<_, ()>("count locked", 2_000).unwrap();
                });
            }
        });
        assert_eq!(word(memory, 64), 20_000 * THREADS as u32, "{way}");
        assert_eq!(word(memory, 72), 60_000 * THREADS as u32 % 65_536, "{way}");
        assert_eq!(word(memory, 80), 2_000 * THREADS as u32, "{way}");
    });
}

#[test]
fn waits_end() {
    each(|way, engine, module, memory| {
        let mut guest = Guest::new(engine, module, memory);
        let start = Instant::now();
        assert_eq!(guest.call::<_, i32>("wait", 50_000_000_i64), Ok(2), "{way}");
        assert!(start.elapsed() >= Duration::from_millis(50), "{way}");
        memory.write(8, &[1]).unwrap();
        assert_eq!(guest.call::<_, i32>("wait", -1_i64), Ok(1), "{way}");
        memory.write(8, &[0]).unwrap();
        assert_eq!(memory.atomic_wait32(8, 0, Some(Duration::from_millis(1))).unwrap(), WaitResult::TimedOut);
        assert_eq!(memory.atomic_wait64(8, 7, None).unwrap(), WaitResult::Mismatch);
        assert_eq!(memory.atomic_notify(6, 1), Err(Trap::HeapMisaligned));
        assert_eq!(memory.atomic_notify(65_536, 1), Err(Trap::MemoryOutOfBounds));

        // By a notification; others are dropped with their stores while this one waits.
        let waiter = thread::spawn(move || (guest.call::<_, i32>("wait", -1_i64), guest));
        let mut other = Guest::new(engine, module, memory);
        while other.call::<_, i32>("notify", -1).unwrap() == 0 {
            drop(other);
            other = Guest::new(engine, module, memory);
        }
        let (result, mut guest) = waiter.join().unwrap();
        assert_eq!(result, Ok(0), "{way}");

        // By an interruption, after which the store is as good as before.
        let handle = guest.store.interrupt_handle();
        let (sender, receiver) = mpsc::channel();
        let waiter = thread::spawn(move || {
            let result = guest.call::<_, i32>("wait", -1_i64);
            sender.send(()).unwrap();
            (result, guest)
        });
        assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err(), "{way}");
        let start = Instant::now();
        handle.interrupt();
        let (result, mut guest) = waiter.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(5), "{way}");
        assert_eq!(result, Err(Trap::Interrupt), "{way}");
        assert_eq!(guest.call::<_, i32>("wait", 0_i64), Ok(2), "{way}");
        // One that comes before it.
        handle.interrupt();
        assert_eq!(guest.call::<_, i32>("wait", -1_i64), Err(Trap::Interrupt), "{way}");
        assert_eq!(memory.atomic_notify(8, 1), Ok(0), "{way}");
    });
}

#[test]
fn interrupted_waits_are_resumed() {
    let wasm = wat::parse_str(GUEST).unwrap();
    for (way, engine) in engines(|config| {
        config.suspend_compiled(true);
    }) {
        let module = Module::new(&engine, &wasm).unwrap();
        let memory = SharedMemory::new(&engine, MemoryType::shared(1, 10)).unwrap();
        let Guest { mut store, instance } = Guest::new(&engine, &module, &memory);
        let wait = instance.get_func(&store, "wait").unwrap();
        let handle = store.interrupt_handle();
        // It may come before the wait or while it lasts.
        let interrupted = thread::spawn(move || {
            let mut results = [Val::I32(9)];
            let call = wait.call_resumable(&mut store, &[Val::I64(-1)], &mut results).unwrap();
            (call, store)
        });
        thread::sleep(Duration::from_millis(20));
        handle.interrupt();
        let (call, mut store) = interrupted.join().unwrap();
        let ResumableCall::Suspended(call) = call else { panic!("{way}: it has ended") };
        assert_eq!(call.reason().trap(), Some(Trap::Interrupt), "{way}");
        assert_eq!(memory.atomic_notify(8, 1), Ok(0), "{way}");

        // It waits again, until it is notified.
        let resumed = thread::spawn(move || {
            let mut results = [Val::I32(9)];
            let call = call.resume(&mut store, &mut results).unwrap();
            (matches!(call, ResumableCall::Finished), results[0].i32(), store)
        });
        while memory.atomic_notify(8, 1) == Ok(0) {
            thread::yield_now();
        }
        let (is_finished, result, mut store) = resumed.join().unwrap();
        assert_eq!((is_finished, result), (true, Some(0)), "{way}");

        // One that is interrupted before it begins looks at the bytes when it is resumed.
        handle.interrupt();
        let mut results = [Val::I32(9)];
        let call = wait.call_resumable(&mut store, &[Val::I64(-1)], &mut results).unwrap();
        let ResumableCall::Suspended(call) = call else { panic!("{way}: it has ended") };
        memory.write(8, &[1]).unwrap();
        let call = call.resume(&mut store, &mut results).unwrap();
        assert!(matches!(call, ResumableCall::Finished), "{way}");
        assert_eq!(results[0].i32(), Some(1), "{way}");
    }
}

#[test]
fn growth_is_seen_by_others() {
    each(|way, engine, module, memory| {
        let (mut one, mut other) = (Guest::new(engine, module, memory), Guest::new(engine, module, memory));
        // Both have looked at the size.
        assert_eq!(one.call::<_, i32>("load", 65_532), Ok(0), "{way}");
        assert_eq!(other.call::<_, i32>("load", 65_536), Err(Trap::MemoryOutOfBounds), "{way}");
        assert_eq!(one.call::<_, i32>("grow", 1), Ok(1), "{way}");
        assert_eq!(other.call::<_, i32>("load", 65_536), Ok(0), "{way}");
        assert_eq!(other.call::<_, i32>("load", 131_072), Err(Trap::MemoryOutOfBounds), "{way}");
        assert_eq!(memory.grow(1).unwrap(), 2);
        assert_eq!(one.call::<_, ()>("store", 131_072), Ok(()), "{way}");
        assert_eq!(other.call::<_, i32>("sum", 131_072), Ok(0x0101_0102), "{way}");
        assert_eq!(other.call::<_, i32>("size", ()), Ok(3), "{way}");
        assert_eq!(memory.grow(1).unwrap(), 3);
        assert_eq!(one.call::<_, ()>("copy", 196_608), Ok(()), "{way}");
        assert_eq!(one.call::<_, ()>("copy", 262_137), Err(Trap::MemoryOutOfBounds), "{way}");
        assert_eq!(other.call::<_, i32>("grow", 0), Ok(4), "{way}");
        assert_eq!(other.call::<_, i32>("grow", 7), Ok(-1), "{way}");
        assert!(
            memory.grow(7).unwrap_err().to_string().contains("a shared memory of 4 pages can't grow by 7")
        );
        thread::scope(|scope| {
            let waiter = scope.spawn(|| one.call::<_, ()>("sizes until", 10));
            for _ in 0..6 {
                thread::sleep(Duration::from_millis(2));
                other.call::<_, i32>("grow", 1).unwrap();
            }
            waiter.join().unwrap().unwrap();
        });
        assert_eq!((memory.size(), memory.data_size()), (10, 10 << 16), "{way}");
    });
}

#[test]
fn a_shared_memory_is_charged_once() {
    let wasm = wat::parse_str(GUEST).unwrap();
    let budget = Budget::new(64 << 20);
    for (way, engine) in engines(|config| {
        config.budget(budget.clone());
    }) {
        let module = Module::new(&engine, &wasm).unwrap();
        let before = budget.used_for(dunlin::Kind::Memory);
        let memory = SharedMemory::new(&engine, MemoryType::shared(1, 5_000)).unwrap();
        let alone = budget.used_for(dunlin::Kind::Memory) - before;
        assert!((65_536..70_000).contains(&alone), "{way}: {alone}");
        assert!(memory.grow(4_000).unwrap_err().out_of_budget().is_some(), "{way}");
        // The module's import has a smaller maximum.
        let linker = Linker::<()>::new(&engine);
        let mut store = Store::new(&engine, ());
        let error = Instance::new(&mut store, &module, &[Extern::from(memory.clone())]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Link, "{way}");
        drop((linker, memory));
        let memory = SharedMemory::new(&engine, MemoryType::shared(1, 10)).unwrap();
        let guests = [Guest::new(&engine, &module, &memory), Guest::new(&engine, &module, &memory)];
        memory.grow(1).unwrap();
        assert_eq!(budget.used_for(dunlin::Kind::Memory) - before, alone + 65_536, "{way}");
        drop(memory);
        assert_eq!(budget.used_for(dunlin::Kind::Memory) - before, alone + 65_536, "{way}");
        drop(guests);
        assert_eq!(budget.used_for(dunlin::Kind::Memory), before, "{way}");
    }
}

#[test]
fn modules_declare_shared_memories() {
    let wasm = wat::parse_str(
        r#"(module (memory (export "m") 1 2 shared) (data (i32.const 5) "abc") (data $passive "x")
            (func (export "init") (memory.init $passive (i32.const 65535) (i32.const 0) (i32.const 1))))"#,
    );
    let wasm = wasm.unwrap();
    for (way, engine) in engines(|_| ()) {
        let module = Module::new(&engine, &wasm).unwrap();
        let mut store = Store::new(&engine, ());
        let _ = store.set_fuel(u64::MAX);
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        assert!(instance.get_memory(&store, "m").is_none(), "{way}");
        let memory = instance.get_shared_memory(&store, "m").unwrap();
        instance.get_typed_func::<(), ()>(&store, "init").unwrap().call(&mut store, ()).unwrap();
        drop(store);
        let mut bytes = [0; 4];
        memory.read(4, &mut bytes).unwrap();
        assert_eq!((&bytes, word(&memory, 65_532) >> 24), (b"\0abc", u32::from(b'x')), "{way}");
        assert!(memory.read(65_533, &mut bytes).is_err() && memory.write(65_536, b"x").is_err(), "{way}");
    }
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let error = Instance::new(&mut store, &Module::new(&engine, &wasm).unwrap(), &[]).unwrap_err();
    assert_eq!(error.to_string(), "shared memories are switched off, which Config::shared_memory changes");
    assert_eq!(error.kind(), ErrorKind::Limit);
}

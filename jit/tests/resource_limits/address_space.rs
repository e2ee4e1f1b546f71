//! Tests on machines whose address space doesn't suffice for guard regions everywhere.

use crate::{in_child, within};
use dunlin::{Config, Engine, Extern, Instance, Linker, Memory, MemoryType, Module, Store, Trap};
use dunlin_jit::{Jit, MemoryGuard, Mode};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const GUEST: &str = r#"(module
    (memory (export "memory") 1)
    (func $store (export "store") (param $at i32) (param $x i32)
        (i32.store (local.get $at) (local.get $x)))
    (func (export "sum") (param $n i32) (result i32) (local $at i32) (local $sum i32)
        (loop $l
            (call $store (local.get $at) (local.get $n))
            (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
            (local.set $at (i32.and (i32.add (local.get $at) (i32.const 4)) (i32.const 0xfffc)))
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
    (func (export "read") (param $at i32) (result i32) (i32.load (local.get $at))))"#;

fn engine(mode: Mode) -> (Arc<Jit>, Engine) {
    let jit = Jit::new(Jit::options().mode(mode).threshold(1).sample_every(500)).unwrap();
    let engine = Engine::new(Config::new().tier(jit.clone())).unwrap();
    (jit, engine)
}

/// How many functions and loops were compiled.
fn pieces(jit: &Jit) -> u64 {
    let stats = jit.stats();
    stats.functions + stats.loops
}

/// Whether an instance works, in bounds of its memory and out of bounds.
fn works(store: &mut Store<()>, instance: Instance) {
    let sum = instance.get_typed_func::<i32, i32>(&*store, "sum").unwrap();
    for n in [20, 3000] {
        assert_eq!(sum.call(&mut *store, n).unwrap(), n * (n + 1) / 2);
    }
    let read = instance.get_typed_func::<i32, i32>(&*store, "read").unwrap();
    for at in [0x1_0000, 0xfffd, i32::MAX, i32::MIN, -1] {
        assert_eq!(read.call(&mut *store, at).unwrap_err().trap(), Some(Trap::MemoryOutOfBounds), "{at:#x}");
    }
    let memory = instance.get_memory(&*store, "memory").unwrap();
    assert_eq!(memory.grow(&mut *store, 1).unwrap(), 1);
    read.call(&mut *store, 0x1_fffc).unwrap();
    assert_eq!(read.call(&mut *store, 0x2_0000).unwrap_err().trap(), Some(Trap::MemoryOutOfBounds));
}

/// The number of guarded memories, by the system's list of mappings.
fn guarded() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let ranges = maps.lines().filter(|line| line.contains("---p"));
    let len = |line: &str| {
        let (from, to) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        u64::from_str_radix(to, 16).unwrap() - u64::from_str_radix(from, 16).unwrap()
    };
    ranges.filter(|line| (4 << 30) - (64 << 20) < len(line) && len(line) < 5 << 30).count()
}

fn many(name: &str, kib: u64, instances: usize, mode: Mode) {
    if !in_child() {
        for line in within(kib, name) {
            println!("{kib} KiB, {mode:?}: {line}");
        }
        return;
    }
    let (jit, engine) = engine(mode);
    let module = Module::new(&engine, GUEST).unwrap();
    let (mut kept, mut with_guard) = (Vec::new(), Vec::new());
    for n in 0..instances {
        let mut store = Store::new(&engine, ());
        let instance =
            Instance::new(&mut store, &module, &[]).unwrap_or_else(|error| panic!("instance {n}: {error}"));
        works(&mut store, instance);
        kept.push((store, instance));
        with_guard.push(guarded());
    }
    // Instances with guard regions, and compiled code that relied on them, must still work.
    for (store, instance) in &mut kept {
        let sum = instance.get_typed_func::<i32, i32>(&*store, "sum").unwrap();
        assert_eq!(sum.call(&mut *store, 100).unwrap(), 5050);
        let read = instance.get_typed_func::<i32, i32>(&*store, "read").unwrap();
        assert_eq!(read.call(&mut *store, -4).unwrap_err().trap(), Some(Trap::MemoryOutOfBounds));
    }
    let stats = jit.stats();
    println!(
        "= {instances} instances, {} guarded, {} pieces compiled",
        with_guard[instances - 1],
        stats.functions + stats.loops
    );
    assert!(stats.functions + stats.loops >= 2, "{stats:?}");
    let expected = if kib > 48 << 20 { 4..=16 } else { 0..=0 };
    assert!(expected.contains(&with_guard[instances - 1]), "{with_guard:?}");
}

#[test]
fn many_instances_within_64_gib() {
    many("address_space::many_instances_within_64_gib", 64 << 20, 400, Mode::Sync);
}

#[test]
fn many_instances_within_8_gib() {
    many("address_space::many_instances_within_8_gib", 8 << 20, 400, Mode::Sync);
}

#[test]
fn many_instances_compiled_eagerly() {
    many("address_space::many_instances_compiled_eagerly", 64 << 20, 100, Mode::Eager);
}

#[test]
fn many_instances_compiled_in_the_background() {
    if !in_child() {
        within(64 << 20, "address_space::many_instances_compiled_in_the_background");
        return;
    }
    // Threads execute the module while others make instances without guard regions.
    let (jit, engine) = engine(Mode::Background);
    let module = Module::new(&engine, GUEST).unwrap();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut kept = Vec::new();
                for _ in 0..30 {
                    let mut store = Store::new(&engine, ());
                    let instance = Instance::new(&mut store, &module, &[]).unwrap();
                    works(&mut store, instance);
                    kept.push((store, instance));
                    let (store, instance) = kept.first_mut().unwrap();
                    let sum = instance.get_typed_func::<i32, i32>(&*store, "sum").unwrap();
                    // The first instance is in compiled code before there are others.
                    let patience = Instant::now() + Duration::from_secs(120);
                    loop {
                        assert_eq!(sum.call(&mut *store, 2000).unwrap(), 2000 * 2001 / 2);
                        if pieces(&jit) > 0 || Instant::now() > patience {
                            break;
                        }
                    }
                }
            });
        }
    });
    assert!(pieces(&jit) > 0);
}

/// One store, and one memory that several instances import.
#[test]
fn a_memory_without_a_guard_is_imported() {
    if !in_child() {
        within(64 << 20, "address_space::a_memory_without_a_guard_is_imported");
        return;
    }
    let (jit, engine) = engine(Mode::Sync);
    let text = GUEST.replace(
        "(memory (export \"memory\") 1)",
        "(import \"e\" \"m\" (memory 1)) (export \"memory\" (memory 0))",
    );
    let (module, own) = (Module::new(&engine, &text).unwrap(), Module::new(&engine, GUEST).unwrap());
    let mut store = Store::new(&engine, ());
    let instance_of = |store: &mut Store<()>| {
        let memory = Memory::new(&mut *store, MemoryType::new(1, None)).unwrap();
        let mut linker = Linker::new(&engine);
        linker.define(&*store, "e", "m", Extern::Memory(memory)).unwrap();
        linker.instantiate(&mut *store, &module).unwrap()
    };
    let first = instance_of(&mut store);
    works(&mut store, first);
    let compiled = pieces(&jit);
    // The loop, with what it calls inlined.
    assert!(compiled >= 1);
    for _ in 0..40 {
        let other = Instance::new(&mut store, &own, &[]).unwrap();
        works(&mut store, other);
    }
    let last = instance_of(&mut store);
    works(&mut store, last);
    assert!(pieces(&jit) > compiled);
}

/// With `MemoryGuard::On`, a memory without address space for its guard region is an error.
#[test]
fn a_guard_that_must_be() {
    if !in_child() {
        within(64 << 20, "address_space::a_guard_that_must_be");
        return;
    }
    let jit = Jit::new(Jit::options().memory_guard(MemoryGuard::On)).unwrap();
    let engine = Engine::new(Config::new().tier(jit)).unwrap();
    let module = Module::new(&engine, GUEST).unwrap();
    let mut store = Store::new(&engine, ());
    let made = (0..40).take_while(|_| Instance::new(&mut store, &module, &[]).is_ok()).count();
    assert!((10..16).contains(&made), "{made}");
}

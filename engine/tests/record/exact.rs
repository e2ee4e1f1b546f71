//! Replays are exact.

use super::*;
use dunlin::{Budget, Trap};

#[test]
fn a_hundred_runs_replay_exactly() {
    let (here, there) = (engine(Dispatch::Tail), engine(Dispatch::Loop));
    let mut hashes = std::collections::HashSet::new();
    for seed in 0..100 {
        let n = 1 + seed as i32 % 7;
        let (result, file) = record(&here, MIXES, seed * 7919, n);
        let (again, end) = replay(&there, MIXES, &file, n).unwrap();
        assert_eq!((shown(&again), end), (shown(&result), ReplayEnd::Same));
        hashes.insert(shown(&result));
    }
    assert_eq!(hashes.len(), 100);
}

#[test]
fn the_ends_of_programs_are_replayed() {
    let engine = engine(Dispatch::Tail);
    let ends = |body: &str, says: &str| {
        let text = format!(
            r#"(module (import "host" "i32" (func $i32 (param i32) (result i32)))
                (memory (export "memory") 1)
                (func (export "run") (param i32) (result i64)
                    (drop (call $i32 (i32.const 1))) {body}))"#
        );
        let (result, file) = record(&engine, &text, 1, 1);
        assert_eq!(result.as_ref().unwrap_err().to_string(), says);
        let (again, end) = replay(&engine, &text, &file, 1).unwrap();
        assert_eq!((shown(&again), end), (shown(&result), ReplayEnd::Same));
    };
    ends("unreachable", "unreachable");
    ends("(i64.load (i32.const 65533))", "out of bounds memory access");
    ends("(i64.extend_i32_s (i32.div_s (i32.const 1) (i32.const 0)))", "integer divide by zero");
}

#[test]
fn errors_of_host_functions_are_replayed() {
    let engine = engine(Dispatch::Tail);
    let text = r#"(module (import "host" "failing" (func $failing (param i32) (result i32)))
        (func (export "run") (param i32) (result i64) (i64.extend_i32_s (call $failing (local.get 0)))))"#;
    let module = Module::new(&engine, text).unwrap();
    let mut linker = linker(&engine);
    linker.func_wrap("host", "failing", failing).unwrap().record_host_funcs().unwrap();
    for budgets in [false, true] {
        // The same error, by a number of the embedder's.
        let number: fn(&Error) -> Option<u32> = |error| error.to_string().ends_with("no 5").then_some(5);
        let numbered = HostErrors { number, error: |number| Error::msg(format_args!("number {number}")) };
        let errors = if budgets { numbered } else { HostErrors::default() };
        let mut store = Store::new(&engine, Outside { random: 0 });
        store.set_fuel(1000).unwrap();
        let file = File::default();
        store.record(&module, b"", errors, file.clone()).unwrap();
        let result = run(&mut store, &linker, &module, 5);
        store.end_record(result.as_ref().map(|_| ())).unwrap();
        let record = Record::open(engine.budget(), Cursor::new(file.bytes())).unwrap();
        let mut linker = Linker::new(&engine);
        linker.replay_host_funcs(&module).unwrap();
        let mut store = Store::new(&engine, Outside { random: 0 });
        let errors = HostErrors { number: |_| Some(5), ..errors };
        let errors = if budgets { errors } else { HostErrors::default() };
        store.replay(&module, record, errors, |_, _| Ok(())).unwrap();
        let again = run(&mut store, &linker, &module, 5);
        let says = if budgets { "number 5" } else { "the host has no 5" };
        assert_eq!(shown(&again), says);
        assert_eq!(store.end_replay(again.as_ref().map(|_| ())), ReplayEnd::Same);
    }
}

#[test]
fn an_interruption_is_replayed_where_it_was() {
    let engine = engine(Dispatch::Tail);
    let text = r#"(module (import "host" "i32" (func $i32 (param i32) (result i32))) (memory (export "memory") 1)
        (func (export "run") (param i32) (result i64)
            (drop (call $i32 (i32.const 0)))
            (loop $for_ever (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1))) (br $for_ever)) (i64.const 0)))"#;
    let module = Module::new(&engine, text).unwrap();
    let mut linker = linker(&engine);
    linker.record_host_funcs().unwrap();
    let mut store = Store::new(&engine, Outside { random: 0 });
    store.set_fuel(u64::MAX).unwrap();
    let file = File::default();
    store.record(&module, b"", HostErrors::default(), file.clone()).unwrap();
    let handle = store.interrupt_handle();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        handle.interrupt();
    });
    let result = run(&mut store, &linker, &module, 0);
    stopper.join().unwrap();
    assert_eq!(result.as_ref().unwrap_err().trap(), Some(Trap::Interrupt));
    let counted = |store: &mut Store<Outside>| {
        let instance = store.debug_all_instances()[0];
        let memory = instance.get_memory(&mut *store, "memory").unwrap();
        u64::from_le_bytes(memory.data(&*store)[..8].try_into().unwrap())
    };
    let (count, position) = (counted(&mut store), store.replay_position());
    assert!(count > 0);
    store.end_record(result.as_ref().map(|_| ())).unwrap();
    let record = Record::open(engine.budget(), Cursor::new(file.bytes())).unwrap();
    let mut linker = Linker::new(&engine);
    linker.replay_host_funcs(&module).unwrap();
    let mut store = Store::new(&engine, Outside { random: 0 });
    store.replay(&module, record, HostErrors::default(), |_, _| Ok(())).unwrap();
    let again = run(&mut store, &linker, &module, 0);
    assert_eq!((counted(&mut store), store.replay_position()), (count, position));
    assert_eq!(store.end_replay(again.as_ref().map(|_| ())), ReplayEnd::Stopped(Trap::Interrupt));
}

/// A memory that can't grow where it is recorded doesn't grow in a replay, though there is room.
#[test]
fn growth_is_refused_again() {
    let text = r#"(module (memory (export "memory") 1) (table 1 funcref)
        (func (export "run") (param i32) (result i64) (local $grown i64)
            (loop $again
                (local.set $grown (i64.add (i64.mul (local.get $grown) (i64.const 3))
                    (i64.extend_i32_s (memory.grow (i32.const 7)))))
                (local.set $grown (i64.add (i64.mul (local.get $grown) (i64.const 3))
                    (i64.extend_i32_s (table.grow (ref.null func) (i32.const 7000)))))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get $grown)))"#;
    let small = Engine::new(Config::new().recordable().budget(Budget::new(3 << 20))).unwrap();
    let (result, file) = record(&small, text, 0, 20);
    let (again, end) = replay(&engine(Dispatch::Loop), text, &file, 20).unwrap();
    assert_eq!((shown(&again), end), (shown(&result), ReplayEnd::Same));
    let (unbounded, roomy) = record(&engine(Dispatch::Tail), text, 0, 20);
    assert_ne!(shown(&unbounded), shown(&result));
    // Where there was room and now isn't, that is said.
    let said = said(replay(&small, text, &roomy, 20));
    assert!(said.contains("there is no room here for a memory or a table to grow"), "{said}");
}

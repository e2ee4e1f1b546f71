//! What isn't the same is said at once.

use super::*;

#[test]
fn other_arguments_are_noticed() {
    let engine = engine(Dispatch::Tail);
    let text = r#"(module (import "host" "i32" (func $i32 (param i32) (result i32)))
        (func (export "run") (param i32) (result i64)
            (if (i32.eq (local.get 0) (i32.const 9)) (then (return (i64.const 0))))
            (drop (call $i32 (i32.const 7)))
            (i64.extend_i32_s (call $i32 (local.get 0)))))"#;
    let (_, file) = record(&engine, text, 1, 3);
    assert_eq!(said(replay(&engine, text, &file, 3)).split(',').next(), Some("Same"));
    let other = said(replay(&engine, text, &file, 4));
    assert!(other.starts_with("the replay differs from the record at "), "{other}");
    assert!(other.ends_with("argument 0 of 'host.i32' is 0x4, and was 0x3"), "{other}");
    let early = said(replay(&engine, text, &file, 9));
    assert!(early.contains("it returns, and in the record 'host.i32' is called at "), "{early}");
}

#[test]
fn other_functions_and_ends_are_noticed() {
    let engine = engine(Dispatch::Tail);
    let text = r#"(module
        (import "host" "i32" (func $i32 (param i32) (result i32))) (import "host" "i64" (func $i64 (param i64) (result i64)))
        (func (export "run") (param i32) (result i64)
            (if (i32.eq (local.get 0) (i32.const 1)) (then (return (i64.extend_i32_s (call $i32 (i32.const 1))))))
            (if (i32.eq (local.get 0) (i32.const 2)) (then (return (call $i64 (i64.const 1)))))
            (if (i32.eq (local.get 0) (i32.const 3)) (then (drop (call $i32 (i32.const 1))) unreachable))
            (loop $for_ever (br $for_ever)) (unreachable)))"#;
    let (_, file) = record(&engine, text, 1, 1);
    let says = |n: i32, what: &str| {
        let said = said(replay(&engine, text, &file, n));
        assert!(said.contains(what), "{said}");
    };
    says(2, "it calls 'host.i64', and in the record 'host.i32' is called at ");
    says(3, "and in the record");
    // It is stopped as soon as it has used more than up to the event that there should have been.
    says(4, "it executes on, and in the record 'host.i32' is called at ");
}

#[test]
fn other_bytes_that_the_guest_passes_are_noticed() {
    let engine = engine(Dispatch::Tail);
    let text = r#"(module (import "host" "print" (func $print (param i32 i32))) (memory (export "memory") 1)
        (func (export "run") (param i32) (result i64)
            (i32.store8 (i32.const 5) (local.get 0)) (call $print (i32.const 0) (i32.const 16)) (i64.const 0)))"#;
    let module = Module::new(&engine, text).unwrap();
    let mut linker = linker(&engine);
    let print = |mut c: Caller<'_, Outside>, at: u32, len: u32| {
        let memory = memory(&mut c);
        if let Some(notes) = c.call_notes(&memory) {
            let (at, len) = (at as usize, len as usize);
            notes.read(at, &memory.data(&c)[at..at + len]);
            notes.passed_out(1, at, len);
            c.put_call_notes(notes);
        }
    };
    linker.func_wrap("host", "print", print).unwrap().record_host_funcs().unwrap();
    let mut store = Store::new(&engine, Outside { random: 0 });
    store.set_fuel(1000).unwrap();
    let file = File::default();
    store.record(&module, b"", HostErrors::default(), file.clone()).unwrap();
    run(&mut store, &linker, &module, 65).unwrap();
    store.end_record(Ok(())).unwrap();
    for (n, same) in [(65, true), (66, false)] {
        let record = Record::open(engine.budget(), Cursor::new(file.bytes())).unwrap();
        let mut linker = Linker::new(&engine);
        linker.replay_host_funcs(&module).unwrap();
        let mut store = Store::new(&engine, Outside { random: 0 });
        let printed = File::default();
        let mut out = printed.clone();
        store.replay(&module, record, HostErrors::default(), move |_, bytes| out.write_all(bytes)).unwrap();
        let result = run(&mut store, &linker, &module, n);
        match store.end_replay(result.as_ref().map(|_| ())) {
            ReplayEnd::Same => assert!(same && printed.bytes() == b"\0\0\0\0\0A\0\0\0\0\0\0\0\0\0\0"),
            ReplayEnd::Diverged(what) => {
                assert!(!same && what.ends_with("the bytes that it passes are others"), "{what}");
                assert!(printed.bytes().is_empty());
            }
            end => panic!("{end:?}"),
        }
    }
}

#[test]
fn the_record_of_another_module_is_refused() {
    let engine = engine(Dispatch::Tail);
    let (_, file) = record(&engine, MIXES, 1, 1);
    let other = MIXES.replace("5000", "5001");
    assert_eq!(said(replay(&engine, &other, &file, 1)), "the record is another module's");
    let plain = Engine::new(Config::new().consume_fuel(true)).unwrap();
    assert!(said(replay(&plain, MIXES, &file, 1)).contains("isn't configured"));
}

#[test]
fn what_can_not_be_recorded_ends_the_record() {
    let engine = engine(Dispatch::Tail);
    let text = r#"(module (import "host" "i32" (func $i32 (param i32) (result i32)))
        (import "host" "back" (func $back)) (import "host" "ref" (func $ref (result externref)))
        (func (export "inner") (drop (call $i32 (i32.const 2))))
        (func (export "run") (param i32) (result i64)
            (drop (call $i32 (i32.const 1)))
            (if (local.get 0) (then (call $back)) (else (drop (call $ref)))) (i64.const 0)))"#;
    let module = Module::new(&engine, text).unwrap();
    let mut linker = linker(&engine);
    let back = |mut c: Caller<'_, Outside>| -> Result<()> {
        let Some(Extern::Func(inner)) = c.get_export("inner") else { panic!() };
        inner.call(&mut c, &[], &mut [])
    };
    linker.func_wrap("host", "back", back).unwrap();
    linker.func_wrap("host", "ref", || None::<dunlin::ExternRef>).unwrap().record_host_funcs().unwrap();
    for (n, why) in [
        (1, "the host called the guest, which called 'host.i32'"),
        (0, "'host.ref' gives a reference, or throws"),
    ] {
        let mut store = Store::new(&engine, Outside { random: 0 });
        store.set_fuel(1000).unwrap();
        let file = File::default();
        store.record(&module, b"", HostErrors::default(), file.clone()).unwrap();
        run(&mut store, &linker, &module, n).unwrap();
        assert_eq!(store.end_record(Ok(())).unwrap_err().to_string(), why);
        let (_, end) = replay(&engine, text, &file.bytes(), n).unwrap();
        assert_eq!(end, ReplayEnd::RecordEnds(Some(why.into())));
    }
}

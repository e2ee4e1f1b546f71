//! Core dumps are read back by wasmparser: frames with their locals and operands, memories, globals, instances.

mod expressions;
mod random;
mod read;

use dunlin::{
    Budget, Caller, Config, CoreValue, Dispatch, Engine, Error, Func, Instance, Linker, Module, Store,
    WasmCoreDump,
};
use read::{locals, operands, read};
use wasmparser::{Parser, Payload};

fn engine(dispatch: Dispatch) -> Engine {
    Engine::new(Config::new().coredump_on_trap(true).dispatch(dispatch)).unwrap()
}

/// Calls `f` of the module without arguments, and gives how that fails, and the store.
fn fail(engine: &Engine, text: &str) -> (Error, Store<()>) {
    let module = Module::new(engine, wat::parse_str(text).unwrap()).unwrap();
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let f = instance.get_typed_func::<(), ()>(&store, "f").unwrap();
    (f.call(&mut store, ()).unwrap_err(), store)
}

const LOCALS: &str = r#"(module $m
    (func (export "f") (local i32 i64)
        (local.set 0 (i32.const -5))
        (call $g (i32.const 7) (i64.const -9) (f32.const 1.5) (f64.const -2.5) (v128.const i64x2 1 2) (ref.null func))
        drop drop drop)
    (func $g (param i32 i64 f32 f64 v128 funcref) (result i32 i32 i32) (local $turns i32) (local f64 f64 v128 i64)
        (local.set 7 (f64.const 0.25))
        (local.set 10 (i64.const 0x123456789abcdef0))
        (loop $again
            (local.set $turns (i32.add (local.get $turns) (i32.const 1)))
            (local.set 0 (i32.mul (local.get 0) (i32.const 3)))
            (br_if $again (i32.lt_u (local.get $turns) (i32.const 4))))
        (i32.const 1) (i32.const 2) (i32.div_s (local.get 0) (i32.sub (local.get $turns) (i32.const 4)))))"#;

#[test]
fn locals_are_those_of_each_type() {
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let (error, store) = fail(&engine(dispatch), LOCALS);
        let dump = WasmCoreDump::of(&error).unwrap();
        let read = read(&dump.serialize(&store, "m.wasm"));
        assert_eq!(
            (&*read.name, &*read.thread, &read.modules[..]),
            ("m.wasm", "main", &["m".to_owned()][..])
        );
        assert_eq!(read.instances, [(0, vec![], vec![])]);
        let [g, f] = &read.frames[..] else { panic!("{:?}", read.frames) };
        assert_eq!((f.instanceidx, f.funcidx, g.instanceidx, g.funcidx), (0, 0, 0, 1));
        assert_eq!(locals(f), [CoreValue::I32(-5), CoreValue::I64(0)]);
        assert_eq!(
            locals(g),
            [
                CoreValue::I32(7 * 81),
                CoreValue::I64(-9),
                CoreValue::F32(1.5f32.to_bits()),
                CoreValue::F64((-2.5f64).to_bits()),
                CoreValue::Missing,
                CoreValue::Missing,
                CoreValue::I32(4),
                CoreValue::F64(0.25f64.to_bits()),
                CoreValue::F64(0),
                CoreValue::Missing,
                CoreValue::I64(0x1234_5678_9abc_def0),
            ]
        );
        assert_eq!(dump.frames()[0].locals().unwrap(), locals(g));
        assert_eq!(operands(g), [CoreValue::I32(1), CoreValue::I32(2)]);
        assert_eq!(dump.frames()[0].operands().unwrap(), operands(g));
        assert_eq!(operands(f), []);
    }
}

#[test]
fn offsets_lead_to_the_instructions() {
    let (error, store) = fail(&engine(Dispatch::Tail), LOCALS);
    let dump = WasmCoreDump::of(&error).unwrap();
    let module = wat::parse_str(LOCALS).unwrap();
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(&module) {
        if let Payload::CodeSectionEntry(body) = payload.unwrap() {
            bodies.push(body.range());
        }
    }
    for (frame, expected) in read(&dump.serialize(&store, "")).frames.iter().zip([0x6d, 0x10]) {
        let body = &module[bodies[frame.funcidx as usize].start as usize..];
        // i32.div_s and call.
        assert_eq!(body[frame.codeoffset as usize], expected);
    }
}

#[test]
fn memories_and_globals_of_all_instances() {
    let engine = engine(Dispatch::Tail);
    let mut linker = Linker::new(&engine);
    let mut store = Store::new(&engine, ());
    let of = |text: &str| Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let owner = of(r#"(module $owner (memory (export "m") 2 5) (global (export "g") (mut i64) (i64.const 5))
        (data (i32.const 8) "owner"))"#);
    let user = of(
        r#"(module $user (import "owner" "m" (memory 1)) (import "owner" "g" (global $g (mut i64)))
        (memory i64 1) (global f32 (f32.const 0.5)) (global v128 (v128.const i64x2 -1 7)) (global funcref (ref.null func))
        (global externref (ref.null extern)) (global $last (mut i32) (i32.const 1))
        (func (export "f") (param i32)
            (i32.store (i32.const 70000) (i32.const 0x01020304))
            (i32.store 1 (i64.const 65532) (i32.const 0x05060708))
            (global.set $g (i64.const -6)) (global.set $last (i32.const -100))
            unreachable))"#,
    );
    let owner = linker.instantiate(&mut store, &owner).unwrap();
    linker.instance(&mut store, "owner", owner).unwrap();
    let user = linker.instantiate(&mut store, &user).unwrap();
    let f = user.get_typed_func::<i32, ()>(&store, "f").unwrap();
    let error = f.call(&mut store, 3).unwrap_err();
    let dump = WasmCoreDump::of(&error).unwrap();
    let bytes = dump.serialize(&store, "user");
    let found = read(&bytes);

    assert_eq!(found.modules, ["owner", "user"]);
    let sizes: Vec<_> = found.memories.iter().map(|ty| (ty.initial, ty.maximum, ty.memory64)).collect();
    let number = |size| sizes.iter().position(|found| *found == size).unwrap() as u32;
    let (shared, own) = (number((2, Some(5), false)), number((1, None, true)));
    assert_eq!(found.instances[0], (0, vec![shared], vec![0]));
    assert_eq!(found.instances[1], (1, vec![shared, own], vec![0, 1, 2, 3, 4, 5]));
    let globals = found.globals.join(", ");
    for value in
        ["I64Const { value: -6 }", "F32Const { value: Ieee32(1056964608) }", "I32Const { value: -100 }"]
    {
        assert!(globals.contains(value), "{globals}");
    }
    assert_eq!(found.globals.iter().filter(|init| init.starts_with("RefNull")).count(), 2);
    assert_eq!((found.frames.len(), found.frames[0].instanceidx), (1, 1));
    assert_eq!(locals(&found.frames[0]), [CoreValue::I32(3)]);

    // What is read back is what is there, and zeros take no room.
    let at = |memory: u32, at: u64, length: usize| {
        let (_, start, bytes) = found
            .data
            .iter()
            .find(|(m, start, bytes)| *m == memory && (*start..start + bytes.len() as u64).contains(&at))
            .unwrap();
        bytes[(at - start) as usize..][..length].to_vec()
    };
    assert_eq!(at(shared, 8, 5), b"owner");
    assert_eq!(at(shared, 70000, 4), [4, 3, 2, 1]);
    assert_eq!(at(own, 65532, 4), [8, 7, 6, 5]);
    assert!(bytes.len() < 16 << 10, "{}", bytes.len());

    // A bound on what is written of memories.
    let mut cut = Vec::new();
    assert_eq!(dump.write(&store, "user", 5000, &mut cut).unwrap(), 3 * 4096);
    let cut = read(&cut).data;
    assert_eq!(cut.iter().map(|(_, _, bytes)| bytes.len()).sum::<usize>(), 5000);
}

#[test]
fn frames_on_both_sides_of_a_host_function() {
    let engine = engine(Dispatch::Tail);
    let mut linker = Linker::new(&engine);
    let back = |mut caller: Caller<'_, ()>, n: i32| -> Result<(), Error> {
        let inner = caller.get_export("inner").unwrap().into_func().unwrap();
        inner.typed::<i32, ()>(&caller)?.call(&mut caller, n + 1)
    };
    linker.func_wrap("host", "back", back).unwrap();
    let text = r#"(module (import "host" "back" (func $back (param i32)))
        (func (export "f") (param i32) (call $back (i32.const 20)))
        (func (export "inner") (param i32) (local i32) (local.set 1 (local.get 0)) (call_ref $t (ref.func $end)))
        (type $t (func)) (elem declare func $end)
        (func $end (local i64) unreachable))"#;
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let error = instance.get_typed_func::<i32, ()>(&store, "f").unwrap().call(&mut store, 9).unwrap_err();
    let read = read(&WasmCoreDump::of(&error).unwrap().serialize(&store, ""));
    let frames: Vec<_> = read.frames.iter().map(|frame| (frame.funcidx, locals(frame))).collect();
    assert_eq!(
        frames,
        [
            (3, vec![CoreValue::I64(0)]),
            (2, vec![CoreValue::I32(21), CoreValue::I32(21)]),
            (1, vec![CoreValue::I32(9)]),
        ]
    );
}

#[test]
fn interrupted_guests_and_deep_stacks() {
    let engine = engine(Dispatch::Tail);
    let module = Module::new(
        &engine,
        wat::parse_str(
            r#"(module (func $deep (export "deep") (param i32)
                    (call $deep (i32.add (local.get 0) (i32.const 1))))
                (func (export "spin") (param i32) (local i64)
                    (loop (local.set 1 (i64.add (local.get 1) (i64.const 1))) (br 0))))"#,
        )
        .unwrap(),
    )
    .unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let call = |store: &mut Store<()>, name| {
        let f = instance.get_typed_func::<i32, ()>(&*store, name).unwrap();
        let error = f.call(&mut *store, 0).unwrap_err();
        read(&WasmCoreDump::of(&error).unwrap().serialize(&*store, "")).frames
    };
    let frames = call(&mut store, "deep");
    assert_eq!(frames.len(), 50);
    assert_eq!(locals(&frames[49]), [CoreValue::I32(0)]);
    let [CoreValue::I32(inner), CoreValue::I32(outer)] = [locals(&frames[0])[0], locals(&frames[1])[0]]
    else {
        panic!()
    };
    assert_eq!(inner, outer + 1);

    let handle = store.interrupt_handle();
    let interrupter = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        handle.interrupt();
    });
    let frames = call(&mut store, "spin");
    interrupter.join().unwrap();
    let locals = locals(&frames[0]);
    assert!(matches!(locals[..], [CoreValue::I32(0), CoreValue::I64(turns)] if turns > 0), "{locals:?}");
}

#[test]
fn nothing_is_kept_unless_it_is_asked_for_and_fits() {
    let (error, store) = fail(&Engine::default(), LOCALS);
    let dump = WasmCoreDump::of(&error).unwrap();
    assert_eq!((dump.frames()[0].locals(), dump.frames()[0].operands()), (None, None));
    let read = read(&dump.serialize(&store, ""));
    assert_eq!(locals(&read.frames[0]), [CoreValue::Missing; 11]);
    assert_eq!(operands(&read.frames[0]), []);

    // 50,000 locals that there is no room for.
    let engine = Engine::new(Config::new().coredump_on_trap(true).budget(Budget::new(3 << 20))).unwrap();
    let mut text = String::from("(module (func (export \"f\") (local i64) unreachable) (func (local");
    text.extend(std::iter::repeat_n(" i64", 20_000));
    text.push_str(") (call 0)) (func (export \"g\") (call 1)))");
    let module = Module::new(&engine, wat::parse_str(&text).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let error = instance.get_typed_func::<(), ()>(&store, "g").unwrap().call(&mut store, ()).unwrap_err();
    let used = store.budget().used();
    let kept: Vec<_> =
        error.backtrace().unwrap().frames().iter().map(|frame| frame.locals().map(<[_]>::len)).collect();
    assert_eq!(kept, [Some(1), Some(20_000), Some(0)]);
    drop(error);
    assert!(store.budget().used() + 16 * 20_000 <= used);
    let spare = store.budget().available().unwrap() - 200_000;
    let _kept = store.budget().charge(dunlin::Kind::Host, spare).unwrap();
    let error = instance.get_typed_func::<(), ()>(&store, "g").unwrap().call(&mut store, ()).unwrap_err();
    assert_eq!(error.backtrace().unwrap().frames()[1].locals(), None);
}

#[test]
fn a_host_function_alone_has_no_dump() {
    let mut store = Store::new(&Engine::default(), ());
    let f = Func::wrap(&mut store, || -> Result<(), Error> { Err(Error::msg("no")) });
    let error = f.typed::<(), ()>(&store).unwrap().call(&mut store, ()).unwrap_err();
    assert!(WasmCoreDump::of(&error).is_none());
}

//! Backtraces when the memory budget is used up: every frame has its offset all the same.

use dunlin::{Budget, Config, Dispatch, Engine, Error, Instance, Kind, Module, Store, WasmBacktrace};
use std::fmt::Write;

/// A chain of functions of some size, which ends in a trap, or in a recursion that does; others that fill what there is
/// for code; and one that calls a host function that calls the chain.
fn module() -> Vec<u8> {
    let mut text = String::from("(module (import \"host\" \"again\" (func $again))");
    let work = |text: &mut String, count: i32| {
        for i in 0..count {
            write!(text, "(local.set 0 (i32.xor (local.get 0) (i32.const {i})))").unwrap();
        }
    };
    for i in 0..8 {
        write!(text, "(func $f{i} (export \"f{i}\") (param i32)").unwrap();
        work(&mut text, 20 * (i + 1));
        match i {
            0 => text.push_str("unreachable"),
            _ => write!(text, "(call $f{} (local.get 0))", i - 1).unwrap(),
        }
        work(&mut text, 10);
        text.push_str(")\n");
    }
    text.push_str("(func $deep (export \"deep\") (param i32)");
    work(&mut text, 100);
    text.push_str(
        "(if (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))) (then (call $f2 (i32.const 0))))",
    );
    text.push_str("(call $deep (local.get 0)))");
    text.push_str("(func (export \"around\") (local i32)");
    work(&mut text, 50);
    text.push_str("(call $again) unreachable)");
    for i in 0..60 {
        write!(text, "(func (export \"g{i}\") (param i32)").unwrap();
        work(&mut text, 30);
        text.push_str(")\n");
    }
    text.push(')');
    wat::parse_str(text).unwrap()
}

/// The frames of calls, with their offsets; all memory is taken before each call, if there is a limit.
fn frames(
    bytes: &[u8],
    limit: Option<u64>,
    dispatch: Dispatch,
    on_disk: bool,
) -> Vec<Vec<(u32, Option<u64>)>> {
    let budget = limit.map_or_else(Budget::unlimited, Budget::new);
    let engine =
        Engine::new(Config::new().budget(budget.clone()).dispatch(dispatch).max_wasm_stack(64 << 10))
            .unwrap();
    let module = if on_disk {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        let path = folder.join(format!("starved-{dispatch:?}.wasm"));
        std::fs::write(&path, bytes).unwrap();
        Module::from_file_with(&engine, &path, dunlin::ModuleOptions::new().bodies_on_disk(true)).unwrap()
    } else {
        Module::new(&engine, bytes).unwrap()
    };
    let mut store = Store::new(&engine, None::<dunlin::Func>);
    let again = dunlin::Func::try_wrap(&mut store, |mut caller: dunlin::Caller<'_, Option<dunlin::Func>>| {
        let f = caller.data().expect("it is set");
        f.call(&mut caller, &[dunlin::Val::I32(1)], &mut [])
    });
    let again = again.unwrap();
    let instance = Instance::new(&mut store, &module, &[again.into()]).unwrap();
    *store.data_mut() = instance.get_func(&store, "f3");
    let call = |store: &mut Store<_>, name: &str| -> Result<(), Error> {
        let func = instance.get_func(&*store, name).unwrap();
        let args = [dunlin::Val::I32(9)];
        let count = func.ty(&*store).params().len();
        func.call(store, &args[..count], &mut [])
    };
    let mut all = Vec::new();
    for _ in 0..2 {
        for i in 0..60 {
            call(&mut store, &format!("g{i}")).unwrap();
        }
        // The stack is there.
        for name in ["f0", "f7", "deep", "around", "f5"] {
            let taken = limit.map(|_| budget.charge(Kind::Host, budget.available().unwrap()).unwrap());
            let error = call(&mut store, name).unwrap_err();
            assert_eq!(error.trap(), Some(dunlin::Trap::UnreachableCodeReached), "{name}: {error}");
            let backtrace: &WasmBacktrace = error.backtrace().unwrap();
            all.push(
                backtrace.frames().iter().map(|frame| (frame.func_index(), frame.module_offset())).collect(),
            );
            drop(taken);
        }
    }
    all
}

#[test]
fn every_frame_has_its_offset() {
    let bytes = module();
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        for on_disk in [false, true] {
            let expected = frames(&bytes, None, dispatch, on_disk);
            assert!(expected.iter().flatten().all(|(_, offset)| offset.is_some()));
            assert_eq!(expected.iter().map(Vec::len).max(), Some(12));
            let least = Module::new(&Engine::default(), &bytes).unwrap().plan().least();
            for more in [8 << 10, 16 << 10, 64 << 10, 1 << 20] {
                let starved = frames(&bytes, Some(least + more), dispatch, on_disk);
                assert_eq!(
                    starved, expected,
                    "{more} bytes more than the least, {dispatch:?}, on disk: {on_disk}"
                );
            }
        }
    }
}

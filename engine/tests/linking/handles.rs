//! Handles of stores' objects, and what they refuse.

use super::module;
use dunlin::*;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn wrong_arguments_are_errors() {
    let mut store = Store::new(&Engine::default(), ());
    let f = Func::try_wrap(&mut store, |_: i32, _: i64| 1i32).unwrap();
    let mut call =
        |params: &[Val], results: &mut [Val]| f.call(&mut store, params, results).unwrap_err().to_string();
    assert_eq!(call(&[], &mut [Val::I32(0)]), "expected 2 arguments, not 0");
    assert_eq!(call(&[Val::I32(0), Val::I64(0)], &mut []), "expected 1 result, not 0");
    assert_eq!(
        call(&[Val::I32(0), Val::I32(0)], &mut [Val::I32(0)]),
        "argument 1: expected a value of type i64, not i32"
    );
    assert_eq!(
        f.typed::<i32, i32>(&store).unwrap_err().to_string(),
        "expected a function of type (i32) -> (i32), not (i32, i64) -> (i32)"
    );
    let ty = FuncType::new([], [ValType::F32]);
    let f = Func::try_new(&mut store, ty, |_, _, results| {
        results[0] = Val::F64(0);
        Ok(())
    })
    .unwrap();
    let error = f.call(&mut store, &[], &mut [Val::I32(0)]).unwrap_err();
    assert_eq!(error.to_string(), "result 0: expected a value of type f32, not f64");
}

#[test]
#[should_panic = "another store"]
fn handles_of_another_store_are_found_out() {
    let engine = Engine::default();
    let memory = Memory::new(Store::new(&engine, ()), MemoryType::new(1, None)).unwrap();
    memory.size(Store::new(&engine, ()));
}

#[test]
fn modules_and_stores_of_two_engines_dont_mix() {
    let module = module(&Engine::default(), "(module)");
    let error = Instance::new(Store::new(&Engine::default(), ()), &module, &[]).unwrap_err();
    assert_eq!(error.to_string(), "the module belongs to another engine than the store");
}

#[test]
fn external_references_come_back() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Counted(u32);
    impl Drop for Counted {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
    let mut store = Store::new(&Engine::default(), ());
    let a = ExternRef::new(&mut store, Counted(1)).unwrap();
    let b = ExternRef::new(&mut store, Counted(2)).unwrap();
    let table = Table::new(&mut store, TableType::new(RefType::EXTERNREF, 2, None), b.into()).unwrap();
    table.set(&mut store, 0, a.into()).unwrap();
    let number = |i| {
        let value = table.get(&store, i).unwrap().unwrap_extern_ref().unwrap();
        value.data(&store).downcast_ref::<Counted>().unwrap().0
    };
    assert_eq!((number(0), number(1)), (1, 2));
    let f = Func::try_wrap(&mut store, |a: Option<ExternRef>, f: Option<Func>| (f, a)).unwrap();
    let typed =
        f.typed::<(Option<ExternRef>, Option<Func>), (Option<Func>, Option<ExternRef>)>(&store).unwrap();
    assert_eq!(typed.call(&mut store, (Some(a), Some(f))).unwrap(), (Some(f), Some(a)));
    assert_eq!(typed.call(&mut store, (None, None)).unwrap(), (None, None));
    drop(store);
    assert_eq!(DROPPED.load(Ordering::Relaxed), 2);
}

#[test]
fn tables_have_their_bounds() {
    let mut store = Store::new(&Engine::default(), ());
    let null = Val::FuncRef(None);
    let f = Func::try_wrap(&mut store, || {}).unwrap();
    let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 2, Some(5)), null).unwrap();
    assert!(table.set(&mut store, 2, null).is_err());
    assert!(table.set(&mut store, 0, Val::ExternRef(None)).is_err());
    assert_eq!(table.grow(&mut store, 3, f.into()).unwrap(), 2);
    assert!(table.grow(&mut store, 1, null).is_err());
    let set = |store: &Store<()>| -> Vec<bool> {
        (0..table.size(store)).map(|i| table.get(store, i).unwrap().unwrap_func_ref().is_some()).collect()
    };
    assert_eq!(set(&store), [false, false, true, true, true]);
    Table::copy(&mut store, &table, 1, &table, 0, 3).unwrap();
    assert_eq!(set(&store), [false, false, false, true, true]);
    table.fill(&mut store, 0, f.into(), 2).unwrap();
    assert_eq!(set(&store), [true, true, false, true, true]);
    assert_eq!(
        Table::copy(&mut store, &table, 3, &table, 0, 3).unwrap_err().trap(),
        Some(Trap::TableOutOfBounds)
    );
    let unbounded =
        Table::new(&mut store, TableType::new(RefType::EXTERNREF, 0, None), Val::ExternRef(None)).unwrap();
    assert!(unbounded.grow(&mut store, 10_000_001, Val::ExternRef(None)).is_err());
    assert!(Table::copy(&mut store, &unbounded, 0, &table, 0, 0).is_err());
}

#[test]
fn growth_is_refused_by_the_budget() {
    let budget = Budget::new(1 << 20);
    let engine = Engine::new(Config::new().budget(budget.clone())).unwrap();
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(2, None)).unwrap();
    memory.write(&mut store, 0, b"stays").unwrap();
    assert_eq!(budget.used_for(dunlin::Kind::Memory), 2 << 16);
    let error = memory.grow(&mut store, 15).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfBudget);
    assert_eq!(error.out_of_budget().unwrap().asked, 15 << 16);
    let error = memory.grow(&mut store, 65536).unwrap_err();
    assert_eq!(error.to_string(), "a memory of 2 pages can't grow by 65536");
    assert_eq!(memory.grow(&mut store, 10).unwrap(), 2);
    assert_eq!(budget.used_for(dunlin::Kind::Memory), 12 << 16);
    assert_eq!(memory.data(&store)[..5], *b"stays");
    assert!(memory.data(&store)[5..].iter().all(|byte| *byte == 0));
    let error = Memory::new(&mut store, MemoryType::new(5, None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfBudget);
    assert!(
        Table::new(&mut store, TableType::new(RefType::FUNCREF, 100_000, None), Val::FuncRef(None)).is_err()
    );
    drop(store);
    drop(engine);
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_store_that_doesnt_fit_is_an_error() {
    let error = Engine::new(Config::new().budget(Budget::new(100))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfBudget);
    let engine = Engine::new(Config::new().budget(Budget::new(1000))).unwrap();
    assert_eq!(Store::try_new(&engine, ()).unwrap_err().kind(), ErrorKind::OutOfBudget);
}

#[test]
fn memories_have_their_bounds() {
    let mut store = Store::new(&Engine::default(), 7);
    assert!(Memory::new(&mut store, MemoryType::new(65537, None)).is_err());
    let memory = Memory::new(&mut store, MemoryType::new(0, None)).unwrap();
    assert!(memory.data(&store).is_empty() && memory.write(&mut store, 0, &[]).is_ok());
    assert_eq!(memory.grow(&mut store, 0).unwrap(), 0);
    assert!(memory.grow(&mut store, 65537).is_err() && memory.grow(&mut store, u64::MAX).is_err());
    assert_eq!(memory.grow(&mut store, 1).unwrap(), 0);
    let mut bytes = [1; 4];
    memory.read(&store, 65532, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 4]);
    let error = Error::from(memory.read(&store, 65533, &mut bytes).unwrap_err());
    assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds));
    assert!(memory.write(&mut store, usize::MAX, &bytes).is_err());
    let (bytes, data) = memory.data_and_store_mut(&mut store);
    (bytes[0], *data) = (*data, 8);
    assert_eq!((memory.data(&store)[0], *store.data()), (7, 8));
}

#[test]
fn constant_globals_stay() {
    let mut store = Store::new(&Engine::default(), ());
    let global =
        Global::new(&mut store, GlobalType::new(ValType::F32, Mutability::Const), 1.5f32.into()).unwrap();
    assert_eq!(
        global.set(&mut store, 2f32.into()).unwrap_err().to_string(),
        "a constant global can't be set"
    );
    assert_eq!(global.get(&store).f32(), Some(1.5));
    let ty = global.ty(&store);
    assert!(Global::new(&mut store, ty, Val::I32(1)).is_err());
}

#[test]
fn fuel_must_be_switched_on() {
    let mut store = Store::new(&Engine::default(), ());
    assert!(store.set_fuel(1).is_err() && store.get_fuel().is_err());
    let mut store = Store::new(&Engine::new(Config::new().consume_fuel(true)).unwrap(), ());
    assert_eq!(store.get_fuel().unwrap(), 0);
    store.set_fuel(u64::MAX).unwrap();
    assert_eq!(store.get_fuel().unwrap(), u64::MAX);
}

#[test]
fn modules_come_from_readers_and_files() {
    let engine = Engine::default();
    let bytes =
        wat::parse_str(r#"(module $name (func $f) (memory (export "m") 1 2) (data "12345"))"#).unwrap();
    struct Trickle<'a>(&'a [u8]);
    impl std::io::Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let len = into.len().min(3).min(self.0.len());
            into[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }
    let check = |module: Module| {
        assert_eq!((module.name(), module.func_name(0), module.func_count()), (Some("name"), Some("f"), 1));
        assert_eq!(module.get_export("m"), Some(ExternType::Memory(MemoryType::new(1, Some(2)))));
        assert_eq!(module.size(), bytes.len() as u64);
        assert!(module.sections().any(|section| section.name == Some("name") && section.id == 0));
    };
    check(Module::from_reader(&engine, Trickle(&bytes)).unwrap());
    // What comes before a text may come in pieces, too.
    let lengths = if cfg!(feature = "wat") { &[0, 1, 2, 3, 7][..] } else { &[] };
    for &spaces in lengths {
        let text = format!("{}(module (func) (func))", " ".repeat(spaces));
        assert_eq!(Module::from_reader(&engine, Trickle(text.as_bytes())).unwrap().func_count(), 2);
    }
    let path = std::env::temp_dir().join(format!("dunlin-modules-{}.wasm", std::process::id()));
    std::fs::write(&path, &bytes).unwrap();
    check(Module::from_file(&engine, &path).unwrap());
    check(Module::from_file_with(&engine, &path, dunlin::ModuleOptions::new().bodies_on_disk(true)).unwrap());
    std::fs::remove_file(&path).unwrap();
    let error = Module::from_file(&engine, &path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("dunlin-modules"), "{error}");
    let error = Module::from_file(&engine, std::env::temp_dir()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    for bad in [&b""[..], b"\0asm", b"garbage", &bytes[..bytes.len() - 1]] {
        let error = Module::new(&engine, bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        let again = Module::from_reader(&engine, Trickle(bad)).unwrap_err();
        assert_eq!((error.to_string(), error.offset()), (again.to_string(), again.offset()));
        assert_eq!(Module::validate(&engine, bad).unwrap_err().to_string(), error.to_string());
    }
    Module::validate(&engine, &bytes).unwrap();
}

/// A text, as a reader that ends with an error, and is interrupted before each piece.
struct Text {
    pieces: Vec<&'static [u8]>,
    read: u64,
    interrupted: bool,
    ends: bool,
}

impl std::io::Read for Text {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let mut piece = match self.pieces.pop() {
            Some(piece) => piece,
            None if self.ends => return Err(std::io::Error::other("the line is dead")),
            None => &[b' '; 1 << 12],
        };
        let len = piece.len().min(into.len());
        std::io::Read::read_exact(&mut piece, &mut into[..len])?;
        self.read += len as u64;
        Ok(len)
    }
}

#[test]
fn readers_fail_and_never_end() {
    let engine = Engine::default();
    let text = |pieces: &[&'static [u8]], ends| Text {
        pieces: pieces.iter().rev().copied().collect(),
        read: 0,
        interrupted: false,
        ends,
    };
    let beginnings: [&[&[u8]]; 4] = [&[], &[b" "], &[b"(mod", b"ule)"], &[b"\0asm", b"\x01\0\0\0"]];
    for pieces in beginnings {
        let error = Module::from_reader(&engine, text(pieces, true)).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Io, "the line is dead".into()));
    }
    let used = engine.budget().used();
    // A text is parsed whole, so there is a bound to it; spaces may be as many as are read at once.
    for (pieces, kind, message, most) in [
        (
            &[&b"(module)"[..]][..],
            ErrorKind::Limit,
            "module in the text format has more than 67108864 bytes",
            65 << 20,
        ),
        (&[], ErrorKind::Invalid, "magic header not detected", 1 << 20),
    ] {
        let mut endless = text(pieces, false);
        let error = Module::from_reader(&engine, &mut endless).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(endless.read < most, "{}", endless.read);
        assert_eq!(engine.budget().used(), used);
    }
}

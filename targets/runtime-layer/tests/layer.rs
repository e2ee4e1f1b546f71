//! The engine as programs see it that know the layer only.

use dunlin_runtime_layer as backend;
use std::fmt;
use wasm_runtime_layer::{
    Engine, Extern, ExternRef, ExternType, Func, FuncType, Global, GlobalType, Imports, Instance, Memory,
    MemoryType, Module, Ref, RefType, Store, Table, TableType, Val, ValType,
};

type Layer = Engine<backend::Engine>;

fn engine() -> Layer {
    Engine::new(backend::Engine::default())
}

fn module(engine: &Layer, text: &str) -> anyhow::Result<Module> {
    Module::new(engine, &wat::parse_str(text).unwrap())
}

fn instance<T>(
    store: &mut Store<T, backend::Engine>,
    text: &str,
    imports: &Imports,
) -> anyhow::Result<Instance> {
    let module = module(store.engine(), text)?;
    Instance::new(store, &module, imports)
}

fn call<T>(
    store: &mut Store<T, backend::Engine>,
    instance: &Instance,
    name: &str,
    args: &[Val],
) -> anyhow::Result<Val> {
    let func = instance.get_export(&*store, name).unwrap().into_func().unwrap();
    let mut result = [Val::I32(0)];
    let count = func.ty(&*store).results().len();
    func.call(store, args, &mut result[..count])?;
    let [result] = result;
    Ok(result)
}

#[derive(Debug)]
struct Refused(u32);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with {}", self.0)
    }
}

impl std::error::Error for Refused {}

#[test]
fn functions_are_called_in_both_directions() {
    let mut store = Store::new(&engine(), Vec::new());
    let ty = FuncType::new([ValType::I64, ValType::F64], [ValType::F64, ValType::I64]);
    let swap = Func::new(&mut store, ty.clone(), |mut context, args, results| {
        context.data_mut().push(args.len());
        results.clone_from_slice(&[args[1].clone(), args[0].clone()]);
        Ok(())
    });
    let mut imports = Imports::new();
    imports.define("host", "swap", Extern::Func(swap.clone()));
    let guest = instance(
        &mut store,
        r#"(module (import "host" "swap" (func $swap (param i64 f64) (result f64 i64)))
            (func (export "twice") (param i64 f64) (result i64)
                (call $swap (local.get 0) (local.get 1))
                (i64.add (i64.const 1)) (i64.add (i64.trunc_f64_s)))
            (export "swap" (func $swap)))"#,
        &imports,
    );
    // `f64` is below `i64`, so that the sum has no valid type: the layer hands on what the engine says.
    let invalid = guest.unwrap_err();
    assert!(invalid.downcast_ref::<backend::Error>().unwrap().0.offset().is_some(), "{invalid}");

    let guest = instance(
        &mut store,
        r#"(module (import "host" "swap" (func $swap (param i64 f64) (result f64 i64)))
            (func (export "sum") (param i64 f64) (result i64) (local $integer i64)
                (local.set $integer (call $swap (local.get 0) (local.get 1)))
                (i64.add (i64.trunc_f64_s) (local.get $integer)))
            (export "swap" (func $swap)))"#,
        &imports,
    )
    .unwrap();
    assert_eq!(call(&mut store, &guest, "sum", &[Val::I64(40), Val::F64(2.5)]).unwrap(), Val::I64(42));
    let exported = guest.get_export(&store, "swap").unwrap().into_func().unwrap();
    assert_eq!(exported.ty(&store), ty);
    let mut results = [Val::I32(0), Val::I32(0)];
    exported.call(&mut store, &[Val::I64(1), Val::F64(2.0)], &mut results).unwrap();
    assert_eq!(results, [Val::F64(2.0), Val::I64(1)]);
    assert_eq!(store.into_data(), [2, 2]);
}

#[test]
fn errors_keep_what_they_are() {
    let mut store = Store::new(&engine(), ());
    let refuse = Func::new(&mut store, FuncType::new([], []), |_, _, _| Err(Refused(7).into()));
    let mut imports = Imports::new();
    imports.define("host", "refuse", Extern::Func(refuse));
    let text = r#"(module (import "host" "refuse" (func $refuse))
        (func (export "refuse") (call $refuse))
        (func (export "trap") unreachable))"#;
    let guest = instance(&mut store, text, &imports).unwrap();

    let refused = call(&mut store, &guest, "refuse", &[]).unwrap_err();
    assert_eq!(refused.downcast_ref::<Refused>().unwrap().0, 7);
    assert_eq!(refused.to_string(), "refused with 7");

    let trapped = call(&mut store, &guest, "trap", &[]).unwrap_err();
    let error = &trapped.downcast_ref::<backend::Error>().unwrap().0;
    assert_eq!(error.trap(), Some(dunlin::Trap::UnreachableCodeReached));
    assert_eq!(error.backtrace().unwrap().frames().len(), 1);

    // A trap that passes a host function, which calls the guest, is still one.
    let trap = guest.get_export(&store, "trap").unwrap().into_func().unwrap();
    let through =
        Func::new(&mut store, FuncType::new([], []), move |context, _, _| trap.call(context, &[], &mut []));
    let mut imports = Imports::new();
    imports.define("host", "refuse", Extern::Func(through));
    let outer = instance(&mut store, text, &imports).unwrap();
    let trapped = call(&mut store, &outer, "refuse", &[]).unwrap_err();
    let error = &trapped.downcast_ref::<backend::Error>().unwrap().0;
    assert_eq!(error.trap(), Some(dunlin::Trap::UnreachableCodeReached));

    let missing = instance(&mut store, text, &Imports::new()).unwrap_err();
    assert!(missing.to_string().contains("refuse"), "{missing}");
    let mut wrong = Imports::new();
    let other = Func::new(&mut store, FuncType::new([ValType::I32], []), |_, _, _| Ok(()));
    wrong.define("host", "refuse", Extern::Func(other));
    assert!(instance(&mut store, text, &wrong).is_err());
}

#[test]
fn memories_are_read_written_and_grown() {
    let mut store = Store::new(&engine(), ());
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(3))).unwrap();
    let mut imports = Imports::new();
    imports.define("host", "memory", Extern::Memory(memory.clone()));
    let guest = instance(
        &mut store,
        r#"(module (import "host" "memory" (memory 1 3)) (export "same" (memory 0))
            (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))"#,
        &imports,
    )
    .unwrap();
    assert_eq!(memory.grow(&mut store, 1).unwrap(), 1);
    assert!(memory.grow(&mut store, 2).is_err());
    memory.write(&mut store, 65534, &[1, 2, 3, 4]).unwrap();
    assert_eq!(call(&mut store, &guest, "load", &[Val::I32(65534)]).unwrap(), Val::I32(0x0403_0201));
    let same = guest.get_export(&store, "same").unwrap().into_memory().unwrap();
    let mut bytes = [0; 2];
    same.read(&store, 65536, &mut bytes).unwrap();
    assert_eq!((bytes, same.current_pages(&store)), ([3, 4], 2));
    assert!(same.read(&store, 2 * 65536 - 1, &mut bytes).is_err());
    assert!(same.write(&mut store, usize::MAX, &bytes).is_err());
    assert_eq!(same.ty(&store), MemoryType::new(1, Some(3)));
}

#[test]
fn tables_hold_functions_and_values_of_the_host() {
    let mut store = Store::new(&engine(), ());
    let guest = instance(
        &mut store,
        r#"(module (table (export "functions") 2 4 funcref) (elem (i32.const 1) $seven)
            (table (export "values") 1 externref)
            (func $seven (result i32) (i32.const 7)))"#,
        &Imports::new(),
    )
    .unwrap();
    let functions = guest.get_export(&store, "functions").unwrap().into_table().unwrap();
    assert_eq!(functions.ty(&store), TableType::new(RefType::FuncRef, 2, Some(4)));
    let Some(Ref::FuncRef(Some(seven))) = functions.get(&mut store, 1) else { panic!("no function") };
    let mut result = [Val::I32(0)];
    seven.call(&mut store, &[], &mut result).unwrap();
    assert_eq!(result, [Val::I32(7)]);
    assert!(matches!(functions.get(&mut store, 0), Some(Ref::FuncRef(None))));
    assert!(functions.get(&mut store, 2).is_none());
    assert_eq!(functions.grow(&mut store, 2, Ref::FuncRef(Some(seven))).unwrap(), 2);
    assert_eq!(functions.size(&store), 4);
    assert!(functions.grow(&mut store, 1, Ref::FuncRef(None)).is_err());
    assert!(matches!(functions.get(&mut store, 3), Some(Ref::FuncRef(Some(_)))));

    let values = guest.get_export(&store, "values").unwrap().into_table().unwrap();
    let value = ExternRef::new(&mut store, String::from("of the host"));
    values.set(&mut store, 0, Ref::ExternRef(Some(value))).unwrap();
    assert!(values.set(&mut store, 1, Ref::ExternRef(None)).is_err());
    assert!(values.set(&mut store, 0, Ref::FuncRef(None)).is_err());
    let Some(Ref::ExternRef(Some(value))) = values.get(&mut store, 0) else { panic!("no value") };
    let context = wasm_runtime_layer::AsContext::as_context(&store);
    assert_eq!(value.downcast::<String, _, _>(context).unwrap(), "of the host");
    let context = wasm_runtime_layer::AsContext::as_context(&store);
    assert!(value.downcast::<u32, _, _>(context).is_err());
    assert!(Table::new(&mut store, TableType::new(RefType::FuncRef, 1, None), Ref::ExternRef(None)).is_err());
}

#[test]
fn globals_of_all_types() {
    let mut store = Store::new(&engine(), ());
    let values = [
        Val::I32(-1),
        Val::I64(i64::MIN),
        Val::F32(1.5),
        Val::F64(-0.5),
        Val::V128(u128::MAX - 1),
        Val::FuncRef(None),
    ];
    for value in values {
        let global = Global::new(&mut store, value.clone(), true);
        assert_eq!(global.ty(&store), GlobalType::new(value.ty(), true));
        // Functions can't be compared.
        if value.ty() != ValType::FuncRef {
            assert_eq!(global.get(&mut store), value);
        }
        global.set(&mut store, value.clone()).unwrap();
        let constant = Global::new(&mut store, value.clone(), false);
        assert!(constant.set(&mut store, value).is_err());
    }
    let global = Global::new(&mut store, Val::I32(1), true);
    assert!(global.set(&mut store, Val::I64(2)).is_err());
    assert_eq!(global.get(&mut store), Val::I32(1));
}

#[test]
fn modules_say_what_they_import_and_export() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module (import "a" "b" (func (param i32 externref) (result v128))) (import "c" "d" (global (mut f32)))
            (memory (export "memory") 2 5) (table (export "table") 0 externref))"#,
    )
    .unwrap();
    let imports: Vec<_> =
        module.imports(&engine).map(|import| (import.module, import.name, import.ty)).collect();
    let func = FuncType::new([ValType::I32, ValType::ExternRef], [ValType::V128]);
    let [("a", "b", ExternType::Func(first)), ("c", "d", ExternType::Global(second))] = &imports[..] else {
        panic!("{imports:?}");
    };
    assert_eq!((first, *second), (&func, GlobalType::new(ValType::F32, true)));
    let exports: Vec<_> = module.exports(&engine).map(|export| export.name).collect();
    assert_eq!(exports, ["memory", "table"]);
    let memory = module.get_export(&engine, "memory").unwrap().try_into_memory().unwrap();
    assert_eq!(memory, MemoryType::new(2, Some(5)));
    assert!(module.get_export(&engine, "other").is_none());
}

#[test]
fn what_the_layer_has_no_type_for_is_refused() {
    let mut config = dunlin::Config::new();
    config.wasm_memory64(true).wasm_threads(true).wasm_exceptions(true).wasm_function_references(true);
    let engine = Engine::new(backend::Engine::new(dunlin::Engine::new(&config).unwrap()));
    let refused = [
        r#"(memory (export "it") i64 1)"#,
        r#"(memory (export "it") 1 1 shared)"#,
        r#"(table (export "it") i64 1 funcref)"#,
        r#"(tag (export "it"))"#,
        r#"(global (export "it") exnref (ref.null exn))"#,
        r#"(type $f (func)) (func (export "it") (param (ref null $f)))"#,
        r#"(import "the" "it" (tag))"#,
    ];
    for text in refused {
        let error = module(&engine, &format!("(module {text})")).unwrap_err();
        let message = format!("{error:#}");
        assert!(
            message.contains("`it`") && message.contains("wasm_runtime_layer has no"),
            "{text}: {message}"
        );
        // Not exported, it is nothing that the layer sees.
        if !text.contains("import") {
            module(&engine, &format!("(module {})", text.replace(r#"(export "it")"#, ""))).unwrap();
        }
    }
}

#[test]
fn a_budget_bounds_what_the_layer_makes() {
    let config = dunlin::Config::new().budget(dunlin::Budget::new(4 << 20)).clone();
    let engine = Engine::new(backend::Engine::new(dunlin::Engine::new(&config).unwrap()));
    let mut store = Store::new(&engine, ());
    let error = Memory::new(&mut store, MemoryType::new(100, None)).unwrap_err();
    assert!(error.downcast_ref::<backend::Error>().unwrap().0.out_of_budget().is_some(), "{error}");
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    let error = memory.grow(&mut store, 100).unwrap_err();
    assert!(error.downcast_ref::<backend::Error>().unwrap().0.out_of_budget().is_some(), "{error}");
}

#[test]
fn a_start_function_runs_and_may_trap() {
    let mut store = Store::new(&engine(), ());
    let ran = Global::new(&mut store, Val::I32(0), true);
    let mut imports = Imports::new();
    imports.define("host", "ran", Extern::Global(ran.clone()));
    let text = r#"(module (import "host" "ran" (global $ran (mut i32)))
        (func $start (global.set $ran (i32.const 1)) END) (start $start) (func (export "f")) (global (export "g") i32 (i32.const 5)))"#;
    let guest = instance(&mut store, &text.replace("END", ""), &imports).unwrap();
    assert_eq!(ran.get(&mut store), Val::I32(1));
    let names: Vec<_> = guest.exports(&store).map(|export| export.name).collect();
    assert_eq!(names, ["f", "g"]);
    let global = guest.get_export(&store, "g").unwrap().into_global().unwrap();
    assert_eq!(global.ty(&store), GlobalType::new(ValType::I32, false));
    let trapped = instance(&mut store, &text.replace("END", "unreachable"), &imports).unwrap_err();
    assert_eq!(
        trapped.downcast_ref::<backend::Error>().unwrap().0.trap(),
        Some(dunlin::Trap::UnreachableCodeReached)
    );
}

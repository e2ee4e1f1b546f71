//! Recursion groups of function types, and subtypes: which types are the same, and what can be called by which.

use dunlin::{
    Budget, Config, Engine, Error, ErrorKind, Feature, Func, FuncType, HeapType, Instance, Linker, Module,
    Store, Trap, Val, ValType,
};

fn engine() -> Engine {
    Engine::new(Config::new().wasm_function_references(true)).unwrap()
}

fn module(engine: &Engine, text: &str) -> Result<Module, Error> {
    Module::new(engine, wat::parse_str(text).unwrap())
}

/// Links the second module to the first one, which is called `M`.
fn link(first: &str, second: &str) -> Result<(), Error> {
    let engine = engine();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let first = linker.instantiate(&mut store, &module(&engine, first)?)?;
    linker.instance(&store, "M", first)?;
    linker.instantiate(&mut store, &module(&engine, second)?).map(drop)
}

#[test]
fn equal_groups_are_the_same_in_every_module() {
    let export = |types: &str, ty: &str| {
        format!(r#"(module {types} (func (export "f") (type {ty})) (tag (export "t") (type {ty})))"#)
    };
    let import = |types: &str, ty: &str| {
        [
            format!(r#"(module {types} (import "M" "f" (func (type {ty}))))"#),
            format!(r#"(module {types} (import "M" "t" (tag (type {ty}))))"#),
        ]
    };
    let two = "(rec (type $a (func)) (type $b (func)))";
    let other = "(type $x (func (param i32))) (rec (type $c (func)) (type $d (func)))";
    let recursive = "(rec (type $a (func (param (ref null $b)))) (type $b (func (result (ref $a)))))";
    let by_itself = "(type $a (func (param (ref null $a))))";
    let longer = "(rec (type $a (func)) (type $b (func)) (type $c (func)))";
    // Whose type is exported, whose is imported, and whether they are the same.
    for (exported, imported, same) in [
        ((two, "$a"), (two, "$a"), true),
        ((two, "$b"), (other, "$d"), true),
        ((two, "$a"), (two, "$b"), false),
        ((two, "$a"), (longer, "$a"), false),
        ((two, "$a"), ("(type $a (func))", "$a"), false),
        (("(type $a (func))", "$a"), ("(rec (type $a (func)))", "$a"), true),
        (("(type $a (func))", "$a"), ("(type $a (sub final (func)))", "$a"), true),
        (("(type $a (func))", "$a"), ("(type $a (sub (func)))", "$a"), false),
        ((by_itself, "$a"), ("(rec (type $z (func (param (ref null $z)))))", "$z"), true),
        (("(rec (type $a (func (param funcref))))", "$a"), (by_itself, "$a"), false),
    ] {
        for second in import(imported.0, imported.1) {
            let linked = link(&export(exported.0, exported.1), &second);
            assert_eq!(linked.is_ok(), same, "{exported:?} {imported:?}: {linked:?}");
            if let Err(error) = linked {
                assert_eq!(error.kind(), ErrorKind::Link);
            }
        }
    }
    // Tags have no results, so only functions are of this group's second type.
    let exported = format!(r#"(module {recursive} (func (export "f") (type $b) unreachable))"#);
    let again = recursive.replace("$a", "$p").replace("$b", "$q");
    for (ty, same) in [("$q", true), ("$p", false)] {
        let imported = format!(r#"(module (type (func)) {again} (import "M" "f" (func (type {ty}))))"#);
        assert_eq!(link(&exported, &imported).is_ok(), same);
    }
    let error = link(&export(two, "$a"), &import(two, "$b")[0]).unwrap_err();
    assert!(error.to_string().ends_with("found function () -> () of another recursion group"), "{error}");
}

const FAMILY: &str = r#"
    (type $top (sub (func (param i32) (result funcref))))
    (type $middle (sub $top (func (param i32) (result (ref null $top)))))
    (type $bottom (sub final $middle (func (param i32) (result (ref $top)))))
    (type $stranger (sub (func (param i32) (result funcref))))
    (type $plain (func (param i32) (result funcref)))"#;

#[test]
fn functions_of_subtypes_are_called_as_their_supertypes() {
    let engine = engine();
    let text = format!(
        r#"(module {FAMILY}
            (type $unrelated (sub $top (func (param i32) (result funcref))))
            (table $t funcref (elem $top $middle $bottom $unrelated $plain))
            (func $top (type $top) (ref.null func))
            (func $middle (type $middle) (ref.null $top))
            (func $bottom (type $bottom) (ref.func $top))
            (func $unrelated (type $unrelated) (ref.null func))
            (func $plain (type $plain) (ref.null func))
            (func (export "top") (param i32) (result i32)
                (ref.is_null (call_indirect $t (type $top) (i32.const 7) (local.get 0))))
            (func (export "middle") (param i32) (result i32)
                (ref.is_null (call_indirect $t (type $middle) (i32.const 7) (local.get 0))))
            (func (export "bottom") (param i32) (result i32)
                (ref.is_null (call_indirect $t (type $bottom) (i32.const 7) (local.get 0))))
            (func $tail (param i32 i32) (result (ref null $top))
                (return_call_indirect $t (type $middle) (local.get 0) (local.get 1)))
            (func (export "tail") (param i32) (result i32)
                (ref.is_null (call $tail (i32.const 7) (local.get 0)))))"#
    );
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module(&engine, &text).unwrap(), &[]).unwrap();
    // What each gives for the elements; `None` is a trap.
    for (name, outcomes) in [
        ("top", [Some(1), Some(1), Some(0), Some(1), None]),
        ("middle", [None, Some(1), Some(0), None, None]),
        ("bottom", [None, None, Some(0), None, None]),
        ("tail", [None, Some(1), Some(0), None, None]),
    ] {
        let func = instance.get_typed_func::<i32, i32>(&mut store, name).unwrap();
        for (index, expected) in (0..).zip(outcomes) {
            let outcome = func.call(&mut store, index);
            assert_eq!(outcome.as_ref().ok(), expected.as_ref(), "{name} {index}");
            if let Err(error) = outcome {
                assert_eq!(error.trap(), Some(Trap::BadSignature));
            }
        }
    }
}

#[test]
fn subtypes_will_do_for_imports() {
    let exports = format!(
        r#"(module {FAMILY}
            (func $f (export "f") (type $middle) (ref.null $top))
            (global (export "constant") (ref $middle) (ref.func $f))
            (global (export "variable") (mut (ref null $middle)) (ref.func $f)))"#
    );
    for (import, links) in [
        (r#"(import "M" "f" (func (type $top)))"#, true),
        (r#"(import "M" "f" (func (type $middle)))"#, true),
        (r#"(import "M" "f" (func (type $bottom)))"#, false),
        (
            r#"(type $alike (func (param i32) (result (ref null $top)))) (import "M" "f" (func (type $alike)))"#,
            false,
        ),
        (r#"(import "M" "constant" (global (ref null $top)))"#, true),
        (r#"(import "M" "constant" (global (ref $bottom)))"#, false),
        (r#"(import "M" "variable" (global (mut (ref null $middle))))"#, true),
        (r#"(import "M" "variable" (global (mut (ref null $top))))"#, false),
    ] {
        let linked = link(&exports, &format!("(module {FAMILY} {import})"));
        assert_eq!(linked.is_ok(), links, "{import}: {linked:?}");
    }
}

#[test]
fn the_host_tells_types_apart() {
    let engine = engine();
    let text = format!(
        r#"(module {FAMILY}
            (func (export "middle") (type $middle) (ref.null $top))
            (func (export "top") (type $top) (ref.null func))
            (func (export "plain") (type $plain) (ref.null func))
            (table (export "table") 1 (ref null $top)))"#
    );
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module(&engine, &text).unwrap(), &[]).unwrap();
    let get = |store: &mut Store<()>, name: &str| instance.get_func(store, name).unwrap();
    let (middle, top, plain) = (get(&mut store, "middle"), get(&mut store, "top"), get(&mut store, "plain"));
    let table = instance.get_table(&store, "table").unwrap();
    table.set(&mut store, 0, Val::FuncRef(Some(middle))).unwrap();
    table.set(&mut store, 0, Val::FuncRef(Some(top))).unwrap();
    assert!(table.set(&mut store, 0, Val::FuncRef(Some(plain))).is_err());
    let number = |ty: FuncType, at: usize| ty.result(at).unwrap().unwrap_ref().heap_type();
    let named = number(middle.ty(&store), 0);
    assert!(named.matches(&engine, HeapType::Func) && !HeapType::Func.matches(&engine, named));
    assert!(middle.ty(&store).matches(&engine, &top.ty(&store)));
    assert!(!top.ty(&store).matches(&engine, &middle.ty(&store)));
    // A host function is of a type by itself.
    let ty = top.ty(&store);
    let host = Func::try_new(&mut store, ty, |_, _, _| Ok(())).unwrap();
    assert!(table.set(&mut store, 0, Val::FuncRef(Some(host))).is_err());
}

#[test]
fn groups_are_gone_with_their_last_user() {
    let budget = Budget::new(64 << 20);
    let engine = Engine::new(Config::new().wasm_function_references(true).budget(budget.clone())).unwrap();
    // Each group names the one before it, and itself.
    let mut text = String::from("(module (rec (type (func)) (type (func)))");
    for i in 1..2000 {
        let (a, b) = (2 * i, 2 * i + 1);
        text += &format!(
            "(rec (type (sub (func (param (ref null {b} )) (result (ref {})))))
                  (type (sub {a} (func (param (ref null {b})) (result (ref {}))))))",
            a - 1,
            a - 1
        );
    }
    text += ")";
    for round in 0..3 {
        let first = module(&engine, &text).unwrap();
        let held = budget.used();
        let second = module(&engine, &text).unwrap();
        drop(first);
        assert!(budget.used() <= held + 1000, "round {round}: {} more", budget.used() - held);
        drop(second);
    }
    let before = budget.used();
    drop(module(&engine, &text).unwrap());
    assert_eq!(budget.used(), before);
    drop(engine);
    assert_eq!(budget.used(), 0);
}

#[test]
fn groups_of_any_size_are_charged_for() {
    // One group of many types, each of which names the last one.
    let types = "(type (func (param (ref null 19999))))".repeat(20_000);
    let bytes = wat::parse_str(format!("(module (rec {types}))")).unwrap();
    for limit in [1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26] {
        let budget = Budget::new(limit);
        let engine =
            Engine::new(Config::new().wasm_function_references(true).budget(budget.clone())).unwrap();
        let loaded = Module::new(&engine, &bytes);
        match &loaded {
            Ok(module) => assert!(module.plan().least() <= limit),
            Err(error) => assert!(error.out_of_budget().is_some(), "{error}"),
        }
        assert_eq!(loaded.is_ok(), limit > 1 << 22, "{limit}: {}", budget.peak());
        drop((loaded, engine));
        assert_eq!(budget.used(), 0);
    }
}

/// A type section that says that it has a group of a million types must not have memory reserved for them.
#[test]
fn claims_of_groups_are_not_believed() {
    let budget = Budget::new(1 << 20);
    let engine = Engine::new(Config::new().wasm_function_references(true).budget(budget.clone())).unwrap();
    let section = [1, 0x4e, 0xc0, 0x84, 0x3d, 0x60, 0, 0];
    let bytes = [&b"\0asm\x01\0\0\0\x01"[..], &[section.len() as u8], &section].concat();
    let error = Module::new(&engine, &bytes).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Invalid, Some(bytes.len() as u64)), "{error}");
}

#[test]
fn what_groups_may_not_have_is_refused_by_name() {
    let engine = engine();
    for text in [
        "(module (type (struct)))",
        "(module (rec (type (func)) (type (array i8))))",
        "(module (rec (type $s (sub (struct))) (type (sub $s (struct (field i32))))))",
        "(module (type (func (param anyref))))",
        "(module (table 1 eqref))",
        "(module (global i31ref (ref.i31 (i32.const 1))))",
        "(module (func (local structref)))",
        "(module (type (func)) (func (param funcref) (drop (ref.cast (ref 0) (local.get 0)))))",
    ] {
        let error = module(&engine, text).unwrap_err();
        assert_eq!(
            (error.kind(), error.missing_feature()),
            (ErrorKind::Invalid, Some(Feature::Gc)),
            "{text}"
        );
        assert!(error.to_string().contains("garbage collected types"), "{error}");
    }
    let off = Engine::new(Config::new().wasm_function_references(false)).unwrap();
    for text in [
        "(module (rec (type (func)) (type (func))))",
        "(module (type (sub (func))))",
        "(module (type $t (func (param (ref null $t)))))",
    ] {
        let error = module(&off, text).unwrap_err();
        assert_eq!(error.missing_feature(), Some(Feature::FunctionReferences), "{text}: {error}");
        assert!(error.to_string().contains("Config::wasm_function_references"), "{error}");
    }
    for text in [
        "(module (type $t (func)) (type (sub $t (func))))",
        "(module (type $t (sub (func))) (type (sub $t (func (param i32)))))",
    ] {
        assert_eq!(module(&engine, text).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
    }
    let plain = FuncType::new([ValType::I32], []);
    assert!(plain.matches(&engine, &plain));
}

//! Typed function references: what traps, what links, and what hosts may pass.

use dunlin::{
    Budget, Caller, Config, Dispatch, Engine, Error, ErrorKind, Extern, ExternType, Func, FuncType, Global,
    GlobalType, HeapType, Instance, Linker, Module, Mutability, RefType, Store, Table, TableType, Trap, Val,
    ValType,
};

fn engines() -> impl Iterator<Item = Engine> {
    [Dispatch::Tail, Dispatch::Loop].into_iter().map(|dispatch| {
        Engine::new(Config::new().wasm_function_references(true).dispatch(dispatch).check_translation(true))
            .unwrap()
    })
}

fn engine() -> Engine {
    Engine::new(Config::new().wasm_function_references(true)).unwrap()
}

fn module(engine: &Engine, text: impl AsRef<[u8]>) -> Result<Module, Error> {
    Module::new(engine, wat::parse_bytes(text.as_ref()).unwrap())
}

fn instance(store: &mut Store<()>, text: &str, imports: &[Extern]) -> Result<Instance, Error> {
    let module = module(store.engine(), text)?;
    Instance::new(store, &module, imports)
}

/// A module with two types, of which `$t` has another index than in other modules.
const OWNER: &str = r#"(module
    (type $other (func))
    (type $t (func (param i32) (result i32)))
    (func $twice (export "twice") (type $t) (i32.mul (local.get 0) (i32.const 2)))
    (func (export "nothing") (type $other))
    (func (export "apply") (param (ref $t) i32) (result i32) (call_ref $t (local.get 1) (local.get 0)))
    (func (export "apply null") (param (ref null $t) i32) (result i32)
        (return_call_ref $t (local.get 1) (local.get 0)))
    (func (export "checked") (param funcref) (result (ref func)) (ref.as_non_null (local.get 0)))
    (global (export "twice ref") (ref $t) (ref.func $twice))
    (global (export "variable") (mut (ref null $t)) (ref.null $t))
    (table (export "table") 3 (ref $t) (ref.func $twice)))"#;

#[test]
fn null_references_trap() {
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let owner = instance(&mut store, OWNER, &[]).unwrap();
        for (name, args) in
            [("apply null", &[Val::FuncRef(None), Val::I32(1)][..]), ("checked", &[Val::FuncRef(None)])]
        {
            let func = owner.get_func(&store, name).unwrap();
            let error = func.call(&mut store, args, &mut [Val::I32(0)]).unwrap_err();
            assert_eq!(error.trap(), Some(Trap::NullReference), "{name}: {error}");
            assert!(error.to_string().contains("null reference"), "{error}");
            assert_eq!(error.backtrace().unwrap().frames().len(), 1);
        }
    }
}

#[test]
fn branches_go_by_null() {
    const TEXT: &str = r#"(module
        (type $t (func (result i32)))
        (elem declare func $seven)
        (func $seven (export "seven") (type $t) (i32.const 7))
        (func (export "on null") (param (ref null $t)) (result i32)
            (block $null (result i32)
                (i32.const 1) (i32.const 2)
                (call_ref $t (br_on_null $null (local.get 0)))
                (drop) (drop) (drop)
                (i32.const 3)))
        (func (export "on non null") (param (ref null $t)) (result i32)
            (block $found (result i32 (ref $t))
                (i32.const 1) (i32.const 10)
                (br_on_non_null $found (local.get 0))
                (return))
            (call_ref $t) (i32.add))
        (func (export "returns") (param (ref null $t)) (result i32)
            (i32.const 5)
            (call_ref $t (br_on_null 0 (local.get 0)))
            (i32.add))
        (func (export "loops") (param $n i32) (result i32) (local $r (ref null $t))
            (local.set $r (ref.func $seven))
            (loop $again (result i32)
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (if (i32.eqz (local.get $n)) (then (local.set $r (ref.null $t))))
                (block $end
                    (br_on_null $end (local.get $r)) (drop)
                    (br $again))
                (local.get $n))))"#;
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let instance = instance(&mut store, TEXT, &[]).unwrap();
        let seven = instance.get_func(&store, "seven").unwrap();
        let mut call = |name: &str, arg: Val| {
            let mut results = [Val::I32(0)];
            instance.get_func(&store, name).unwrap().call(&mut store, &[arg], &mut results).unwrap();
            results[0].unwrap_i32()
        };
        assert_eq!(call("on null", Val::FuncRef(None)), 2);
        assert_eq!(call("on null", seven.into()), 3);
        assert_eq!(call("on non null", Val::FuncRef(None)), 10);
        assert_eq!(call("on non null", seven.into()), 17);
        assert_eq!(call("returns", Val::FuncRef(None)), 5);
        assert_eq!(call("returns", seven.into()), 12);
        assert_eq!(call("loops", Val::I32(100)), 0);
    }
}

#[test]
fn equal_types_of_modules_are_one_type() {
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let owner = instance(&mut store, OWNER, &[]).unwrap();
        let import = |name: &str| owner.get_export(&store, name).unwrap();
        let imports = ["apply", "twice ref", "variable", "table"].map(import);
        const USER: &str = r#"(module
            (type $t (func (param i32) (result i32)))
            (import "" "apply" (func $apply (param (ref $t) i32) (result i32)))
            (import "" "twice ref" (global $twice (ref null $t)))
            (import "" "variable" (global $variable (mut (ref null $t))))
            (import "" "table" (table $table 1 (ref $t)))
            (func $next (type $t) (i32.add (local.get 0) (i32.const 1)))
            (elem declare func $next)
            (func (export "run") (result i32)
                (global.set $variable (ref.func $next))
                (table.set $table (i32.const 1) (ref.func $next))
                (call $apply (ref.func $next) (i32.const 10))
                (call_ref $t (i32.const 100) (global.get $twice))
                (call_ref $t (i32.const 1000) (table.get $table (i32.const 1)))
                (call_indirect $table (type $t) (i32.const 10000) (i32.const 0))
                (i32.add) (i32.add) (i32.add)))"#;
        let user = instance(&mut store, USER, &imports).unwrap();
        let run = user.get_typed_func::<(), i32>(&store, "run").unwrap();
        assert_eq!(run.call(&mut store, ()).unwrap(), 11 + 200 + 1001 + 20000);

        // Another result, another nullability where it may be assigned, and another element type don't match.
        for (at, text) in [
            (
                0,
                r#"(type $t (func (param i32) (result i64))) (import "" "" (func (param (ref $t) i32) (result i32)))"#,
            ),
            (1, r#"(type $t (func (param i64) (result i32))) (import "" "" (global (ref $t)))"#),
            (2, r#"(type $t (func (param i32) (result i32))) (import "" "" (global (mut (ref $t))))"#),
            (3, r#"(type $t (func (param i32) (result i32))) (import "" "" (table 1 (ref null $t)))"#),
        ] {
            let error = instance(&mut store, &format!("(module {text})"), &imports[at..=at]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Link, "{text}");
            assert!(error.to_string().contains("incompatible import type"), "{error}");
        }
    }
}

#[test]
fn what_hosts_pass_is_checked() {
    let engine = engine();
    let mut store = Store::new(&engine, ());
    let owner = instance(&mut store, OWNER, &[]).unwrap();
    let func = |name: &str| owner.get_func(&store, name).unwrap();
    let (twice, nothing, apply) = (func("twice"), func("nothing"), func("apply"));
    let mut results = [Val::I32(0)];
    apply.call(&mut store, &[twice.into(), Val::I32(4)], &mut results).unwrap();
    assert_eq!(results[0].unwrap_i32(), 8);
    let mut refused =
        |arg: Val| apply.call(&mut store, &[arg, Val::I32(4)], &mut [Val::I32(0)]).unwrap_err().to_string();
    let text = refused(nothing.into());
    assert!(text.contains("expected a function of type (i32) -> (i32), not () -> ()"), "{text}");
    assert!(refused(Val::FuncRef(None)).contains("not null"));
    assert!(refused(Val::ExternRef(None)).contains("not externref"));

    let checked = owner.get_typed_func::<Option<Func>, Func>(&store, "checked").unwrap();
    assert_eq!(checked.call(&mut store, Some(nothing)).unwrap(), nothing);
    assert!(owner.get_typed_func::<Func, Option<Func>>(&store, "checked").is_ok());
    assert!(owner.get_typed_func::<(Option<Func>, i32), i32>(&store, "apply").is_err());

    let Some(variable) = owner.get_global(&store, "variable") else { panic!("it is exported") };
    variable.set(&mut store, twice.into()).unwrap();
    assert!(variable.set(&mut store, nothing.into()).is_err());
    let table = owner.get_table(&store, "table").unwrap();
    assert!(table.set(&mut store, 0, Val::FuncRef(None)).is_err());
    assert!(table.grow(&mut store, 1, nothing.into()).is_err());
    assert_eq!(table.grow(&mut store, 1, twice.into()).unwrap(), 3);
}

#[test]
fn host_functions_have_typed_references() {
    for engine in engines() {
        const TEXT: &str = r#"(module
            (type $t (func (result i32)))
            (import "" "choose" (func $choose (param (ref $t) i32) (result (ref $t))))
            (elem declare func $seven)
            (func $seven (type $t) (i32.const 7))
            (func (export "other") (result i64) (i64.const 0))
            (func (export "run") (param i32) (result i32)
                (call_ref $t (call $choose (ref.func $seven) (local.get 0)))))"#;
        let module = module(&engine, TEXT).unwrap();
        let Some(ExternType::Func(ty)) = module.imports().next().map(|import| import.ty().clone()) else {
            panic!("a function is imported")
        };
        let mut linker = Linker::<Option<Func>>::new(&engine);
        let choose = |caller: Caller<'_, Option<Func>>, args: &[Val], results: &mut [Val]| {
            match args[1].unwrap_i32() {
                0 => results[0] = args[0],
                1 => results[0] = (*caller.data()).into(),
                _ => {}
            }
            Ok(())
        };
        linker.func_new("", "choose", ty, choose).unwrap();
        let mut store = Store::new(&engine, None);
        let instance = linker.instantiate(&mut store, &module).unwrap();
        *store.data_mut() = instance.get_func(&store, "other");
        let run = instance.get_typed_func::<i32, i32>(&store, "run").unwrap();
        assert_eq!(run.call(&mut store, 0).unwrap(), 7);
        let error = run.call(&mut store, 1).unwrap_err().to_string();
        assert!(error.contains("expected a function of type () -> (i32), not () -> (i64)"), "{error}");
        assert!(run.call(&mut store, 2).unwrap_err().to_string().contains("not null"));
    }
}

#[test]
fn hosts_keep_the_types_that_they_name() {
    let engine = engine();
    let mut store = Store::new(&engine, ());
    let ty = {
        let module = module(&engine, OWNER).unwrap();
        let Some(ExternType::Global(ty)) = module.get_export("variable") else { panic!("it is exported") };
        let content = ty.content().as_ref().unwrap();
        let null = Val::null(content.heap_type());
        Table::new(&mut store, TableType::new(content, 1, None), null).unwrap();
        Global::new(&mut store, GlobalType::new(content.into(), Mutability::Var), null).unwrap();
        content
    };
    let HeapType::ConcreteFunc(number) = ty.heap_type() else { panic!("it names a type") };
    assert_eq!(engine.func_type(number), Some(FuncType::new([ValType::I32], [ValType::I32])));
    drop(store);
    assert_eq!(engine.func_type(number), None);
    let mut store = Store::new(&engine, ());
    let global = GlobalType::new(ty.into(), Mutability::Var);
    assert!(Global::new(&mut store, global, Val::FuncRef(None)).is_err());
    assert!(Func::try_new(&mut store, FuncType::new([ty.into()], []), |_, _, _| Ok(())).is_err());
    assert!(ty.matches(&engine, RefType::FUNCREF));
}

/// Each type names the one before it: dropping the last one must not recurse.
#[test]
fn many_types_cost_what_is_charged() {
    let mut text = String::from("(module (type (func))");
    for i in 0..20_000 {
        text += &format!("(type (func (param (ref null {i}))))");
    }
    text += &format!("(type (func (param {}))))", "(ref null 20000)".repeat(1000));
    let bytes = wat::parse_str(&text).unwrap();
    let budget = Budget::new(64 << 20);
    let config = Config::new().wasm_function_references(true).budget(budget.clone()).clone();
    let engine = Engine::new(&config).unwrap();
    module(&engine, &bytes).unwrap();
    drop(engine);
    assert_eq!(budget.used(), 0);
    let engine = Engine::new(config.clone().budget(Budget::new(1 << 20))).unwrap();
    assert!(module(&engine, &bytes).unwrap_err().out_of_budget().is_some());
}

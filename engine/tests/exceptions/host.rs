//! Host functions that throw, and that catch.

use crate::{engines, instance, loaded};
use dunlin::{
    Caller, Engine, Error, ErrorKind, ExnRef, FuncType, Instance, Linker, Store, Tag, TagType,
    ThrownException, Trap, Val, ValType,
};

const GUEST: &str = r#"(module
    (import "host" "t" (tag $t (param i32))) (import "host" "call" (func $call (param i32)))
    (func $deep (param i32 i32)
        (if (local.get 0)
            (then (call $deep (i32.sub (local.get 0) (i32.const 1)) (local.get 1)))
            (else (call $call (local.get 1)))))
    (func (export "f") (param i32) (result i32)
        (block $h (result i32)
            (try_table (catch $t $h) (call $deep (i32.const 10) (local.get 0)))
            (i32.const -1)))
    (func (export "tail") (param i32) (result i32)
        (block $h (result i32)
            (try_table (catch $t $h) (call $tail (local.get 0)))
            (i32.const -1)))
    (func $tail (param i32)
        (block $h (try_table (catch_all $h) (return_call $call (local.get 0))) (return))
        (unreachable))
    (func (export "throw") (param i32) (throw $t (local.get 0)))
    (func (export "trap") (unreachable)))"#;

fn guest(
    engine: &Engine,
    call: impl Fn(Caller<'_, ()>, Tag, i32) -> Result<(), Error> + Send + Sync + 'static,
) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let tag = Tag::new(&mut store, &TagType::new(FuncType::new([ValType::I32], []))).unwrap();
    let mut linker = Linker::new(engine);
    linker.define(&store, "host", "t", tag).unwrap();
    linker.func_wrap("host", "call", move |caller: Caller<'_, ()>, n: i32| call(caller, tag, n)).unwrap();
    let instance = linker.instantiate(&mut store, &loaded(engine, GUEST).unwrap()).unwrap();
    (store, instance)
}

fn call(store: &mut Store<()>, instance: Instance, name: &str, arg: i32) -> Result<i32, Error> {
    instance.get_typed_func::<i32, i32>(&*store, name).unwrap().call(store, arg)
}

fn throw(caller: &mut Caller<'_, ()>, tag: Tag, n: i32) -> Result<(), Error> {
    let exception = ExnRef::new(&mut *caller, &tag, &[Val::I32(n)])?;
    Ok(caller.throw(exception)?)
}

#[test]
fn a_host_function_throws_through_frames() {
    for engine in engines(false) {
        let (mut store, instance) = guest(&engine, |mut caller, tag, n| throw(&mut caller, tag, n + 1));
        for name in ["f", "tail"] {
            assert_eq!(call(&mut store, instance, name, 5).unwrap(), 6, "{name}");
        }
        assert!(!store.has_pending_exception());
    }
}

#[test]
fn other_errors_pass_through() {
    for engine in engines(false) {
        let (mut store, instance) = guest(&engine, |mut caller, tag, n| match n {
            0 => Err(Trap::IntegerOverflow.into()),
            // There is a pending exception, but this isn't its error.
            1 => throw(&mut caller, tag, n).and(Ok(())).or(Err(Error::msg("another"))),
            // This is, but there is no exception.
            _ => {
                caller.take_pending_exception();
                Err(ThrownException.into())
            }
        });
        let mut error = |n| call(&mut store, instance, "f", n).unwrap_err();
        assert_eq!(error(0).trap(), Some(Trap::IntegerOverflow));
        assert_eq!(error(1).to_string(), "another");
        let lost = error(2);
        assert_eq!(lost.kind(), ErrorKind::Exception);
        assert_eq!(lost.to_string(), "an exception was thrown and not caught");
    }
}

/// The host calls the guest back, which throws; it passes that on, or takes it and throws another.
#[test]
fn exceptions_pass_through_the_host() {
    for engine in engines(false) {
        let (mut store, instance) = guest(&engine, |mut caller, tag, n| {
            let throws = caller.get_export("throw").unwrap().into_func().unwrap();
            let throws = throws.typed::<i32, ()>(&caller)?;
            let error = throws.call(&mut caller, n * 2).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Exception);
            if n < 100 {
                return Err(error);
            }
            let exception = caller.take_pending_exception().unwrap();
            assert_eq!(exception.tag(&caller), tag);
            let value = exception.field(&caller, 0).unwrap().unwrap_i32();
            throw(&mut caller, tag, value + 1)
        });
        assert_eq!(call(&mut store, instance, "f", 5).unwrap(), 10);
        assert_eq!(call(&mut store, instance, "f", 100).unwrap(), 201);
    }
}

/// A trap in a guest that the host has called while an exception is pending isn't that exception.
#[test]
fn a_trap_is_no_exception() {
    for engine in engines(false) {
        let (mut store, instance) = guest(&engine, |mut caller, tag, n| {
            let exception = ExnRef::new(&mut caller, &tag, &[Val::I32(n)])?;
            let _: Result<(), _> = caller.throw(exception);
            let trap = caller.get_export("trap").unwrap().into_func().unwrap();
            trap.call(&mut caller, &[], &mut [])
        });
        let error = call(&mut store, instance, "f", 5).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::UnreachableCodeReached));
    }
}

#[test]
fn references_are_passed_to_the_host_and_back() {
    for engine in engines(false) {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let same = |caller: Caller<'_, ()>, exception: Option<ExnRef>| {
            assert_eq!(exception.unwrap().field(&caller, 0).unwrap().unwrap_i32(), 9);
            exception
        };
        linker.func_wrap("host", "same", same).unwrap();
        let text = r#"(module (import "host" "same" (func $same (param exnref) (result exnref)))
            (tag $t (param i32))
            (func (export "make") (result exnref)
                (block $h (result exnref) (try_table (catch_all_ref $h) (throw $t (i32.const 9))) (unreachable)))
            (func (export "throw") (param exnref) (throw_ref (call $same (local.get 0)))))"#;
        let instance = linker.instantiate(&mut store, &loaded(&engine, text).unwrap()).unwrap();
        let make = instance.get_typed_func::<(), Option<ExnRef>>(&store, "make").unwrap();
        let made = make.call(&mut store, ()).unwrap();
        let throw = instance.get_func(&store, "throw").unwrap();
        let error = throw.call(&mut store, &[Val::ExnRef(made)], &mut []).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exception);
        assert_eq!(store.take_pending_exception(), made);
    }
}

#[test]
fn what_an_exception_carries_is_checked() {
    let mut store = Store::new(&engines(false)[0], ());
    let tag = Tag::new(&mut store, &TagType::new(FuncType::new([ValType::I32], []))).unwrap();
    assert!(ExnRef::new(&mut store, &tag, &[]).is_err());
    let error = ExnRef::new(&mut store, &tag, &[Val::I64(1)]).unwrap_err();
    assert!(error.to_string().contains("value 0"), "{error}");
    instance(&mut store, "(module)");
}

#[test]
#[should_panic(expected = "another store")]
fn an_exception_belongs_to_its_store() {
    let engine = &engines(false)[0];
    let (mut store, mut other) = (Store::new(engine, ()), Store::new(engine, ()));
    let tag = Tag::new(&mut store, &TagType::new(FuncType::new([], []))).unwrap();
    let exception = ExnRef::new(&mut store, &tag, &[]).unwrap();
    let _: Result<(), _> = other.throw(exception);
}

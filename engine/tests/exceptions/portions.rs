//! Resumable calls that throw: out of fuel at every instruction, they give the same.

use crate::{engines, loaded};
use dunlin::{Caller, Engine, Error, ErrorKind, ExnRef, FuncType, Instance, Linker, ResumableCall, Store};
use dunlin::{Tag, TagType, Val, ValType};

const GUEST: &str = r#"(module
    (import "host" "t" (tag $t (param i32))) (import "host" "throw" (func $host (param i32)))
    (global $sum (mut i32) (i32.const 0))
    (func $add (param i32) (global.set $sum (i32.add (global.get $sum) (local.get 0))))
    (func $throw (param i32)
        (if (i32.and (local.get 0) (i32.const 1)) (then (return_call $host (local.get 0))))
        (throw $t (local.get 0)))
    (func $legacy (param i32)
        try (call $throw (local.get 0))
             catch $t (call $add) (rethrow 0) end)
    (func $once (param i32)
        (call $add (block $h (result i32)
            (try_table (catch $t $h) (call $legacy (local.get 0)))
            (unreachable))))
    (func (export "f") (param i32) (result i32)
        (loop $again
            (call $once (local.get 0))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (global.get $sum))
    (func (export "uncaught") (param i32) (result i32) (call $legacy (local.get 0)) (i32.const 0)))"#;

fn guest(engine: &Engine) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let tag = Tag::new(&mut store, &TagType::new(FuncType::new([ValType::I32], []))).unwrap();
    let mut linker = Linker::new(engine);
    linker.define(&store, "host", "t", tag).unwrap();
    let throw = move |mut caller: Caller<'_, ()>, n: i32| -> Result<(), Error> {
        let exception = ExnRef::new(&mut caller, &tag, &[Val::I32(n)])?;
        Ok(caller.throw(exception)?)
    };
    linker.func_wrap("host", "throw", throw).unwrap();
    let module = loaded(engine, GUEST).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

#[test]
fn throwing_calls_go_on_from_every_slice() {
    for engine in engines(true) {
        let (mut store, instance) = guest(&engine);
        store.set_fuel(1_000_000).unwrap();
        let f = instance.get_typed_func::<i32, i32>(&store, "f").unwrap();
        let whole = f.call(&mut store, 8).unwrap();
        assert_eq!(whole, 72);
        let fuel = 1_000_000 - store.get_fuel().unwrap();
        for portion in (17..80).chain([101, 500]) {
            let (mut store, instance) = guest(&engine);
            let f = instance.get_func(&store, "f").unwrap();
            store.set_fuel(portion).unwrap();
            let (mut results, mut given) = ([Val::I32(0)], portion);
            let mut call = f.call_resumable(&mut store, &[Val::I32(8)], &mut results).unwrap();
            while let ResumableCall::Suspended(suspended) = call {
                let left = store.get_fuel().unwrap();
                store.set_fuel(left + portion).unwrap();
                given += portion;
                call = suspended.resume(&mut store, &mut results).unwrap();
            }
            assert_eq!(results[0].unwrap_i32(), whole, "portions of {portion}");
            assert_eq!(given - store.get_fuel().unwrap(), fuel, "portions of {portion}");
        }
    }
}

#[test]
fn an_uncaught_exception_ends_a_resumable_call() {
    for engine in engines(true) {
        for arg in [2, 3] {
            let (mut store, instance) = guest(&engine);
            store.set_fuel(10_000).unwrap();
            let f = instance.get_func(&store, "uncaught").unwrap();
            let error = f.call_resumable(&mut store, &[Val::I32(arg)], &mut [Val::I32(0)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Exception);
            let exception = store.take_pending_exception().unwrap();
            assert_eq!(exception.field(&store, 0).unwrap().unwrap_i32(), arg);
        }
    }
}

//! Exceptions that are thrown in compiled code, or through it, and caught in what is interpreted.

use crate::configurations::{Seen, all_compiled, call, calls, compare, compare_with, instance, module};
use dunlin::{
    Caller, Config, Engine, Error, ExnRef, FuncType, Linker, ResumableCall, Store, Tag, TagType, Val, ValType,
};

/// Functions that throw are compiled; those that catch aren't. They call each other in every order.
const CALLS: &str = r#"(module (memory 1) (tag $t (export "t") (param i32 f64 v128 i64)) (tag $u (param i32))
    (global $caught (export "caught") (mut i32) (i32.const 0))
    (table funcref (elem $odd $even $throw))
    (func $throw (param i32) (result i32)
        (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 3)))
            (then (throw $t (local.get 0) (f64.const 1.5) (v128.const i32x4 1 2 3 4) (i64.const -1))))
        (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 5))) (then (throw $u (local.get 0))))
        (local.get 0))
    ;; Compiled.
    (func $odd (param i32) (result i32)
        (if (result i32) (i32.le_s (local.get 0) (i32.const 1))
            (then (call $throw (local.get 0)))
            (else (i32.add (i32.const 1)
                (call_indirect (param i32) (result i32) (i32.sub (local.get 0) (i32.const 2)) (i32.const 1))))))
    ;; Interpreted, and catches one of the tags.
    (func $even (param i32) (result i32)
        (block $h (result i32)
            (return (try_table (result i32) (catch $u $h) (call $middle (local.get 0)))))
        (global.set $caught (i32.add (global.get $caught) (i32.const 1))))
    ;; Compiled, and loops.
    (func $middle (param i32) (result i32) (local $sum i32)
        (local.set $sum (call $throw (local.get 0)))
        (loop $again
            (local.set $sum (i32.add (local.get $sum) (i32.const 3)))
            (br_if $again (i32.lt_u (local.get $sum) (i32.const 300))))
        (i32.add (local.get $sum) (call $odd (local.get 0))))
    (func $all (param i32) (result i32)
        (block $h (result i32 f64 v128 i64)
            (return (try_table (result i32) (catch $t $h) (call $odd (local.get 0)))))
        (drop) (drop) (drop) (i32.add (i32.const 1000000)))
    (func (export "caught by all") (param i32) (result i32) (local $i i32) (local $sum i32)
        (loop $again
            (local.set $sum (i32.add (local.get $sum) (call $all (local.get $i))))
            (br_if $again (i32.le_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
        (local.get $sum))
    (func (export "some uncaught") (param i32) (result i32) (call $odd (local.get 0)))
    (func (export "legacy") (param i32) (result i32)
        try (result i32)
            try (result i32) (call $middle (local.get 0)) catch $u (call $odd) catch $t rethrow 0 end
        catch_all (i32.const -7) end))"#;

#[test]
fn compiled_frames_are_unwound_to_who_catches() {
    let run = |config: &Config| {
        let (mut store, instance) = instance(config, CALLS);
        let mut seen = Seen::new();
        for name in ["caught by all", "some uncaught", "legacy", "caught by all"] {
            seen.extend(calls(&mut store, instance, name, 0..40));
        }
        seen
    };
    let (seen, stats) = compare(run);
    assert!(seen.iter().any(|seen| seen.contains("`t`")), "some are uncaught");
    assert!(all_compiled(&stats), "{stats:?}");
    let declined =
        |why: &str| stats.iter().any(|(_, stats)| stats.declined.iter().any(|(w, _)| w.contains(why)));
    assert!(declined("catching exceptions"), "{stats:?}");
    // The same in code that can be suspended.
    compare_with(
        &|config| {
            config.suspend_compiled(true);
        },
        run,
    );
}

/// Through the host, which throws itself or passes on what the guest threw.
const HOST: &str = r#"(module (import "host" "t" (tag $t (param i32)))
    (import "host" "call" (func $call (param i32) (result i32)))
    (func (export "back") (param i32) (result i32)
        (if (i32.and (local.get 0) (i32.const 1)) (then (throw $t (local.get 0))))
        (i32.mul (local.get 0) (i32.const 3)))
    (func $between (param i32) (result i32) (i32.add (i32.const 1) (call $call (local.get 0))))
    (func $tail (param i32) (result i32) (return_call $call (local.get 0)))
    (func (export "run") (param i32) (result i32)
        (block $h (result i32)
            (return (try_table (result i32) (catch $t $h)
                (i32.add (call $between (local.get 0)) (call $tail (local.get 0))))))
        (i32.sub (i32.const 0))
        (i32.sub (i32.const 1)))
    (func (export "uncaught") (param i32) (result i32) (call $between (local.get 0))))"#;

fn with_host(config: &Config) -> (Store<()>, dunlin::Instance) {
    let engine = Engine::new(config).unwrap();
    let mut store = Store::new(&engine, ());
    let _ = store.set_fuel(u64::MAX);
    let tag = Tag::new(&mut store, &TagType::new(FuncType::new([ValType::I32], []))).unwrap();
    let mut linker = Linker::new(&engine);
    linker.define(&store, "host", "t", tag).unwrap();
    let call = move |mut caller: Caller<'_, ()>, n: i32| -> Result<i32, Error> {
        if n % 4 == 2 {
            let exception = ExnRef::new(&mut caller, &tag, &[Val::I32(n)])?;
            return Ok(caller.throw(exception)?);
        }
        let back = caller.get_export("back").unwrap().into_func().unwrap();
        back.typed::<i32, i32>(&caller)?.call(&mut caller, n)
    };
    linker.func_wrap("host", "call", call).unwrap();
    let instance = linker.instantiate(&mut store, &module(&engine, HOST)).unwrap();
    (store, instance)
}

#[test]
fn exceptions_pass_through_host_functions_and_compiled_frames() {
    let (_, stats) = compare(|config| {
        let (mut store, instance) = with_host(config);
        let mut seen = calls(&mut store, instance, "run", 0..20);
        for n in 0..8 {
            seen.push(call(&mut store, instance, "uncaught", &[Val::I32(n)]));
        }
        seen
    });
    assert!(all_compiled(&stats), "{stats:?}");
}

/// With fuel in portions: a throw that there is too little fuel for is tried again.
#[test]
fn a_throw_in_compiled_code_can_be_suspended() {
    let portions = |config: &Config| {
        let mut config = config.clone();
        config.consume_fuel(true);
        let mut seen = Seen::new();
        for portion in [20, 23, 50] {
            let (mut store, instance) = with_host(&config);
            let run = instance.get_func(&store, "run").unwrap();
            for n in 0..6 {
                store.set_fuel(portion).unwrap();
                let (mut results, mut given) = ([Val::I32(0)], portion);
                let mut call = run.call_resumable(&mut store, &[Val::I32(n)], &mut results).unwrap();
                while let ResumableCall::Suspended(suspended) = call {
                    // Where the host called the guest, it fails for want of fuel: that isn't gone on with.
                    if suspended.host_func(&mut store).is_some() {
                        break;
                    }
                    given += portion;
                    let left = store.get_fuel().unwrap();
                    store.set_fuel(left + portion).unwrap();
                    match suspended.resume(&mut store, &mut results) {
                        Ok(next) => call = next,
                        Err(error) => {
                            seen.push(error.to_string());
                            break;
                        }
                    }
                }
                seen.push(format!("{results:?} of {given}"));
            }
        }
        seen
    };
    compare_with(
        &|config| {
            config.suspend_compiled(true);
        },
        portions,
    );
}

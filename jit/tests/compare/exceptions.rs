//! Exceptions that are thrown and caught in compiled code and in what is interpreted, and pass through both.

use crate::configurations::{Seen, all_compiled, call, calls, compare, compare_with, instance, module};
use dunlin::{
    Caller, Config, Engine, Error, ExnRef, FuncType, Linker, ResumableCall, Store, Tag, TagType, Val, ValType,
};

/// Functions that throw, and functions that catch, call each other in every order.
const CALLS: &str = r#"(module (memory 1) (tag $t (export "t") (param i32 f64 v128 i64)) (tag $u (param i32))
    (global $caught (export "caught") (mut i32) (i32.const 0))
    (table funcref (elem $odd $even $throw))
    (func $throw (param i32) (result i32)
        (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 3)))
            (then (throw $t (local.get 0) (f64.const 1.5) (v128.const i32x4 1 2 3 4) (i64.const -1))))
        (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 5))) (then (throw $u (local.get 0))))
        (local.get 0))
    (func $odd (param i32) (result i32)
        (if (result i32) (i32.le_s (local.get 0) (i32.const 1))
            (then (call $throw (local.get 0)))
            (else (i32.add (i32.const 1)
                (call_indirect (param i32) (result i32) (i32.sub (local.get 0) (i32.const 2)) (i32.const 1))))))
    ;; Catches one of the tags.
    (func $even (param i32) (result i32)
        (block $h (result i32)
            (return (try_table (result i32) (catch $u $h) (call $middle (local.get 0)))))
        (global.set $caught (i32.add (global.get $caught) (i32.const 1))))
    ;; Loops.
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

/// Clauses of every kind: in each other, around loops and in them, for small functions that are inlined, with operands below
/// the block and locals that change within.
const TRIES: &str = r#"(module (tag $a (param i32 i64)) (tag $b) (tag $c (param i32)) (tag $v (param v128 f32))
    (global $steps (export "steps") (mut i32) (i32.const 0))
    (table funcref (elem $small $rarely))
    (func $step (param i32) (global.set $steps (i32.add (i32.mul (global.get $steps) (i32.const 31)) (local.get 0))))
    ;; Small enough to be inlined.
    (func $small (param i32) (result i32)
        (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 3))) (then (throw $a (local.get 0) (i64.const 7))))
        (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 4))) (then (throw $b)))
        (if (i32.eq (i32.rem_u (local.get 0) (i32.const 11)) (i32.const 10)) (then (throw $c (local.get 0))))
        (local.get 0))
    (func $rarely (param i32) (result i32)
        (if (i32.eq (local.get 0) (i32.const 5)) (then (throw $v (v128.const i64x2 3 9) (f32.const 2.5))))
        (call $small (local.get 0)))
    ;; Inlined too, with a clause of its own, and a tail call that its clauses don't see.
    (func $own (param i32) (result i32)
        (block $h
            (return (try_table (result i32) (catch $b $h) (call $small (local.get 0)))))
        (i32.const 3))
    (func $tail (param i32) (result i32)
        (block $h (try_table (catch_all $h) (return_call $rarely (local.get 0))))
        (i32.const -1))
    (func $nested (param i32) (result i32) (local $x i32) (local $l i64)
        (local.set $x (i32.mul (local.get 0) (i32.const 10)))
        (i32.const 1000) (f64.const 0.5) (v128.const i32x4 1 2 3 4)
        (block $all
            (block $a (result i32 i64)
                (block $b
                    (try_table (catch $b $b)
                        (local.set $x (i32.add (local.get $x) (i32.const 1)))
                        (try_table (catch $a $a)
                            (local.set $x (i32.add (local.get $x) (call $rarely (local.get 0))))
                            (local.set $l (i64.const 77))
                            (local.set $x (i32.add (local.get $x) (call $own (local.get 0))))
                            (local.set $x (i32.add (local.get $x)
                                (call_indirect (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)) (i32.const 1))))))
                    (br $all))
                (i32.const -5) (i64.const -6))
            (local.set $l) (local.set $x (i32.add (local.get $x))))
        (drop) (drop)
        (i32.add (i32.add (local.get $x)) (i32.wrap_i64 (local.get $l))))
    (func (export "nested") (param i32) (result i32)
        (block $v (result v128 f32)
            (return (try_table (result i32) (catch $v $v) (call $nested (local.get 0)))))
        (drop) (i32x4.extract_lane 2) (i32.sub (i32.const 0)))
    ;; A clause that goes round a loop, and one that returns.
    (func (export "round") (param i32) (result i32) (local $n i32)
        (local.set $n (i32.const 50))
        (loop $again (result i32)
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (call $step (local.get $n))
            (if (i32.eqz (local.get $n)) (then (return (i32.const -9))))
            (try_table (result i32) (catch $b $again)
                (try_table (result i32) (catch $c 2)
                    (call $tail (i32.add (local.get $n) (local.get 0)))))))
    ;; References: kept, thrown again, and asked whether they are null.
    (func $ref (param i32) (result i32 exnref)
        (block $h (result exnref)
            (try_table (catch_all_ref $h) (return (call $rarely (local.get 0)) (ref.null exn)))
            (unreachable))
        (i32.const 5) (local.get 0) (drop) (drop) (i32.const -3) (call $swap))
    (func $swap (param exnref i32) (result i32 exnref) (local.get 1) (local.get 0))
    (func (export "references") (param i32) (result i32) (local $e exnref) (local $i i32) (local $sum i32)
        (loop $again
            (call $ref (local.get $i)) (local.set $e) (local.set $sum (i32.add (local.get $sum)))
            (if (i32.eqz (ref.is_null (local.get $e)))
                (then (block $h (result i32 i64 exnref)
                        (block $other
                            (try_table (catch_ref $a $h) (catch_all $other) (throw_ref (local.get $e)))
                            (unreachable))
                        (i32.const 1) (i64.const 2) (ref.null exn))
                    (local.set $e) (drop)
                    (local.set $sum (i32.add (local.get $sum)))))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
        (i32.add (local.get $sum) (ref.is_null (local.get $e))))
    ;; A loop within a clause's block, long enough to be compiled alone.
    (func (export "loops") (param i32) (result i32) (local $i i32) (local $sum i32)
        (i32.const 4)
        (block $out
            (block $a (result i32 i64)
                (try_table (catch $a $a) (catch_all $out)
                    (loop $again
                        (local.set $sum (i32.add (local.get $sum) (local.get $i)))
                        (block $b (try_table (catch $b $b)
                            (local.set $sum (i32.add (local.get $sum)
                                (call $rarely (i32.mul (local.get $i) (i32.eq (local.get $i) (local.get 0))))))))
                        (local.set $i (i32.add (local.get $i) (i32.const 1)))
                        (br_if $again (i32.lt_u (local.get $i) (i32.const 200)))))
                (br $out))
            (drop) (local.set $sum (i32.add (local.get $sum))))
        (i32.add (local.get $sum) (i32.shl (local.get $i) (i32.const 16))) (i32.add))
    ;; As it was before the standard.
    (func (export "legacy") (param i32) (result i32) (local $x i32)
        (i32.const 100)
        try (result i32)
            try
                try (result i32) (call $rarely (local.get 0)) delegate 1
                (local.set $x)
            catch_all unreachable end
            try (result i32)
                (i32.const 2) (drop) (call $nested (local.get 0))
            catch $v
                (drop) (drop) (call $step (i32.const 8)) rethrow 0
            catch_all
                try (result i32) (call $small (i32.add (local.get 0) (i32.const 1)))
                catch $b (call $step (i32.const 9)) rethrow 1
                catch $a (drop) end
            end
        catch $a (drop) (i32.add (i32.const 1))
        catch $v (drop) (i32x4.extract_lane 0)
        catch_all (i32.const -7)
        end
        (i32.add) (i32.add (local.get $x)))
    (func (export "legacy loops") (param i32) (result i32) (local $i i32) (local $sum i32)
        try
            (loop $again
                try
                    (local.set $sum (i32.add (local.get $sum) (call $rarely (local.get $i))))
                catch $a
                    (drop) (local.set $sum (i32.add (local.get $sum)))
                    (if (i32.gt_u (local.get $i) (local.get 0)) (then rethrow 1))
                catch $b
                    (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
                end
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $i) (i32.const 60))))
        catch_all
            (local.set $sum (i32.sub (local.get $sum) (i32.const 1)))
            try (loop $l (call $step (local.get $i))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $l (i32.lt_u (local.get $i) (i32.const 90)))
                    (if (i32.eqz (local.get 0)) (then rethrow 3)))
            delegate 0
        end
        (i32.add (local.get $sum) (local.get $i))))"#;

#[test]
fn clauses_catch_in_compiled_code() {
    const NAMES: [&str; 6] = ["nested", "round", "references", "loops", "legacy", "legacy loops"];
    let run = |config: &Config| {
        let (mut store, instance) = instance(config, TRIES);
        let mut seen = Seen::new();
        for name in NAMES {
            seen.extend(calls(&mut store, instance, name, (0..26).chain([100])));
        }
        seen
    };
    for suspends in [false, true] {
        let (seen, stats) = compare_with(
            &|config| {
                config.suspend_compiled(suspends);
            },
            run,
        );
        assert!(seen.iter().any(|seen| seen.contains("number 2 of its module")), "some are uncaught");
        assert!(all_compiled(&stats), "{stats:?}");
        for (way, stats) in &stats {
            assert!(stats.declined.keys().all(|why| why == "it is too large"), "{way}: {stats:?}");
            if *way == "eagerly" {
                assert_eq!(stats.functions, 14, "{stats:?}");
            }
            if *way == "loops alone" {
                assert!(stats.loops > 3, "{stats:?}");
            }
        }
    }
}

/// Loops that are compiled alone are left with exceptions, which their interpreted functions catch. Each replaces itself, so
/// all of them have to do with a native stack that has room for few.
#[test]
fn loops_left_with_exceptions_take_no_stack() {
    const TURNS: i32 = if cfg!(debug_assertions) { 20_000 } else { 100_000 };
    const TEXT: &str = r#"(module (tag $t (param i32)) (global $steps (export "steps") (mut i32) (i32.const 0))
        (func $run (export "run") (param i32) (result i32) (local $i i32)
            (block $h (result i32)
                (try_table (catch $t $h)
                    (loop $again
                        (global.set $steps (i32.add (global.get $steps) (i32.const 1)))
                        (local.set $i (i32.add (local.get $i) (i32.const 1)))
                        (br_if $again (i32.lt_u (local.get $i) (i32.const 5)))
                        (throw $t (i32.sub (local.get 0) (i32.const 1)))))
                (unreachable))
            (local.set 0)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 7))))
            (return_call $run (local.get 0))))"#;
    let (seen, stats) = compare(|config| {
        let (mut store, instance) = instance(config, TEXT);
        calls(&mut store, instance, "run", [TURNS])
    });
    assert!(seen.iter().all(|seen| seen.contains("I32(7)")), "{seen:?}");
    for (way, stats) in stats.iter().filter(|(way, _)| *way == "loops alone") {
        assert!(stats.loops > 0 && stats.osr_entries > TURNS as u64 / 2, "{way}: {stats:?}");
    }
}

/// Exceptions that only compiled code has references to aren't freed, whether these are in its frames or in registers.
#[test]
fn references_in_compiled_frames_keep_exceptions() {
    const TEXT: &str = r#"(module (import "" "host" (func $host)) (tag $t (param i64))
        (func $make (param i64) (result exnref)
            (block $h (result exnref) (try_table (catch_all_ref $h) (throw $t (local.get 0))) (unreachable)))
        (func $value (param exnref) (result i64)
            (block $h (result i64) (try_table (catch $t $h) (throw_ref (local.get 0))) (unreachable)))
        ;; Begins collections.
        (func $fill (param i32) (result i32)
            (loop $l (drop (call $make (i64.const -1)))
                (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (call $host)
            (i32.const 0))
        (func $deep (param i32) (result i64) (local $e exnref) (local $f exnref)
            (local.set $e (call $make (i64.extend_i32_u (local.get 0))))
            (local.set $f (call $make (i64.const 1000)))
            (if (local.get 0)
                (then (drop (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                (else (drop (call $fill (i32.const 3000)))))
            (i64.add (call $value (local.get $e)) (call $value (local.get $f))))
        (func (export "fill") (drop (call $fill (i32.const 500))))
        (func (export "run") (param i32) (result i64) (call $deep (local.get 0))))"#;
    let (_, stats) = compare(|config| {
        let engine = Engine::new(config).unwrap();
        let mut store = Store::new(&engine, 0);
        let _ = store.set_fuel(u64::MAX);
        let mut linker = Linker::new(&engine);
        // The host's stack is another one, and the guest that it calls is on the code's again.
        let host = |mut caller: Caller<'_, u32>| -> Result<(), Error> {
            *caller.data_mut() += 1;
            if *caller.data() % 2 == 1 {
                let fill = caller.get_export("fill").unwrap().into_func().unwrap();
                fill.typed::<(), ()>(&caller)?.call(&mut caller, ())?;
            }
            Ok(())
        };
        linker.func_wrap("", "host", host).unwrap();
        let instance = linker.instantiate(&mut store, &module(&engine, TEXT)).unwrap();
        [0, 1, 2, 5].map(|n| call(&mut store, instance, "run", &[Val::I32(n)])).to_vec()
    });
    assert!(all_compiled(&stats), "{stats:?}");
}

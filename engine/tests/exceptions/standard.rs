//! `throw`, `throw_ref` and `try_table`.

use crate::{each, engines, instance, loaded};
use dunlin::{Error, ErrorKind, Extern, Instance, Linker, Store, ThrownException, Trap};

#[test]
fn labels_of_every_kind_are_caught_at() {
    // The end of a block, a loop's header, and the function.
    each(
        r#"(module (tag $t (param i32))
        (func $throw (param i32) (throw $t (local.get 0)))
        (func $block (param i32) (result i32)
            (block $h (result i32)
                (try_table (catch $t $h) (call $throw (local.get 0)))
                (i32.const -1)))
        (func $loop (param i32) (result i32)
            (local.get 0)
            (loop $again (param i32) (result i32)
                (local.set 0)
                (if (result i32) (local.get 0)
                    (then (try_table (result i32) (catch $t $again)
                        (call $throw (i32.sub (local.get 0) (i32.const 1))) (i32.const -1)))
                    (else (i32.const 77)))))
        (func $function (param i32) (result i32)
            (drop (try_table (result i32) (catch $t 0) (call $throw (local.get 0)) (i32.const -1)))
            (i32.const -2))
        (func (export "f") (param i32) (result i32)
            (i32.add (call $block (local.get 0))
                (i32.add (call $loop (local.get 0)) (call $function (local.get 0))))))"#,
        &[(0, 77), (5, 87), (1000, 2077)],
    );
}

#[test]
fn the_first_clause_that_matches_catches() {
    each(
        r#"(module (tag $a (param i32)) (tag $b (param i32)) (tag $c)
        (func $throw (param i32)
            (if (i32.eq (local.get 0) (i32.const 0)) (then (throw $a (i32.const 10))))
            (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $b (i32.const 20))))
            (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $c))))
        (func (export "f") (param i32) (result i32)
            (block $all
                (block $second (result i32)
                    (block $first (result i32)
                        (try_table (catch $a $first) (catch $b $second) (catch $a $second) (catch_all $all)
                            (call $throw (local.get 0)))
                        (return (i32.const 0)))
                    (return (i32.add (i32.const 1))))
                (return (i32.add (i32.const 2))))
            (i32.const 3)))"#,
        &[(0, 11), (1, 22), (2, 3), (3, 0)],
    );
}

#[test]
fn locals_and_operands_are_what_they_were() {
    each(
        r#"(module (tag $t (param i64 v128 f64)) (memory 1)
        (func $throw (param i32) (throw $t (i64.extend_i32_u (local.get 0)) (v128.const i32x4 1 2 3 4) (f64.const 5)))
        (func (export "f") (param i32) (result i32) (local $x i32) (local $v v128)
            (i32.add (local.get 0) (i32.const 1000))
            (block $h (result i64 v128 f64)
                (local.set $x (i32.const 100))
                (try_table (catch $t $h)
                    (local.set $x (i32.mul (local.get 0) (i32.const 10)))
                    (call $throw (local.get 0)))
                (unreachable))
            (drop) (local.set $v) (i32.wrap_i64)
            (i32.add (local.get $x))
            (i32.add (i32x4.extract_lane 3 (local.get $v)))
            (i32.add)))"#,
        &[(7, 1007 + 7 + 70 + 4)],
    );
}

#[test]
fn a_caught_exception_can_be_thrown_again() {
    each(
        r#"(module (tag $t (param i32)) (global $kept (mut exnref) (ref.null exn)) (table $kept 2 exnref)
        (func $keep (param i32)
            (block $h (result i32 exnref)
                (try_table (catch_ref $t $h) (throw $t (local.get 0)))
                (return))
            (global.set $kept) (drop)
            (table.set $kept (i32.const 1) (global.get $kept)))
        (func $throw (if (ref.is_null (table.get $kept (i32.const 0)))
            (then (throw_ref (table.get $kept (i32.const 1))))))
        (func (export "f") (param i32) (result i32)
            (call $keep (local.get 0))
            (i32.add
                (block $h (result i32)
                    (try_table (catch $t $h)
                        (block $all (result exnref)
                            (try_table (catch_all_ref $all) (call $throw))
                            (unreachable))
                        (throw_ref))
                    (unreachable))
                (block $h (result i32) (try_table (catch $t $h) (call $throw)) (unreachable)))))"#,
        &[(3, 6), (4, 8)],
    );
}

#[test]
fn traps_are_not_caught() {
    for engine in engines(false) {
        let mut store = Store::new(&engine, ());
        let instance = instance(
            &mut store,
            r#"(module
            (func $deep (call $deep))
            (func (export "unreachable") (block $all (try_table (catch_all $all) (unreachable))))
            (func (export "deep") (block $all (try_table (catch_all $all) (call $deep))))
            (func (export "null") (block $all (try_table (catch_all $all) (throw_ref (ref.null exn))))))"#,
        );
        for (name, trap) in [
            ("unreachable", Trap::UnreachableCodeReached),
            ("deep", Trap::StackOverflow),
            ("null", Trap::NullExceptionReference),
        ] {
            let f = instance.get_typed_func::<(), ()>(&store, name).unwrap();
            assert_eq!(f.call(&mut store, ()).unwrap_err().trap(), Some(trap), "{name}");
        }
    }
}

#[test]
fn an_uncaught_exception_names_its_tag_and_the_frames() {
    for engine in engines(false) {
        let mut store = Store::new(&engine, ());
        let instance = instance(
            &mut store,
            r#"(module $m (tag $t (export "failed") (param i32 i64)) (tag $u)
            (func $last (param i32) (if (local.get 0) (then (throw $u))) (throw $t (i32.const 1) (i64.const 2)))
            (func $inner (param i32) (block $h (try_table (catch $u $h) (call $last (local.get 0)))))
            (func $outer (export "f") (param i32) (call $inner (local.get 0)))
            (func (export "g") (call $last (i32.const 1))))"#,
        );
        let f = instance.get_typed_func::<i32, ()>(&store, "f").unwrap();
        f.call(&mut store, 1).unwrap();
        assert!(!store.has_pending_exception());
        let error = f.call(&mut store, 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exception);
        assert!(error.is::<ThrownException>() && error.trap().is_none());
        assert_eq!(error.to_string(), "an exception wasn't caught: its tag is `failed`, a tag (i32, i64)");
        let frames = error.backtrace().unwrap().frames();
        let names: Vec<_> = frames.iter().map(|frame| frame.func_name().unwrap()).collect();
        assert_eq!(names, ["last", "inner", "outer"]);
        assert!(frames.iter().all(|frame| frame.module_offset().is_some()));
        let exception = store.take_pending_exception().unwrap();
        assert_eq!(store.take_pending_exception(), None);
        assert_eq!(
            Some(exception.tag(&store)),
            instance.get_export(&store, "failed").and_then(Extern::into_tag)
        );
        let fields: Vec<_> = exception.fields(&store).iter().map(|val| format!("{val:?}")).collect();
        assert_eq!(fields, ["I32(1)", "I64(2)"]);
        assert!(exception.field(&store, 2).is_none());
        let g = instance.get_typed_func::<(), ()>(&store, "g").unwrap();
        let error = g.call(&mut store, ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "an exception wasn't caught: its tag is number 1 of its module, a tag ()"
        );
        assert!(matches!(error.downcast::<ThrownException>(), Ok(ThrownException)));
    }
}

/// Tags are told apart by what they are, not by their types or their numbers.
#[test]
fn exceptions_cross_instances() {
    for engine in engines(false) {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let define = |store: &mut Store<()>, linker: &mut Linker<()>, name: &str, text: &str| -> Instance {
            let instance = linker.instantiate(&mut *store, &loaded(&engine, text).unwrap()).unwrap();
            linker.instance(&*store, name, instance).unwrap();
            instance
        };
        let text = r#"(module (tag (export "t") (param i32))
            (func $f (export "throw") (param i32) (throw 0 (local.get 0)))
            (table (export "table") 1 funcref) (elem (i32.const 0) $f))"#;
        define(&mut store, &mut linker, "a", text);
        define(&mut store, &mut linker, "b", text);
        // Through direct, indirect and tail calls, and a module in between that catches others.
        let between = r#"(module (import "b" "t" (tag $b (param i32)))
            (import "a" "throw" (func $throw (param i32))) (import "a" "table" (table 1 funcref))
            (func (export "direct") (param i32)
                (drop (block $h (result i32) (try_table (catch $b $h) (call $throw (local.get 0))) (return))))
            (func (export "indirect") (param i32)
                (drop (block $h (result i32)
                    (try_table (catch $b $h) (call_indirect (param i32) (local.get 0) (i32.const 0))) (return))))
            (func (export "tail") (param i32)
                (block $h (try_table (catch_all $h) (return_call $throw (local.get 0))))))"#;
        define(&mut store, &mut linker, "between", between);
        let outer = define(
            &mut store,
            &mut linker,
            "outer",
            r#"(module (import "b" "t" (tag $b (param i32))) (import "a" "t" (tag $a (param i32)))
            (import "between" "direct" (func $direct (param i32)))
            (import "between" "indirect" (func $indirect (param i32)))
            (import "between" "tail" (func $tail (param i32)))
            (memory 1) (data (i32.const 0) "\2a")
            (table funcref (elem $direct $indirect $tail))
            (func (export "f") (param $how i32) (param $x i32) (result i32)
                (block $other (result i32)
                    (block $h (result i32)
                        (try_table (catch $b $other) (catch $a $h)
                            (call_indirect (param i32) (local.get $x) (local.get $how)))
                        (return (i32.const -1)))
                    (return (i32.add (i32.load8_u (i32.const 0)))))
                (drop) (i32.const -2)))"#,
        );
        let f = outer.get_typed_func::<(i32, i32), i32>(&store, "f").unwrap();
        for how in 0..3 {
            assert_eq!(f.call(&mut store, (how, 100)).unwrap(), 142, "{how}");
        }
    }
}

#[test]
fn other_types_of_tags_do_not_link() {
    let engine = engines(false)[0].clone();
    let mut store = Store::new(&engine, ());
    let exporter = instance(&mut store, r#"(module (tag (export "t") (param i32)))"#);
    let tag = exporter.get_export(&store, "t").unwrap();
    let link = |store: &mut Store<()>, text: &str| -> Result<Instance, Error> {
        Instance::new(store, &loaded(&engine, text).unwrap(), std::slice::from_ref(&tag))
    };
    link(&mut store, r#"(module (import "a" "t" (tag (param i32))))"#).unwrap();
    let error = link(&mut store, r#"(module (import "a" "t" (tag (param i64))))"#).unwrap_err();
    let message = "incompatible import type for `a.t`: expected tag (i64), found tag (i32)";
    assert!(error.to_string().contains(message), "{error}");
    assert_eq!(error.kind(), ErrorKind::Link);
}

//! Exceptions that nothing refers to are freed, and all others are charged for.

use crate::{instance, loaded};
use dunlin::{Budget, Config, Dispatch, Engine, ExnRef, Store, Tag, Trap, Val};

fn engines(budget: &Budget) -> [Engine; 2] {
    let mut config = Config::new();
    config.budget(budget.clone()).check_translation(true);
    [Engine::new(&config).unwrap(), Engine::new(config.dispatch(Dispatch::Loop)).unwrap()]
}

const GUEST: &str = r#"(module (tag $t (param i32)) (tag $next (param exnref i32))
    (global $kept (mut exnref) (ref.null exn))
    (table $kept 4 exnref)
    ;; Throws and catches, with a reference or without.
    (func (export "drop") (param i32)
        (loop $again
            (block $h (result i32) (try_table (catch $t $h) (throw $t (local.get 0))) (unreachable))
            (drop)
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "refer") (param i32)
        (loop $again
            (block $h (result i32 exnref) (try_table (catch_ref $t $h) (throw $t (local.get 0))) (unreachable))
            (drop) (drop)
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    ;; A list of exceptions, each of which refers to the one before.
    (func $chain (export "chain") (param i32)
        (global.set $kept (ref.null exn))
        (loop $again
            (block $h (result exnref)
                (try_table (catch_all_ref $h) (throw $next (global.get $kept) (local.get 0)))
                (unreachable))
            (global.set $kept)
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    ;; The sum of the numbers in the list.
    (func (export "sum") (result i64) (local $sum i64) (local $at exnref)
        (local.set $at (global.get $kept))
        (block $end
            (loop $again
                (br_if $end (ref.is_null (local.get $at)))
                (block $h (result exnref i32)
                    (try_table (catch $next $h) (throw_ref (local.get $at)))
                    (unreachable))
                (local.set $sum (i64.add (i64.extend_i32_u) (local.get $sum)))
                (local.set $at)
                (br $again)))
        (local.get $sum))
    ;; References in locals, operands and a table live on while others come and go.
    (func $make (param i32) (result exnref)
        (block $h (result exnref) (try_table (catch_all_ref $h) (throw $t (local.get 0))) (unreachable)))
    (func $value (param exnref) (result i32)
        (block $h (result i32) (try_table (catch $t $h) (throw_ref (local.get 0))) (unreachable)))
    (func (export "live") (param $n i32) (result i32) (local $local exnref)
        (local.set $local (call $make (i32.const 1)))
        (table.set $kept (i32.const 3) (call $make (i32.const 10)))
        (call $value (call $keep (call $make (i32.const 100)) (local.get $n)))
        (i32.add (call $value (local.get $local)))
        (i32.add (call $value (table.get $kept (i32.const 3)))))
    (func $keep (param exnref i32) (result exnref)
        (loop $again
            (drop (call $make (local.get 1)))
            (br_if $again (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
        (local.get 0)))"#;

#[test]
fn what_is_dropped_is_freed() {
    for engine in engines(&Budget::new(1 << 20)) {
        let mut store = Store::new(&engine, ());
        let instance = instance(&mut store, GUEST);
        for name in ["drop", "refer"] {
            let f = instance.get_typed_func::<i32, ()>(&store, name).unwrap();
            f.call(&mut store, 1000).unwrap();
            let before = store.budget().used();
            f.call(&mut store, 100_000).unwrap();
            let more = store.budget().used().saturating_sub(before);
            assert!(more <= if name == "drop" { 0 } else { 128 << 10 }, "{name}: {more}");
        }
    }
}

#[test]
fn what_is_referred_to_lives() {
    for engine in engines(&Budget::unlimited()) {
        let mut store = Store::new(&engine, ());
        let instance = instance(&mut store, GUEST);
        let live = instance.get_typed_func::<i32, i32>(&store, "live").unwrap();
        assert_eq!(live.call(&mut store, 20_000).unwrap(), 111);
        let chain = instance.get_typed_func::<i32, ()>(&store, "chain").unwrap();
        let sum = instance.get_typed_func::<(), i64>(&store, "sum").unwrap();
        for n in [1, 100, 50_000] {
            chain.call(&mut store, n).unwrap();
            assert_eq!(sum.call(&mut store, ()).unwrap(), i64::from(n) * i64::from(n + 1) / 2);
        }
    }
}

#[test]
fn the_budget_bounds_what_is_kept() {
    let budget = Budget::new(2 << 20);
    for engine in engines(&budget) {
        let mut store = Store::new(&engine, ());
        let instance = instance(&mut store, GUEST);
        let chain = instance.get_typed_func::<i32, ()>(&store, "chain").unwrap();
        let error = chain.call(&mut store, 1_000_000).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::OutOfBudget), "{error}");
        // What isn't referred to any more makes room.
        chain.call(&mut store, 5000).unwrap();
        let refer = instance.get_typed_func::<i32, ()>(&store, "refer").unwrap();
        refer.call(&mut store, 100_000).unwrap();
        drop(store);
    }
    assert_eq!(budget.used(), 0);
}

/// The store has exceptions whose instance failed to start, and those of the host.
#[test]
fn exceptions_outlive_their_instances_and_handles() {
    let budget = Budget::new(1 << 20);
    for engine in engines(&budget) {
        let mut store = Store::new(&engine, ());
        let fails =
            r#"(module (tag $t (export "t") (param i32)) (func $f (throw $t (i32.const 4))) (start $f))"#;
        let module = loaded(&engine, fails).unwrap();
        let error = dunlin::Instance::new(&mut store, &module, &[]).unwrap_err();
        assert!(error.to_string().contains("`t`"), "{error}");
        drop(module);
        let exception = store.take_pending_exception().unwrap();
        instance(&mut store, GUEST)
            .get_typed_func::<i32, ()>(&store, "refer")
            .unwrap()
            .call(&mut store, 50_000)
            .unwrap();
        assert_eq!(exception.field(&store, 0).unwrap().unwrap_i32(), 4);
        let ty = exception.tag(&store).ty(&store);
        let tag = Tag::new(&mut store, &ty).unwrap();
        for n in 0..100 {
            ExnRef::new(&mut store, &tag, &[Val::I32(n)]).unwrap();
        }
    }
    assert_eq!(budget.used(), 0);
}

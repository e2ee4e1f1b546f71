//! Modules that mean ill.

use crate::{each, engines, instance, loaded};
use dunlin::{Config, Engine, ErrorKind, Limits, Module, Store, Trap};
use std::thread;
use std::time::Duration;

#[test]
fn a_thousand_values_are_thrown() {
    let params = "i64 ".repeat(1000);
    let values: String = (0..1000).map(|i| format!("(i64.const {i})")).collect();
    let drops = "(drop) ".repeat(999);
    each(
        &format!(
            r#"(module (tag $t (param {params}))
            (func $throw (throw $t {values}))
            (func (export "f") (param i32) (result i32)
                (block $h (result {params})
                    (try_table (catch $t $h) (call $throw))
                    (unreachable))
                {drops} (i32.wrap_i64) (i32.add (local.get 0))))"#
        ),
        &[(1, 1), (2, 2)],
    );
}

/// The bytes of a module with one function, whose body is this.
fn module(body: &[u8]) -> Vec<u8> {
    fn leb(mut n: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while n >= 0x80 {
            bytes.push(n as u8 | 0x80);
            n >>= 7;
        }
        bytes.push(n as u8);
        bytes
    }
    let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0".to_vec();
    let code = [leb(1), leb(body.len()), body.to_vec()].concat();
    bytes.push(10);
    bytes.extend(leb(code.len()));
    bytes.extend(code);
    bytes
}

/// So many nested `try_table`s that catch all, around a throw of nothing that is reached.
fn nested(depth: usize, clause: &[u8]) -> Vec<u8> {
    let mut body = vec![0];
    for _ in 0..depth {
        body.extend([0x1f, 0x40]);
        body.extend(clause);
    }
    body.extend(vec![0x0b; depth + 1]);
    module(&body)
}

#[test]
fn blocks_nest_to_a_limit() {
    let engine = Engine::default();
    for clause in [&[0][..], &[1, 2, 0]] {
        let error = Module::new(&engine, nested(1_000_000, clause)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        let mut store = Store::new(&engine, ());
        let loaded = Module::new(&engine, nested(60_000, clause)).unwrap();
        let instance = dunlin::Instance::new(&mut store, &loaded, &[]).unwrap();
        instance.get_typed_func::<(), ()>(&store, "f").unwrap().call(&mut store, ()).unwrap();
    }
}

#[test]
fn clauses_are_counted() {
    let many = |count: usize| {
        let clauses = "(catch_all $h)".repeat(count);
        format!("(module (func (block $h (try_table {clauses}))))")
    };
    let mut config = Config::new();
    let engine = Engine::new(&config).unwrap();
    loaded(&engine, &many(10_000)).unwrap();
    assert!(loaded(&engine, &many(10_001)).is_err());
    let strict = Engine::new(config.limits(Limits::strict())).unwrap();
    loaded(&strict, &many(1000)).unwrap();
    let error = loaded(&strict, &many(1001)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.to_string().contains("catch clauses"), "{error}");
    let tags = |count: usize| format!("(module {})", "(tag)".repeat(count));
    loaded(&strict, &tags(1000)).unwrap();
    let error = loaded(&strict, &tags(1001)).unwrap_err();
    assert!(error.to_string().contains("tags"), "{error}");
}

#[test]
fn clauses_that_say_too_much_are_refused() {
    // A count beyond the end, labels and tags that aren't there, and a kind that isn't.
    for (clause, length) in
        [(&[0xff, 0xff, 0xff, 0x7f][..], 0), (&[1, 2, 9][..], 1), (&[1, 0, 0, 0][..], 1), (&[1, 7, 0][..], 1)]
    {
        let body = [&[0, 0x1f, 0x40][..], clause, &[0x0b, 0x0b][length.min(1) - length.min(1)..]].concat();
        let error = Module::new(&Engine::default(), module(&body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{clause:?}: {error}");
    }
}

const THROWS_FOR_EVER: [&str; 3] = [
    r#"(module (tag $t)
        (func (export "f") (loop $again (try_table (catch $t $again) (throw $t)))))"#,
    r#"(module (tag $t) (func $throw (throw $t))
        (func (export "f") (loop $again (block $h (try_table (catch_all $h) (call $throw))) (br $again))))"#,
    r#"(module (tag $t)
        (func (export "f") (loop $again try (throw $t) catch_all  end (br $again))))"#,
];

#[test]
fn throwing_for_ever_takes_fuel() {
    for engine in engines(true) {
        for text in THROWS_FOR_EVER {
            let mut store = Store::new(&engine, ());
            let f = instance(&mut store, text).get_typed_func::<(), ()>(&store, "f").unwrap();
            store.set_fuel(1_000_000).unwrap();
            assert_eq!(f.call(&mut store, ()).unwrap_err().trap(), Some(Trap::OutOfFuel));
            assert!(store.get_fuel().unwrap() < 100);
        }
    }
}

#[test]
fn throwing_for_ever_can_be_interrupted() {
    for engine in engines(false) {
        for text in THROWS_FOR_EVER {
            let mut store = Store::new(&engine, ());
            let f = instance(&mut store, text).get_typed_func::<(), ()>(&store, "f").unwrap();
            let handle = store.interrupt_handle();
            let waker = thread::spawn(move || {
                thread::sleep(Duration::from_millis(20));
                handle.interrupt();
            });
            assert_eq!(f.call(&mut store, ()).unwrap_err().trap(), Some(Trap::Interrupt));
            waker.join().unwrap();
        }
    }
}

/// A function with so many clauses pays for looking at them.
#[test]
fn long_handler_tables_take_fuel() {
    let others = "(block $h (try_table (catch $u $h) (call $nothing)))".repeat(10_000);
    let text = format!(
        r#"(module (tag $t) (tag $u) (func $nothing)
        (func (export "f") (if (i32.const 0) (then {others}))
            (loop $again (try_table (catch $t $again) (throw $t)))))"#
    );
    for engine in engines(true) {
        let mut store = Store::new(&engine, ());
        let f = instance(&mut store, &text).get_typed_func::<(), ()>(&store, "f").unwrap();
        store.set_fuel(20_000_000).unwrap();
        let start = std::time::Instant::now();
        assert_eq!(f.call(&mut store, ()).unwrap_err().trap(), Some(Trap::OutOfFuel));
        // At most 20,000,000 / 625 throws, each of which looks at 10,000 clauses.
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }
}

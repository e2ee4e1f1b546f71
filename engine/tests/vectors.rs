//! What the translator makes of vectors beyond one cell an instruction: constants inside cells, and rotations. Each
//! body is executed by every way of dispatch, with the translation checked, and compared with what is computed here.

use dunlin::{Config, Dispatch, Engine, Instance, Module, Store, V128};

const WAYS: [Option<Dispatch>; 3] = [None, Some(Dispatch::Loop), Some(Dispatch::Count)];

/// Calls `run (param v128) (result v128)` with this body and two more locals, `$a` and `$b`.
fn run(body: &str, x: u128) -> u128 {
    run_and_look(body, x).0
}

/// The same, with the names of the ops that were executed.
fn run_and_look(body: &str, x: u128) -> (u128, Vec<String>) {
    let text = format!(
        r#"(module
            (global $g (mut v128) (v128.const i64x2 0 0))
            (memory 1)
            (func $first (param v128 v128) (result v128) local.get 0)
            (func (export "run") (param $x v128) (result v128) (local $a v128) (local $b v128) {body}))"#
    );
    let wasm = wat::parse_str(&text).expect("valid text");
    let mut ops = Vec::new();
    let results = WAYS.map(|way| {
        let mut config = Config::new();
        config.check_translation(true);
        if let Some(dispatch) = way {
            config.dispatch(dispatch);
        }
        let engine = Engine::new(&config).unwrap();
        let mut store = Store::new(&engine, ());
        let module = Module::new(&engine, &wasm).expect("valid module");
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let func = instance.get_typed_func::<V128, V128>(&mut store, "run").unwrap();
        let result = u128::from(func.call(&mut store, V128::from(x)).unwrap());
        if let Some(counts) = store.dispatch_counts() {
            ops = counts.ops.into_iter().map(|(name, _)| name).collect();
        }
        result
    });
    assert!(results.iter().all(|result| *result == results[0]), "{body}: {results:x?}");
    (results[0], ops)
}

fn lanes32(x: u128, f: impl Fn(u32) -> u32) -> u128 {
    (0..4).map(|i| u128::from(f((x >> (32 * i)) as u32)) << (32 * i)).sum()
}

fn lanes64(x: u128, f: impl Fn(u64) -> u64) -> u128 {
    (0..2).map(|i| u128::from(f((x >> (64 * i)) as u64)) << (64 * i)).sum()
}

const X: u128 = 0x0123_4567_89ab_cdef_8765_4321_dead_beef;
const Y: u128 = 0xffff_0000_8000_0001_7fff_ffff_0f0f_f0f0;

/// Two shifts of lanes and an `or`, in either order.
fn shifts(width: &str, source: [&str; 2], counts: [u32; 2], shl_first: bool) -> String {
    let shl = format!("({width}.shl {} (i32.const {}))", source[0], counts[0]);
    let shr = format!("({width}.shr_u {} (i32.const {}))", source[1], counts[1]);
    if shl_first { format!("(v128.or {shl} {shr})") } else { format!("(v128.or {shr} {shl})") }
}

#[test]
fn two_shifts_and_an_or() {
    let x = "(local.get $x)";
    for first in [true, false] {
        for n in [1, 7, 16, 31] {
            let body = shifts("i32x4", [x, x], [n, 32 - n], first);
            let (result, ops) = run_and_look(&body, X);
            assert_eq!(result, lanes32(X, |x| x.rotate_left(n)), "{body}");
            assert!(ops.iter().any(|op| op.starts_with("I32x4Rotl")), "{body}: {ops:?}");
        }
        for n in [1, 32, 63] {
            let body = shifts("i64x2", [x, x], [n, 64 - n], first);
            assert_eq!(run(&body, X), lanes64(X, |x| x.rotate_left(n)), "{body}");
        }
        // Counts that don't make up the width, or go around it.
        for [n, m] in [[3, 28], [0, 32], [32, 0], [35, 29], [40, 24]] {
            let body = shifts("i32x4", [x, x], [n, m], first);
            let expected = lanes32(X, |x| x << (n % 32) | x >> (m % 32));
            assert_eq!(run(&body, X), expected, "{body}");
        }
    }
}

#[test]
fn shifts_that_are_no_rotation() {
    let other = format!("(local.set $a (v128.const i64x2 {} {}))", Y as u64 as i64, (Y >> 64) as u64 as i64);
    let two = shifts("i32x4", ["(local.get $x)", "(local.get $a)"], [5, 27], true);
    let expected = lanes32(X, |x| x << 5) | lanes32(Y, |y| y >> 27);
    assert_eq!(run(&format!("{other} {two}"), X), expected);
    // The local changes in between.
    let changed = "(i32x4.shl (local.get $x) (i32.const 5))
        (local.set $x (v128.not (local.get $x)))
        (v128.or (i32x4.shr_u (local.get $x) (i32.const 27)))";
    assert_eq!(run(changed, X), lanes32(X, |x| x << 5) | lanes32(!X, |x| x >> 27));
    // Of widths that differ, and with a sign.
    let widths =
        "(v128.or (i32x4.shl (local.get $x) (i32.const 5)) (i64x2.shr_u (local.get $x) (i32.const 27)))";
    assert_eq!(run(widths, X), lanes32(X, |x| x << 5) | lanes64(X, |x| x >> 27));
    let signed =
        "(v128.or (i32x4.shl (local.get $x) (i32.const 5)) (i32x4.shr_s (local.get $x) (i32.const 27)))";
    assert_eq!(run(signed, X), lanes32(X, |x| x << 5 | ((x as i32) >> 27) as u32));
    let both =
        "(v128.or (i32x4.shl (local.get $x) (i32.const 16)) (i32x4.shl (local.get $x) (i32.const 16)))";
    assert_eq!(run(both, X), lanes32(X, |x| x << 16));
}

#[test]
fn shifts_that_something_else_needs() {
    let rotated = lanes32(X, |x| x.rotate_left(8));
    for (kept, shifted) in [(0, lanes32(X, |x| x << 8)), (1, lanes32(X, |x| x >> 24))] {
        let tee = |n| if n == kept { "(local.tee $a)" } else { "" };
        let body = format!(
            "(i32x4.shl (local.get $x) (i32.const 8)) {} (i32x4.shr_u (local.get $x) (i32.const 24)) {}
            v128.or (v128.xor (local.get $a))",
            tee(0),
            tee(1)
        );
        assert_eq!(run(&body, X), rotated ^ shifted, "{body}");
    }
    // A block ends between the two.
    let body = "(i32x4.shl (local.get $x) (i32.const 8))
        (block (br_if 0 (v128.any_true (local.get $x))) (local.set $x (v128.const i64x2 0 0)))
        (v128.or (i32x4.shr_u (local.get $x) (i32.const 24)))";
    assert_eq!(run(body, X), rotated);
    // What is rotated was made just before, and is needed again.
    let body = "(local.set $a (v128.not (local.get $x)))
        (v128.or (i32x4.shl (local.get $a) (i32.const 8)) (i32x4.shr_u (local.get $a) (i32.const 24)))
        (i32x4.add (local.get $a))";
    let expected = lanes32(!X, |x| x.rotate_left(8).wrapping_add(x));
    assert_eq!(run(body, X), expected);
}

#[test]
fn constants_wherever_a_vector_may_stand() {
    let c = format!("(v128.const i64x2 {} {})", Y as u64 as i64, (Y >> 64) as u64 as i64);
    let sub = |x: u128, y: u128| {
        let lane = |v: u128, i: u32| (v >> (32 * i)) as u32;
        (0..4).map(|i| u128::from(lane(x, i).wrapping_sub(lane(y, i))) << (32 * i)).sum::<u128>()
    };
    let cases: &[(String, u128)] = &[
        (c.clone(), Y),
        (format!("(v128.xor (local.get $x) {c})"), X ^ Y),
        (format!("(v128.xor {c} (local.get $x))"), X ^ Y),
        (format!("(v128.xor {c} {c})"), 0),
        (format!("(v128.and (v128.not (local.get $x)) {c})"), !X & Y),
        (format!("(i32x4.sub (local.get $x) {c})"), sub(X, Y)),
        (format!("(i32x4.sub {c} (local.get $x))"), sub(Y, X)),
        (format!("(i32x4.sub {c} (v128.not (local.get $x)))"), sub(Y, !X)),
        (format!("(v128.not {c})"), !Y),
        (format!("(local.set $a {c}) (v128.xor (local.get $a) (local.get $x))"), X ^ Y),
        (format!("(local.tee $a {c}) (v128.or (local.get $a))"), Y),
        (format!("(global.set $g {c}) (global.get $g)"), Y),
        (format!("(v128.store (i32.const 3) {c}) (v128.load (i32.const 3))"), Y),
        (format!("(v128.store (i32.const 3) {c}) (v128.load offset=3 (i32.const 0))"), Y),
        (format!("(select {c} (local.get $x) (i32.const 1))"), Y),
        (format!("(select (local.get $x) {c} (i32.const 0))"), Y),
        (format!("(block (result v128) (br 0 {c}))"), Y),
        (format!("(return {c})"), Y),
        (format!("(call $first {c} (local.get $x))"), Y),
        (format!("(call $first (local.get $x) {c})"), X),
        (format!("(v128.bitselect {c} (local.get $x) {c})"), Y & Y | X & !Y),
        (format!("(i8x16.shuffle 16 1 18 3 20 5 22 7 24 9 26 11 28 13 30 15 (local.get $x) {c})"), {
            let odd = 0xff00_ff00_ff00_ff00_ff00_ff00_ff00_ff00;
            X & odd | Y & !odd
        }),
        (format!("(i8x16.splat (i8x16.extract_lane_u 15 {c}))"), u128::MAX),
        (format!("(i32x4.replace_lane 0 {c} (i32.const 5))"), Y >> 32 << 32 | 5),
        (format!("(drop {c}) (local.get $x)"), X),
        // One waits below the other, and below a call.
        (format!("{c} (local.get $x) (call $first {c} {c}) drop v128.xor"), X ^ Y),
    ];
    for (body, expected) in cases {
        assert_eq!(run(body, X), *expected, "{body}");
    }
}

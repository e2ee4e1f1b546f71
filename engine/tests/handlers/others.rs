//! Ops that belong to no family.

use crate::Seen;
use dunlin::{Config, Dispatch, Engine, Linker, Module, Store, Trap};

/// What a function of an i32 gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Gives {
    Number(i32),
    Trap(Trap),
}
use Gives::Number as N;

/// Bodies of functions of `$x`, which may use locals of each type; and what each gives of 0, 1, 2 and 5.
const FUNCTIONS: &[(&str, [Gives; 4])] = &[
    // ref.is_null of an accumulator and of a slot, to an accumulator and to a slot.
    ("(ref.is_null (global.get $null))", [N(1); 4]),
    ("(local.set $y (ref.is_null (global.get $some))) (drop (global.get $n)) (local.get $y)", [N(0); 4]),
    ("(ref.is_null (local.get $r))", [N(1); 4]),
    ("(local.set $y (ref.is_null (local.get $r))) (drop (global.get $n)) (local.get $y)", [N(1); 4]),
    (
        "(local.set $v (i32x4.splat (local.get $x))) (local.set $w (local.get $v)) (drop (global.get $v))
         (i32x4.extract_lane 3 (local.get $w))",
        [N(0), N(1), N(2), N(5)],
    ),
    // What waits in an accumulator while another cell works is spilled to the local.
    (
        "(i32.add (local.get $x) (i32.const 1)) (global.set $f (f32.const 2)) (local.set $y)
         (drop (global.get $n)) (local.get $y)",
        [N(1), N(2), N(3), N(6)],
    ),
    (
        "(f32.convert_i32_s (local.get $x)) (global.set $d (f64.const 2)) (local.set $f)
         (drop (global.get $f)) (i32.trunc_f32_s (local.get $f))",
        [N(0), N(1), N(2), N(5)],
    ),
    (
        "(f64.convert_i32_s (local.get $x)) (global.set $f (f32.const 2)) (local.set $d)
         (drop (global.get $d)) (i32.trunc_f64_s (local.get $d))",
        [N(0), N(1), N(2), N(5)],
    ),
    (
        "(i32x4.splat (local.get $x)) (global.set $f (f32.const 2)) (local.set $v)
         (drop (global.get $v)) (i32x4.extract_lane 3 (local.get $v))",
        [N(0), N(1), N(2), N(5)],
    ),
    ("(if (i32.eq (local.get $x) (i32.const 2)) (then unreachable)) (local.get $x)", {
        [N(0), N(1), Gives::Trap(Trap::UnreachableCodeReached), N(5)]
    }),
    (
        "(block $a (block $b (block $c (br_table $a $b $c (local.get $x)))
           (return (i32.const 30))) (return (i32.const 20))) (i32.const 10)",
        [N(10), N(20), N(30), N(30)],
    ),
    (
        "(block $a (block $b (block $c (br_table $a $b $c (i32.sub (local.get $x) (i32.const 1))))
           (return (i32.const 30))) (return (i32.const 20))) (i32.const 10)",
        [N(30), N(10), N(20), N(30)],
    ),
    // A loop whose first arrival is paid for.
    (
        "(loop $l (local.set $y (i32.add (local.get $y) (i32.const 2)))
           (br_if $l (i32.lt_s (local.get $y) (local.get $x)))) (local.get $y)",
        [N(2), N(2), N(2), N(6)],
    ),
    // One that begins with a cell which makes no pair with a charge.
    (
        "(loop $l (local.set $f (f32.add (local.get $f) (f32.const 1)))
           (local.set $y (i32.add (local.get $y) (i32.const 2)))
           (br_if $l (i32.lt_s (local.get $y) (local.get $x))))
         (i32.add (local.get $y) (i32.trunc_f32_s (local.get $f)))",
        [N(3), N(3), N(3), N(9)],
    ),
    // Calls: to the host, to another instance, by a table; each also as a tail call.
    ("(call $host (local.get $x))", [N(100), N(101), N(102), N(105)]),
    ("(return_call $host (local.get $x))", [N(100), N(101), N(102), N(105)]),
    ("(i32.sub (call $other (local.get $x)) (i32.const 1))", [N(6), N(7), N(8), N(11)]),
    ("(return_call $other (local.get $x))", [N(7), N(8), N(9), N(12)]),
    ("(call_indirect (type $t) (i32.const 3) (local.get $x))", CALLED),
    ("(call_indirect (type $t) (i32.const 3) (i32.and (local.get $x) (i32.const 7)))", CALLED),
    ("(return_call_indirect (type $t) (i32.const 3) (local.get $x))", CALLED),
    // By a table with 64-bit indices.
    ("(call_indirect $wide (type $t) (i32.const 3) (i64.extend_i32_u (local.get $x)))", CALLED),
    ("(return_call_indirect $wide (type $t) (i32.const 3) (i64.extend_i32_u (local.get $x)))", CALLED),
    (
        "(call_indirect $wide (type $t) (i32.const 3)
           (i64.or (i64.shl (i64.extend_i32_u (local.get $x)) (i64.const 32)) (i64.const 1)))",
        [N(10), UNDEFINED, UNDEFINED, UNDEFINED],
    ),
    ("(return_call $double (local.get $x))", [N(0), N(2), N(4), N(10)]),
    // Returns of each class, from a slot and from an accumulator; of a constant; of several values; of none.
    ("(i32.trunc_f32_s (call $f32 (f32.convert_i32_s (local.get $x))))", [N(0), N(1), N(2), N(5)]),
    ("(i32.trunc_f32_s (call $f32_acc (f32.convert_i32_s (local.get $x))))", [N(0), N(-1), N(-2), N(-5)]),
    ("(i32.trunc_f64_s (call $f64 (f64.convert_i32_s (local.get $x))))", [N(0), N(1), N(2), N(5)]),
    ("(i32.trunc_f64_s (call $f64_acc (f64.convert_i32_s (local.get $x))))", [N(0), N(-1), N(-2), N(-5)]),
    ("(i32x4.extract_lane 2 (call $v128 (i32x4.splat (local.get $x))))", [N(0), N(1), N(2), N(5)]),
    ("(i32x4.extract_lane 2 (call $v128_acc (i32x4.splat (local.get $x))))", [N(0), N(-1), N(-2), N(-5)]),
    // Exceptions, thrown and thrown again.
    (
        "(block $h (result i32) (try_table (catch $tag $h)
             (block $all (result exnref)
                 (try_table (catch_all_ref $all) (if (local.get $x) (then (throw $tag (local.get $x)))))
                 (return (i32.const 50)))
             (throw_ref))
           unreachable)",
        [N(50), N(1), N(2), N(5)],
    ),
    ("(call $several (local.get $x)) i32.sub (call $nothing)", [N(-10), N(-9), N(-8), N(-5)]),
    ("(i32.const 77)", [N(77); 4]),
    // Memories and tables.
    ("(i32.add (memory.grow (local.get $x)) (i32.mul (memory.size) (i32.const 100)))", {
        [N(101), N(201), N(402), N(-1 + 400)]
    }),
    (
        "(memory.fill (local.get $x) (i32.const 9) (i32.const 2)) (i32.load (i32.const 0))",
        [N(0x0909), N(0x09_0909), N(0x0909_0909), N(0x0909_0909)],
    ),
    (
        "(memory.init $data (i32.const 16) (local.get $x) (i32.const 3))
         (memory.copy (i32.const 20) (i32.const 16) (i32.const 3)) (i32.load (i32.const 20))",
        [N(0x63_62_61), N(0x64_63_62), N(0x65_64_63), Gives::Trap(Trap::MemoryOutOfBounds)],
    ),
    (
        "(if (i32.eq (local.get $x) (i32.const 1)) (then (data.drop $dropped)))
         (memory.init $dropped (i32.const 16) (i32.const 0) (i32.const 1)) (i32.load8_u (i32.const 16))",
        [N(0x78), OUT, OUT, OUT],
    ),
    ("(ref.is_null (table.get $table (local.get $x)))", [N(0), N(0), N(1), OUT_OF_TABLE]),
    (
        "(table.set $set (local.get $x) (ref.func $double)) (i32.add (table.size $set)
           (ref.is_null (table.get $set (i32.const 1))))",
        [N(4), N(3), N(3), OUT_OF_TABLE],
    ),
    (
        "(i32.add (table.grow $grown (ref.null func) (local.get $x)) (i32.mul (table.size $grown) (i32.const 10)))",
        [N(33), N(43), N(64), N(-1 + 60)],
    ),
    (
        "(table.fill $set (local.get $x) (ref.null func) (i32.const 2))
         (ref.is_null (table.get $set (i32.const 2)))",
        [N(0), N(1), OUT_OF_TABLE, OUT_OF_TABLE],
    ),
    (
        "(table.copy $set $table (i32.const 0) (local.get $x) (i32.const 2))
         (ref.is_null (table.get $set (i32.const 1)))",
        [N(0), N(1), OUT_OF_TABLE, OUT_OF_TABLE],
    ),
    (
        "(table.init $set $elem (i32.const 0) (local.get $x) (i32.const 1))
         (ref.is_null (table.get $set (i32.const 0)))",
        [N(0), N(1), OUT_OF_TABLE, OUT_OF_TABLE],
    ),
    (
        "(if (i32.eq (local.get $x) (i32.const 1)) (then (elem.drop $gone)))
         (table.init $set $gone (i32.const 0) (i32.const 0) (i32.const 1)) (i32.const 3)",
        [N(3), OUT_OF_TABLE, OUT_OF_TABLE, OUT_OF_TABLE],
    ),
    // An offset beyond 32 bits, by a 64-bit address.
    (
        "(i32.load8_u $far offset=0x1_0000_0000 (i64.sub (i64.extend_i32_u (local.get $x)) (i64.const 0xffff_ffff)))",
        [OUT, OUT, OUT, OUT],
    ),
    (
        "(i32.load8_u $far offset=0xffff_ffff_ffff_fffe (i64.extend_i32_u (local.get $x)))",
        [OUT, OUT, OUT, OUT],
    ),
    // 128 bits: the low half's carry or borrow shows in the high half.
    (
        "(i64.add128 (i64.const -2) (i64.const 7) (i64.extend_i32_u (local.get $x)) (i64.const 100))
         i32.wrap_i64 local.set $y i32.wrap_i64 local.get $y i32.add",
        [N(105), N(106), N(108), N(111)],
    ),
    (
        "(i64.sub128 (i64.const 1) (i64.const 100) (i64.extend_i32_u (local.get $x)) (i64.const 7))
         i32.wrap_i64 local.set $y i32.wrap_i64 local.get $y i32.add",
        [N(94), N(93), N(91), N(88)],
    ),
    (
        "(i64.mul_wide_s (i64.const -1) (i64.extend_i32_u (local.get $x)))
         i32.wrap_i64 local.set $y i32.wrap_i64 (i32.mul (local.get $y) (i32.const 10)) i32.add",
        [N(0), N(-11), N(-12), N(-15)],
    ),
    (
        "(i64.mul_wide_u (i64.const -1) (i64.extend_i32_u (local.get $x)))
         i32.wrap_i64 local.set $y i32.wrap_i64 (i32.mul (local.get $y) (i32.const 10)) i32.add",
        [N(0), N(-1), N(8), N(35)],
    ),
    // Typed references: null where `$x` is 2.
    (
        "(call_ref $t (i32.const 5) (select (result (ref null $t))
           (ref.null $t) (ref.func $double) (i32.eq (local.get $x) (i32.const 2))))",
        [N(10), N(10), NULL, N(10)],
    ),
    (
        "(return_call_ref $t (local.get $x) (select (result (ref null $t))
           (ref.null $t) (ref.func $other) (i32.eq (local.get $x) (i32.const 2))))",
        [N(7), N(8), NULL, N(12)],
    ),
    (
        "(ref.is_null (ref.as_non_null (select (result funcref)
           (local.get $r) (global.get $some) (i32.eq (local.get $x) (i32.const 2)))))",
        [N(0), N(0), NULL, N(0)],
    ),
    // NaNs that are to be canonical.
    (
        "(i32.reinterpret_f32 (f32.mul (f32.const nan:0x200001) (f32.convert_i32_s (local.get $x))))",
        [N(NAN); 4],
    ),
    (
        "(i32.wrap_i64 (i64.shr_u (i64.reinterpret_f64
           (f64.add (f64.const -nan:0xf000000000001) (f64.convert_i32_s (local.get $x)))) (i64.const 32)))",
        [N(0x7ff8_0000); 4],
    ),
    (
        "(i32x4.extract_lane 1 (f32x4.add (v128.const f32x4 0 -nan:0x400001 0 0) (f32x4.splat (f32.const 1))))",
        [N(NAN); 4],
    ),
    (
        "(i32x4.extract_lane 3 (f64x2.mul (v128.const f64x2 0 -nan:0xf000000000001) (f64x2.splat (f64.const 1))))",
        [N(0x7ff8_0000); 4],
    ),
];
const NAN: i32 = 0x7fc0_0000;
const OUT: Gives = Gives::Trap(Trap::MemoryOutOfBounds);
const OUT_OF_TABLE: Gives = Gives::Trap(Trap::TableOutOfBounds);
const NULL: Gives = Gives::Trap(Trap::NullReference);
const UNDEFINED: Gives = Gives::Trap(Trap::UndefinedElement);
const CALLED: [Gives; 4] =
    [N(6), N(10), Gives::Trap(Trap::IndirectCallToNull), Gives::Trap(Trap::UndefinedElement)];

const OTHER: &str =
    r#"(module (func (export "other") (param i32) (result i32) (i32.add (local.get 0) (i32.const 7))))"#;

const PRELUDE: &str = r#"
    (type $t (func (param i32) (result i32)))
    (import "" "host" (func $host (type $t)))
    (import "" "other" (func $other (type $t)))
    (tag $tag (param i32)) (memory 1 4) (memory $far i64 1)
    (table $table 3 funcref) (table $set 3 funcref) (table $grown 3 6 funcref)
    (table $wide i64 3 funcref) (elem (table $wide) (i64.const 0) func $double $other)
    (elem (table $table) (i32.const 0) func $double $other)
    (elem $elem funcref (ref.func $double) (ref.null func))
    (elem $gone func $double)
    (data $data "abcdef") (data $dropped "x")
    (global $null funcref (ref.null func)) (global $some funcref (ref.func $double))
    (global $n (mut i32) (i32.const 1234)) (global $f (mut f32) (f32.const 0))
    (global $d (mut f64) (f64.const 0)) (global $v (mut v128) (v128.const i64x2 0 0))
    (func $double (type $t) (i32.mul (local.get 0) (i32.const 2)))
    (func $f32 (param f32) (result f32) (local.get 0))
    (func $f32_acc (param f32) (result f32) (f32.neg (local.get 0)))
    (func $f64 (param f64) (result f64) (local.get 0))
    (func $f64_acc (param f64) (result f64) (f64.neg (local.get 0)))
    (func $v128 (param v128) (result v128) (local.get 0))
    (func $v128_acc (param v128) (result v128) (i32x4.neg (local.get 0)))
    (func $several (type $t2) (local.get 0) (i32.const 10))
    (type $t2 (func (param i32) (result i32 i32)))
    (func $nothing)
"#;

/// Runs all in every way, with fuel being counted and canonical NaNs.
pub(crate) fn run_all(seen: &mut Seen) {
    let locals =
        "(local $y i32) (local $f f32) (local $d f64) (local $v v128) (local $w v128) (local $r funcref)";
    let functions: String = FUNCTIONS
        .iter()
        .enumerate()
        .map(|(i, (body, _))| {
            format!("(func (export \"{i}\") (param $x i32) (result i32) {locals} {body})\n")
        })
        .collect();
    let text = format!("(module {PRELUDE} {functions})");
    for dispatch in [Dispatch::Tail, Dispatch::Loop, Dispatch::Count] {
        let mut config = Config::new();
        config.wasm_wide_arithmetic(true).wasm_function_references(true);
        config.consume_fuel(true).canonical_nans(true).check_translation(true).dispatch(dispatch);
        let engine = Engine::new(&config).expect("an engine");
        let mut store = Store::new(&engine, ());
        store.set_fuel(1 << 40).expect("fuel is counted");
        let load = |text: &str| Module::new(&engine, wat::parse_str(text).unwrap_or_else(|e| panic!("{e}")));
        let mut linker = Linker::new(&engine);
        linker.func_wrap("", "host", |x: i32| x + 100).expect("a new name");
        let other = linker.instantiate(&mut store, &load(OTHER).expect("valid")).expect("no imports");
        linker
            .define(&store, "", "other", other.get_func(&store, "other").expect("an export"))
            .expect("a new name");
        let instance = linker.instantiate(&mut store, &load(&text).expect("valid")).expect("its imports");
        for (i, (body, expected)) in FUNCTIONS.iter().enumerate() {
            let func = instance.get_typed_func::<i32, i32>(&store, &i.to_string()).expect("an export");
            let found = [0, 1, 2, 5].map(|x| match func.call(&mut store, x) {
                Ok(number) => N(number),
                Err(error) => Gives::Trap(error.trap().unwrap_or_else(|| panic!("{error}"))),
            });
            assert_eq!(found, *expected, "by {dispatch:?}: {body}");
        }
        if let Some(counts) = store.dispatch_counts() {
            seen.add(counts);
        }
    }
}

//! Each instruction against its naive restatement, on edge values.

mod restated;
mod scalars;

use alloc::vec::Vec;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hint::black_box;

use super::float::{self, TruncError};
use super::v128::{self, *};
use restated::*;

fn check(set: &str, name: &str, operands: &dyn Debug, result: V128, (width, expected): Lanes) {
    for (i, expected) in (0..).zip(expected) {
        let lane = lane(result, width, i);
        assert!(
            expected.admits(lane, width),
            "{set} {name} {operands:x?}: lane {i} is {lane:#x}, not {expected:x?}"
        );
    }
}

macro_rules! rows {
    ($($operator:ident $name:ident $($memory:ident)?,)+) => {
        &[$((stringify!($operator), stringify!($name))),+]
    };
}

type Unary = (&'static str, fn(V128) -> V128);
type Binary = (&'static str, fn(V128, V128) -> V128);
type Test = (&'static str, fn(V128) -> u32);
type Shift = (&'static str, fn(V128, u32) -> V128);
type Load = (&'static str, fn(Bits) -> V128);

/// The instructions of one shape that name a lane: on bits, of which an operand may have more than a lane does.
struct Lane {
    shape: &'static str,
    width: u32,
    splat: fn(Bits) -> V128,
    replace: fn(V128, u8, Bits) -> V128,
    extract: fn(V128, u8) -> Bits,
}

/// All instructions, as one module has them.
struct Set {
    unary: Vec<Unary>,
    binary: Vec<Binary>,
    bitselect: fn(V128, V128, V128) -> V128,
    shuffle: fn(V128, V128, [u8; 16]) -> V128,
    tests: Vec<Test>,
    shifts: Vec<Shift>,
    loads: Vec<Load>,
    lanes: Vec<Lane>,
    narrow_signed: [fn(V128, u8) -> u32; 2],
}

// The functions are called, not named: so they are inlined into closures, which have the features of the function they
// stand in.
macro_rules! unary {
    ($($operator:ident $name:ident,)+) => {
        vec![$((stringify!($name), (|a| $name(a)) as fn(V128) -> V128)),+]
    };
}

macro_rules! binary {
    ($($operator:ident $name:ident,)+) => {
        vec![$((stringify!($name), (|a, b| $name(a, b)) as fn(V128, V128) -> V128)),+]
    };
}

macro_rules! shift {
    ($($operator:ident $name:ident,)+) => {
        vec![$((stringify!($name), (|a, n| $name(a, n)) as fn(V128, u32) -> V128)),+]
    };
}

macro_rules! test {
    ($($operator:ident $name:ident,)+) => {
        vec![$((stringify!($name), (|a| $name(a)) as fn(V128) -> u32)),+]
    };
}

macro_rules! load {
    ($($operator:ident $name:ident $memory:ident,)+) => {
        vec![$((stringify!($name), (|x| $name(x as $memory)) as fn(Bits) -> V128)),+]
    };
}

macro_rules! lane {
    ($($shape:literal $width:literal: $x:ident => $operand:expr, $lane:ident => $bits:expr;
       $splat:ident $replace:ident $extract:ident;)+) => {
        vec![$(Lane {
            shape: $shape,
            width: $width,
            splat: |$x| $splat($operand),
            replace: |a, i, $x| $replace(a, i, $operand),
            extract: |a, i| { let $lane = $extract(a, i); $bits },
        }),+]
    };
}

/// `module: path` of a set; and the attribute, for what a processor may lack.
macro_rules! sets {
    ($($(#[$attribute:meta])* $module:ident: $path:path;)+) => {$(
        mod $module {
            use super::{Bits, Lane, Set, V128};
            use $path::*;

            $(#[$attribute])*
            pub(super) fn set() -> Set {
                let canon: super::Vec<super::Unary> = unary! { F32x4Canon f32x4_canon, F64x2Canon f64x2_canon, };
                Set {
                    unary: [
                        for_each_simd_unary!(unary),
                        for_each_simd_unary_f32x4!(unary),
                        for_each_simd_unary_f64x2!(unary),
                        canon,
                    ].concat(),
                    binary: [
                        for_each_simd_binary!(binary),
                        for_each_simd_binary_f32x4!(binary),
                        for_each_simd_binary_f64x2!(binary),
                    ].concat(),
                    bitselect: |a, b, c| v128_bitselect(a, b, c),
                    shuffle: |a, b, picks| i8x16_shuffle(a, b, picks),
                    tests: for_each_simd_test!(test),
                    shifts: for_each_simd_shift!(shift),
                    loads: for_each_simd_load!(load),
                    lanes: lane! {
                        "i8x16" 8: x => x as u32, x => x.into();
                            i8x16_splat i8x16_replace_lane i8x16_extract_lane_u;
                        "i16x8" 16: x => x as u32, x => x.into();
                            i16x8_splat i16x8_replace_lane i16x8_extract_lane_u;
                        "i32x4" 32: x => x as u32, x => x.into();
                            i32x4_splat i32x4_replace_lane i32x4_extract_lane;
                        "i64x2" 64: x => x, x => x; i64x2_splat i64x2_replace_lane i64x2_extract_lane;
                        "f32x4" 32: x => f32::from_bits(x as u32), x => x.to_bits().into();
                            f32x4_splat f32x4_replace_lane f32x4_extract_lane;
                        "f64x2" 64: x => f64::from_bits(x), x => x.to_bits();
                            f64x2_splat f64x2_replace_lane f64x2_extract_lane;
                    },
                    narrow_signed: [|a, i| i8x16_extract_lane_s(a, i), |a, i| i16x8_extract_lane_s(a, i)],
                }
            }
        }
    )+};
}

sets! {
    portable: crate::value::v128;
    machine: crate::value::simd;
}
#[cfg(target_arch = "x86_64")]
sets! {
    #[target_feature(enable = "sse4.2")]
    sse42: crate::value::simd::sse42;
}

/// Every set that this machine can use.
fn sets() -> Vec<(&'static str, Set)> {
    #[allow(unused_mut, reason = "some architectures have no more")]
    let mut sets = vec![("portable", portable::set()), ("machine", machine::set())];
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("sse4.2") {
        // SAFETY: as was just seen. And so the closures in it are sound.
        sets.push(("sse42", unsafe { sse42::set() }));
    }
    sets
}

#[test]
fn tables_hold_each_instruction_once() {
    let tables: [&[(&str, &str)]; 24] = [
        for_each_simd_unary!(rows),
        for_each_simd_unary_f32x4!(rows),
        for_each_simd_unary_f64x2!(rows),
        for_each_simd_binary!(rows),
        for_each_simd_binary_f32x4!(rows),
        for_each_simd_binary_f64x2!(rows),
        for_each_simd_ternary!(rows),
        for_each_simd_test!(rows),
        for_each_simd_shift!(rows),
        for_each_simd_splat_i32!(rows),
        for_each_simd_splat_i64!(rows),
        for_each_simd_splat_f32!(rows),
        for_each_simd_splat_f64!(rows),
        for_each_simd_extract_lane_i32!(rows),
        for_each_simd_extract_lane_i64!(rows),
        for_each_simd_extract_lane_f32!(rows),
        for_each_simd_extract_lane_f64!(rows),
        for_each_simd_replace_lane_i32!(rows),
        for_each_simd_replace_lane_i64!(rows),
        for_each_simd_replace_lane_f32!(rows),
        for_each_simd_replace_lane_f64!(rows),
        for_each_simd_load!(rows),
        for_each_simd_load_lane!(rows),
        for_each_simd_store_lane!(rows),
    ];
    let rows = tables.concat();
    let mut table: BTreeMap<&str, &str> = rows.iter().copied().collect();
    assert_eq!(table.len(), rows.len());

    macro_rules! operators {
        ($(@$proposal:ident $operator:ident $({ $($immediate:tt)* })? => $visit:ident ($($arity:tt)*))*) => {
            [$((stringify!($proposal), stringify!($operator), stringify!($visit))),*]
        };
    }
    let operators = wasmparser::for_each_visit_simd_operator!(operators);
    // Of the relaxed instructions, all but one do what another does.
    let of_its_own = |operator: &str| operator == "I16x8RelaxedDotI8x16I7x16S";
    let operators: Vec<_> = operators
        .iter()
        .filter(|(proposal, operator, _)| *proposal == "simd" || of_its_own(operator))
        .collect();
    assert_eq!(operators.len(), 237);
    for (_, operator, visit) in operators {
        let name = visit.strip_prefix("visit_").unwrap();
        let is_lane_access = name.starts_with("v128") && name.ends_with("_lane");
        match table.remove(operator) {
            Some(function) => assert!(function == name || is_lane_access, "{operator} {function}"),
            None => {
                assert!(["v128_load", "v128_store", "v128_const", "i8x16_shuffle"].contains(&name), "{name}")
            }
        }
    }
    assert_eq!(table, BTreeMap::new());
}

/// The widths of the shapes that an instruction names.
fn widths(name: &str) -> Vec<u32> {
    let shapes = [("8x16", 8), ("16x8", 16), ("32x4", 32), ("64x2", 64), ("v128", 64)];
    let is_named = |shape| name.split('_').any(|part| part == shape || part.get(1..) == Some(shape));
    shapes.into_iter().filter(|&(shape, _)| is_named(shape)).map(|(_, width)| width).collect()
}

#[test]
fn unary_instructions() {
    for (set, instructions) in sets() {
        for (name, function) in instructions.unary {
            for a in widths(name).into_iter().flat_map(vectors) {
                check(set, name, &a, black_box(function)(a), unary(name, a));
            }
        }
    }
}

#[test]
fn binary_instructions() {
    let pairs = BTreeMap::from([8, 16, 32, 64].map(|width| (width, pairs(width))));
    for (set, instructions) in sets() {
        for (name, function) in instructions.binary {
            for &(a, b) in widths(name).iter().flat_map(|width| &pairs[width]) {
                check(set, name, &(a, b), black_box(function)(a, b), binary(name, a, b));
            }
        }
    }
}

#[test]
fn bitselect() {
    for (set, instructions) in sets() {
        for (a, b) in pairs(16) {
            for c in [a, b, V128([0; 16]), V128([0x5a; 16]), V128([0xff; 16])] {
                let expected = (0..128).fold(0, |bits, i| {
                    let from = if u128::from(c) >> i & 1 == 1 { a } else { b };
                    bits | u128::from(from) & 1 << i
                });
                let result = (instructions.bitselect)(a, b, c);
                assert_eq!(u128::from(result), expected, "{set} {a:x?} {b:x?} {c:x?}");
            }
        }
    }
}

#[test]
fn tests() {
    for (set, instructions) in sets() {
        for (name, function) in instructions.tests {
            let (_, width, op) = parse(name);
            let count = 128 / width;
            // Also vectors of which all lanes but one are alike.
            let odd = |bits: Bits, odd: Bits| {
                (0..count).map(move |at| vector(width, |i| if i == at { odd } else { bits }))
            };
            let top = 1 << (width - 1);
            let vectors = vectors(width).into_iter().chain(odd(0, 1)).chain(odd(0, top)).chain(odd(1, 0));
            let vectors = vectors.chain(odd(mask(width), 0)).chain(odd(mask(width), top - 1));
            // And those of which half a lane is zero.
            let vectors = vectors.chain(odd(1, mask(width) << (width / 2))).chain([V128([0; 16])]);
            for a in vectors {
                let lanes = || (0..count).map(|i| lane(a, width, i));
                let expected = match op {
                    "any_true" => lanes().any(|lane| lane != 0).into(),
                    "all_true" => lanes().all(|lane| lane != 0).into(),
                    "bitmask" => {
                        (0..).zip(lanes()).map(|(i, lane)| ((lane >> (width - 1)) as u32) << i).sum()
                    }
                    _ => panic!("no restatement of {name}"),
                };
                assert_eq!(function(a), expected, "{set} {name} {a:x?}");
            }
        }
    }
}

#[test]
fn shifts() {
    for (set, instructions) in sets() {
        for (name, function) in instructions.shifts {
            let (_, width, op) = parse(name);
            let (op, signed) = sign(op);
            for a in vectors(width) {
                for n in (0..=2 * width).chain([128, 255, 256, 257, 1 << 16, 1 << 31, u32::MAX - 1, u32::MAX])
                {
                    let expected = lanes(width, |i| {
                        let (x, n) = (integer(lane(a, width, i), width, signed), n % width);
                        wrap(if op == "shl" { x << n } else { x >> n }, width)
                    });
                    check(set, name, &(a, n), function(a, n), expected);
                }
            }
        }
    }
}

#[test]
fn lane_instructions() {
    for (set, instructions) in sets() {
        for Lane { shape, width, splat, replace, extract } in instructions.lanes {
            for x in edges(width) {
                let x = x & mask(width);
                // The bits above a narrow lane do not count.
                let operand = if width < 32 { x | 0x5a << width } else { x };
                check(set, shape, &x, splat(operand), lanes(width, |_| Exactly(x)));
                for (at, a) in (0..128 / width).cycle().zip(vectors(width)) {
                    let expected = lanes(width, |i| Exactly(if i == at { x } else { lane(a, width, i) }));
                    check(set, shape, &(a, at, x), replace(a, at as u8, operand), expected);
                    assert_eq!(extract(a, at as u8), lane(a, width, at), "{set} {shape} {a:x?} {at}");
                }
            }
        }
        for (width, extract) in [8, 16].into_iter().zip(instructions.narrow_signed) {
            for a in vectors(width) {
                for i in 0..128 / width {
                    let expected = integer(lane(a, width, i), width, true) as u32;
                    assert_eq!(extract(a, i as u8), expected, "{set} {width} {a:x?} {i}");
                }
            }
        }
    }
}

#[test]
fn shuffle() {
    let (a, b) = (V128(std::array::from_fn(|i| 100 + i as u8)), V128(std::array::from_fn(|i| 200 + i as u8)));
    for (set, instructions) in sets() {
        for start in 0..32u8 {
            for step in 0..32u8 {
                let picks: [u8; 16] =
                    std::array::from_fn(|i| start.wrapping_add(step.wrapping_mul(i as u8)) % 32);
                let expected = picks.map(|pick| if pick < 16 { 100 + pick } else { 200 + pick - 16 });
                assert_eq!((instructions.shuffle)(a, b, picks), V128(expected), "{set} {picks:?}");
            }
        }
    }
}

#[test]
fn loads() {
    for (set, instructions) in sets() {
        for (name, function) in instructions.loads {
            for x in edges(64).into_iter().chain([0x8091_a2b3_c4d5_e6f7, 0x0182_0384_0586_0788]) {
                // `8x8_s`, `32_splat`, `64_zero`.
                let form = name.strip_prefix("v128_load").unwrap();
                let width = form.split(['x', '_']).next().unwrap().parse().unwrap();
                let narrow = |i| x >> (i * width) & mask(width);
                let expected = match form.split_once('_').unwrap().1 {
                    "splat" => lanes(width, |_| Exactly(narrow(0))),
                    "zero" => lanes(width, |i| Exactly(if i == 0 { narrow(0) } else { 0 })),
                    sign => lanes(2 * width, |i| wrap(integer(narrow(i), width, sign == "s"), 2 * width)),
                };
                check(set, name, &x, function(x), expected);
            }
        }
    }
}

/// What edge values may not meet: random vectors, on which the sets agree bit for bit but for the payload and the sign
/// of NaNs that arithmetic makes.
#[test]
fn sets_agree_on_random_vectors() {
    let mut seed = 1u64;
    let mut random = || {
        let mut word = || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            match seed >> 61 {
                0 => 0,
                1 => 0x7fc0_0000_8000_0000,
                2 => 0x8000_7fff_00ff_ff00,
                _ => seed ^ (seed >> 29),
            }
        };
        V128::from([word(), word()])
    };
    let canonical = |name: &str, x| match name.get(..5) {
        Some("f32x4") => v128::f32x4_canon(x),
        Some("f64x2") => v128::f64x2_canon(x),
        _ => x,
    };
    let portable = portable::set();
    for (set, instructions) in sets() {
        for _ in 0..1000 {
            let [a, b, c] = [random(), random(), random()];
            let [number, _] = c.u64x2();
            for ((name, f), (_, expected)) in instructions.unary.iter().zip(&portable.unary) {
                assert_eq!(canonical(name, f(a)), canonical(name, expected(a)), "{set} {name} {a:x?}");
            }
            for ((name, f), (_, expected)) in instructions.binary.iter().zip(&portable.binary) {
                let (result, expected) = (canonical(name, f(a, b)), canonical(name, expected(a, b)));
                assert_eq!(result, expected, "{set} {name} {a:x?} {b:x?}");
            }
            for ((name, f), (_, expected)) in instructions.tests.iter().zip(&portable.tests) {
                assert_eq!(f(a), expected(a), "{set} {name} {a:x?}");
            }
            for ((name, f), (_, expected)) in instructions.shifts.iter().zip(&portable.shifts) {
                assert_eq!(f(a, number as u32), expected(a, number as u32), "{set} {name} {a:x?} {number}");
            }
            for ((name, f), (_, expected)) in instructions.loads.iter().zip(&portable.loads) {
                assert_eq!(f(number), expected(number), "{set} {name} {number:x}");
            }
            let picks = c.0.map(|pick| pick % 32);
            assert_eq!(
                (instructions.shuffle)(a, b, picks),
                (portable.shuffle)(a, b, picks),
                "{set} {picks:?}"
            );
            assert_eq!(
                (instructions.bitselect)(a, b, c),
                (portable.bitselect)(a, b, c),
                "{set} {a:x?} {b:x?} {c:x?}"
            );
        }
    }
}

//! Each instruction against its naive restatement, on edge values.

mod restated;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hint::black_box;

use super::float::{self, TruncError};
use super::v128::{self, *};
use restated::*;

fn check(name: &str, operands: &dyn Debug, result: V128, (width, expected): Lanes) {
    for (i, expected) in (0..).zip(expected) {
        let lane = lane(result, width, i);
        assert!(
            expected.admits(lane, width),
            "{name} {operands:x?}: lane {i} is {lane:#x}, not {expected:x?}"
        );
    }
}

macro_rules! rows {
    ($($operator:ident $name:ident $($memory:ident)?,)+) => {
        &[$((stringify!($operator), stringify!($name))),+]
    };
}

macro_rules! unary {
    ($($operator:ident $name:ident,)+) => { &[$((stringify!($name), $name as fn(V128) -> V128)),+] };
}

macro_rules! binary {
    ($($operator:ident $name:ident,)+) => { &[$((stringify!($name), $name as fn(V128, V128) -> V128)),+] };
}

macro_rules! shift {
    ($($operator:ident $name:ident,)+) => { &[$((stringify!($name), $name as fn(V128, u32) -> V128)),+] };
}

macro_rules! test {
    ($($operator:ident $name:ident,)+) => { &[$((stringify!($name), $name as fn(V128) -> u32)),+] };
}

type Unary = (&'static str, fn(V128) -> V128);
type Binary = (&'static str, fn(V128, V128) -> V128);
type Shift = (&'static str, fn(V128, u32) -> V128);
type Test = (&'static str, fn(V128) -> u32);

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
    let operators: Vec<_> = operators.iter().filter(|(proposal, ..)| *proposal == "simd").collect();
    assert_eq!(operators.len(), 236);
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
    let canon: &[Unary] = unary! { F32x4Canon f32x4_canon, F64x2Canon f64x2_canon, };
    let tables: [&[Unary]; 4] = [
        for_each_simd_unary!(unary),
        for_each_simd_unary_f32x4!(unary),
        for_each_simd_unary_f64x2!(unary),
        canon,
    ];
    for (name, function) in tables.concat() {
        for a in widths(name).into_iter().flat_map(vectors) {
            check(name, &a, black_box(function)(a), unary(name, a));
        }
    }
}

#[test]
fn binary_instructions() {
    let tables: [&[Binary]; 3] = [
        for_each_simd_binary!(binary),
        for_each_simd_binary_f32x4!(binary),
        for_each_simd_binary_f64x2!(binary),
    ];
    let pairs = BTreeMap::from([8, 16, 32, 64].map(|width| (width, pairs(width))));
    for (name, function) in tables.concat() {
        for &(a, b) in widths(name).iter().flat_map(|width| &pairs[width]) {
            check(name, &(a, b), black_box(function)(a, b), binary(name, a, b));
        }
    }
}

#[test]
fn bitselect() {
    for (a, b) in pairs(16) {
        for c in [a, b, V128([0; 16]), V128([0x5a; 16]), V128([0xff; 16])] {
            let expected = (0..128).fold(0, |bits, i| {
                let from = if u128::from(c) >> i & 1 == 1 { a } else { b };
                bits | u128::from(from) & 1 << i
            });
            assert_eq!(u128::from(v128_bitselect(a, b, c)), expected, "{a:x?} {b:x?} {c:x?}");
        }
    }
}

#[test]
fn tests() {
    let tests: &[Test] = for_each_simd_test!(test);
    for &(name, function) in tests {
        let (_, width, op) = parse(name);
        let count = 128 / width;
        // Also vectors of which all lanes but one are alike.
        let odd = |bits: Bits, odd: Bits| {
            (0..count).map(move |at| vector(width, |i| if i == at { odd } else { bits }))
        };
        let top = 1 << (width - 1);
        let vectors = vectors(width).into_iter().chain(odd(0, 1)).chain(odd(0, top)).chain(odd(1, 0));
        for a in vectors.chain(odd(mask(width), 0)).chain(odd(mask(width), top - 1)).chain([V128([0; 16])]) {
            let lanes = || (0..count).map(|i| lane(a, width, i));
            let expected = match op {
                "any_true" => lanes().any(|lane| lane != 0).into(),
                "all_true" => lanes().all(|lane| lane != 0).into(),
                "bitmask" => (0..).zip(lanes()).map(|(i, lane)| ((lane >> (width - 1)) as u32) << i).sum(),
                _ => panic!("no restatement of {name}"),
            };
            assert_eq!(function(a), expected, "{name} {a:x?}");
        }
    }
}

#[test]
fn shifts() {
    let shifts: &[Shift] = for_each_simd_shift!(shift);
    for &(name, function) in shifts {
        let (_, width, op) = parse(name);
        let (op, signed) = sign(op);
        for a in vectors(width) {
            for n in (0..=2 * width).chain([128, 255, 256, 257, 1 << 16, 1 << 31, u32::MAX - 1, u32::MAX]) {
                let expected = lanes(width, |i| {
                    let (x, n) = (integer(lane(a, width, i), width, signed), n % width);
                    wrap(if op == "shl" { x << n } else { x >> n }, width)
                });
                check(name, &(a, n), function(a, n), expected);
            }
        }
    }
}

#[test]
fn lane_instructions() {
    macro_rules! check_lanes {
        ($($width:literal $float:ident $x:ident => $operand:expr, $result:expr;
           $splat:ident $replace:ident $($extract:ident)?;)+) => {$(
            for $x in edges($width) {
                // The bits above a narrow lane do not count.
                let operand = $operand;
                let expected = Exactly($x & mask($width));
                check(stringify!($splat), &$x, $splat(operand), lanes($width, |_| expected));
                for (lane_index, a) in (0..128 / $width).cycle().zip(vectors($width)) {
                    let expected = |i| if i == lane_index { $x & mask($width) } else { lane(a, $width, i) };
                    let replaced = $replace(a, lane_index as u8, operand);
                    check(stringify!($replace), &(a, $x), replaced, lanes($width, |i| Exactly(expected(i))));
                    $(
                        let extracted = $result($extract(a, lane_index as u8));
                        assert_eq!(extracted, lane(a, $width, lane_index), "{} {a:x?}", stringify!($extract));
                    )?
                }
            }
        )+};
    }
    check_lanes! {
        8 int x => (x | 0x5a00) as u32, Bits::from; i8x16_splat i8x16_replace_lane i8x16_extract_lane_u;
        16 int x => (x | 0x5a_0000) as u32, Bits::from; i16x8_splat i16x8_replace_lane i16x8_extract_lane_u;
        32 int x => x as u32, Bits::from; i32x4_splat i32x4_replace_lane i32x4_extract_lane;
        64 int x => x, Bits::from; i64x2_splat i64x2_replace_lane i64x2_extract_lane;
        32 float x => f32::from_bits(x as u32), |x: f32| Bits::from(x.to_bits());
            f32x4_splat f32x4_replace_lane f32x4_extract_lane;
        64 float x => f64::from_bits(x), f64::to_bits; f64x2_splat f64x2_replace_lane f64x2_extract_lane;
    }
    for a in vectors(8) {
        for i in 0..16 {
            let expected = integer(lane(a, 8, i), 8, true) as u32;
            assert_eq!(i8x16_extract_lane_s(a, i as u8), expected, "{a:x?} {i}");
        }
    }
    for a in vectors(16) {
        for i in 0..8 {
            let expected = integer(lane(a, 16, i), 16, true) as u32;
            assert_eq!(i16x8_extract_lane_s(a, i as u8), expected, "{a:x?} {i}");
        }
    }
}

#[test]
fn shuffle() {
    let (a, b) = (V128(std::array::from_fn(|i| 100 + i as u8)), V128(std::array::from_fn(|i| 200 + i as u8)));
    for start in 0..32u8 {
        for step in 0..32u8 {
            let picks: [u8; 16] =
                std::array::from_fn(|i| start.wrapping_add(step.wrapping_mul(i as u8)) % 32);
            let expected = picks.map(|pick| if pick < 16 { 100 + pick } else { 200 + pick - 16 });
            assert_eq!(i8x16_shuffle(a, b, picks), V128(expected));
        }
    }
}

#[test]
fn loads() {
    for x in edges(64).into_iter().chain([0x8091_a2b3_c4d5_e6f7, 0x0182_0384_0586_0788]) {
        let extended = |width: u32, signed| {
            let narrow = |i| x >> (i * width / 2) & mask(width / 2);
            lanes(width, |i| wrap(integer(narrow(i), width / 2, signed), width))
        };
        check("v128_load8x8_s", &x, v128_load8x8_s(x), extended(16, true));
        check("v128_load8x8_u", &x, v128_load8x8_u(x), extended(16, false));
        check("v128_load16x4_s", &x, v128_load16x4_s(x), extended(32, true));
        check("v128_load16x4_u", &x, v128_load16x4_u(x), extended(32, false));
        check("v128_load32x2_s", &x, v128_load32x2_s(x), extended(64, true));
        check("v128_load32x2_u", &x, v128_load32x2_u(x), extended(64, false));
        check("v128_load8_splat", &x, v128_load8_splat(x as u8), lanes(8, |_| wrap(x.into(), 8)));
        check("v128_load16_splat", &x, v128_load16_splat(x as u16), lanes(16, |_| wrap(x.into(), 16)));
        check("v128_load32_splat", &x, v128_load32_splat(x as u32), lanes(32, |_| wrap(x.into(), 32)));
        check("v128_load64_splat", &x, v128_load64_splat(x), lanes(64, |_| Exactly(x)));
        assert_eq!(u128::from(v128_load32_zero(x as u32)), u128::from(x as u32));
        assert_eq!(u128::from(v128_load64_zero(x)), u128::from(x));
    }
}

macro_rules! scalars {
    ($f:ident $bits:ident $width:literal: $($name:ident)+; $($name2:ident)+) => {{
        let from = |bits: Bits| $f::from_bits(bits as $bits);
        for a in edges($width).into_iter().map(|bits| bits & mask($width)) {
            $(
                let (_, _, op) = parse(stringify!($name));
                let (result, expected) = (float::$name(from(black_box(a))), float_unary(op, a, $width));
                let result = result.to_bits().into();
                assert!(expected.admits(result, $width), "{op} {a:#x}: {result:#x}, not {expected:x?}");
            )+
            for b in edges($width).into_iter().map(|bits| bits & mask($width)) {
                $(
                    let (_, _, op) = parse(stringify!($name2));
                    let result = float::$name2(from(black_box(a)), from(black_box(b))).to_bits().into();
                    let expected = float_binary(op, a, b, $width);
                    let case = format_args!("{op} {a:#x} {b:#x}: {result:#x}, not {expected:x?}");
                    assert!(expected.admits(result, $width), "{case}");
                )+
            }
        }
    }};
}

#[test]
fn scalar_floats() {
    scalars!(f32 u32 32: f32_nearest f32_ceil f32_floor f32_trunc f32_sqrt f32_abs f32_neg f32_canon;
        f32_min f32_max f32_pmin f32_pmax f32_copysign);
    scalars!(f64 u64 64: f64_nearest f64_ceil f64_floor f64_trunc f64_sqrt f64_abs f64_neg f64_canon;
        f64_min f64_max f64_pmin f64_pmax f64_copysign);
}

#[test]
fn rounding_of_many_floats() {
    let mut bits = 0u32;
    loop {
        macro_rules! check {
            ($($name:ident $op:literal)+) => {$(
                let (a, result) = (bits.into(), float::$name(f32::from_bits(black_box(bits))).to_bits());
                let expected = float_unary($op, a, 32);
                assert!(expected.admits(result.into(), 32), "{} {a:#x}: {result:#x}, not {expected:x?}", $op);
            )+};
        }
        check! { f32_nearest "nearest" f32_ceil "ceil" f32_floor "floor" f32_trunc "trunc" }
        let Some(next) = bits.checked_add(4099) else { break };
        bits = next;
    }
}

#[test]
fn truncations() {
    macro_rules! check {
        ($($name:ident $sat:ident $f:ident $bits:ident $from:literal => $to:literal $signed:literal;)+) => {$(
            for a in edges($from) {
                let x = $f::from_bits(black_box(a) as $bits);
                let (least, bound) = limits($to, $signed);
                let expected = match x.trunc() as i128 {
                    _ if x.is_nan() => Err(TruncError::NotANumber),
                    whole if (least..bound).contains(&whole) => Ok((whole as Bits & mask($to)) as _),
                    _ => Err(TruncError::Overflow),
                };
                assert_eq!(float::$name(x), expected, "{} {x:?}", stringify!($name));
                let saturated = Bits::from(float::$sat(x));
                assert_eq!(saturated, trunc_sat(a, $from, $to, $signed), "{} {x:?}", stringify!($sat));
            }
        )+};
    }
    check! {
        i32_trunc_f32_s i32_trunc_sat_f32_s f32 u32 32 => 32 true;
        i32_trunc_f32_u i32_trunc_sat_f32_u f32 u32 32 => 32 false;
        i32_trunc_f64_s i32_trunc_sat_f64_s f64 u64 64 => 32 true;
        i32_trunc_f64_u i32_trunc_sat_f64_u f64 u64 64 => 32 false;
        i64_trunc_f32_s i64_trunc_sat_f32_s f32 u32 32 => 64 true;
        i64_trunc_f32_u i64_trunc_sat_f32_u f32 u32 32 => 64 false;
        i64_trunc_f64_s i64_trunc_sat_f64_s f64 u64 64 => 64 true;
        i64_trunc_f64_u i64_trunc_sat_f64_u f64 u64 64 => 64 false;
    }
    // The last that fit and the first that do not.
    assert_eq!(float::i32_trunc_f64_s(-2147483648.9), Ok(i32::MIN as u32));
    assert_eq!(float::i32_trunc_f64_s(-2147483649.0), Err(TruncError::Overflow));
    assert_eq!(float::i32_trunc_f64_u(-0.9), Ok(0));
    assert_eq!(float::i32_trunc_f64_u(-1.0), Err(TruncError::Overflow));
    assert_eq!(float::i64_trunc_f64_s(-9223372036854775808.0), Ok(i64::MIN as u64));
    assert_eq!(float::i64_trunc_f64_s(9223372036854775808.0), Err(TruncError::Overflow));
}

#[test]
fn conversions() {
    macro_rules! check {
        ($($name:ident $from:literal $int:ident $signed:literal => $to:literal;)+) => {$(
            for a in edges(64).into_iter().chain(edges(32)).map(|bits| bits & mask($from)) {
                let result = Bits::from(float::$name(black_box(a) as $int).to_bits());
                let expected = convert(integer(a, $from, $signed), $to);
                assert_eq!(result, expected, "{} {a:#x}", stringify!($name));
            }
        )+};
    }
    check! {
        f32_convert_i32_s 32 u32 true => 32;
        f32_convert_i32_u 32 u32 false => 32;
        f32_convert_i64_s 64 u64 true => 32;
        f32_convert_i64_u 64 u64 false => 32;
        f64_convert_i32_s 32 u32 true => 64;
        f64_convert_i32_u 32 u32 false => 64;
        f64_convert_i64_s 64 u64 true => 64;
        f64_convert_i64_u 64 u64 false => 64;
    }
    for a in edges(32).into_iter().map(|bits| bits & mask(32)) {
        let promoted = float::f64_promote_f32(f32::from_bits(black_box(a) as u32)).to_bits();
        assert!(resize(a, 32, 64).admits(promoted, 64), "{a:#x} {promoted:#x}");
    }
    for a in edges(64) {
        let demoted = float::f32_demote_f64(f64::from_bits(black_box(a))).to_bits();
        assert!(resize(a, 64, 32).admits(demoted.into(), 32), "{a:#x} {demoted:#x}");
    }
    // Ties to even at the last bit of a number, of a subnormal, and before infinity.
    assert_eq!(float::f32_demote_f64(1.0 + 2f64.powi(-24)), 1.0);
    assert_eq!(float::f32_demote_f64(1.0 + 3.0 * 2f64.powi(-24)), 1.0 + 2f32.powi(-22));
    assert_eq!(float::f32_demote_f64(2f64.powi(-150)).to_bits(), 0);
    assert_eq!(float::f32_demote_f64(3.0 * 2f64.powi(-150)).to_bits(), 2);
    assert_eq!(float::f32_demote_f64(f64::from(f32::MAX) + 2f64.powi(102)), f32::MAX);
    assert_eq!(float::f32_demote_f64(f64::from(f32::MAX) + 2f64.powi(103)), f32::INFINITY);
}

/// What handlers use on this machine agrees with the portable functions, bit for bit but for the payload of NaNs that
/// arithmetic makes.
#[test]
#[cfg(target_arch = "x86_64")]
fn machine_instructions_agree_with_portable_ones() {
    use super::simd;
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
        let (low, high) = (word(), word());
        V128(((high as u128) << 64 | low as u128).to_le_bytes())
    };
    macro_rules! agree {
        ($($name:ident($($x:ident),*);)*) => {
            for _ in 0..2000 {
                $({
                    $(let $x = random();)*
                    let (ours, portable) = (simd::$name($($x),*), v128::$name($($x),*));
                    let canonical = |x| match stringify!($name).get(..5) {
                        Some("f32x4") => v128::f32x4_canon(x),
                        Some("f64x2") => v128::f64x2_canon(x),
                        _ => x,
                    };
                    assert_eq!(canonical(ours), canonical(portable), stringify!($name));
                })*
            }
        };
    }
    agree! {
        v128_and(x, y); v128_or(x, y); v128_xor(x, y); v128_andnot(x, y); v128_not(x); v128_bitselect(x, y, z);
        i8x16_add(x, y); i8x16_sub(x, y); i8x16_add_sat_s(x, y); i8x16_add_sat_u(x, y); i8x16_sub_sat_s(x, y);
        i8x16_sub_sat_u(x, y); i8x16_min_u(x, y); i8x16_max_u(x, y); i8x16_avgr_u(x, y); i8x16_eq(x, y);
        i8x16_gt_s(x, y); i8x16_lt_s(x, y); i8x16_narrow_i16x8_s(x, y); i8x16_narrow_i16x8_u(x, y);
        i16x8_add(x, y); i16x8_sub(x, y); i16x8_mul(x, y); i16x8_add_sat_s(x, y); i16x8_add_sat_u(x, y);
        i16x8_sub_sat_s(x, y); i16x8_sub_sat_u(x, y); i16x8_min_s(x, y); i16x8_max_s(x, y); i16x8_avgr_u(x, y);
        i16x8_eq(x, y); i16x8_gt_s(x, y); i16x8_lt_s(x, y); i16x8_narrow_i32x4_s(x, y);
        i16x8_extend_low_i8x16_u(x); i16x8_extend_high_i8x16_u(x); i16x8_extend_low_i8x16_s(x);
        i16x8_extend_high_i8x16_s(x); i32x4_add(x, y); i32x4_sub(x, y); i32x4_mul(x, y); i32x4_eq(x, y);
        i32x4_gt_s(x, y); i32x4_lt_s(x, y); i32x4_dot_i16x8_s(x, y); i32x4_extend_low_i16x8_u(x);
        i32x4_extend_high_i16x8_u(x); i32x4_extend_low_i16x8_s(x); i32x4_extend_high_i16x8_s(x);
        i64x2_add(x, y); i64x2_sub(x, y); i64x2_extend_low_i32x4_u(x); i64x2_extend_high_i32x4_u(x);
        f32x4_convert_i32x4_s(x); f64x2_convert_low_i32x4_s(x);
        f32x4_add(x, y); f32x4_sub(x, y); f32x4_mul(x, y); f32x4_div(x, y); f32x4_sqrt(x); f32x4_pmin(x, y);
        f32x4_pmax(x, y); f32x4_eq(x, y); f32x4_ne(x, y); f32x4_lt(x, y); f32x4_gt(x, y); f32x4_le(x, y);
        f32x4_ge(x, y); f32x4_abs(x); f32x4_neg(x);
        f64x2_add(x, y); f64x2_sub(x, y); f64x2_mul(x, y); f64x2_div(x, y); f64x2_sqrt(x); f64x2_pmin(x, y);
        f64x2_pmax(x, y); f64x2_eq(x, y); f64x2_ne(x, y); f64x2_lt(x, y); f64x2_gt(x, y); f64x2_le(x, y);
        f64x2_ge(x, y); f64x2_abs(x); f64x2_neg(x);
    }
    for n in 0..200 {
        let x = random();
        assert_eq!(simd::i16x8_shl(x, n), v128::i16x8_shl(x, n));
        assert_eq!(simd::i16x8_shr_s(x, n), v128::i16x8_shr_s(x, n));
        assert_eq!(simd::i16x8_shr_u(x, n), v128::i16x8_shr_u(x, n));
        assert_eq!(simd::i32x4_shl(x, n), v128::i32x4_shl(x, n));
        assert_eq!(simd::i32x4_shr_s(x, n), v128::i32x4_shr_s(x, n));
        assert_eq!(simd::i32x4_shr_u(x, n), v128::i32x4_shr_u(x, n));
        assert_eq!(simd::i64x2_shl(x, n), v128::i64x2_shl(x, n));
        assert_eq!(simd::i64x2_shr_u(x, n), v128::i64x2_shr_u(x, n));
        assert_eq!(simd::v128_any_true(x), v128::v128_any_true(x));
        assert_eq!(simd::i8x16_all_true(x), v128::i8x16_all_true(x));
        assert_eq!(simd::i16x8_all_true(x), v128::i16x8_all_true(x));
        assert_eq!(simd::i32x4_all_true(x), v128::i32x4_all_true(x));
        assert_eq!(simd::i8x16_bitmask(x), v128::i8x16_bitmask(x));
        assert_eq!(simd::i16x8_bitmask(x), v128::i16x8_bitmask(x));
        assert_eq!(simd::i32x4_bitmask(x), v128::i32x4_bitmask(x));
        assert_eq!(simd::i64x2_bitmask(x), v128::i64x2_bitmask(x));
        let word = u64::from_le_bytes(x.0[..8].try_into().expect("eight bytes"));
        assert_eq!(simd::v128_load8x8_u(word), v128::v128_load8x8_u(word));
        assert_eq!(simd::v128_load16x4_u(word), v128::v128_load16x4_u(word));
        assert_eq!(simd::v128_load32x2_u(word), v128::v128_load32x2_u(word));
        assert_eq!(simd::v128_load32_zero(word as u32), v128::v128_load32_zero(word as u32));
        assert_eq!(simd::v128_load64_zero(word), v128::v128_load64_zero(word));
        assert_eq!(simd::i8x16_splat(word as u32), v128::i8x16_splat(word as u32));
        assert_eq!(simd::i16x8_splat(word as u32), v128::i16x8_splat(word as u32));
        assert_eq!(simd::i32x4_splat(word as u32), v128::i32x4_splat(word as u32));
        assert_eq!(simd::i64x2_splat(word), v128::i64x2_splat(word));
        assert_eq!(simd::f64x2_splat(f64::from_bits(word)), v128::f64x2_splat(f64::from_bits(word)));
    }
    for bytes in [[0u8; 16], [0xff; 16], [0x80; 16]] {
        assert_eq!(simd::v128_any_true(V128(bytes)), v128::v128_any_true(V128(bytes)));
        assert_eq!(simd::i8x16_all_true(V128(bytes)), v128::i8x16_all_true(V128(bytes)));
    }
}

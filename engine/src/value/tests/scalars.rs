//! Floats and conversions.

use super::*;

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

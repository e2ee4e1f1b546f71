//! Values in scripts: arguments, and patterns for results.

use dunlin::{ExternRef, Store, V128, Val};
use std::fmt::Write;
use wast::core::{
    AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore as Arg, WastRetCore as Ret,
};
use wast::token::{F32, F64};
use wast::{WastArg, WastRet};

/// The value of an argument.
pub(crate) fn argument(store: &mut Store<()>, arg: &WastArg<'_>) -> Result<Val, String> {
    let WastArg::Core(arg) = arg else { return Err(unsupported(arg)) };
    Ok(match arg {
        Arg::I32(value) => Val::I32(*value),
        Arg::I64(value) => Val::I64(*value),
        Arg::F32(value) => Val::F32(value.bits),
        Arg::F64(value) => Val::F64(value.bits),
        Arg::V128(value) => Val::V128(V128::from_bits(u128::from_le_bytes(value.to_le_bytes()))),
        Arg::RefNull(heap_type) => null(heap_type).ok_or_else(|| unsupported(arg))?,
        Arg::RefExtern(number) => {
            let value = ExternRef::new(&mut *store, *number).map_err(|error| error.to_string())?;
            Val::ExternRef(Some(value))
        }
        Arg::RefHost(_) => return Err(unsupported(arg)),
    })
}

fn unsupported(arg: &impl std::fmt::Debug) -> String {
    format!("an argument that Dunlin has no type for: {arg:?}")
}

fn null(heap_type: &HeapType<'_>) -> Option<Val> {
    match heap_type {
        HeapType::Abstract { shared: false, ty: AbstractHeapType::Func } => Some(Val::FuncRef(None)),
        HeapType::Abstract { shared: false, ty: AbstractHeapType::Extern } => Some(Val::ExternRef(None)),
        HeapType::Abstract { shared: false, ty: AbstractHeapType::Exn } => Some(Val::ExnRef(None)),
        _ => None,
    }
}

/// Whether these are the results that are expected.
pub(crate) fn all_match(store: &Store<()>, results: &[Val], expected: &[WastRet<'_>]) -> bool {
    results.len() == expected.len()
        && results.iter().zip(expected).all(|(result, expected)| match expected {
            WastRet::Core(expected) => matches(store, result, expected),
            _ => false,
        })
}

fn matches(store: &Store<()>, result: &Val, expected: &Ret<'_>) -> bool {
    match (expected, *result) {
        (Ret::I32(expected), Val::I32(result)) => *expected == result,
        (Ret::I64(expected), Val::I64(result)) => *expected == result,
        (Ret::F32(expected), Val::F32(bits)) => f32_matches(expected, bits),
        (Ret::F64(expected), Val::F64(bits)) => f64_matches(expected, bits),
        (Ret::V128(expected), Val::V128(result)) => v128_matches(expected, result.to_bits()),
        (Ret::RefNull(None), Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None)) => true,
        (Ret::RefNull(Some(heap_type)), Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None)) => {
            null(heap_type).is_some_and(|null| null.ty() == result.ty())
        }
        (Ret::RefExtern(None), Val::ExternRef(Some(_))) => true,
        (Ret::RefExtern(Some(number)), Val::ExternRef(Some(result))) => {
            result.data(store).downcast_ref::<u32>() == Some(number)
        }
        (Ret::RefFunc(None), Val::FuncRef(Some(_))) => true,
        (Ret::Either(expected), _) => expected.iter().any(|expected| matches(store, result, expected)),
        // Of the remaining patterns, Dunlin either has no such values, or (a function's index) can't tell.
        _ => false,
    }
}

/// The canonical NaN's payload is its highest bit alone; its sign is either.
fn f32_matches(expected: &NanPattern<F32>, bits: u32) -> bool {
    match expected {
        NanPattern::CanonicalNan => bits & !(1 << 31) == 0x7fc0_0000,
        NanPattern::ArithmeticNan => bits & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(value) => bits == value.bits,
    }
}

fn f64_matches(expected: &NanPattern<F64>, bits: u64) -> bool {
    match expected {
        NanPattern::CanonicalNan => bits & !(1 << 63) == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => bits & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(value) => bits == value.bits,
    }
}

fn v128_matches(expected: &V128Pattern, bits: u128) -> bool {
    let mut next = 0;
    let mut lane = |width: u32| {
        next += width;
        bits >> (next - width)
    };
    match expected {
        V128Pattern::I8x16(lanes) => lanes.iter().all(|expected| *expected == lane(8) as i8),
        V128Pattern::I16x8(lanes) => lanes.iter().all(|expected| *expected == lane(16) as i16),
        V128Pattern::I32x4(lanes) => lanes.iter().all(|expected| *expected == lane(32) as i32),
        V128Pattern::I64x2(lanes) => lanes.iter().all(|expected| *expected == lane(64) as i64),
        V128Pattern::F32x4(lanes) => lanes.iter().all(|expected| f32_matches(expected, lane(32) as u32)),
        V128Pattern::F64x2(lanes) => lanes.iter().all(|expected| f64_matches(expected, lane(64) as u64)),
    }
}

/// Results, for people.
pub(crate) fn describe(store: &Store<()>, results: &[Val]) -> String {
    let mut text = String::new();
    for result in results {
        // Writing to a string can't fail.
        let _ = match *result {
            Val::I32(value) => write!(text, "(i32.const {value})"),
            Val::I64(value) => write!(text, "(i64.const {value})"),
            Val::F32(bits) => write!(text, "(f32.const {:?} = {bits:#010x})", f32::from_bits(bits)),
            Val::F64(bits) => write!(text, "(f64.const {:?} = {bits:#018x})", f64::from_bits(bits)),
            Val::V128(value) => write!(text, "(v128.const {value:?})"),
            Val::FuncRef(None) => write!(text, "(ref.null func)"),
            Val::FuncRef(Some(_)) => write!(text, "(ref.func)"),
            Val::ExternRef(None) => write!(text, "(ref.null extern)"),
            Val::ExnRef(None) => write!(text, "(ref.null exn)"),
            Val::ExnRef(Some(_)) => write!(text, "(ref.exn)"),
            Val::ExternRef(Some(value)) => match value.data(store).downcast_ref::<u32>() {
                Some(number) => write!(text, "(ref.extern {number})"),
                None => write!(text, "(ref.extern)"),
            },
        };
    }
    or_nothing(text)
}

/// Expected results, for people.
pub(crate) fn describe_patterns(expected: &[WastRet<'_>]) -> String {
    let mut text = String::new();
    for expected in expected {
        match expected {
            WastRet::Core(expected) => describe_pattern(&mut text, expected),
            other => text += &format!("({other:?})"),
        }
    }
    or_nothing(text)
}

fn describe_pattern(text: &mut String, expected: &Ret<'_>) {
    let _ = match expected {
        Ret::I32(value) => write!(text, "(i32.const {value})"),
        Ret::I64(value) => write!(text, "(i64.const {value})"),
        Ret::F32(pattern) => write!(text, "(f32.const {})", f32_text(pattern)),
        Ret::F64(pattern) => write!(text, "(f64.const {})", f64_text(pattern)),
        Ret::V128(V128Pattern::F32x4(lanes)) => {
            write!(text, "(v128.const f32x4 {})", lanes.each_ref().map(f32_text).join(" "))
        }
        Ret::V128(V128Pattern::F64x2(lanes)) => {
            write!(text, "(v128.const f64x2 {})", lanes.each_ref().map(f64_text).join(" "))
        }
        Ret::V128(integers) => write!(text, "(v128.const {integers:x?})"),
        Ret::RefExtern(Some(number)) => write!(text, "(ref.extern {number})"),
        Ret::Either(cases) => {
            text.push_str("(either ");
            cases.iter().for_each(|case| describe_pattern(text, case));
            write!(text, ")")
        }
        other => write!(text, "({other:?})"),
    };
}

fn f32_text(pattern: &NanPattern<F32>) -> String {
    match pattern {
        NanPattern::CanonicalNan => "nan:canonical".into(),
        NanPattern::ArithmeticNan => "nan:arithmetic".into(),
        NanPattern::Value(value) => format!("{:?} = {:#010x}", f32::from_bits(value.bits), value.bits),
    }
}

fn f64_text(pattern: &NanPattern<F64>) -> String {
    match pattern {
        NanPattern::CanonicalNan => "nan:canonical".into(),
        NanPattern::ArithmeticNan => "nan:arithmetic".into(),
        NanPattern::Value(value) => format!("{:?} = {:#018x}", f64::from_bits(value.bits), value.bits),
    }
}

fn or_nothing(text: String) -> String {
    if text.is_empty() { "no result".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::lex;
    use dunlin::Engine;
    use wast::parser::parse;

    /// Whether `result` is what the script `(assert_return ... expected)` expects.
    fn check(store: &Store<()>, result: Val, expected: &str) -> bool {
        let buffer = lex(expected).unwrap();
        let pattern = parse::<Parens<'_>>(&buffer).unwrap().0;
        let text = describe_patterns(std::slice::from_ref(&pattern));
        assert!(text.starts_with('('), "{text}");
        all_match(store, &[result], &[pattern])
    }

    struct Parens<'a>(WastRet<'a>);

    impl<'a> wast::parser::Parse<'a> for Parens<'a> {
        fn parse(parser: wast::parser::Parser<'a>) -> wast::parser::Result<Self> {
            parser.parens(|parser| parser.parse()).map(Parens)
        }
    }

    #[test]
    fn numbers_match_bit_for_bit() {
        let store = Store::new(&Engine::default(), ());
        let check = |result, expected| check(&store, result, expected);
        assert!(check(Val::I32(-1), "(i32.const 0xffffffff)"));
        assert!(!check(Val::I32(-1), "(i64.const -1)"));
        assert!(!check(Val::I64(1), "(i64.const 2)"));
        assert!(check(Val::from(0.0f32), "(f32.const 0)"));
        assert!(!check(Val::from(-0.0f32), "(f32.const 0)"));
        assert!(check(Val::F64(0x7ff4 << 48), "(f64.const nan:0x4000000000000)"));
        assert!(!check(Val::F64(0x7ff8 << 48), "(f64.const nan:0x4000000000000)"));
        assert!(!all_match(&store, &[], &[WastRet::Core(Ret::I32(0))]));
        assert!(!all_match(&store, &[Val::I32(0)], &[]));
    }

    #[test]
    fn nan_patterns_tell_nans_apart() {
        let store = Store::new(&Engine::default(), ());
        let check = |result, expected| check(&store, result, expected);
        for (bits, wide, canonical, arithmetic) in [
            (0x7fc0_0000, 0x7ff8_0000_0000_0000, true, true),
            (0xffc0_0000, 0xfff8_0000_0000_0000, true, true),
            (0x7fc0_0001, 0x7ff8_0000_0000_0001, false, true),
            (0x7fa0_0000, 0x7ff4_0000_0000_0000, false, false),
            (0x7f80_0000, 0x7ff0_0000_0000_0000, false, false),
            (0x3f80_0000, 0x3ff0_0000_0000_0000, false, false),
        ] {
            assert_eq!(check(Val::F32(bits), "(f32.const nan:canonical)"), canonical);
            assert_eq!(check(Val::F32(bits), "(f32.const nan:arithmetic)"), arithmetic);
            assert_eq!(check(Val::F64(wide), "(f64.const nan:canonical)"), canonical);
            assert_eq!(check(Val::F64(wide), "(f64.const nan:arithmetic)"), arithmetic);
        }
    }

    #[test]
    fn vectors_match_lane_by_lane() {
        let store = Store::new(&Engine::default(), ());
        let check = |bits, expected| check(&store, Val::V128(V128::from_bits(bits)), expected);
        assert!(check(0x0201, "(v128.const i8x16 1 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0)"));
        assert!(check(0xffff << 112, "(v128.const i16x8 0 0 0 0 0 0 0 -1)"));
        assert!(!check(0xffff << 112, "(v128.const i16x8 0 0 0 0 0 0 -1 0)"));
        assert!(check(3 << 96 | 7, "(v128.const i32x4 7 0 0 3)"));
        assert!(check(9 << 64, "(v128.const i64x2 0 9)"));
        let nans = 0xffc0_0000 << 96 | 0x7fc0_0001 << 64 | 0x3f80_0000 << 32 | 0x8000_0000;
        assert!(check(nans, "(v128.const f32x4 -0 1 nan:arithmetic nan:canonical)"));
        assert!(!check(nans, "(v128.const f32x4 -0 1 nan:canonical nan:canonical)"));
        assert!(!check(nans, "(v128.const f32x4 0 1 nan:arithmetic nan:canonical)"));
        assert!(check(0x7ff8 << 112, "(v128.const f64x2 0 nan:canonical)"));
    }

    #[test]
    fn references_match_by_kind_and_number() {
        let mut store = Store::new(&Engine::default(), ());
        let five = argument(&mut store, &WastArg::Core(Arg::RefExtern(5))).unwrap();
        let check = |result, expected| check(&store, result, expected);
        assert!(check(five, "(ref.extern 5)"));
        assert!(check(five, "(ref.extern)"));
        assert!(!check(five, "(ref.extern 6)"));
        assert!(!check(five, "(ref.func)"));
        assert!(!check(five, "(ref.null extern)"));
        assert!(check(Val::FuncRef(None), "(ref.null func)"));
        assert!(check(Val::FuncRef(None), "(ref.null)"));
        assert!(!check(Val::FuncRef(None), "(ref.null extern)"));
        assert!(!check(Val::FuncRef(None), "(ref.func)"));
        assert!(check(Val::I32(2), "(either (i32.const 1) (i32.const 2))"));
        assert!(!check(Val::I32(3), "(either (i32.const 1) (i32.const 2))"));
        assert_eq!(describe(&store, &[five, Val::I32(1)]), "(ref.extern 5)(i32.const 1)");
    }
}

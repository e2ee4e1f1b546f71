//! WebAssembly values as words of a command line.

use dunlin::{V128, Val, ValType};

/// The value that `text` stands for, as a value of this type.
pub(crate) fn parse(ty: ValType, text: &str) -> Option<Val> {
    Some(match ty {
        ValType::I32 => Val::I32(integer(text, 32)? as i32),
        ValType::I64 => Val::I64(integer(text, 64)? as i64),
        ValType::F32 => Val::F32(match float(text)? {
            Float::Nan { negative, payload } => nan(negative, payload, 32, 23)? as u32,
            Float::Binary(value) => (value as f32).to_bits(),
            Float::Decimal(text) => text.parse::<f32>().ok()?.to_bits(),
        }),
        ValType::F64 => Val::F64(match float(text)? {
            Float::Nan { negative, payload } => nan(negative, payload, 64, 52)?,
            Float::Binary(value) => value.to_bits(),
            Float::Decimal(text) => text.parse::<f64>().ok()?.to_bits(),
        }),
        ValType::V128 => Val::V128(V128::from_bits(magnitude(text)?)),
        ValType::Ref(_) if text == "null" => Val::default_for_ty(ty)?,
        ValType::Ref(_) => return None,
    })
}

/// What a parameter of this type may be, for a message.
pub(crate) fn expected(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "a whole number of 32 bits such as 42, -7 or 0xff",
        ValType::I64 => "a whole number of 64 bits such as 42, -7 or 0xff",
        ValType::F32 | ValType::F64 => "a number such as 1.5, -2e10, 0x1p-3, inf or nan",
        ValType::V128 => "128 bits as a number such as 0x000102030405060708090a0b0c0d0e0f",
        ValType::Ref(ty) if ty.is_nullable() => "null",
        ValType::Ref(_) => "a reference, which no word stands for",
    }
}

/// The value in words that [`parse`] understands, except for references other than null.
pub(crate) fn show(value: &Val) -> String {
    match *value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) if f32::from_bits(bits).is_nan() => show_nan(bits.into(), 32, 23),
        Val::F32(bits) => without_fraction(format!("{:?}", f32::from_bits(bits))),
        Val::F64(bits) if f64::from_bits(bits).is_nan() => show_nan(bits, 64, 52),
        Val::F64(bits) => without_fraction(format!("{:?}", f64::from_bits(bits))),
        Val::V128(value) => format!("{:#034x}", value.to_bits()),
        Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None) => "null".into(),
        Val::FuncRef(Some(_)) => "funcref".into(),
        Val::ExternRef(Some(_)) => "externref".into(),
        Val::ExnRef(Some(_)) => "exnref".into(),
    }
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn strip_hex(text: &str) -> Option<&str> {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))
}

/// A whole number without a sign.
fn magnitude(text: &str) -> Option<u128> {
    let (digits, radix) = strip_hex(text).map_or((text, 10), |digits| (digits, 16));
    // The parsers of the standard library accept a sign here.
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    u128::from_str_radix(digits, radix).ok()
}

/// The lowest `bits` bits hold the number, signed or unsigned.
fn integer(text: &str, bits: u32) -> Option<u64> {
    let (negative, digits) = split_sign(text);
    let value = magnitude(digits)?;
    let greatest = if negative { 1 << (bits - 1) } else { (1 << bits) - 1 };
    if value > greatest {
        return None;
    }
    Some(if negative { (value as u64).wrapping_neg() } else { value as u64 })
}

enum Float<'a> {
    Nan { negative: bool, payload: Option<u64> },
    Binary(f64),
    Decimal(&'a str),
}

fn float(text: &str) -> Option<Float<'_>> {
    let (negative, digits) = split_sign(text);
    if digits.eq_ignore_ascii_case("nan") {
        return Some(Float::Nan { negative, payload: None });
    }
    if let Some(payload) = digits.strip_prefix("nan:") {
        let payload = u64::try_from(magnitude(payload)?).ok()?;
        return Some(Float::Nan { negative, payload: Some(payload) });
    }
    let Some(digits) = strip_hex(digits) else { return Some(Float::Decimal(text)) };
    let value = binary_float(digits)?;
    Some(Float::Binary(if negative { -value } else { value }))
}

/// Beyond this exponent of two, whatever has 53 bits is zero or infinite.
const OUT_OF_RANGE: i32 = 2200;

/// What follows `0x` in a number such as `0x1.8p-3`. It may have as many bits as an `f64` holds: there is nothing
/// to round but at the ends of the range.
fn binary_float(text: &str) -> Option<f64> {
    let (digits, exponent) = match text.split_once(['p', 'P']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let significand = magnitude(&format!("0x{whole}{fraction}"))?;
    if significand >= 1 << 53 {
        return None;
    }
    let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    let exponent = exponent.clamp(-OUT_OF_RANGE, OUT_OF_RANGE);
    // In two steps, of which the first is exact, so that each factor is a normal number.
    let half = exponent / 2;
    Some(significand as f64 * 2f64.powi(half) * 2f64.powi(exponent - half))
}

fn nan(negative: bool, payload: Option<u64>, bits: u32, fraction: u32) -> Option<u64> {
    let payload = payload.unwrap_or(1 << (fraction - 1));
    if payload == 0 || payload >= 1 << fraction {
        return None;
    }
    let exponent = (1u64 << (bits - 1 - fraction)) - 1;
    Some(u64::from(negative) << (bits - 1) | exponent << fraction | payload)
}

fn show_nan(value: u64, bits: u32, fraction: u32) -> String {
    let sign = if value >> (bits - 1) == 1 { "-" } else { "" };
    match value & ((1 << fraction) - 1) {
        payload if payload == 1 << (fraction - 1) => format!("{sign}nan"),
        payload => format!("{sign}nan:{payload:#x}"),
    }
}

fn without_fraction(text: String) -> String {
    text.strip_suffix(".0").map_or(text.clone(), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(ty: ValType, text: &str) -> Option<u64> {
        Some(match parse(ty, text)? {
            Val::I32(v) => u64::from(v as u32),
            Val::I64(v) => v as u64,
            Val::F32(v) => v.into(),
            Val::F64(v) => v,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn integers() {
        for (text, value) in [
            ("42", 42),
            ("+42", 42),
            ("-1", 0xffff_ffff),
            ("0xff", 255),
            ("-0x80000000", 0x8000_0000),
            ("-2147483648", 0x8000_0000),
            ("4294967295", 0xffff_ffff),
        ] {
            assert_eq!(bits(ValType::I32, text), Some(value), "{text}");
        }
        for text in
            ["", "-", "0x", "4294967296", "-2147483649", "1.5", "--1", "0x+1", "+-1", "five", " 1", "nan"]
        {
            assert_eq!(bits(ValType::I32, text), None, "{text}");
        }
        assert_eq!(bits(ValType::I64, "-9223372036854775808"), Some(1 << 63));
        assert_eq!(bits(ValType::I64, "18446744073709551615"), Some(u64::MAX));
        assert_eq!(bits(ValType::I64, "18446744073709551616"), None);
    }

    #[test]
    fn floats() {
        for (text, value) in [
            ("1.5", 1.5),
            ("-0", -0.0),
            ("1e3", 1e3),
            ("inf", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            ("0x1.8p1", 3.0),
            ("-0x10", -16.0),
            ("0x1p-1074", 5e-324),
            ("0x1.8p-1074", 1e-323),
            ("0x1p-1075", 0.0),
            ("0x1p99999", f64::INFINITY),
            ("0x1.fffffffffffffp1023", f64::MAX),
            // As many bits as there are.
            ("0x1fffffffffffff", 9_007_199_254_740_991.0),
            ("0x1.8000000000000000000000", 1.5),
            ("0X1P+4", 16.0),
            ("+2.5", 2.5),
        ] {
            assert_eq!(bits(ValType::F64, text), Some(value.to_bits()), "{text}");
        }
        assert_eq!(bits(ValType::F32, "0.1"), Some(0.1f32.to_bits().into()));
        assert_eq!(bits(ValType::F32, "0x1p-149"), Some(1));
        assert_eq!(bits(ValType::F64, "nan"), Some(0x7ff8_0000_0000_0000));
        assert_eq!(bits(ValType::F32, "-nan:0x1"), Some(0xff80_0001));
        for text in [
            "",
            "-",
            "0x",
            "0x.",
            "0xp1",
            "nan:",
            "nan:0",
            "one",
            "0x1p",
            "1,5",
            "nan:0x10000000000000",
            "0x20000000000001",
            "0x20000000000000",
            "0x1p99999999999",
            "nan:-1",
        ] {
            assert_eq!(bits(ValType::F64, text), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_understood() {
        for value in [
            Val::I32(i32::MIN),
            Val::I64(-1),
            Val::from(1e300f64),
            Val::from(5.0f64),
            Val::from(-0.0f32),
            Val::from(f32::MIN_POSITIVE),
            Val::from(f64::NEG_INFINITY),
            Val::F32(0x7fc0_0000),
            Val::F32(0x7fbf_ffff),
            Val::F32(0xffff_ffff),
            Val::F64(0x7ff8_0000_0000_0000),
            Val::F64(0xfff0_0000_0000_0001),
            Val::V128(V128::from_bits(7)),
            Val::ExternRef(None),
        ] {
            let shown = show(&value);
            let again = parse(value.ty(), &shown).unwrap_or_else(|| panic!("{shown}"));
            assert_eq!(format!("{value:?}"), format!("{again:?}"), "{shown}");
        }
        assert_eq!(show(&Val::from(5.0f64)), "5");
        assert_eq!(show(&Val::from(1e21f64)), "1e21");
        assert_eq!(show(&Val::F32(0xffc0_0000)), "-nan");
        assert_eq!(show(&Val::F32(0x7f80_0001)), "nan:0x1");
        assert_eq!(show(&Val::F64(0xffff_ffff_ffff_ffff)), "-nan:0xfffffffffffff");
        assert_eq!(show(&Val::V128(V128::from_bits(0x1f))), "0x0000000000000000000000000000001f");
        assert_eq!(bits(ValType::F32, "nan:0x7fffff"), Some(0x7fff_ffff));
        assert_eq!(bits(ValType::F32, "nan:0x800000"), None);
        assert_eq!(parse(ValType::FUNCREF, "7").map(|_| ()), None);
    }
}

//! `units.*`: numbers with a unit

use super::builtin::{Answer, BuiltinError, Table, failed, text, value};
use serde_json::{Number, Value};

pub(super) static TABLE: Table = &[
    ("units.parse", |_, arguments| parse(text(arguments, 0)?)),
    ("units.parse_bytes", |_, arguments| parse_bytes(text(arguments, 0)?)),
];

/// The number, and the unit behind it. Quotes and white space around both are overlooked.
fn split(quantity: &str) -> Result<(&str, &str), BuiltinError> {
    let quantity = quantity.trim_matches('"');
    if quantity.is_empty() {
        return Err(failed("no amount is given"));
    }
    if quantity.contains(' ') {
        return Err(failed("spaces aren't allowed"));
    }
    let begins = |at: usize| matches!(quantity.as_bytes()[at], b'0'..=b'9' | b'.' | b'-' | b'+');
    // An exponent belongs to the number, `e` as a unit doesn't.
    let mut end = (0..quantity.len()).find(|at| !begins(*at)).unwrap_or(quantity.len());
    if let Some(exponent) = quantity[end..].strip_prefix(['e', 'E']) {
        let digits = exponent.trim_start_matches(['+', '-']);
        let count = digits.bytes().take_while(u8::is_ascii_digit).count();
        if count > 0 {
            end = quantity.len() - digits.len() + count;
        }
    }
    Ok(quantity.split_at(end))
}

fn number(digits: &str) -> Result<f64, BuiltinError> {
    let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| failed("no amount is given"))
}

/// Units of the SI and their binary relatives. Only `m` and `M` tell lower from upper case.
fn parse(quantity: &str) -> Answer {
    let (digits, unit) = split(quantity)?;
    let unit = if unit == "m" || unit == "M" { unit.to_string() } else { unit.to_lowercase() };
    let factor = match unit.as_str() {
        "" => 1.0,
        "m" => 0.001,
        "k" => 1e3,
        "M" => 1e6,
        "g" => 1e9,
        "t" => 1e12,
        "p" => 1e15,
        "e" => 1e18,
        binary => {
            let power = ["ki", "mi", "gi", "ti", "pi", "ei"].iter().position(|known| *known == binary);
            let power = power.ok_or_else(|| failed(format!("the unit {unit} is unknown")))?;
            1024_f64.powi(power as i32 + 1)
        }
    };
    // Division is exact where multiplication by a fraction isn't.
    let amount = if unit == "m" { number(digits)? / 1000.0 } else { number(digits)? * factor };
    value(shortest(amount)?)
}

/// Bytes, by units of 1,000 or, with an `i`, of 1,024.
fn parse_bytes(quantity: &str) -> Answer {
    let (digits, unit) = split(quantity)?;
    let unit = unit.to_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let powers = ["", "k", "m", "g", "t", "p", "e"];
    let factor = match unit.strip_suffix('i') {
        Some(binary) if !binary.is_empty() => {
            powers.iter().position(|known| *known == binary).map(|n| 1024_f64.powi(n as i32))
        }
        _ => powers.iter().position(|known| *known == unit).map(|n| 1000_f64.powi(n as i32)),
    };
    let factor = factor.ok_or_else(|| failed(format!("the unit {unit} is unknown")))?;
    value(shortest((number(digits)? * factor).trunc())?)
}

/// A number without a fraction is an integer.
fn shortest(number: f64) -> Result<Value, BuiltinError> {
    if number.fract() == 0.0 && number.abs() < 2_f64.powi(63) {
        return Ok((number as i64).into());
    }
    Ok(Value::Number(Number::from_f64(number).ok_or_else(|| failed("it is too large"))?))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answers, fails};
    use serde_json::json;

    #[test]
    fn quantities() {
        for (text, number) in [
            ("100", json!(100)),
            ("200m", json!(0.2)),
            ("1.5k", json!(1500)),
            ("2M", json!(2_000_000)),
            ("1Ki", json!(1024)),
            ("1gI", json!(1_073_741_824)),
            ("1e3", json!(1000)),
            ("1e", json!(1_000_000_000_000_000_000_i64)),
            ("\"10\"", json!(10)),
            ("-5", json!(-5)),
        ] {
            answers("units.parse", json!([text]), number);
        }
        for wrong in ["", "1 k", "k", "1x", "1..2", "1kib"] {
            fails("units.parse", json!([wrong]));
        }
    }

    #[test]
    fn bytes() {
        for (text, number) in [
            ("10", json!(10)),
            ("10KB", json!(10_000)),
            ("10KiB", json!(10_240)),
            ("10k", json!(10_000)),
            ("10ki", json!(10_240)),
            ("1.5mb", json!(1_500_000)),
            ("100.7", json!(100)),
        ] {
            answers("units.parse_bytes", json!([text]), number);
        }
        for wrong in ["", "GB", "1 GB", "1ib", "1zb"] {
            fails("units.parse_bytes", json!([wrong]));
        }
    }
}

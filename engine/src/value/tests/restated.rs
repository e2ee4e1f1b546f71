//! The instructions restated, chosen by name, in numbers wider than any lane, and the values to try them on.
//!
//! Of a NaN they demand what the specification does: quiet, and canonical unless an operand was another NaN.

use super::super::v128::V128;
use alloc::vec::Vec;

/// The bits of one lane, or of one scalar.
pub(super) type Bits = u64;

pub(super) fn mask(width: u32) -> Bits {
    Bits::MAX >> (64 - width)
}

pub(super) fn lane(v: V128, width: u32, i: u32) -> Bits {
    (u128::from(v) >> (width * i)) as Bits & mask(width)
}

pub(super) fn vector(width: u32, mut lane: impl FnMut(u32) -> Bits) -> V128 {
    let lanes = (0..128 / width).map(|i| u128::from(lane(i) & mask(width)) << (width * i));
    V128::from(lanes.sum::<u128>())
}

pub(super) fn integer(bits: Bits, width: u32, signed: bool) -> i128 {
    let negative = signed && bits >> (width - 1) == 1;
    i128::from(bits) - if negative { 1 << width } else { 0 }
}

pub(super) fn wrap(x: i128, width: u32) -> Expect {
    Exactly(x as Bits & mask(width))
}

pub(super) fn clamp(x: i128, width: u32, signed: bool) -> Bits {
    let (least, bound) = limits(width, signed);
    x.clamp(least, bound - 1) as Bits & mask(width)
}

/// The least integer, and the first that is too great.
pub(super) fn limits(width: u32, signed: bool) -> (i128, i128) {
    if signed { (-1 << (width - 1), 1 << (width - 1)) } else { (0, 1 << width) }
}

/// Splits `i16x8_add_sat_s` into the lanes' kind and width, and the rest. Plain bits are taken 64 at a time.
pub(super) fn parse(name: &str) -> (char, u32, &str) {
    let (shape, op) = name.split_once('_').unwrap();
    let kind = shape.chars().next().unwrap();
    let width = if kind == 'v' { 64 } else { shape[1..].split('x').next().unwrap().parse().unwrap() };
    (kind, width, op)
}

/// Splits off the sign; without one, it does not matter.
pub(super) fn sign(op: &str) -> (&str, bool) {
    match op.strip_suffix("_u") {
        Some(op) => (op, false),
        None => (op.strip_suffix("_s").unwrap_or(op), true),
    }
}

pub(super) fn edges(width: u32) -> Vec<Bits> {
    let sign = 1 << (width - 1);
    let mut edges = vec![0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 127, 128, 129];
    edges.extend([sign - 2, sign - 1, sign, sign + 1, sign + 2, sign / 2, sign + sign / 2]);
    edges.extend([mask(width) - 1, mask(width), mask(width) / 3, mask(width) / 5]);
    if width > 8 {
        // Where narrowing saturates, on both sides of zero.
        let half = 1 << (width / 2 - 1);
        edges.extend([half - 1, half, half + 1, 2 * half - 1, 2 * half, 2 * half + 1]);
        edges.extend([mask(width) - half, mask(width) - half + 1, mask(width) - half + 2]);
    }
    if width >= 32 {
        edges.extend(float_edges(width));
    }
    edges
}

pub(super) fn float_edges(width: u32) -> Vec<Bits> {
    let mut edges = Vec::new();
    let halves = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 3.5, 126.5, 127.5, 128.5, 255.5];
    let powers = [7, 8, 15, 16, 22, 23, 24, 31, 32, 51, 52, 53, 63, 64, 127].map(|n| 2f64.powi(n));
    for x in halves.into_iter().chain(powers).map(|x| to_bits(x, width)) {
        // With the neighbours on each side: an ulp decides which way a rounding or a range check goes.
        edges.extend([x.saturating_sub(1), x, x + 1]);
    }
    for x in powers {
        edges.extend([x - 0.5, x + 0.5, x - 1.0, x + 1.0].map(|x| to_bits(x, width)));
    }
    let infinity = to_bits(f64::INFINITY, width);
    let quiet = quiet_bit(width);
    // Subnormals and the greatest number; then NaNs: canonical, quiet with a payload, signalling.
    edges.extend([2, quiet - 1, quiet, 2 * quiet - 1, 2 * quiet, infinity - 1, infinity]);
    edges.extend([
        infinity | quiet,
        infinity | quiet | 5,
        infinity | (2 * quiet - 1),
        infinity | 1,
        infinity | (quiet / 2),
    ]);
    edges.extend(edges.clone().iter().map(|bits| bits | 1 << (width - 1)));
    edges
}

/// Vectors in which each two of the edge values meet.
pub(super) fn pairs(width: u32) -> Vec<(V128, V128)> {
    let edges = edges(width);
    let lanes = 128 / width as usize;
    let all: Vec<(Bits, Bits)> = edges.iter().flat_map(|&a| edges.iter().map(move |&b| (a, b))).collect();
    let chunk = |chunk: &[(Bits, Bits)]| {
        let at = |i: u32| chunk[i as usize % chunk.len()];
        (vector(width, |i| at(i).0), vector(width, |i| at(i).1))
    };
    all.chunks(lanes).map(chunk).collect()
}

pub(super) fn vectors(width: u32) -> Vec<V128> {
    let edges = edges(width);
    let start = |start| vector(width, |i| edges[(start + i as usize) % edges.len()]);
    (0..edges.len()).map(start).collect()
}

// Floats, all of them as f64: an f64 result rounded to f32 is what f32 arithmetic gives, as 53 bits are more
// than twice 24 and two.

pub(super) fn value(bits: Bits, width: u32) -> f64 {
    if width == 32 { f32::from_bits(bits as u32).into() } else { f64::from_bits(bits) }
}

pub(super) fn to_bits(x: f64, width: u32) -> Bits {
    if width == 32 { (x as f32).to_bits().into() } else { x.to_bits() }
}

pub(super) fn quiet_bit(width: u32) -> Bits {
    if width == 32 { 1 << 22 } else { 1 << 51 }
}

pub(super) fn canonical(width: u32) -> Bits {
    to_bits(f64::INFINITY, width) | quiet_bit(width)
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    Exactly(Bits),
    Canonical,
    Arithmetic,
}
pub(super) use Expect::Exactly;
use Expect::{Arithmetic, Canonical};

impl Expect {
    pub(super) fn nan(operands: &[Bits], width: u32) -> Option<Expect> {
        let magnitudes = operands.iter().map(|bits| bits & (mask(width) >> 1));
        let mut nans = magnitudes.filter(|&bits| bits > to_bits(f64::INFINITY, width)).peekable();
        nans.peek()?;
        Some(if nans.all(|bits| bits == canonical(width)) { Canonical } else { Arithmetic })
    }

    /// What arithmetic on numbers, not NaNs, gave.
    pub(super) fn number(x: f64, width: u32) -> Expect {
        if x.is_nan() { Canonical } else { Exactly(to_bits(x, width)) }
    }

    pub(super) fn admits(self, bits: Bits, width: u32) -> bool {
        let magnitude = bits & (mask(width) >> 1);
        match self {
            Exactly(expected) => bits == expected,
            Canonical => magnitude == canonical(width),
            Arithmetic => magnitude & canonical(width) == canonical(width),
        }
    }
}

pub(super) fn float_unary(op: &str, a: Bits, width: u32) -> Expect {
    let sign_bit = 1 << (width - 1);
    match op {
        "abs" => return Exactly(a & !sign_bit),
        "neg" => return Exactly(a ^ sign_bit),
        "canon" if value(a, width).is_nan() => return Exactly(canonical(width)),
        "canon" => return Exactly(a),
        _ => {}
    }
    if let Some(nan) = Expect::nan(&[a], width) {
        return nan;
    }
    let x = value(a, width);
    if op == "sqrt" {
        return Expect::number(x.sqrt(), width);
    }
    if x.abs() >= 2f64.powi(52) {
        return Exactly(a);
    }
    let whole = x as i64;
    let fraction = x - whole as f64;
    let away = fraction.abs() > 0.5 || fraction.abs() == 0.5 && whole % 2 != 0;
    let rounded = match op {
        "trunc" => whole,
        "floor" => whole - i64::from(fraction < 0.0),
        "ceil" => whole + i64::from(fraction > 0.0),
        "nearest" => whole + if away { x.signum() as i64 } else { 0 },
        _ => panic!("no restatement of {op}"),
    };
    // The result has the operand's sign, even if it is zero.
    Exactly(to_bits(rounded as f64, width) & !sign_bit | a & sign_bit)
}

pub(super) fn float_binary(op: &str, a: Bits, b: Bits, width: u32) -> Expect {
    let (x, y) = (value(a, width), value(b, width));
    let test = |holds| Exactly(if holds { mask(width) } else { 0 });
    match op {
        "eq" => return test(x == y),
        "ne" => return test(x != y),
        "lt" => return test(x < y),
        "gt" => return test(x > y),
        "le" => return test(x <= y),
        "ge" => return test(x >= y),
        "pmin" => return Exactly(if y < x { b } else { a }),
        "pmax" => return Exactly(if x < y { b } else { a }),
        "copysign" => return Exactly(a & (mask(width) >> 1) | b & !(mask(width) >> 1)),
        _ => {}
    }
    if let Some(nan) = Expect::nan(&[a, b], width) {
        return nan;
    }
    let negative = |bits| bits >> (width - 1) == 1;
    match op {
        "add" => Expect::number(x + y, width),
        "sub" => Expect::number(x - y, width),
        "mul" => Expect::number(x * y, width),
        "div" => Expect::number(x / y, width),
        "min" if x == y => Exactly(if negative(a) { a } else { b }),
        "max" if x == y => Exactly(if negative(a) { b } else { a }),
        "min" => Exactly(if x < y { a } else { b }),
        "max" => Exactly(if x > y { a } else { b }),
        _ => panic!("no restatement of {op}"),
    }
}

/// The nearest float of an integer, ties to even, found without a conversion that rounds.
pub(super) fn convert(x: i128, width: u32) -> Bits {
    let precision = if width == 32 { 24 } else { 53 };
    let magnitude = x.unsigned_abs();
    let excess = (128 - magnitude.leading_zeros()).saturating_sub(precision);
    let (kept, lost) = (magnitude >> excess, magnitude % (1 << excess));
    let half = (1 << excess) / 2;
    let up = excess > 0 && (lost > half || lost == half && kept % 2 == 1);
    let rounded = ((kept + u128::from(up)) << excess) as f64;
    to_bits(if x < 0 { -rounded } else { rounded }, width)
}

pub(super) fn trunc_sat(bits: Bits, from: u32, to: u32, signed: bool) -> Bits {
    let x = value(bits, from);
    // The greatest finite floats exceed an i128, but then they exceed every limit too.
    if x.is_nan() { 0 } else { clamp(x.trunc() as i128, to, signed) }
}

pub(super) fn resize(x: Bits, from: u32, to: u32) -> Expect {
    Expect::nan(&[x], from).unwrap_or_else(|| Expect::number(value(x, from), to))
}

/// The expected lanes of a vector result, and their width.
pub(super) type Lanes = (u32, Vec<Expect>);

pub(super) fn lanes(width: u32, lane: impl FnMut(u32) -> Expect) -> Lanes {
    (width, (0..128 / width).map(lane).collect())
}

pub(super) fn unary(name: &str, a: V128) -> Lanes {
    let (kind, width, op) = parse(name);
    let (op, signed) = sign(op.strip_suffix("_zero").unwrap_or(op));
    let extended = |i: u32| integer(lane(a, width / 2, i), width / 2, signed);
    let count = 128 / width;
    let low_two = |i: u32, x: &dyn Fn(Bits) -> Expect| if i < 2 { x(lane(a, 64, i)) } else { Exactly(0) };
    lanes(width, |i| match (kind, op) {
        ('v', "not") => Exactly(!lane(a, width, i)),
        ('i', "abs") => wrap(integer(lane(a, width, i), width, true).abs(), width),
        ('i', "neg") => wrap(-integer(lane(a, width, i), width, true), width),
        ('i', "popcnt") => Exactly((0..width).map(|bit| lane(a, width, i) >> bit & 1).sum()),
        ('i', "trunc_sat_f32x4") => Exactly(trunc_sat(lane(a, 32, i), 32, 32, signed)),
        ('i', "trunc_sat_f64x2") => low_two(i, &|x| Exactly(trunc_sat(x, 64, 32, signed))),
        ('f', "demote_f64x2") => low_two(i, &|x| resize(x, 64, 32)),
        ('f', "promote_low_f32x4") => resize(lane(a, 32, i), 32, 64),
        ('f', "convert_i32x4" | "convert_low_i32x4") => {
            Exactly(convert(integer(lane(a, 32, i), 32, signed), width))
        }
        ('f', op) => float_unary(op, lane(a, width, i), width),
        (_, op) if op.starts_with("extend_low_") => wrap(extended(i), width),
        (_, op) if op.starts_with("extend_high_") => wrap(extended(i + count), width),
        (_, op) if op.starts_with("extadd_pairwise_") => wrap(extended(2 * i) + extended(2 * i + 1), width),
        _ => panic!("no restatement of {name}"),
    })
}

pub(super) fn integer_binary(op: &str, x: i128, y: i128, width: u32, signed: bool) -> Expect {
    let test = |holds| wrap(-i128::from(holds), width);
    match op {
        "add" => wrap(x + y, width),
        "sub" => wrap(x - y, width),
        "mul" => wrap(x * y, width),
        "add_sat" => Exactly(clamp(x + y, width, signed)),
        "sub_sat" => Exactly(clamp(x - y, width, signed)),
        "avgr" => wrap((x + y + 1) / 2, width),
        "q15mulr_sat" => Exactly(clamp((x * y + (1 << 14)) >> 15, width, signed)),
        "min" => wrap(x.min(y), width),
        "max" => wrap(x.max(y), width),
        "eq" => test(x == y),
        "ne" => test(x != y),
        "lt" => test(x < y),
        "gt" => test(x > y),
        "le" => test(x <= y),
        "ge" => test(x >= y),
        _ => panic!("no restatement of {op}"),
    }
}

pub(super) fn binary(name: &str, a: V128, b: V128) -> Lanes {
    let (kind, width, op) = parse(name);
    let (op, signed) = sign(op);
    let count = 128 / width;
    let narrow = |v: V128, i: u32| integer(lane(v, width / 2, i), width / 2, signed);
    let product = |i: u32| narrow(a, i) * narrow(b, i);
    lanes(width, |i| {
        let (x, y) = (lane(a, width, i), lane(b, width, i));
        match (kind, op) {
            ('v', "and") => Exactly(x & y),
            ('v', "andnot") => Exactly(x & !y),
            ('v', "or") => Exactly(x | y),
            ('v', "xor") => Exactly(x ^ y),
            ('f', op) => float_binary(op, x, y, width),
            (_, "swizzle") => Exactly(if y < 16 { lane(a, 8, y as u32) } else { 0 }),
            (_, "relaxed_dot_i8x16_i7x16") => wrap(product(2 * i) + product(2 * i + 1), width),
            (_, "dot_i16x8") => wrap(product(2 * i) + product(2 * i + 1), width),
            (_, op) if op.starts_with("extmul_low_") => wrap(product(i), width),
            (_, op) if op.starts_with("extmul_high_") => wrap(product(i + count), width),
            (_, op) if op.starts_with("narrow_") => {
                let (v, i) = if i < count / 2 { (a, i) } else { (b, i - count / 2) };
                Exactly(clamp(integer(lane(v, 2 * width, i), 2 * width, true), width, signed))
            }
            (_, op) => {
                let (x, y) = (integer(x, width, signed), integer(y, width, signed));
                integer_binary(op, x, y, width, signed)
            }
        }
    })
}

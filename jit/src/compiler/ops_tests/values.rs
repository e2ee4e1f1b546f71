//! Operands and results as bits.

use dunlin::Val;
use wasmparser::ValType;

/// Xorshift: the same operands every time.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }
}

/// Lanes that are floats.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    F32,
    F64,
}

impl Shape {
    /// The lanes of an arithmetic instruction's result, whose NaN bits the specification leaves open.
    pub(super) fn of_nans(text: &str) -> Option<Shape> {
        const ARITHMETIC: &str = "add sub mul div min max ceil floor trunc nearest sqrt \
                                  demote_f64 promote_f32 demote_f64x2_zero promote_low_f32x4 \
                                  relaxed_madd relaxed_nmadd relaxed_min relaxed_max";
        let (prefix, name) = text.split_once('.')?;
        let shape = match prefix {
            "f32" | "f32x4" => Shape::F32,
            "f64" | "f64x2" => Shape::F64,
            _ => return None,
        };
        ARITHMETIC.split_whitespace().any(|op| op == name).then_some(shape)
    }
}

/// Whether two results are equal; with `nans`, any two quiet NaNs are.
pub(super) fn agree(x: u128, y: u128, nans: Option<Shape>) -> bool {
    match nans {
        None => x == y,
        Some(Shape::F32) => (0..4).all(|i| {
            let [x, y] = [x, y].map(|bits| (bits >> (32 * i)) as u32);
            x == y || [x, y].iter().all(|bits| bits & 0x7fc0_0000 == 0x7fc0_0000)
        }),
        Some(Shape::F64) => (0..2).all(|i| {
            let [x, y] = [x, y].map(|bits| (bits >> (64 * i)) as u64);
            x == y || [x, y].iter().all(|bits| bits & 0x7ff8 << 48 == 0x7ff8 << 48)
        }),
    }
}

pub(super) fn to_val(ty: ValType, bits: u128) -> Val {
    match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32(bits as u32),
        ValType::F64 => Val::F64(bits as u64),
        ValType::V128 => Val::V128(bits.into()),
        ValType::Ref(_) => unreachable!("no references here"),
    }
}

pub(super) fn from_val(val: Val) -> u128 {
    match val {
        Val::I32(x) => (x as u32).into(),
        Val::I64(x) => (x as u64).into(),
        Val::F32(bits) => bits.into(),
        Val::F64(bits) => bits.into(),
        Val::V128(v) => v.into(),
        Val::FuncRef(_) | Val::ExternRef(_) | Val::ExnRef(_) => unreachable!("no references here"),
    }
}

/// A constant in the text format.
pub(super) fn constant(ty: ValType, bits: u128) -> String {
    match ty {
        ValType::I32 => format!("(i32.const {:#x})", bits as u32),
        ValType::I64 => format!("(i64.const {:#x})", bits as u64),
        ValType::F32 => {
            let (sign, payload) = (if bits as u32 >> 31 == 1 { "-" } else { "" }, bits as u32 & 0x7f_ffff);
            match f32::from_bits(bits as u32) {
                x if x.is_nan() => format!("(f32.const {sign}nan:{payload:#x})"),
                x if x.is_infinite() => format!("(f32.const {sign}inf)"),
                x => format!("(f32.const {x:e})"),
            }
        }
        ValType::F64 => {
            let (sign, payload) =
                (if bits as u64 >> 63 == 1 { "-" } else { "" }, bits as u64 & (u64::MAX >> 12));
            match f64::from_bits(bits as u64) {
                x if x.is_nan() => format!("(f64.const {sign}nan:{payload:#x})"),
                x if x.is_infinite() => format!("(f64.const {sign}inf)"),
                x => format!("(f64.const {x:e})"),
            }
        }
        ValType::V128 => format!("(v128.const i64x2 {:#x} {:#x})", bits as u64, (bits >> 64) as u64),
        ValType::Ref(_) => unreachable!("no references here"),
    }
}

const I8: &[u8] = &[0, 1, 2, 7, 8, 0x0f, 0x10, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff];
const I16: &[u16] =
    &[0, 1, 0x7f, 0x80, 0xff, 0x100, 0x3fff, 0x4000, 0x7fff, 0x8000, 0x8001, 0xff7f, 0xff80, 0xffff];
const I32: &[u32] = &[
    0,
    1,
    2,
    7,
    31,
    32,
    33,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    0xffff_7fff,
    0xffff_8000,
    0xffff_fffe,
    u32::MAX,
];
const I64: &[u64] = &[
    0,
    1,
    2,
    63,
    64,
    65,
    0xff,
    0x8000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    (1 << 53) + 1,
    i64::MAX as u64 - 511,
    i64::MAX as u64,
    1 << 63,
    (1 << 63) + 1,
    (1 << 63) + 1025,
    u64::MAX - 1024,
    u64::MAX - 1,
    u64::MAX,
];
/// Finite ones; then NaNs: canonical, with a payload, signalling.
const F32: &[f32] = &[
    0.0,
    0.25,
    0.5,
    0.99999994,
    1.0,
    1.5,
    2.5,
    127.5,
    8388607.5,
    8388609.0,
    2147483520.0,
    2147483648.0,
    4294967040.0,
    4294967296.0,
    9223371487098961920.0,
    9223372036854775808.0,
    18446742974197923840.0,
    18446744073709551616.0,
    1e-45,
    1.1754944e-38,
    f32::MAX,
    f32::INFINITY,
];
const F32_NANS: &[u32] = &[0x7fc0_0000, 0x7fc0_1234, 0x7f80_0001];
const F64: &[f64] = &[
    0.0,
    0.25,
    0.5,
    0.9999999999999999,
    1.0,
    1.5,
    2.5,
    255.5,
    2147483647.0,
    2147483647.5,
    2147483648.0,
    2147483648.9999995,
    2147483649.0,
    4294967295.0,
    4294967295.9999995,
    4294967296.0,
    4503599627370495.5,
    9223372036854774784.0,
    9223372036854775808.0,
    18446744073709549568.0,
    18446744073709551616.0,
    5e-324,
    1e-40,
    3.4028235677973366e38,
    f64::MAX,
    f64::INFINITY,
];
const F64_NANS: &[u64] = &[0x7ff8 << 48, 0x7ff8 << 48 | 0x1234 << 20, 0x7ff0 << 48 | 1];

/// The edge values of a type. Vectors have them in all lanes at once.
pub(super) fn edges(ty: ValType) -> Vec<u128> {
    let f32s =
        || F32.iter().map(|x| x.to_bits()).chain(F32_NANS.iter().copied()).flat_map(|x| [x, x | 1 << 31]);
    let f64s =
        || F64.iter().map(|x| x.to_bits()).chain(F64_NANS.iter().copied()).flat_map(|x| [x, x | 1 << 63]);
    match ty {
        ValType::I32 => I32.iter().map(|x| u128::from(*x)).collect(),
        ValType::I64 => I64.iter().map(|x| u128::from(*x)).collect(),
        ValType::F32 => f32s().map(u128::from).collect(),
        ValType::F64 => f64s().map(u128::from).collect(),
        ValType::V128 => {
            let mut all = Vec::new();
            all.extend(runs(&I8.iter().map(|x| u128::from(*x)).collect::<Vec<_>>(), 8));
            all.extend(runs(&I16.iter().map(|x| u128::from(*x)).collect::<Vec<_>>(), 16));
            all.extend(runs(&I32.iter().map(|x| u128::from(*x)).collect::<Vec<_>>(), 32));
            all.extend(runs(&I64.iter().map(|x| u128::from(*x)).collect::<Vec<_>>(), 64));
            all.extend(runs(&f32s().map(u128::from).collect::<Vec<_>>(), 32));
            all.extend(runs(&f64s().map(u128::from).collect::<Vec<_>>(), 64));
            all
        }
        ValType::Ref(_) => unreachable!("no references here"),
    }
}

/// Vectors of consecutive lanes from a list, which wraps around.
fn runs(lanes: &[u128], width: usize) -> Vec<u128> {
    let count = 128 / width;
    let all = lanes.len().next_multiple_of(count);
    let vector = |start: usize| {
        (0..count).fold(0, |vector, i| vector | lanes[(start + i) % lanes.len()] << (i * width))
    };
    (0..all).step_by(count).map(vector).collect()
}

/// An edge value or a random one. A vector has edge values in lanes of one width, the same value everywhere, or random
/// bits.
pub(super) fn random(ty: ValType, rng: &mut Rng) -> u128 {
    let any = u128::from(rng.next()) << 64 | u128::from(rng.next());
    let lanes = |ty: ValType, width: usize, rng: &mut Rng| {
        let lanes = edges(ty);
        let same = (rng.below(4) == 0).then(|| rng.below(lanes.len()));
        (0..128 / width).fold(0, |vector, i| {
            let lane = same.unwrap_or_else(|| rng.below(lanes.len()));
            vector | lanes[lane] << (i * width)
        })
    };
    match (ty, rng.below(6)) {
        (ValType::V128, 1) => lanes(ValType::F32, 32, rng),
        (ValType::V128, 2) => lanes(ValType::F64, 64, rng),
        (ValType::V128, 3) => lanes(ValType::I32, 32, rng),
        (ValType::V128, 4) => lanes(ValType::I64, 64, rng),
        (ValType::V128, 0) => any & 0x0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_0f0f,
        (ValType::V128, _) => any,
        (_, 0) => match ty {
            ValType::I32 | ValType::F32 => u128::from(any as u32),
            _ => u128::from(any as u64),
        },
        _ => {
            let edges = edges(ty);
            edges[rng.below(edges.len())]
        }
    }
}

//! Every instruction that is translated without control flow, with its type.

use wasmparser::ValType;

/// An instruction in the text format, immediates included.
#[derive(Clone, Debug)]
pub(super) struct Instruction {
    pub(super) text: String,
    pub(super) params: Vec<ValType>,
    pub(super) result: ValType,
}

/// Prefixes; names; operands; result. In types, `t` is the prefix's own type, and `v` is `v128`. A number after `#` is
/// the number of lanes, one of which the instruction names.
const ROWS: &[(&str, &str, &str, &str)] = &[
    ("i32 i64", "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr", "t t", "t"),
    ("i32 i64", "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u", "t t", "i32"),
    ("i32 i64", "clz ctz popcnt extend8_s extend16_s", "t", "t"),
    ("i32 i64", "eqz", "t", "i32"),
    ("i32", "wrap_i64", "i64", "t"),
    ("i64", "extend_i32_s extend_i32_u", "i32", "t"),
    ("i64", "extend32_s", "t", "t"),
    ("i32 i64", "trunc_f32_s trunc_f32_u trunc_sat_f32_s trunc_sat_f32_u", "f32", "t"),
    ("i32 i64", "trunc_f64_s trunc_f64_u trunc_sat_f64_s trunc_sat_f64_u", "f64", "t"),
    ("i32", "reinterpret_f32", "f32", "t"),
    ("i64", "reinterpret_f64", "f64", "t"),
    ("f32 f64", "add sub mul div min max copysign", "t t", "t"),
    ("f32 f64", "eq ne lt gt le ge", "t t", "i32"),
    ("f32 f64", "abs neg ceil floor trunc nearest sqrt", "t", "t"),
    ("f32 f64", "convert_i32_s convert_i32_u", "i32", "t"),
    ("f32 f64", "convert_i64_s convert_i64_u", "i64", "t"),
    ("f32", "reinterpret_i32", "i32", "t"),
    ("f64", "reinterpret_i64", "i64", "t"),
    ("f32", "demote_f64", "f64", "t"),
    ("f64", "promote_f32", "f32", "t"),
    ("v128", "not", "v", "v"),
    ("v128", "and andnot or xor", "v v", "v"),
    ("v128", "bitselect", "v v v", "v"),
    ("v128", "any_true", "v", "i32"),
    ("i8x16 i16x8 i32x4 i64x2", "all_true bitmask", "v", "i32"),
    ("i8x16 i16x8 i32x4 i64x2", "abs neg", "v", "v"),
    ("i8x16 i16x8 i32x4 i64x2", "shl shr_s shr_u", "v i32", "v"),
    ("i8x16 i16x8 i32x4 i64x2", "add sub eq ne lt_s gt_s le_s ge_s", "v v", "v"),
    ("i8x16 i16x8 i32x4", "lt_u gt_u le_u ge_u min_s min_u max_s max_u", "v v", "v"),
    ("i8x16 i16x8", "add_sat_s add_sat_u sub_sat_s sub_sat_u avgr_u", "v v", "v"),
    ("i16x8 i32x4 i64x2", "mul", "v v", "v"),
    ("i8x16", "popcnt", "v", "v"),
    ("i8x16", "swizzle narrow_i16x8_s narrow_i16x8_u", "v v", "v"),
    ("i16x8", "narrow_i32x4_s narrow_i32x4_u q15mulr_sat_s", "v v", "v"),
    ("i32x4", "dot_i16x8_s", "v v", "v"),
    ("i16x8", "extmul_low_i8x16_s extmul_high_i8x16_s extmul_low_i8x16_u extmul_high_i8x16_u", "v v", "v"),
    ("i32x4", "extmul_low_i16x8_s extmul_high_i16x8_s extmul_low_i16x8_u extmul_high_i16x8_u", "v v", "v"),
    ("i64x2", "extmul_low_i32x4_s extmul_high_i32x4_s extmul_low_i32x4_u extmul_high_i32x4_u", "v v", "v"),
    ("i16x8", "extend_low_i8x16_s extend_high_i8x16_s extend_low_i8x16_u extend_high_i8x16_u", "v", "v"),
    ("i32x4", "extend_low_i16x8_s extend_high_i16x8_s extend_low_i16x8_u extend_high_i16x8_u", "v", "v"),
    ("i64x2", "extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u extend_high_i32x4_u", "v", "v"),
    ("i16x8", "extadd_pairwise_i8x16_s extadd_pairwise_i8x16_u", "v", "v"),
    ("i32x4", "extadd_pairwise_i16x8_s extadd_pairwise_i16x8_u", "v", "v"),
    ("f32x4 f64x2", "abs neg ceil floor trunc nearest sqrt", "v", "v"),
    ("f32x4 f64x2", "add sub mul div min max pmin pmax eq ne lt gt le ge", "v v", "v"),
    ("i32x4", "trunc_sat_f32x4_s trunc_sat_f32x4_u trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero", "v", "v"),
    ("f32x4", "convert_i32x4_s convert_i32x4_u demote_f64x2_zero", "v", "v"),
    ("f64x2", "convert_low_i32x4_s convert_low_i32x4_u promote_low_f32x4", "v", "v"),
    ("i8x16", "relaxed_swizzle", "v v", "v"),
    ("i32x4", "relaxed_trunc_f32x4_s relaxed_trunc_f32x4_u", "v", "v"),
    ("i32x4", "relaxed_trunc_f64x2_s_zero relaxed_trunc_f64x2_u_zero", "v", "v"),
    ("f32x4 f64x2", "relaxed_madd relaxed_nmadd", "v v v", "v"),
    ("f32x4 f64x2", "relaxed_min relaxed_max", "v v", "v"),
    ("i8x16 i16x8 i32x4 i64x2", "relaxed_laneselect", "v v v", "v"),
    ("i16x8", "relaxed_q15mulr_s relaxed_dot_i8x16_i7x16_s", "v v", "v"),
    ("i32x4", "relaxed_dot_i8x16_i7x16_add_s", "v v v", "v"),
    ("i8x16 i16x8 i32x4", "splat", "i32", "v"),
    ("i64x2", "splat", "i64", "v"),
    ("f32x4", "splat", "f32", "v"),
    ("f64x2", "splat", "f64", "v"),
    ("i8x16", "extract_lane_s#16 extract_lane_u#16", "v", "i32"),
    ("i16x8", "extract_lane_s#8 extract_lane_u#8", "v", "i32"),
    ("i32x4", "extract_lane#4", "v", "i32"),
    ("i64x2", "extract_lane#2", "v", "i64"),
    ("f32x4", "extract_lane#4", "v", "f32"),
    ("f64x2", "extract_lane#2", "v", "f64"),
    ("i8x16", "replace_lane#16", "v i32", "v"),
    ("i16x8", "replace_lane#8", "v i32", "v"),
    ("i32x4", "replace_lane#4", "v i32", "v"),
    ("i64x2", "replace_lane#2", "v i64", "v"),
    ("f32x4", "replace_lane#4", "v f32", "v"),
    ("f64x2", "replace_lane#2", "v f64", "v"),
];

/// Lanes for `i8x16.shuffle`: with and without a machine instruction for them.
const SHUFFLES: &[[u8; 16]] = &[
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23],
    [8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31],
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
    [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11],
    [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27],
    [16, 17, 2, 3, 20, 21, 6, 7, 24, 25, 10, 11, 28, 29, 14, 15],
    [2, 3, 0, 1, 6, 7, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15],
    [0, 1, 2, 3, 4, 5, 6, 7, 26, 27, 24, 25, 30, 31, 28, 29],
    [7; 16],
    [16; 16],
    [31, 0, 29, 2, 27, 4, 25, 6, 23, 8, 21, 10, 19, 12, 17, 14],
    [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

pub(super) fn instructions() -> Vec<Instruction> {
    let mut all = Vec::new();
    for (prefixes, names, params, result) in ROWS {
        for prefix in prefixes.split(' ') {
            let types =
                |text: &str| -> Vec<ValType> { text.split(' ').map(|ty| val_type(ty, prefix)).collect() };
            for name in names.split(' ') {
                let (name, lanes) = name.split_once('#').map_or((name, None), |(name, n)| (name, Some(n)));
                let immediates = match lanes {
                    Some(n) => (0..n.parse().unwrap()).map(|lane: u8| format!(" {lane}")).collect(),
                    None => vec![String::new()],
                };
                for immediate in immediates {
                    let (params, result) = (types(params), types(result)[0]);
                    all.push(Instruction { text: format!("{prefix}.{name}{immediate}"), params, result });
                }
            }
        }
    }
    for lanes in SHUFFLES {
        let text = lanes.iter().fold(String::from("i8x16.shuffle"), |text, lane| format!("{text} {lane}"));
        all.push(Instruction { text, params: vec![ValType::V128; 2], result: ValType::V128 });
    }
    all
}

fn val_type(name: &str, prefix: &str) -> ValType {
    match if name == "t" { prefix } else { name } {
        "i32" => ValType::I32,
        "i64" => ValType::I64,
        "f32" => ValType::F32,
        "f64" => ValType::F64,
        "v" => ValType::V128,
        other => panic!("no type {other}"),
    }
}

/// Loads, then stores: name, the value's type, bytes, and the number of lanes, one of which is named.
pub(super) const ACCESSES: [&[(&str, ValType, u32, u8)]; 2] = [
    &[
        ("i32.load", ValType::I32, 4, 0),
        ("i32.load8_s", ValType::I32, 1, 0),
        ("i32.load8_u", ValType::I32, 1, 0),
        ("i32.load16_s", ValType::I32, 2, 0),
        ("i32.load16_u", ValType::I32, 2, 0),
        ("i64.load", ValType::I64, 8, 0),
        ("i64.load8_s", ValType::I64, 1, 0),
        ("i64.load8_u", ValType::I64, 1, 0),
        ("i64.load16_s", ValType::I64, 2, 0),
        ("i64.load16_u", ValType::I64, 2, 0),
        ("i64.load32_s", ValType::I64, 4, 0),
        ("i64.load32_u", ValType::I64, 4, 0),
        ("f32.load", ValType::F32, 4, 0),
        ("f64.load", ValType::F64, 8, 0),
        ("v128.load", ValType::V128, 16, 0),
        ("v128.load8x8_s", ValType::V128, 8, 0),
        ("v128.load8x8_u", ValType::V128, 8, 0),
        ("v128.load16x4_s", ValType::V128, 8, 0),
        ("v128.load16x4_u", ValType::V128, 8, 0),
        ("v128.load32x2_s", ValType::V128, 8, 0),
        ("v128.load32x2_u", ValType::V128, 8, 0),
        ("v128.load8_splat", ValType::V128, 1, 0),
        ("v128.load16_splat", ValType::V128, 2, 0),
        ("v128.load32_splat", ValType::V128, 4, 0),
        ("v128.load64_splat", ValType::V128, 8, 0),
        ("v128.load32_zero", ValType::V128, 4, 0),
        ("v128.load64_zero", ValType::V128, 8, 0),
        ("v128.load8_lane", ValType::V128, 1, 16),
        ("v128.load16_lane", ValType::V128, 2, 8),
        ("v128.load32_lane", ValType::V128, 4, 4),
        ("v128.load64_lane", ValType::V128, 8, 2),
    ],
    &[
        ("i32.store", ValType::I32, 4, 0),
        ("i32.store8", ValType::I32, 1, 0),
        ("i32.store16", ValType::I32, 2, 0),
        ("i64.store", ValType::I64, 8, 0),
        ("i64.store8", ValType::I64, 1, 0),
        ("i64.store16", ValType::I64, 2, 0),
        ("i64.store32", ValType::I64, 4, 0),
        ("f32.store", ValType::F32, 4, 0),
        ("f64.store", ValType::F64, 8, 0),
        ("v128.store", ValType::V128, 16, 0),
        ("v128.store8_lane", ValType::V128, 1, 16),
        ("v128.store16_lane", ValType::V128, 2, 8),
        ("v128.store32_lane", ValType::V128, 4, 4),
        ("v128.store64_lane", ValType::V128, 8, 2),
    ],
];

//! Instructions that generated programs compute with.

/// A load of each type.
pub(crate) const LOADS: [&str; 5] =
    ["i32.load8_s offset=5", "i64.load32_u", "f32.load", "f64.load offset=1", "v128.load16_splat"];

/// Instructions by the type of their result: the operand types, and the text.
pub(crate) const INSTRUCTIONS: [&[(&[usize], &str)]; 5] = [
    &[
        (&[0, 0], "i32.add"),
        (&[0, 0], "i32.sub"),
        (&[0, 0], "i32.mul"),
        (&[0, 0], "i32.xor"),
        (&[0, 0], "i32.shr_s"),
        (&[0, 0], "i32.rotl"),
        (&[0, 0], "i32.lt_u"),
        (&[0], "i32.eqz"),
        (&[0], "i32.const 1 i32.or i32.rem_u"),
        (&[1, 1], "i64.eq"),
        (&[1], "i32.wrap_i64"),
        (&[2], "i32.trunc_sat_f32_s"),
        (&[3, 3], "f64.gt"),
        (&[3], "i32.trunc_sat_f64_u"),
        (&[4], "i32x4.extract_lane 2"),
        (&[4], "v128.any_true"),
        (&[0, 0, 0], "select"),
    ],
    &[
        (&[1, 1], "i64.add"),
        (&[1, 1], "i64.mul"),
        (&[1, 1], "i64.shl"),
        (&[1, 1], "i64.and"),
        (&[0], "i64.extend_i32_s"),
        (&[3], "i64.reinterpret_f64"),
        (&[4], "i64x2.extract_lane 1"),
        (&[1, 1, 0], "select"),
    ],
    &[
        (&[2, 2], "f32.add"),
        (&[2, 2], "f32.div"),
        (&[2, 2], "f32.min"),
        (&[2], "f32.sqrt"),
        (&[2, 2], "f32.copysign"),
        (&[0], "f32.convert_i32_u"),
        (&[3], "f32.demote_f64"),
    ],
    &[
        (&[3, 3], "f64.mul"),
        (&[3, 3], "f64.sub"),
        (&[3, 3], "f64.max"),
        (&[3], "f64.nearest"),
        (&[2], "f64.promote_f32"),
        (&[1], "f64.convert_i64_s"),
        (&[4], "f64x2.extract_lane 0"),
    ],
    &[
        (&[4, 4], "i32x4.add"),
        (&[4, 4], "i64x2.mul"),
        (&[4, 4], "f32x4.mul"),
        (&[4, 4], "i8x16.swizzle"),
        (&[4, 4], "v128.xor"),
        (&[4, 0], "i16x8.shr_u"),
        (&[0], "i8x16.splat"),
        (&[1], "i64x2.splat"),
        (&[4, 4, 4], "v128.bitselect"),
        (&[4, 3], "f64x2.replace_lane 1"),
    ],
];

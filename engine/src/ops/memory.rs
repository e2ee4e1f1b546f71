//! The rows of memory access. The effective address is the operand plus the cell's offset.

use super::{Op, family};
use crate::value::{V128, simd};

macro_rules! load_rows {
    ($then:ident) => {
        $then! {
            /// `R[a] := op(bytes at R[b] + offset)`. Forms: address in acc, in slot, in the cell alone; then in slot,
            /// for a memory other than 0. By 64-bit addresses: in acc, in slot, and in slot for a memory other than 0.
            LoadOp, load, stride 14, forms (memory::load_forms), shape load;
            I32Load [I64Load32U] (x: u32) -> u32 { x }
            I64Load(x: u64) -> u64 { x }
            F32Load(x: f32) -> f32 { x }
            F64Load(x: f64) -> f64 { x }
            I32Load8U [I64Load8U] (x: u8) -> u32 { x as u32 }
            I32Load8S(x: i8) -> u32 { x as i32 as u32 }
            I32Load16U [I64Load16U] (x: u16) -> u32 { x as u32 }
            I32Load16S(x: i16) -> u32 { x as i32 as u32 }
            I64Load8S(x: i8) -> u64 { x as i64 as u64 }
            I64Load16S(x: i16) -> u64 { x as i64 as u64 }
            I64Load32S(x: i32) -> u64 { x as i64 as u64 }
            #[cfg(feature = "simd")]            V128Load(x: V128) -> V128 { x }
            #[cfg(feature = "simd")]            V128Load8x8S(x: u64) -> V128 { simd::v128_load8x8_s(x) }
            #[cfg(feature = "simd")]            V128Load8x8U(x: u64) -> V128 { simd::v128_load8x8_u(x) }
            #[cfg(feature = "simd")]            V128Load16x4S(x: u64) -> V128 { simd::v128_load16x4_s(x) }
            #[cfg(feature = "simd")]            V128Load16x4U(x: u64) -> V128 { simd::v128_load16x4_u(x) }
            #[cfg(feature = "simd")]            V128Load32x2S(x: u64) -> V128 { simd::v128_load32x2_s(x) }
            #[cfg(feature = "simd")]            V128Load32x2U(x: u64) -> V128 { simd::v128_load32x2_u(x) }
            #[cfg(feature = "simd")]            V128Load8Splat(x: u8) -> V128 { simd::v128_load8_splat(x) }
            #[cfg(feature = "simd")]            V128Load16Splat(x: u16) -> V128 { simd::v128_load16_splat(x) }
            #[cfg(feature = "simd")]            V128Load32Splat(x: u32) -> V128 { simd::v128_load32_splat(x) }
            #[cfg(feature = "simd")]            V128Load64Splat(x: u64) -> V128 { simd::v128_load64_splat(x) }
            #[cfg(feature = "simd")]            V128Load32Zero(x: u32) -> V128 { simd::v128_load32_zero(x) }
            #[cfg(feature = "simd")]            V128Load64Zero(x: u64) -> V128 { simd::v128_load64_zero(x) }
        }
    };
}
pub(crate) use load_rows;
load_rows!(family);

macro_rules! store_rows {
    ($then:ident) => {
        $then! {
            /// `bytes at R[a] + offset := op(value)`. Forms: see [`forms::store_forms`].
            StoreOp, store, stride 16, forms (memory::store_forms), shape store;
            I32Store [I64Store32] (x: u32) -> u32 { x }
            I64Store(x: u64) -> u64 { x }
            F32Store(x: f32) -> f32 { x }
            F64Store(x: f64) -> f64 { x }
            I32Store8 [I64Store8] (x: u32) -> u8 { x as u8 }
            I32Store16 [I64Store16] (x: u32) -> u16 { x as u16 }
            #[cfg(feature = "simd")]            V128Store(x: V128) -> V128 { x }
        }
    };
}
pub(crate) use store_rows;
store_rows!(family);

macro_rules! load_lane_rows {
    ($then:ident) => {
        $then! {
            /// `R[a] := R[c] with lane d replaced by the bytes at R[b] + offset`
            LoadLaneOp, load_lane, stride 3, forms (vector::load_lane_forms), shape loadlane, only feature = "simd";
            V128Load8Lane(x: V128, lane: u8, y: u8) -> V128 { simd::i8x16_replace_lane(x, lane, y as u32) }
            V128Load16Lane(x: V128, lane: u8, y: u16) -> V128 { simd::i16x8_replace_lane(x, lane, y as u32) }
            V128Load32Lane(x: V128, lane: u8, y: u32) -> V128 { simd::i32x4_replace_lane(x, lane, y) }
            V128Load64Lane(x: V128, lane: u8, y: u64) -> V128 { simd::i64x2_replace_lane(x, lane, y) }
        }
    };
}
pub(crate) use load_lane_rows;
load_lane_rows!(family);

macro_rules! store_lane_rows {
    ($then:ident) => {
        $then! {
            /// `bytes at R[b] + offset := lane d of R[c]`
            StoreLaneOp, store_lane, stride 3, forms (vector::store_lane_forms), shape storelane, only feature = "simd";
            V128Store8Lane(x: u8) -> u8 { x }
            V128Store16Lane(x: u16) -> u16 { x }
            V128Store32Lane(x: u32) -> u32 { x }
            V128Store64Lane(x: u64) -> u64 { x }
        }
    };
}
pub(crate) use store_lane_rows;
store_lane_rows!(family);

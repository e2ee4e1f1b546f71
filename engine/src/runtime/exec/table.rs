//! The handlers of every op in every form: what the op table's rows name, made into one table.

use super::call::{self, Call, Return, ReturnValue};
use super::cell::cell;
use super::control::{self, Back, Br, BrIf, BrTable, Charge, Forward, NonZero, Zero};
use super::operand::{Acc, Imm, Slot, ToAcc, ToSlot};
use super::regs::{Backend, Handler};
use super::relaxed::{Cvttpd2dq, Cvttps2dq, FusedF32, FusedF64, Machine, Pmaddubsw, Pmulhrsw, Pshufb};
use super::variable::{self, Clamp, Constant, ConstantWide, Copy, GlobalGet, GlobalSet};
use super::vector::{self, Baseline, Rotate, Shuffle};
use super::wide::{Add, Product, Sub, Sum};
use super::{atomic, bulk, memory, memory64, native, numeric, slow, throw};
use crate::ops::{self, OPS};
use crate::value::V128;

/// From a family's rows: a function of its name that gives each row's handlers.
macro_rules! family {
    (
        $(#[$doc:meta])*
        $Enum:ident, $module:ident, stride $stride:literal, forms ($room:ident::$forms:ident), shape $shape:ident $(, only $when:meta)?;
        $($(#[$gate:meta])* $Name:ident $([$($alias:ident)*])? ($($x:ident: $t:ty),*) -> $out:ty $body:block $(=> $canon:ident)?)*
    ) => {
        const fn $module<B: Backend>() -> [[Handler<B>; $stride]; ops::$Enum::COUNT] {
            [$($room::$forms::<B, ops::$module::$Name>()),*]
        }
    };
}
ops::unary_rows!(family);
ops::vector_unary_rows!(family);
ops::commutative_rows!(family);
ops::ordered_rows!(family);
ops::vectors_rows!(family);
ops::shift_rows!(family);
ops::int_compare_rows!(family);
ops::float_compare_rows!(family);
ops::extract_rows!(family);
ops::replace_rows!(family);
ops::load_rows!(family);
ops::store_rows!(family);
ops::load_lane_rows!(family);
ops::store_lane_rows!(family);

macro_rules! special {
    ($($(#[$doc:meta])* $Name:ident [$($field:ident)*] $ext:literal => $handler:expr;)*) => {
        const fn special<B: Backend>() -> [[Handler<B>; 1]; ops::SpecialOp::COUNT] {
            [$([$handler]),*]
        }
    };
}
ops::special_rows!(special);

/// The table, by an op's number.
pub(super) const fn table<B: Backend>() -> [Handler<B>; OPS] {
    let mut all: [Handler<B>; OPS] = [control::unreachable::<B>; OPS];
    let mut filled = 0;
    macro_rules! fill {
        ($($Enum:ident $rows:expr,)*) => {$(
            assert!(filled == ops::$Enum::BASE as usize);
            let rows = $rows;
            let mut row = 0;
            while row < rows.len() {
                let mut form = 0;
                while form < rows[row].len() {
                    all[filled] = rows[row][form];
                    filled += 1;
                    form += 1;
                }
                row += 1;
            }
        )*};
    }
    // Without `simd`, no module has such instructions.
    macro_rules! of_vectors {
        ($Enum:ident $rows:expr) => {
            match cfg!(feature = "simd") {
                true => $rows,
                false => [[control::unreachable::<B> as Handler<B>; ops::$Enum::STRIDE]; ops::$Enum::COUNT],
            }
        };
    }
    fill! {
        UnaryOp unary::<B>(),
        VectorUnaryOp of_vectors!(VectorUnaryOp vector_unary::<B>()),
        CommutativeOp commutative::<B>(),
        OrderedOp ordered::<B>(),
        VectorOp of_vectors!(VectorOp vectors::<B>()),
        ShiftOp of_vectors!(ShiftOp shift::<B>()),
        IntCompareOp int_compare::<B>(),
        FloatCompareOp float_compare::<B>(),
        ExtractOp of_vectors!(ExtractOp extract::<B>()),
        ReplaceOp of_vectors!(ReplaceOp replace::<B>()),
        LoadOp load::<B>(),
        StoreOp store::<B>(),
        LoadLaneOp of_vectors!(LoadLaneOp load_lane::<B>()),
        StoreLaneOp of_vectors!(StoreLaneOp store_lane::<B>()),
        SelectOp variable::all_selects::<B>(),
        BulkOp bulk::handlers::<B>(),
        AtomicOp atomic::handlers::<B>(),
        SpecialOp special::<B>(),
    }
    assert!(filled == OPS);
    all
}

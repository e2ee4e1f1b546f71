//! What the rows of each kind of family compute.

use super::{Classed, Op};
use crate::module::trap::Trap;
use crate::value::V128;
use crate::value::raw::Raw;

/// What a row's meaning may give: a value, or a value or a trap.
pub(crate) trait Evaluated<T> {
    fn evaluated(self) -> Result<T, Trap>;
}
macro_rules! evaluated {
    ($($t:ty)*) => {$(
        impl Evaluated<$t> for $t {
            #[inline(always)]
            fn evaluated(self) -> Result<$t, Trap> { Ok(self) }
        }
        impl Evaluated<$t> for Result<$t, Trap> {
            #[inline(always)]
            fn evaluated(self) -> Result<$t, Trap> { self }
        }
        impl Evaluated<$t> for Result<$t, crate::value::float::TruncError> {
            #[inline(always)]
            fn evaluated(self) -> Result<$t, Trap> {
                use crate::value::float::TruncError::*;
                self.map_err(|e| match e {
                    NotANumber => Trap::BadConversionToInteger,
                    Overflow => Trap::IntegerOverflow,
                })
            }
        }
    )*};
}
evaluated! { u32 u64 f32 f64 V128 }

/// A row: its op in the first form.
pub(crate) trait Row {
    const OP: Op;
}

/// `R[a] := op(x)`
pub(crate) trait Unary {
    type In: Classed;
    type Out: Classed;
    fn eval(x: Self::In) -> Result<Self::Out, Trap>;
}

/// `R[a] := op(x, y)`
pub(crate) trait Binary {
    type L: Classed;
    type R: Classed;
    type Out: Classed;
    fn eval(x: Self::L, y: Self::R) -> Result<Self::Out, Trap>;
}

/// `R[a] := x cmp y`, or a branch on it.
pub(crate) trait Compare {
    type In: Classed;
    fn test(x: Self::In, y: Self::In) -> bool;
}

/// `R[a] := op(lane)`
pub(crate) trait Extract {
    type Lane: Copy;
    type Out: Classed;
    fn eval(x: Self::Lane) -> Self::Out;
}

/// `R[a] := x with lane l replaced by y`
pub(crate) trait Replace {
    type R: Classed;
    fn eval(x: V128, lane: u8, y: Self::R) -> V128;
}

/// `R[a] := op(bytes at ea)`
pub(crate) trait Load {
    type Raw: Raw;
    type Out: Classed;
    fn eval(x: Self::Raw) -> Self::Out;
}

/// `bytes at ea := op(x)`
pub(crate) trait Store {
    type In: Classed;
    type Raw: Raw;
    fn eval(x: Self::In) -> Self::Raw;
}

/// A load into one lane.
pub(crate) trait LaneLoad {
    type Raw: Raw;
    fn eval(x: V128, lane: u8, y: Self::Raw) -> V128;
}

/// A store of one lane.
pub(crate) trait LaneStore {
    type Raw: Raw;
    fn eval(x: Self::Raw) -> Self::Raw;
}

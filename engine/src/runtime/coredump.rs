//! What a backtrace keeps of its frames for a core dump.

use crate::memory::Buf;
use crate::module::types::ValType;

/// The value of a local or an operand in a [`WasmCoreDump`](crate::WasmCoreDump).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CoreValue {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// A 32-bit float, as its bits.
    F32(u32),
    /// A 64-bit float, as its bits.
    F64(u64),
    /// What the format can't say (vectors and references), or what isn't known (all locals of compiled functions).
    Missing,
}

impl CoreValue {
    /// The value of this type in a slot. `None` is a type that Dunlin doesn't have.
    pub(crate) fn of(ty: Option<ValType>, slot: u64) -> Self {
        match ty {
            Some(ValType::I32) => CoreValue::I32(slot as i32),
            Some(ValType::I64) => CoreValue::I64(slot as i64),
            Some(ValType::F32) => CoreValue::F32(slot as u32),
            Some(ValType::F64) => CoreValue::F64(slot),
            _ => CoreValue::Missing,
        }
    }
}

/// What a frame held.
pub(crate) struct FrameValues {
    pub(crate) locals: Buf<CoreValue>,
    /// The operands below those that the instruction takes which the frame is at.
    pub(crate) operands: Option<Buf<CoreValue>>,
}

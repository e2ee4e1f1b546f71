//! What a backtrace keeps of its frames for a core dump.

use crate::memory::Buf;

/// The value of a local in a [`WasmCoreDump`](crate::WasmCoreDump).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(not(feature = "coredump"), expect(unreachable_pub, reason = "it is exported with the feature"))]
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

/// The locals of a frame.
#[cfg_attr(not(feature = "coredump"), expect(dead_code, reason = "only core dumps show it"))]
pub(crate) struct FrameLocals(pub(crate) Buf<CoreValue>);

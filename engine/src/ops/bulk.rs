//! The bulk operators, each declared once: instructions that are rare or take long, and that the engine carries out for
//! the interpreter and for compiled code alike.
//!
//! Their operands are in consecutive slots, and the result goes to the first of these. What they name is two indices at
//! most. The translator, the handlers, the builtins and the compiler of the tier read this table.

use super::Op;
use wasmparser::{MemArg, MemArgTarget, Operator};

/// What a bulk operator gives, if it gives anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BulkResult {
    /// An index or a size, of the type that the memory's or the table's indices have.
    Index,
    /// A reference.
    Reference,
    /// An i32.
    Number,
}

/// An address's memory, and as much of its offset as the halves of the indices hold: one beyond 32 bits is added to the address
/// before.
const fn place(memarg: MemArg) -> [u32; 2] {
    let memory = match memarg.target {
        MemArgTarget::Memory(memory) => memory,
        MemArgTarget::Array(_) => panic!("no such feature is on"),
    };
    [memory, if memarg.offset > u32::MAX as u64 { 0 } else { memarg.offset as u32 }]
}

macro_rules! bulk_ops {
    ($($(#[$doc:meta])* $Name:ident { $($field:ident),* } $indices:tt $operands:literal $(-> $result:ident)?;)*) => {
        /// An instruction that a builtin executes: operands in consecutive slots, result in the first; what it names is in
        /// the halves of one number, the lower first.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "the specification's names")]
        pub enum BulkOp { $($(#[$doc])* $Name),* }

        impl BulkOp {
            /// All, in the order of their builtins.
            pub const ALL: [BulkOp; Self::COUNT] = [$(BulkOp::$Name),*];

            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($Name)),*];
            pub(crate) const COUNT: usize = Self::NAMES.len();
            pub(crate) const STRIDE: usize = 1;

            pub(crate) const fn op(self) -> Op {
                Op(Self::BASE + self as u16)
            }

            /// The row that serves `operator`, and the indices that it names; what isn't there is 0.
            pub fn of(operator: &Operator<'_>) -> Option<(BulkOp, [u32; 2])> {
                match *operator {
                    $(Operator::$Name { $($field,)* .. } => Some((BulkOp::$Name, bulk_ops!(@indices $indices))),)*
                    _ => None,
                }
            }

            /// How many operands it takes.
            pub const fn operands(self) -> usize {
                match self { $(BulkOp::$Name => $operands),* }
            }

            /// What it gives.
            pub const fn result(self) -> Option<BulkResult> {
                const NOTHING: Option<BulkResult> = None;
                match self { $(BulkOp::$Name => bulk_ops!(@result NOTHING $($result)?)),* }
            }
        }
    };
    (@indices [$x:expr, $y:expr]) => { [$x, $y] };
    (@indices ($memarg:expr)) => { place($memarg) };
    (@result $nothing:ident $result:ident) => { Some(BulkResult::$result) };
    (@result $nothing:ident) => { $nothing };
}

/// `Name { what wasmparser's operator names } [indices] operands -> result`; in place of indices, `(memarg)` names a memory
/// and an offset.
macro_rules! bulk_rows {
    ($then:ident) => {
        $then! {
            /// By how much; the old size, or -1.
            MemoryGrow { mem } [mem, 0] 1 -> Index;
            /// Destination, value, length.
            MemoryFill { mem } [mem, 0] 3;
            /// Destination, source, length; to the first memory, from the second.
            MemoryCopy { dst_mem, src_mem } [dst_mem, src_mem] 3;
            /// Destination, source, length; to a memory, from a data segment.
            MemoryInit { data_index, mem } [mem, data_index] 3;
            DataDrop { data_index } [data_index, 0] 0;
            /// Index.
            TableGet { table } [table, 0] 1 -> Reference;
            /// Index, value.
            TableSet { table } [table, 0] 2;
            TableSize { table } [table, 0] 0 -> Index;
            /// Initial value, by how much; the old size, or -1.
            TableGrow { table } [table, 0] 2 -> Index;
            /// Start, value, length.
            TableFill { table } [table, 0] 3;
            /// Destination, source, length; to the first table, from the second.
            TableCopy { dst_table, src_table } [dst_table, src_table] 3;
            /// Destination, source, length; to a table, from an element segment.
            TableInit { elem_index, table } [table, elem_index] 3;
            ElemDrop { elem_index } [elem_index, 0] 0;
            /// Address, how many to wake at most; how many have been.
            MemoryAtomicNotify { memarg } (memarg) 2 -> Number;
            /// Address, expected value, timeout in nanoseconds or a negative number for none; how it ended.
            MemoryAtomicWait32 { memarg } (memarg) 3 -> Number;
            MemoryAtomicWait64 { memarg } (memarg) 3 -> Number;
            AtomicFence {} [0, 0] 0;
            RefFunc { function_index } [function_index, 0] 0 -> Reference;
        }
    };
}
pub(crate) use bulk_rows;
bulk_rows!(bulk_ops);

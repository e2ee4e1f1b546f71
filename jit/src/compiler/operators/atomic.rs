//! Atomic instructions, but for those that wait and notify.
//!
//! An address that isn't aligned traps before one that is out of bounds, as in the interpreter.

use crate::compiler::clif::heaps::{Heaps, MemoryOperand};
use crate::compiler::clif::operand_stack::OperandStack;
use crate::compiler::clif::traps;
use cranelift_codegen::ir::types::{I8, I16, I32, I64};
use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, MemFlagsData, Type, Value};
use cranelift_frontend::FunctionBuilder;
use dunlin::Trap;
use wasmparser::{MemArg, Operator};

/// What is done with the bytes.
#[derive(Clone, Copy)]
enum Access {
    Load,
    Store,
    Rmw(AtomicRmwOp),
    Cmpxchg,
}

/// Translates an atomic instruction; false if it is none.
pub(crate) fn atomic(
    b: &mut FunctionBuilder<'_>,
    stack: &mut OperandStack,
    heaps: &mut Heaps,
    op: &Operator<'_>,
) -> bool {
    if matches!(op, Operator::AtomicFence { .. }) {
        b.ins().fence();
        return true;
    }
    let Some((access, ty, narrow, memarg)) = row(op) else { return false };
    let mut operand = || {
        let value = stack.pop();
        if narrow == ty { value } else { b.ins().ireduce(narrow, value) }
    };
    let old = match access {
        Access::Load => {
            let (flags, address) = place(b, heaps, stack.pop(), memarg, narrow);
            Some(b.ins().atomic_load(narrow, flags, address))
        }
        Access::Store => {
            let value = operand();
            let (flags, address) = place(b, heaps, stack.pop(), memarg, narrow);
            b.ins().atomic_store(flags, value, address);
            None
        }
        Access::Rmw(op) => {
            let value = operand();
            let (flags, address) = place(b, heaps, stack.pop(), memarg, narrow);
            Some(b.ins().atomic_rmw(narrow, flags, op, address, value))
        }
        Access::Cmpxchg => {
            let replacement = operand();
            let expected = operand();
            let (flags, address) = place(b, heaps, stack.pop(), memarg, narrow);
            Some(b.ins().atomic_cas(flags, address, expected, replacement))
        }
    };
    if let Some(old) = old {
        let old = if narrow == ty { old } else { b.ins().uextend(ty, old) };
        stack.push(old);
    }
    true
}

/// Where an access goes. Emits the checks that it needs.
fn place(
    b: &mut FunctionBuilder<'_>,
    heaps: &mut Heaps,
    index: Value,
    memarg: &MemArg,
    ty: Type,
) -> (MemFlagsData, Value) {
    let size = ty.bytes();
    let (index, memarg) = match heaps.is_64(memarg) && memarg.offset != 0 {
        true => (wide_sum(b, index, memarg.offset), MemArg { offset: 0, ..*memarg }),
        false => (index, *memarg),
    };
    if size > 1 {
        let below = i64::from(size - 1);
        let sum = b.ins().iadd_imm_u(index, memarg.offset.cast_signed() & below);
        let rest = b.ins().band_imm_u(sum, below);
        b.ins().trapnz(rest, traps::code(Trap::HeapMisaligned));
    }
    let MemoryOperand { address, offset, flags } = heaps.operand(b, index, &memarg, size);
    let address = if offset == 0 { address } else { b.ins().iadd_imm_s(address, i64::from(offset)) };
    (flags, address)
}

/// The sum of a 64-bit address and an offset, which is out of bounds if it has no place in 64 bits.
pub(crate) fn wide_sum(b: &mut FunctionBuilder<'_>, index: Value, offset: u64) -> Value {
    let offset = b.ins().iconst(I64, offset.cast_signed());
    b.ins().uadd_overflow_trap(index, offset, traps::code(Trap::MemoryOutOfBounds))
}

/// The rows of a kind of access, in the order of the types' and the bytes' sizes.
macro_rules! rows {
    ($op:ident: $($access:expr => $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident;)*) => {
        match $op {
            $(
                Operator::$a { memarg } => Some(($access, I32, I8, memarg)),
                Operator::$b { memarg } => Some(($access, I32, I16, memarg)),
                Operator::$c { memarg } => Some(($access, I32, I32, memarg)),
                Operator::$d { memarg } => Some(($access, I64, I8, memarg)),
                Operator::$e { memarg } => Some(($access, I64, I16, memarg)),
                Operator::$f { memarg } => Some(($access, I64, I32, memarg)),
                Operator::$g { memarg } => Some(($access, I64, I64, memarg)),
            )*
            _ => None,
        }
    };
}

/// An operator's access, the type of its operands, and that of the bytes.
fn row<'a>(op: &'a Operator<'_>) -> Option<(Access, Type, Type, &'a MemArg)> {
    use AtomicRmwOp::*;
    rows! { op:
        Access::Load => I32AtomicLoad8U I32AtomicLoad16U I32AtomicLoad
            I64AtomicLoad8U I64AtomicLoad16U I64AtomicLoad32U I64AtomicLoad;
        Access::Store => I32AtomicStore8 I32AtomicStore16 I32AtomicStore
            I64AtomicStore8 I64AtomicStore16 I64AtomicStore32 I64AtomicStore;
        Access::Rmw(Add) => I32AtomicRmw8AddU I32AtomicRmw16AddU I32AtomicRmwAdd
            I64AtomicRmw8AddU I64AtomicRmw16AddU I64AtomicRmw32AddU I64AtomicRmwAdd;
        Access::Rmw(Sub) => I32AtomicRmw8SubU I32AtomicRmw16SubU I32AtomicRmwSub
            I64AtomicRmw8SubU I64AtomicRmw16SubU I64AtomicRmw32SubU I64AtomicRmwSub;
        Access::Rmw(And) => I32AtomicRmw8AndU I32AtomicRmw16AndU I32AtomicRmwAnd
            I64AtomicRmw8AndU I64AtomicRmw16AndU I64AtomicRmw32AndU I64AtomicRmwAnd;
        Access::Rmw(Or) => I32AtomicRmw8OrU I32AtomicRmw16OrU I32AtomicRmwOr
            I64AtomicRmw8OrU I64AtomicRmw16OrU I64AtomicRmw32OrU I64AtomicRmwOr;
        Access::Rmw(Xor) => I32AtomicRmw8XorU I32AtomicRmw16XorU I32AtomicRmwXor
            I64AtomicRmw8XorU I64AtomicRmw16XorU I64AtomicRmw32XorU I64AtomicRmwXor;
        Access::Rmw(Xchg) => I32AtomicRmw8XchgU I32AtomicRmw16XchgU I32AtomicRmwXchg
            I64AtomicRmw8XchgU I64AtomicRmw16XchgU I64AtomicRmw32XchgU I64AtomicRmwXchg;
        Access::Cmpxchg => I32AtomicRmw8CmpxchgU I32AtomicRmw16CmpxchgU I32AtomicRmwCmpxchg
            I64AtomicRmw8CmpxchgU I64AtomicRmw16CmpxchgU I64AtomicRmw32CmpxchgU I64AtomicRmwCmpxchg;
    }
}

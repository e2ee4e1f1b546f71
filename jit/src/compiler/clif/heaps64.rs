//! Accesses by 64-bit addresses, which are always checked.

use super::heaps::{Heaps, MemoryOperand, constant};
use super::traps;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, Value};
use cranelift_frontend::FunctionBuilder;
use dunlin::Trap;

impl Heaps {
    /// The operands for an access of `size` bytes.
    pub(super) fn operand64(
        &mut self,
        b: &mut FunctionBuilder<'_>,
        memory: u32,
        index: Value,
        offset: u64,
        size: u32,
    ) -> MemoryOperand {
        // What a sum beyond 2^64 stands for is in no memory.
        let end = offset.saturating_add(size.into());
        let beyond = match constant(b, index).map(|constant| constant.saturating_add(end)) {
            Some(end) if end <= self.memories[memory as usize].min_bytes => None,
            Some(end) => Some(self.check_constant(b, memory, end)),
            None if !self.spectre && self.checks.already(b, memory, index, end) => None,
            None => Some(self.check64(b, memory, index, end)),
        };
        let base = self.base(b, memory);
        let address = b.ins().iadd(base, index);
        let (mut address, mut offset) = match i32::try_from(offset) {
            Ok(offset) => (address, offset),
            Err(_) => (b.ins().iadd_imm_s(address, offset.cast_signed()), 0),
        };
        if let Some(beyond) = beyond.filter(|_| self.spectre) {
            let null = b.ins().iconst(I64, 0);
            let exact = b.ins().iadd_imm_s(address, i64::from(offset));
            (address, offset) = (b.ins().select_spectre_guard(beyond, null, exact), 0);
        }
        MemoryOperand { address, offset, flags: self.flags.memory_checked }
    }

    fn check_constant(&mut self, b: &mut FunctionBuilder<'_>, memory: u32, end: u64) -> Value {
        let len = self.len(b, memory);
        let end = b.ins().iconst(I64, end.cast_signed());
        let beyond = b.ins().icmp(IntCC::UnsignedGreaterThan, end, len);
        b.ins().trapnz(beyond, traps::code(Trap::MemoryOutOfBounds));
        beyond
    }

    /// Emits a trap if the memory ends before `end` bytes after the index.
    fn check64(&mut self, b: &mut FunctionBuilder<'_>, memory: u32, index: Value, end: u64) -> Value {
        let out = traps::code(Trap::MemoryOutOfBounds);
        let len = self.len(b, memory);
        let beyond = if end <= self.memories[memory as usize].min_bytes {
            // The difference can't be negative.
            let last = b.ins().iadd_imm_s(len, end.cast_signed().wrapping_neg());
            b.ins().icmp(IntCC::UnsignedGreaterThan, index, last)
        } else if self.spectre {
            // The trap of an overflow would come too late for what is speculated.
            let end = b.ins().iconst(I64, end.cast_signed());
            let (end, wraps) = b.ins().uadd_overflow(index, end);
            let beyond = b.ins().icmp(IntCC::UnsignedGreaterThan, end, len);
            b.ins().bor(wraps, beyond)
        } else {
            let end = b.ins().iconst(I64, end.cast_signed());
            let end = b.ins().uadd_overflow_trap(index, end, out);
            b.ins().icmp(IntCC::UnsignedGreaterThan, end, len)
        };
        b.ins().trapnz(beyond, out);
        beyond
    }
}

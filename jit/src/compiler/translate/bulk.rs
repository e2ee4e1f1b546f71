//! Bulk instructions, which the engine's builtins do. Small copies and fills within one memory have fast paths: a
//! builtin's overhead would exceed their cost.

use super::deopt::ExitPoint;
use super::translator::Translator;
use crate::compiler::clif::slots;
use crate::compiler::operators::wide_sum;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{InstBuilder, Value};
use dunlin::tier::{BulkOp, BulkResult, layout};
use wasmparser::Operator;

/// The largest size for the fast path. For larger ones the engine's builtin polls for interruption as it works.
const FEW: i64 = 64 << 10;

impl Translator<'_, '_> {
    /// Translates a bulk instruction; false if it is none.
    pub(super) fn bulk_operator(&mut self, operator: &Operator<'_>) -> bool {
        match *operator {
            Operator::MemoryFill { mem } => self.memory_fill(mem),
            Operator::MemoryCopy { dst_mem, src_mem } => self.memory_copy(dst_mem, src_mem),
            Operator::MemoryAtomicNotify { ref memarg }
            | Operator::MemoryAtomicWait32 { ref memarg }
            | Operator::MemoryAtomicWait64 { ref memarg } => {
                let (op, indices) = BulkOp::of(operator).expect("it has a row");
                self.bulk_at(op, indices, memarg.offset);
            }
            _ => match BulkOp::of(operator) {
                Some((op, indices)) => self.bulk(op, indices),
                None => return false,
            },
        }
        true
    }

    /// The same for an instruction whose first operand is an address. An offset that isn't among the indices, since it has more
    /// than 32 bits, is added to that.
    fn bulk_at(&mut self, op: BulkOp, indices: [u32; 2], offset: u64) {
        if offset > u32::MAX.into() {
            let at = self.stack.len() - op.operands();
            self.stack[at] = wide_sum(&mut self.b, self.stack[at], offset);
        }
        self.bulk(op, indices);
    }

    /// Calls the builtin for an instruction, which names `x` and `y`.
    fn bulk(&mut self, op: BulkOp, [x, y]: [u32; 2]) {
        let params = op.operands();
        let below = self.stack.len() - params;
        let slot = self.slot_of_operand(below);
        slots::store(&mut self.b, self.flags.slots, self.stack.peekn(params), self.scope.sp, slot);
        let at = self.slot_address(slot);
        let indices = self.b.ins().iconst(I64, (u64::from(y) << 32 | u64::from(x)).cast_signed());
        self.builtin(layout::BUILTIN_BULK + op as i32 * 8, [at, indices]);
        self.stack.popn(params);
        self.deopt_if_asked(ExitPoint::Here, &[]);
        if let Some(result) = op.result() {
            let is_64 = match op {
                BulkOp::MemoryGrow => self.view.memories()[x as usize].is_64(),
                BulkOp::TableGrow | BulkOp::TableSize => self.view.table(x).is_64(),
                _ => false,
            };
            let ty = match result {
                BulkResult::Index if !is_64 => I32,
                BulkResult::Number => I32,
                BulkResult::Index | BulkResult::Reference => I64,
            };
            let value = self.load_slot(ty, self.scope.sp, slot);
            self.stack.push(value);
        }
    }

    pub(super) fn memory_copy(&mut self, to_memory: u32, from_memory: u32) {
        let engine = |t: &mut Self| t.bulk(BulkOp::MemoryCopy, [to_memory, from_memory]);
        // With fuel, the engine's builtin charges it.
        if self.options.fuel || to_memory != from_memory {
            return engine(self);
        }
        let [to, from, n] = self.wide_operands();
        let last = self.b.ins().umax(to, from);
        self.if_few(to_memory, last, n, engine, |t| {
            let base = t.heaps.base(&mut t.b, to_memory);
            let (to, from) = (t.b.ins().iadd(base, to), t.b.ins().iadd(base, from));
            t.plain_builtin(layout::BUILTIN_COPY, [to, from, n]);
        });
    }

    pub(super) fn memory_fill(&mut self, memory: u32) {
        let engine = |t: &mut Self| t.bulk(BulkOp::MemoryFill, [memory, 0]);
        if self.options.fuel {
            return engine(self);
        }
        let [to, value, n] = self.wide_operands();
        self.if_few(memory, to, n, engine, |t| {
            let base = t.heaps.base(&mut t.b, memory);
            let to = t.b.ins().iadd(base, to);
            t.plain_builtin(layout::BUILTIN_FILL, [to, value, n]);
        });
    }

    /// The three topmost operands, those that are 32-bit zero-extended. They stay on the stack.
    fn wide_operands(&mut self) -> [Value; 3] {
        let operands = self.stack.peekn(3);
        [operands[0], operands[1], operands[2]].map(|value| match self.b.func.dfg.value_type(value) {
            I32 => self.b.ins().uextend(I64, value),
            _ => value,
        })
    }

    /// Emits `few` for the case that `n` bytes from `last` on are in bounds and at most [`FEW`], and `not` for the
    /// other, cold case. `not` pops the operands.
    fn if_few(
        &mut self,
        memory: u32,
        last: Value,
        n: Value,
        not: impl FnOnce(&mut Self),
        few: impl FnOnce(&mut Self),
    ) {
        let end = self.b.ins().iadd(last, n);
        let len = self.heaps.len(&mut self.b, memory);
        let beyond = self.b.ins().icmp(IntCC::UnsignedGreaterThan, end, len);
        let many = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, n, FEW);
        let mut either = self.b.ins().bor(beyond, many);
        if self.heaps.memories[memory as usize].is_64 {
            // Then the sum of few and of what isn't beyond the end doesn't wrap.
            let last_beyond = self.b.ins().icmp(IntCC::UnsignedGreaterThan, last, len);
            either = self.b.ins().bor(either, last_beyond);
        }
        let (cold, go_on) = self.cold_branch(either);
        let done = self.b.create_block();
        self.b.switch_to_block(go_on);
        self.b.seal_block(go_on);
        few(self);
        self.b.ins().jump(done, &[]);
        self.b.switch_to_block(cold);
        not(self);
        self.b.ins().jump(done, &[]);
        self.b.switch_to_block(done);
        self.b.seal_block(done);
    }
}

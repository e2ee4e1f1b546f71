//! Fast paths for small copies and fills within one memory: the overhead of the engine's bulk builtins exceeds their
//! cost.

use super::func::{Translator, c_signature};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, Value};
use dunlin::tier::{BulkOp, layout};

/// The largest size for the fast path. For larger ones the engine's builtin polls for interruption as it works.
const FEW: i64 = 64 << 10;

impl Translator<'_, '_> {
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
            t.call_plain(layout::BUILTIN_COPY, [to, from, n]);
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
            t.call_plain(layout::BUILTIN_FILL, [to, value, n]);
        });
    }

    /// The three topmost operands, zero-extended. They stay on the stack.
    fn wide_operands(&mut self) -> [Value; 3] {
        let operands = self.stack.peekn(3);
        [operands[0], operands[1], operands[2]].map(|value| self.b.ins().uextend(I64, value))
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
        let either = self.b.ins().bor(beyond, many);
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

    /// Calls a builtin that takes no context and can't fail.
    fn call_plain(&mut self, offset: i32, args: [Value; 3]) {
        let signature = self.b.import_signature(c_signature(self.options.c_convention, 3, false));
        let table = self.load_vm(layout::VMCTX_BUILTINS);
        let callee = self.b.ins().load(I64, self.flags.vm_readonly, table, offset);
        self.b.ins().call_indirect(signature, callee, &args);
    }
}

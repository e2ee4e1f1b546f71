//! Throwing. Functions that catch, or that may have references to exceptions, aren't compiled.

use super::deopt::ExitPoint;
use super::translator::Translator;
use crate::compiler::clif::slots;
use crate::compiler::clif::traps;
use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::types::I64;
use dunlin::Trap;
use dunlin::tier::layout;

impl Translator<'_, '_> {
    /// Throws an exception, whose values are the topmost operands. The builtin fails, which unwinds compiled frames.
    pub(super) fn throw(&mut self, tag: u32) {
        let params = self.view.tag_type(tag).params().len();
        let below = self.stack.len() - params;
        let slot = self.slot_of_operand(below);
        self.mark_cold();
        slots::store(&mut self.b, self.flags.slots, self.stack.peekn(params), self.scope.sp, slot);
        let at = self.slot_address(slot);
        let word = self.b.ins().iconst(I64, i64::from(self.view.tag_word(tag)));
        self.builtin(layout::BUILTIN_THROW, [at, word]);
        self.stack.popn(params);
        self.deopt_if_asked(ExitPoint::Here, &[]);
        self.b.ins().trap(traps::code(Trap::UnreachableCodeReached));
        self.set_unreachable();
    }
}

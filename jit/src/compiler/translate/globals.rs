//! Globals.

use super::translator::Translator;
use crate::compiler::clif::mem_flags;
use crate::compiler::clif::types::clif_type;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData};
use dunlin::Mutability;
use dunlin::tier::layout;

impl Translator<'_, '_> {
    /// The flags for a global: those that the module defines can't alias each other.
    fn global_flags(&mut self, index: u32) -> MemFlagsData {
        match index.checked_sub(self.view.imported_globals()) {
            None => self.flags.global,
            Some(own) => mem_flags::own_global(self.b.func, own),
        }
    }

    pub(super) fn global_get(&mut self, index: u32) {
        let ty = self.view.global(index);
        let mut flags = self.global_flags(index);
        if ty.mutability() == Mutability::Const {
            flags = flags.with_readonly().with_can_move();
        }
        let global = self.load_word(self.view.global_word(index));
        let value = self.b.ins().load(clif_type(ty.content()), flags, global, layout::GLOBAL_VALUE);
        self.stack.push(value);
    }

    pub(super) fn global_set(&mut self, index: u32) {
        let flags = self.global_flags(index);
        let global = self.load_word(self.view.global_word(index));
        let value = self.stack.pop();
        let value = match self.b.func.dfg.value_type(value) {
            I32 => self.b.ins().uextend(I64, value),
            _ => value,
        };
        self.b.ins().store(flags, value, global, layout::GLOBAL_VALUE);
    }
}

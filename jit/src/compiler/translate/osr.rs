//! OSR entries: a function is entered at a loop's header, with all values in slots.
//!
//! Up to that header, locals and operands may come from the code before the loop, which is translated but unreachable,
//! or from slots. So operands are Cranelift variables there, like locals, and Cranelift's SSA construction does the rest.

use super::translator::{Translator, block_args};
use crate::compiler::clif::slots;
use crate::compiler::decline::Decline;
use cranelift_codegen::ir::{Block, InstBuilder, Type};

impl Translator<'_, '_> {
    /// Before a control frame that may contain the OSR entry: makes variables of the operands below it, since their
    /// values may also come from there. Operands below outer frames are variables already.
    pub(super) fn make_operand_variables(&mut self, below: usize) {
        if self.osr_block.is_none() {
            return;
        }
        for i in self.operand_variables.len()..below {
            let value = self.stack[i];
            let ty = self.b.func.dfg.value_type(value);
            let slot = self.slot_of_operand(i);
            let variable = self.declare_variable(ty);
            self.b.def_var(variable, value);
            self.operand_variables.push((variable, ty, slot));
        }
    }

    /// At a merge point of such a frame: reads the operands below it from their variables.
    pub(super) fn use_operand_variables(&mut self, below: usize) -> Result<(), Decline> {
        for i in 0..below {
            self.need(self.lookups(1))?;
            self.stack[i] = self.b.use_var(self.operand_variables[i].0);
        }
        Ok(())
    }

    /// Drops the variables of operands that aren't below a control frame any more.
    pub(super) fn drop_operand_variables(&mut self) {
        let below = self.frames.last().map_or(0, |frame| frame.height);
        self.operand_variables.truncate(below);
    }

    /// The OSR entry: loads locals and operands from slots, and jumps to the header.
    pub(super) fn osr_entry(
        &mut self,
        osr_block: Block,
        (header, cost): (Block, u32),
        below: usize,
        params: &[Type],
    ) {
        self.b.switch_to_block(osr_block);
        self.b.seal_block(osr_block);
        let variables = self.scope.locals.iter().chain(&self.operand_variables).copied().collect::<Vec<_>>();
        for (variable, ty, slot) in variables {
            let value = self.load_slot(ty, self.scope.sp, slot);
            self.b.def_var(variable, value);
        }
        let slot = self.slot_of_operand(below);
        let types = params.iter().copied();
        let values = slots::load(&mut self.b, self.flags.slots, types, self.scope.sp, slot);
        if self.options.fuel {
            // The interpreter has checked that the slice has this much.
            self.reload_slice();
            let left = self.left_of_slice(cost);
            self.put_slice(left);
        }
        self.b.ins().jump(header, &block_args(&values));
    }
}

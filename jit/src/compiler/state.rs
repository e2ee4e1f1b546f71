//! The instance's state: globals, tables, and instructions that are calls of the engine.

use super::flags;
use super::func::{Translator, clif_type};
use super::leave::Place;
use super::slots;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use dunlin::tier::{BulkOp, BulkResult, layout};
use dunlin::{Mutability, Trap};

impl Translator<'_, '_> {
    /// The flags for a global: those that the module defines can't alias each other.
    fn global_flags(&mut self, index: u32) -> MemFlagsData {
        match index.checked_sub(self.view.imported_globals()) {
            None => self.flags.global,
            Some(own) => flags::own_global(self.b.func, own),
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

    /// The address of a table's element, with a bounds check that raises `trap`.
    fn element_address(&mut self, table: u32, index: Value, trap: Trap) -> Value {
        let ty = self.view.table(table);
        let table = self.load_word(self.view.table_word(table));
        let index = self.b.ins().uextend(I64, index);
        let len = if ty.maximum() == Some(ty.minimum()) {
            self.b.ins().iconst(I64, i64::from(ty.minimum()))
        } else {
            self.b.ins().load(I64, self.flags.vm, table, layout::TABLE_LEN)
        };
        let beyond = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, len);
        self.trap_if(beyond, trap);
        let base = self.b.ins().load(I64, self.flags.vm, table, layout::TABLE_BASE);
        let offset = self.b.ins().ishl_imm_s(index, 3);
        let address = self.b.ins().iadd(base, offset);
        if !self.options.spectre {
            return address;
        }
        let nowhere = self.b.ins().iconst(I64, 0);
        self.b.ins().select_spectre_guard(beyond, nowhere, address)
    }

    pub(super) fn table_element(&mut self, table: u32, index: Value, trap: Trap) -> Value {
        let address = self.element_address(table, index, trap);
        self.b.ins().load(I64, self.flags.table, address, 0)
    }

    pub(super) fn table_get(&mut self, table: u32) {
        let index = self.stack.pop();
        let value = self.table_element(table, index, Trap::TableOutOfBounds);
        self.stack.push(value);
    }

    pub(super) fn table_set(&mut self, table: u32) {
        let (index, value) = self.stack.pop2();
        let address = self.element_address(table, index, Trap::TableOutOfBounds);
        self.b.ins().store(self.flags.table, value, address, 0);
    }

    pub(super) fn table_size(&mut self, table: u32) {
        let table = self.load_word(self.view.table_word(table));
        let len = self.b.ins().load(I64, self.flags.vm, table, layout::TABLE_LEN);
        let len = self.b.ins().ireduce(I32, len);
        self.stack.push(len);
    }

    /// The engine-wide number of one of the module's types, as function objects have it.
    pub(super) fn signature_number(&mut self, ty: u32) -> Value {
        if self.options.portable {
            let numbers = self.load_vm(layout::VMCTX_SIGNATURES);
            return self.b.ins().load(I32, self.flags.vm_readonly, numbers, ty as i32 * 4);
        }
        self.b.ins().iconst(I32, i64::from(self.view.signature(ty)))
    }

    /// Calls the builtin for an instruction, which names `x` and `y`.
    pub(super) fn bulk(&mut self, op: BulkOp, [x, y]: [u32; 2]) {
        let params = op.operands();
        let below = self.stack.len() - params;
        let slot = self.slot_of_operand(below);
        slots::store(&mut self.b, self.flags.slots, self.stack.peekn(params), self.scope.sp, slot);
        let at = self.slot_address(slot);
        let indices = self.b.ins().iconst(I64, (u64::from(y) << 32 | u64::from(x)).cast_signed());
        self.builtin(layout::BUILTIN_BULK + op as i32 * 8, [at, indices]);
        self.stack.popn(params);
        self.leave_if_asked(Place::Here, &[]);
        if let Some(result) = op.result() {
            let ty = match result {
                BulkResult::I32 => I32,
                BulkResult::Reference => I64,
            };
            let value = self.load_slot(ty, self.scope.sp, slot);
            self.stack.push(value);
        }
    }
}

//! Elements of tables.

use super::translator::Translator;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{InstBuilder, Value};
use dunlin::Trap;
use dunlin::tier::layout;

impl Translator<'_, '_> {
    /// The address of a table's element, with a bounds check that raises `trap`.
    fn element_address(&mut self, table: u32, index: Value, trap: Trap) -> Value {
        let ty = self.view.table(table);
        let table = self.load_word(self.view.table_word(table));
        let index = if ty.is_64() { index } else { self.b.ins().uextend(I64, index) };
        let len = if ty.maximum() == Some(ty.minimum()) {
            self.b.ins().iconst(I64, ty.minimum().cast_signed())
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
        let is_64 = self.view.table(table).is_64();
        let table = self.load_word(self.view.table_word(table));
        let len = self.b.ins().load(I64, self.flags.vm, table, layout::TABLE_LEN);
        let len = if is_64 { len } else { self.b.ins().ireduce(I32, len) };
        self.stack.push(len);
    }
}

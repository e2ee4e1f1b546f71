//! Safepoints: where code checks for stack overflow, fuel and interruption.

use super::deopt::ExitPoint;
use super::translator::Translator;
use crate::compiler::clif::traps;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use dunlin::Trap;
use dunlin::tier::layout;

impl Translator<'_, '_> {
    /// The prologue: claims the frame on the value stack (stack check), and charges fuel for the entry.
    pub(super) fn claim_frame(&mut self, args: &[Value]) {
        let pointer = self.load_vm(layout::VMCTX_LIMIT);
        let limit = self.b.ins().load(I64, self.flags.vm, pointer, 0);
        let end = self.b.ins().iadd_imm_s(self.scope.sp, i64::from(self.scope.shape.frame));
        let over = self.b.ins().icmp(IntCC::UnsignedGreaterThan, end, limit);
        let (cold, go_on) = self.cold_branch(over);
        self.b.switch_to_block(cold);
        self.rare_builtin(layout::BUILTIN_STACK, end);
        self.deopt_if_asked(ExitPoint::Entry, args);
        self.b.ins().jump(go_on, &[]);
        self.b.switch_to_block(go_on);
        self.b.seal_block(go_on);
        if self.options.fuel {
            self.reload_slice();
            self.charge(self.scope.shape.cost, ExitPoint::Entry, args);
        }
    }

    /// Reads the slice of fuel from memory, where what was called may have changed it.
    pub(super) fn reload_slice(&mut self) {
        if let Some(variable) = self.slice {
            let store = self.load_vm(layout::VMCTX_STORE);
            let slice = self.b.ins().load(I64, self.flags.vm, store, layout::STORE_SLICE);
            self.b.def_var(variable, slice);
        }
    }

    /// Takes `cost` from the slice as it is known. What is left isn't written yet.
    pub(super) fn left_of_slice(&mut self, cost: u32) -> Value {
        let variable = self.slice.expect("fuel is counted");
        let slice = self.b.use_var(variable);
        self.b.ins().iadd_imm_s(slice, -i64::from(cost))
    }

    /// Writes the slice to memory at once, since what is executed next may trap.
    pub(super) fn put_slice(&mut self, left: Value) {
        let variable = self.slice.expect("fuel is counted");
        let store = self.load_vm(layout::VMCTX_STORE);
        self.b.ins().store(self.flags.vm, left, store, layout::STORE_SLICE);
        self.b.def_var(variable, left);
    }

    /// Charges fuel from the slice, or calls a builtin to refill it on a cold path.
    pub(super) fn charge(&mut self, cost: u32, point: ExitPoint, args: &[Value]) {
        // A loop that has a back edge costs something, so each turn notices interruptions.
        if cost == 0 {
            return;
        }
        let left = self.left_of_slice(cost);
        let short = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        let (cold, go_on) = (self.b.create_block(), self.b.create_block());
        let paid = self.b.append_block_param(go_on, I64);
        self.b.set_cold_block(cold);
        self.b.ins().brif(short, cold, &[], go_on, &[left.into()]);
        self.b.seal_block(cold);
        self.b.switch_to_block(cold);
        let wanted = self.b.ins().iconst(I64, i64::from(cost));
        self.rare_builtin(layout::BUILTIN_REFILL, wanted);
        self.deopt_if_asked(point, args);
        self.reload_slice();
        let left = self.left_of_slice(cost);
        self.b.ins().jump(go_on, &[left.into()]);
        self.b.switch_to_block(go_on);
        self.b.seal_block(go_on);
        self.put_slice(paid);
    }

    /// Charges fuel for the arm that begins behind the instruction at `at`, if one does.
    pub(super) fn charge_arm(&mut self, at: u64) {
        let scope = &mut self.scope;
        if let Some(arm) = scope.shape.arms.get(scope.arms).copied().filter(|arm| arm.offset == at) {
            scope.arms += 1;
            // Behind an inlined function that never returns there are arms that can't be reached.
            if self.is_unreachable() {
                return;
            }
            self.charge(arm.cost, ExitPoint::Arrival, &[]);
        }
    }

    /// Polls for interruption (safepoint).
    pub(super) fn poll(&mut self) {
        if !self.options.suspends {
            return self.poll_page();
        }
        let pointer = self.load_vm(layout::VMCTX_LIMIT);
        // Not a plain load: Cranelift could merge an inner loop's with that of an outer loop, if the inner loop has no
        // stores.
        let limit = self.b.ins().atomic_load(I64, MemFlagsData::trusted(), pointer);
        let asked = self.b.ins().icmp_imm_s(IntCC::Equal, limit, 0);
        let (cold, go_on) = self.cold_branch(asked);
        self.b.switch_to_block(cold);
        let zero = self.b.ins().iconst(I64, 0);
        self.rare_builtin(layout::BUILTIN_POLL, zero);
        self.deopt_if_asked(ExitPoint::Arrival, &[]);
        self.b.ins().jump(go_on, &[]);
        self.b.switch_to_block(go_on);
        self.b.seal_block(go_on);
    }

    /// Polls by reading a page that is inaccessible while an interruption is wanted: the fault is the trap.
    fn poll_page(&mut self) {
        let page = self.load_vm(layout::VMCTX_POLL);
        let flags = MemFlagsData::trusted().with_trap_code(Some(traps::code(Trap::Interrupt)));
        // Each reads another address: Cranelift could merge two loads of the same one.
        if self.polls < layout::POLL_BYTES / 4 {
            self.b.ins().load(I32, flags, page, self.polls * 4);
            self.polls += 1;
        } else {
            self.b.ins().atomic_load(I32, flags, page);
        }
    }
}

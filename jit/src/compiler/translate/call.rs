//! Calls. Compiled functions are called directly, with values in registers. All others are called through the stub of
//! their type, which finds the callee in `STORE_CALLEE`.

use super::deopt::ExitPoint;
use super::translator::{Translator, block_args};
use crate::compiler::clif::traps;
use crate::compiler::clif::types::clif_type;
use crate::compiler::decline::Decline;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{InstBuilder, Value};
use dunlin::Trap;
use dunlin::tier::layout;

impl Translator<'_, '_> {
    /// The address of the callee's frame, which begins at the first argument's slot. The arguments are popped already.
    fn callee_frame(&mut self) -> Value {
        let slot = self.slot_of_operand(self.stack.len());
        self.slot_address(slot)
    }

    fn pop_args(&mut self, ty: u32) -> Vec<Value> {
        let n = self.view.types()[ty as usize].params().len();
        let args = self.stack.peekn(n).to_vec();
        self.stack.popn(n);
        args
    }

    pub(super) fn call(&mut self, func: u32) -> Result<(), Decline> {
        let args = self.pop_args(self.view.type_of(func));
        let frame = self.callee_frame();
        match func.checked_sub(self.view.imported_funcs()) {
            Some(index) if self.should_inline(index) => {
                self.note_poll();
                self.inline(index, args, frame)
            }
            index => {
                if let Some(index) = index {
                    self.note_poll();
                    if self.is_unlikely(index) {
                        self.mark_cold();
                    }
                }
                let results = self.call_at(func, args, frame);
                self.deopt_if_asked(ExitPoint::AfterCall, &[]);
                results.into_iter().for_each(|value| self.stack.push(value));
                Ok(())
            }
        }
    }

    /// Calls a function with its frame at `frame`.
    fn call_at(&mut self, func: u32, args: Vec<Value>, frame: Value) -> Vec<Value> {
        let ty = self.view.type_of(func);
        let args: Vec<Value> = [self.vm, frame].into_iter().chain(args).collect();
        let call = match func.checked_sub(self.view.imported_funcs()) {
            Some(index) if (self.batch)(index) => {
                let callee = self.direct(index);
                self.b.ins().call(callee, &args)
            }
            _ => {
                let code = self.code_of(func);
                let signature = self.sig_of(ty);
                self.b.ins().call_indirect(signature, code, &args)
            }
        };
        self.reload_slice();
        self.b.inst_results(call).to_vec()
    }

    pub(super) fn call_indirect(&mut self, ty: u32, table: u32) -> Result<(), Decline> {
        let index = self.stack.pop();
        let args = self.pop_args(ty);
        let callee = self.checked_element(ty, table, index);
        let frame = self.callee_frame();
        let view = self.view;
        let likely = *self.likely.entry(ty).or_insert_with(|| view.likely_element(ty));
        let likely = likely.filter(|likely| self.should_inline(*likely));
        let Some(likely) = likely else {
            self.call_func(callee, ty, args, frame);
            return Ok(());
        };
        // Guarded inlining: compares the callee's instance and index with the likely target's.
        let vm = self.b.ins().load(I64, self.flags.vm, callee, layout::FUNC_VM);
        let found = self.b.ins().load(I32, self.flags.vm, callee, layout::FUNC_INDEX);
        let same = self.b.ins().icmp(IntCC::Equal, vm, self.vm);
        let wanted = self.b.ins().icmp_imm_s(IntCC::Equal, found, i64::from(likely));
        let both = self.b.ins().band(same, wanted);
        let (here, other, go_on) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let results = self.view.types()[ty as usize].results();
        for ty in results {
            self.b.append_block_param(go_on, clif_type(ty));
        }
        self.b.set_cold_block(other);
        self.b.ins().brif(both, here, &[], other, &[]);
        self.b.seal_block(here);
        self.b.seal_block(other);
        self.b.switch_to_block(other);
        let code = self.element_code(callee, ty);
        let values = self.call_code(code, ty, args.clone(), frame);
        self.deopt_if_asked(ExitPoint::AfterCall, &[]);
        self.b.ins().jump(go_on, &block_args(&values));
        self.b.switch_to_block(here);
        let below = self.stack.len();
        self.inline(likely, args, frame)?;
        if !self.is_unreachable() {
            let values = self.stack.peekn(results.len()).to_vec();
            self.b.ins().jump(go_on, &block_args(&values));
        }
        self.set_reachable();
        self.stack.truncate(below);
        self.b.switch_to_block(go_on);
        self.b.seal_block(go_on);
        let values = self.b.block_params(go_on).to_vec();
        values.into_iter().for_each(|value| self.stack.push(value));
        Ok(())
    }

    pub(super) fn call_ref(&mut self, ty: u32) {
        let callee = self.stack.pop();
        let args = self.pop_args(ty);
        self.check_callee(callee);
        let frame = self.callee_frame();
        self.call_func(callee, ty, args, frame);
    }

    /// Calls the function whose object `callee` is, which isn't null.
    fn call_func(&mut self, callee: Value, ty: u32, args: Vec<Value>, frame: Value) {
        let code = self.element_code(callee, ty);
        let results = self.call_code(code, ty, args, frame);
        self.deopt_if_asked(ExitPoint::AfterCall, &[]);
        results.into_iter().for_each(|value| self.stack.push(value));
    }

    fn check_callee(&mut self, callee: Value) {
        let is_null = self.b.ins().icmp_imm_s(IntCC::Equal, callee, 0);
        self.trap_if(is_null, Trap::NullReference);
    }

    fn call_code(&mut self, code: Value, ty: u32, args: Vec<Value>, frame: Value) -> Vec<Value> {
        let args: Vec<Value> = [self.vm, frame].into_iter().chain(args).collect();
        let signature = self.sig_of(ty);
        let call = self.b.ins().call_indirect(signature, code, &args);
        self.reload_slice();
        self.b.inst_results(call).to_vec()
    }

    pub(super) fn return_call(&mut self, func: u32) {
        let ty = self.view.type_of(func);
        let args = self.pop_args(ty);
        if self.is_inlining() {
            // The native frame belongs to the outer function and stays. On the value stack, the callee's frame replaces
            // that of the inlined function.
            self.set_position_of_tail_call();
            let results = self.call_at(func, args, self.scope.sp);
            self.deopt_if_asked(ExitPoint::AfterTailCall, &[]);
            return self.return_values(&results);
        }
        if !self.part.is_whole() {
            let callee = self.callee_word(func);
            return self.osr_tail_call(callee, &args);
        }
        let args: Vec<Value> = [self.vm, self.scope.sp].into_iter().chain(args).collect();
        match func.checked_sub(self.view.imported_funcs()) {
            Some(index) if (self.batch)(index) => {
                let callee = self.direct(index);
                self.b.ins().return_call(callee, &args);
            }
            _ => {
                let code = self.code_of(func);
                let signature = self.sig_of(ty);
                self.b.ins().return_call_indirect(signature, code, &args);
            }
        }
        self.set_unreachable();
    }

    pub(super) fn return_call_indirect(&mut self, ty: u32, table: u32) {
        let index = self.stack.pop();
        let args = self.pop_args(ty);
        let callee = self.checked_element(ty, table, index);
        self.return_call_func(callee, ty, args);
    }

    pub(super) fn return_call_ref(&mut self, ty: u32) {
        let callee = self.stack.pop();
        let args = self.pop_args(ty);
        self.check_callee(callee);
        self.return_call_func(callee, ty, args);
    }

    /// Tail-calls the function whose object `callee` is, which isn't null.
    fn return_call_func(&mut self, callee: Value, ty: u32, args: Vec<Value>) {
        if !self.part.is_whole() && !self.is_inlining() {
            return self.osr_tail_call(callee, &args);
        }
        let code = self.element_code(callee, ty);
        if self.is_inlining() {
            self.set_position_of_tail_call();
            let results = self.call_code(code, ty, args, self.scope.sp);
            self.deopt_if_asked(ExitPoint::AfterTailCall, &[]);
            return self.return_values(&results);
        }
        let args: Vec<Value> = [self.vm, self.scope.sp].into_iter().chain(args).collect();
        let signature = self.sig_of(ty);
        self.b.ins().return_call_indirect(signature, code, &args);
        self.set_unreachable();
    }

    /// A tail call from an OSR continuation. The interpreter makes it, with the arguments in the frame's first slots.
    fn osr_tail_call(&mut self, callee: Value, args: &[Value]) {
        self.store_slots(args, 0);
        self.note_callee(callee);
        let no_frame = self.b.ins().iconst(I64, 0);
        self.builtin(layout::BUILTIN_CALL, [self.scope.sp, no_frame]);
        // The builtin doesn't return here.
        self.b.ins().trap(traps::FAILED);
        self.set_unreachable();
    }

    fn note_callee(&mut self, callee: Value) {
        let store = self.load_rarely(self.vm, layout::VMCTX_STORE);
        self.b.ins().store(self.flags.vm, callee, store, layout::STORE_CALLEE);
    }

    /// The word that identifies a callee to the engine, in `STORE_CALLEE`.
    fn callee_word(&mut self, func: u32) -> Value {
        match func.checked_sub(self.view.imported_funcs()) {
            Some(index) => self.b.ins().iconst(I64, i64::from(index) * 2 + 1),
            None => self.load_word(self.view.import_word(func)),
        }
    }

    /// The code pointer for a function outside the batch: its own code, or the stub of its type.
    fn code_of(&mut self, func: u32) -> Value {
        let ty = self.view.type_of(func);
        let Some(index) = func.checked_sub(self.view.imported_funcs()) else {
            let callee = self.callee_word(func);
            return self.stub(callee, ty);
        };
        // Existing code is only evicted together with this code, so its address can be embedded.
        if let Some(code) = self.view.native(index).filter(|_| !self.options.portable) {
            return self.b.ins().iconst(I64, code.addr() as i64);
        }
        let natives = self.load_vm(layout::VMCTX_NATIVES);
        let code = self.b.ins().load(I64, self.flags.vm, natives, index as i32 * 8);
        let (cold, go_on) = (self.b.create_block(), self.b.create_block());
        let known = self.b.append_block_param(go_on, I64);
        self.b.set_cold_block(cold);
        self.b.ins().brif(code, go_on, &[code.into()], cold, &[]);
        self.b.seal_block(cold);
        self.b.switch_to_block(cold);
        let callee = self.callee_word(func);
        let stub = self.stub(callee, ty);
        self.b.ins().jump(go_on, &[stub.into()]);
        self.b.switch_to_block(go_on);
        self.b.seal_block(go_on);
        known
    }

    fn stub(&mut self, callee: Value, ty: u32) -> Value {
        self.note_callee(callee);
        let stubs = self.load_rarely(self.vm, layout::VMCTX_STUBS);
        self.load_rarely(stubs, ty as i32 * 8)
    }

    /// The function object of a table element, after checks of bounds, null and type.
    fn checked_element(&mut self, ty: u32, table: u32, index: Value) -> Value {
        let callee = self.table_element(table, index, Trap::UndefinedElement);
        // The null check is the fault of this load: nothing is mapped at null.
        let flags = self.flags.vm.with_trap_code(Some(traps::code(Trap::IndirectCallToNull)));
        let found = self.b.ins().load(I32, flags, callee, layout::FUNC_SIG);
        if !self.view.is_final(ty) {
            // A subtype has another number; the interpreter knows which are.
            self.refused = Some(Decline::Unsupported("an indirect call by a type that may have subtypes"));
        }
        let wanted = self.signature_number(ty);
        let other = self.b.ins().icmp(IntCC::NotEqual, found, wanted);
        self.trap_if(other, Trap::BadSignature);
        callee
    }

    /// The code pointer for a table element: its own code if it is a compiled function of this instance, and otherwise
    /// the stub of its type.
    fn element_code(&mut self, callee: Value, ty: u32) -> Value {
        let vm = self.b.ins().load(I64, self.flags.vm, callee, layout::FUNC_VM);
        let same = self.b.ins().icmp(IntCC::Equal, vm, self.vm);
        let (here, cold, go_on) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let known = self.b.append_block_param(go_on, I64);
        self.b.set_cold_block(cold);
        self.b.ins().brif(same, here, &[], cold, &[]);
        self.b.seal_block(here);
        self.b.switch_to_block(here);
        let code = self.b.ins().load(I64, self.flags.vm, callee, layout::FUNC_CODE);
        self.b.ins().brif(code, go_on, &[code.into()], cold, &[]);
        self.b.seal_block(cold);
        self.b.switch_to_block(cold);
        let stub = self.stub(callee, ty);
        self.b.ins().jump(go_on, &[stub.into()]);
        self.b.switch_to_block(go_on);
        self.b.seal_block(go_on);
        known
    }

    /// The engine-wide number of one of the module's types, as function objects have it.
    pub(super) fn signature_number(&mut self, ty: u32) -> Value {
        if self.options.portable {
            let numbers = self.load_vm(layout::VMCTX_SIGNATURES);
            return self.b.ins().load(I32, self.flags.vm_readonly, numbers, ty as i32 * 4);
        }
        self.b.ins().iconst(I32, i64::from(self.view.signature(ty)))
    }
}

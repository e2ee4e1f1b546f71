//! Deoptimisation exits: compiled code is left in the middle, and the interpreter continues there later. See
//! `STORE_LEAVING`.

use super::translator::Translator;
use crate::compiler::clif::slots;
use crate::compiler::clif::types::clif_type;
use crate::compiler::scratch::More;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, Value};
use dunlin::tier::layout;

/// Where the innermost function is left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ExitPoint {
    /// After the call at the current position, whose operands are popped.
    AfterCall,
    /// After a tail call by an inlined function, which its callee has replaced: the innermost function is then the one
    /// that it was inlined in.
    AfterTailCall,
    /// At the current instruction, whose operands are popped: their slots have what is left of them.
    Here,
    /// At the header of the loop at the current position, or in the arm that follows the current instruction, before its
    /// fuel is charged.
    Arrival,
    /// At the entry of the current function, whose arguments are given.
    Entry,
}

impl Translator<'_, '_> {
    /// Emits a check of `STORE_LEAVING` and a cold path that leaves this code.
    pub(super) fn deopt_if_asked(&mut self, point: ExitPoint, args: &[Value]) {
        if !self.options.suspends {
            return;
        }
        let store = self.load_rarely(self.vm, layout::VMCTX_STORE);
        let leaving = self.load_rarely(store, layout::STORE_LEAVING);
        let (cold, go_on) = self.cold_branch(leaving);
        self.b.switch_to_block(cold);
        self.deopt_exit(point, args);
        self.b.switch_to_block(go_on);
        self.b.seal_block(go_on);
    }

    /// Emits the exit: writes the frames of the function and of those that it is inlined in to slots, and returns.
    fn deopt_exit(&mut self, point: ExitPoint, args: &[Value]) {
        let scopes = self.outer.len() + 1;
        for depth in (0..scopes).rev() {
            let innermost = depth == scopes - 1;
            if innermost && point == ExitPoint::AfterTailCall {
                continue;
            }
            let kind = match point {
                ExitPoint::Here if innermost => layout::LEFT_AT,
                ExitPoint::Arrival if innermost => layout::LEFT_AT_CHARGE,
                ExitPoint::Entry if innermost => layout::LEFT_AT_ENTRY,
                _ => layout::LEFT_AFTER,
            };
            if kind == layout::LEFT_AT_ENTRY {
                if !self.admits(More { instructions: 2 * args.len() as u64, ..More::default() }) {
                    return;
                }
                self.store_slots(args, 0);
            } else {
                self.store_scope(depth);
            }
            let scope = self.outer.get(depth).unwrap_or(&self.scope);
            let (sp, index) = (scope.sp, scope.index);
            // An outer scope is left at the call that was inlined; the innermost at the current instruction.
            let inner = if innermost { None } else { Some(self.outer.get(depth + 1).unwrap_or(&self.scope)) };
            let offset = inner.map_or(self.offset, |inner| inner.call_offset);
            let place = kind | u64::from(offset) << 32 | u64::from(index);
            let place = self.b.ins().iconst(I64, place.cast_signed());
            self.builtin(layout::BUILTIN_LEFT, [sp, place]);
        }
        if !self.part.is_whole() {
            self.b.ins().return_(&[]);
            return;
        }
        // The results are never read.
        let ty = self.outer.first().unwrap_or(&self.scope).ty;
        let types: Vec<_> = ty.results().map(clif_type).collect();
        let results: Vec<Value> = types.into_iter().map(|ty| self.zero(ty)).collect();
        self.b.ins().return_(&results);
    }

    /// Writes the locals of the scope at `depth` to their slots. False if the memory for it isn't admitted.
    pub(super) fn store_locals(&mut self, depth: usize) -> bool {
        let scope = self.outer.get(depth).unwrap_or(&self.scope);
        let sp = scope.sp;
        let differs = |i: usize| scope.written.as_ref().is_none_or(|written| written[i]);
        let locals: Vec<_> =
            scope.locals.iter().enumerate().filter(|(i, _)| differs(*i)).map(|(_, l)| *l).collect();
        for (variable, _, slot) in locals {
            if !self.admits(self.lookups(1)) {
                return false;
            }
            let value = self.b.use_var(variable);
            self.store_slot(value, sp, slot);
        }
        true
    }

    /// Writes the locals and operands of the scope at `depth` to their slots.
    fn store_scope(&mut self, depth: usize) {
        let scope = self.outer.get(depth).unwrap_or(&self.scope);
        let (sp, first) = (scope.sp, scope.shape.operands);
        let last = match self.outer.get(depth + 1) {
            Some(inner) => inner.first_operand,
            None if depth < self.outer.len() => self.scope.first_operand,
            None => self.stack.len(),
        };
        let operands = scope.first_operand..last;
        if !self.store_locals(depth) {
            return;
        }
        let n = operands.len() as u64;
        if !self.admits(More { instructions: 2 * n, ..More::default() }) {
            return;
        }
        slots::store(&mut self.b, self.flags.slots, &self.stack[operands], sp, first);
    }
}

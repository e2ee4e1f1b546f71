//! Leaving compiled code in the middle, so that the interpreter can go on there later: see `STORE_LEAVING`.

use super::func::{Part, Translator, clif_type};
use super::slots;
use crate::scratch::More;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, Value};
use dunlin::tier::layout;

/// Where the innermost function is left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind the call at the current position, whose operands are popped.
    AfterCall,
    /// The same, in the function that the current one is inlined in: the current one has been replaced by what it called.
    AfterTailCall,
    /// At the current instruction, with its operands on the stack.
    Here,
    /// At the arrival at the loop at the current position.
    Loop,
    /// Before the current function begins, whose arguments these are.
    Entry,
}

impl Translator<'_, '_> {
    /// Leaves, if that is being done.
    pub(super) fn leave_if_asked(&mut self, place: Place, args: &[Value]) {
        if !self.options.suspends {
            return;
        }
        let store = self.load_rarely(self.vm, layout::VMCTX_STORE);
        let leaving = self.load_rarely(store, layout::STORE_LEAVING);
        let (cold, go_on) = self.cold_branch(leaving);
        self.b.switch_to_block(cold);
        self.leave_now(place, args);
        self.b.switch_to_block(go_on);
        self.b.seal_block(go_on);
    }

    fn leave_now(&mut self, place: Place, args: &[Value]) {
        let scopes = self.outer.len() + 1;
        for depth in (0..scopes).rev() {
            let innermost = depth == scopes - 1;
            if innermost && place == Place::AfterTailCall {
                continue;
            }
            let kind = match place {
                Place::Here if innermost => layout::LEFT_AT,
                Place::Loop if innermost => layout::LEFT_AT_LOOP,
                Place::Entry if innermost => layout::LEFT_AT_ENTRY,
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
            // What is inlined knows where; the innermost is at the current instruction.
            let inner = if innermost { None } else { Some(self.outer.get(depth + 1).unwrap_or(&self.scope)) };
            let offset = inner.map_or(self.offset, |inner| inner.call_offset);
            let place = kind | u64::from(offset) << 32 | u64::from(index);
            let place = self.b.ins().iconst(I64, place.cast_signed());
            self.builtin(layout::BUILTIN_LEFT, [sp, place]);
        }
        if let Part::From(_) = self.part {
            self.b.ins().return_(&[]);
            return;
        }
        // Nobody looks at them.
        let ty = self.outer.first().unwrap_or(&self.scope).ty;
        let types: Vec<_> = ty.results().iter().map(|ty| clif_type(*ty)).collect();
        let results: Vec<Value> = types.into_iter().map(|ty| self.zero(ty)).collect();
        self.b.ins().return_(&results);
    }

    /// Writes the locals and operands of a function to their slots.
    fn store_scope(&mut self, depth: usize) {
        let scope = self.outer.get(depth).unwrap_or(&self.scope);
        let (sp, first) = (scope.sp, scope.shape.operands);
        let last = match self.outer.get(depth + 1) {
            Some(inner) => inner.first_operand,
            None if depth < self.outer.len() => self.scope.first_operand,
            None => self.stack.len(),
        };
        let operands = scope.first_operand..last;
        for (variable, _, slot) in scope.locals.clone() {
            if !self.admits(self.lookups(1)) {
                return;
            }
            let value = self.b.use_var(variable);
            self.store_slot(value, sp, slot);
        }
        let n = operands.len() as u64;
        if !self.admits(More { instructions: 2 * n, ..More::default() }) {
            return;
        }
        slots::store(&mut self.b, self.flags.slots, &self.stack[operands], sp, first);
    }
}

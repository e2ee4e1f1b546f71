//! Small functions that are called directly become part of their callers: a call costs more than they do.
//!
//! An inlined function claims its frame and pays for its entry as if it were called, so that stacks end and fuel runs out
//! where they do in the interpreter; and backtraces name it.

use super::control::{Frame, wasm_type};
use super::func::{Translator, clif_type, unexpected};
use super::slots::slots_of;
use super::unit::Decline;
use crate::runtime::{INLINED, Inlined};
use cranelift_codegen::ir::{SourceLoc, Type, Value};
use cranelift_frontend::Variable;
use dunlin::FuncType;
use dunlin::tier::Shape;
use std::rc::Rc;
use wasmparser::{BinaryReader, FunctionBody};

/// A function of so many bytes is inlined wherever it is called.
const SMALL: u32 = 32;

/// One that was found executing is, if it has no more than so many.
const SMALL_AND_HOT: u32 = 200;

/// So deep.
const DEPTH: usize = 4;

/// And so many bytes in all, besides twice its own.
const ALL: u32 = 1000;

/// What is being translated: the function itself, or one that is inlined in it.
pub(super) struct Scope<'a> {
    /// The function's index among those that the module defines.
    pub(super) index: u32,
    pub(super) shape: Rc<Shape>,
    pub(super) ty: &'a FuncType,
    /// Slot 0 of its frame.
    pub(super) sp: Value,
    /// Variable, type and slot of each local.
    pub(super) locals: Vec<(Variable, Type, u32)>,
    /// Loops that were reached so far.
    pub(super) loops: usize,
    /// Its first operand, and its outermost block.
    pub(super) first_operand: usize,
    pub(super) first_frame: usize,
    /// The position that it is inlined at, if it is, and the offset of the call there.
    pub(super) at: Option<u32>,
    pub(super) call_offset: u32,
}

impl<'a> Translator<'a, '_> {
    pub(super) fn is_inlining(&self) -> bool {
        !self.outer.is_empty()
    }

    /// Notes where in the module what comes next is from.
    pub(super) fn set_position(&mut self, offset: u32) {
        let position = match self.scope.at {
            None => offset,
            Some(at) => {
                self.inlined.push(Inlined { index: self.scope.index, offset, at });
                INLINED | (self.inlined.len() as u32 - 1)
            }
        };
        (self.position, self.offset) = (position, offset);
        self.b.set_srcloc(SourceLoc::new(position));
    }

    /// What comes next is a tail call of an inlined function, for which that isn't in backtraces any more.
    pub(super) fn leave_inlined(&mut self) {
        let at = self.scope.at.expect("it is inlined");
        self.b.set_srcloc(SourceLoc::new(at));
    }

    /// The function that everything is inlined in.
    fn outermost(&self) -> u32 {
        self.outer.first().unwrap_or(&self.scope).index
    }

    /// Whether calls of a function aren't expected to happen: what is being translated has been executed often, and it was never called.
    pub(super) fn is_unlikely(&self, index: u32) -> bool {
        self.view.samples(self.outermost()) > 0 && !self.view.was_called(index)
    }

    /// Whether to inline a function here.
    pub(super) fn should_inline(&self, index: u32) -> bool {
        let size = self.view.body_size(index);
        let small = size <= SMALL;
        let profiled =
            || (small || size <= SMALL_AND_HOT && self.view.samples(index) > 0) && !self.is_unlikely(index);
        let wanted = if self.options.by_profile { profiled() } else { small };
        let recursive = || self.outer.iter().chain([&self.scope]).any(|scope| scope.index == index);
        let own = self.view.body_size(self.outermost());
        wanted
            // Until then, loops may be entered with everything in slots.
            && self.entrance.is_none()
            && self.outer.len() < DEPTH
            && self.inlined_bytes + size <= ALL + 2 * own
            && self.inlined.len() < (INLINED / 2) as usize
            && !recursive()
    }

    /// Translates a function in place of a call, whose arguments have been popped.
    pub(super) fn inline(&mut self, index: u32, args: Vec<Value>, frame: Value) -> Result<(), Decline> {
        let func = self.view.imported_funcs() + index;
        let ty = &self.view.types()[self.view.type_of(func) as usize];
        let shape = self.view.shape(index).map_err(|error| Decline::of(&error))?;
        self.inlined_bytes += self.view.body_size(index);
        let (at, call_offset) = (self.position, self.offset);
        let scope = Scope {
            index,
            shape: Rc::new(shape),
            ty,
            sp: frame,
            locals: Vec::new(),
            loops: 0,
            first_operand: self.stack.len(),
            first_frame: self.frames.len(),
            at: Some(at),
            call_offset,
        };
        self.outer.push(std::mem::replace(&mut self.scope, scope));
        // Whatever fails here, fails in the caller.
        self.claim_frame(&args);
        let read = self.view.with_body(index, |bytes, offset| {
            let reader = BinaryReader::new_features(bytes, offset, self.view.features());
            let body = FunctionBody::new(reader);
            self.declare_locals(&body, Some(&args))?;
            self.begin_function();
            self.operators(&body)
        });
        read.map_err(|error| Decline::of(&error))??;
        self.scope = self.outer.pop().expect("pushed above");
        (self.position, self.offset) = (at, call_offset);
        self.b.set_srcloc(SourceLoc::new(at));
        Ok(())
    }

    /// Makes variables of a function's locals: of its arguments, if they are known, and zeros.
    pub(super) fn declare_locals(
        &mut self,
        body: &FunctionBody<'_>,
        args: Option<&[Value]>,
    ) -> Result<(), Decline> {
        let mut slot = 0;
        for (i, ty) in self.scope.ty.params().iter().enumerate() {
            let ty = clif_type(*ty);
            let variable = self.declare_variable(ty);
            self.scope.locals.push((variable, ty, slot));
            slot += slots_of(ty);
            if let Some(args) = args {
                self.b.def_var(variable, args[i]);
            }
        }
        slot = self.scope.shape.header + 2;
        for group in body.get_locals_reader().map_err(|_| unexpected())? {
            let (n, ty) = group.map_err(|_| unexpected())?;
            let ty = wasm_type(ty);
            self.scratch.need_for(self.b.func, self.variables + n as usize, 0)?;
            let zero = args.is_some().then(|| self.zero(ty));
            for _ in 0..n {
                let variable = self.declare_variable(ty);
                self.scope.locals.push((variable, ty, slot));
                slot += slots_of(ty);
                if let Some(zero) = zero {
                    self.b.def_var(variable, zero);
                }
            }
        }
        debug_assert_eq!(slot, self.scope.shape.operands);
        Ok(())
    }

    /// The outermost block of the function that is being translated.
    pub(super) fn function_frame(&mut self) -> &mut Frame {
        &mut self.frames[self.scope.first_frame]
    }
}

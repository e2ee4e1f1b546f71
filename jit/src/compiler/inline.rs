//! Small functions that are called directly become part of their callers: a call costs more than they do.
//!
//! An inlined function claims its frame and pays for its entry as if it were called, so that stacks end and fuel runs out
//! where they do in the interpreter; and backtraces name it.

use super::control::wasm_type;
use super::func::{Translator, clif_type, unexpected};
use super::slots::slots_of;
use super::unit::Decline;
use crate::runtime::{INLINED, Inlined};
use crate::scratch::More;
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

/// With so many params and locals, each of which is a variable for Cranelift.
const MOST_LOCALS: u32 = 128;

/// And so much in all, besides twice its own bytes: bytes, locals, and what any call takes.
const ALL: u32 = 1000;

/// What an inlined call takes besides, in terms of bytes: it claims a frame, and those around it are written to slots and
/// named in the code's map, each at every level.
const CALL: u32 = 4;

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
    pub(super) fn should_inline(&mut self, index: u32) -> bool {
        let size = self.view.body_size(index);
        let small = size <= SMALL;
        let wanted = if self.options.by_profile {
            (small || size <= SMALL_AND_HOT && self.view.samples(index) > 0) && !self.is_unlikely(index)
        } else {
            small
        };
        self.profile_mattered |= wanted != small;
        let recursive = || self.outer.iter().chain([&self.scope]).any(|scope| scope.index == index);
        let own = self.view.body_size(self.outermost());
        wanted
            // Until then, loops may be entered with everything in slots.
            && self.entrance.is_none()
            && self.outer.len() < DEPTH
            && self.inlined.len() < (INLINED / 2) as usize
            && !recursive()
            && self.locals_of(index) <= MOST_LOCALS
            && self.inlined_cost + self.cost_of_inlining(index) <= ALL + 2 * own
            && self.scratch.has_room_to_inline(self.b.func)
    }

    /// What inlining a function here takes, in terms of bytes of a body.
    fn cost_of_inlining(&mut self, index: u32) -> u32 {
        self.view.body_size(index) + self.locals_of(index) + CALL * (self.outer.len() as u32 + 1)
    }

    /// How many params, results and locals a function has.
    fn locals_of(&mut self, index: u32) -> u32 {
        let view = self.view;
        *self.locals.entry(index).or_insert_with(|| {
            let ty = &view.types()[view.type_of(view.imported_funcs() + index) as usize];
            let locals = view.with_body(index, |bytes, offset| {
                let body = FunctionBody::new(BinaryReader::new_features(bytes, offset, view.features()));
                let groups = body.get_locals_reader().ok()?.into_iter();
                groups.map(|group| Some(group.ok()?.0)).sum::<Option<u32>>()
            });
            // What can't be read isn't inlined.
            let locals = locals.ok().flatten().unwrap_or(u32::MAX);
            locals.saturating_add((ty.params().len() + ty.results().len()) as u32)
        })
    }

    /// Translates a function in place of a call, whose arguments have been popped.
    pub(super) fn inline(&mut self, index: u32, args: Vec<Value>, frame: Value) -> Result<(), Decline> {
        let func = self.view.imported_funcs() + index;
        let ty = &self.view.types()[self.view.type_of(func) as usize];
        let shape = self.view.shape(index).map_err(|error| Decline::of(&error))?;
        self.inlined_cost += self.cost_of_inlining(index);
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
            self.scratch.need_for(self.b.func, self.variables + n as usize, More::default())?;
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
}

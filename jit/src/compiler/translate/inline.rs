//! Inlining of small functions, whose call costs more than their body. Calls through tables are inlined behind a guard.
//!
//! An inlined function claims its frame on the value stack and charges fuel for its entry like a called one, so stack
//! overflow and fuel exhaustion happen where they do in the interpreter. Backtraces name it.

use super::translator::{Scope, Translator};
use crate::code::{INLINED, Inlined};
use crate::compiler::decline::Decline;
use cranelift_codegen::ir::{SourceLoc, Value};
use std::rc::Rc;
use wasmparser::{BinaryReader, FunctionBody};

/// Functions of at most this many bytes are inlined whether or not they were sampled.
const SMALL: u32 = 32;

/// Sampled functions are inlined up to this many bytes.
const SMALL_AND_HOT: u32 = 200;

/// Functions of at most so many bytes are inlined into themselves once; twice; each multiplies the code by the calls in it.
const SELF: [u32; 2] = [100, 60];

/// In functions of more bytes, loops are not inlined: too much else wants the registers.
const FEW_VALUES: u32 = 1000;

/// The maximum depth of inlining.
const DEPTH: usize = 4;

/// The most params, results and locals of an inlined function. Each param and local is a Cranelift variable.
const MOST_LOCALS: u32 = 128;

/// The inlining budget of a function, besides twice its own bytes. It is spent on the callees' bytes, params, results
/// and locals, and on [`CALL_COST`].
const INLINING_BUDGET: u32 = 1000;

/// The fixed cost of an inlined call for each level of depth, in bytes: it claims a frame, and each frame around it is
/// written to slots and recorded in the code map.
const CALL_COST: u32 = 4;

impl<'a> Translator<'a, '_> {
    pub(super) fn is_inlining(&self) -> bool {
        !self.outer.is_empty()
    }

    /// Sets the position of the instructions that follow.
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

    /// Sets the position for a tail call by an inlined function. That function is in no backtrace any more, so the
    /// position is that of the inlined call.
    pub(super) fn set_position_of_tail_call(&mut self) {
        let at = self.scope.at.expect("it is inlined");
        self.b.set_srcloc(SourceLoc::new(at));
    }

    /// The function that is being compiled, which all others are inlined in.
    fn outermost(&self) -> u32 {
        self.outer.first().unwrap_or(&self.scope).index
    }

    /// Whether calls of a function are unlikely: the function that is being compiled was sampled, and the callee was
    /// never called.
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
        let times = self.levels_of(index);
        let own = self.view.body_size(self.outermost());
        wanted
            // Not before the OSR entry: up to there, all values must have slots of this function's own frame.
            && self.osr_block.is_none()
            && self.outer.len() < DEPTH
            && self.inlined.len() < (INLINED / 2) as usize
            && times <= SELF.iter().filter(|most| size <= **most).count()
            && self.locals_of(index) <= MOST_LOCALS
            && self.inlined_cost + self.cost_of_inlining(index) <= INLINING_BUDGET + 2 * own
            && self.scratch.has_room_to_inline(self.b.func)
            && (small || times > 0 || own <= FEW_VALUES || !self.has_loops(index))
    }

    /// How often a function is around the place that is being translated.
    fn levels_of(&self, index: u32) -> usize {
        self.outer.iter().chain([&self.scope]).filter(|scope| scope.index == index).count()
    }

    /// Whether a function has loops: then its call costs little beside its work, and in a function of its own the loops have
    /// all registers.
    fn has_loops(&self, index: u32) -> bool {
        self.view.shape(index).is_ok_and(|shape| !shape.loops.is_empty())
    }

    /// The cost of inlining a function here, in bytes of a body.
    fn cost_of_inlining(&mut self, index: u32) -> u32 {
        self.view.body_size(index) + self.locals_of(index) + CALL_COST * (self.outer.len() as u32 + 1)
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
            // A body that can't be read isn't inlined.
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
            written: None,
            tries: None,
            loops: 0,
            arms: 0,
            first_operand: self.stack.len(),
            first_frame: self.frames.len(),
            at: Some(at),
            call_offset,
        };
        self.outer.push(std::mem::replace(&mut self.scope, scope));
        // A trap of the prologue is reported in the caller, at the call.
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
}

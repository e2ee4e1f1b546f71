//! Islands: a loop is compiled alone, where its function is too large. It is entered and left with all values in slots.
//!
//! Operands below the loop stay in their slots, and so do locals that it doesn't set.

use super::control_stack::{BlockKind, ControlFrame};
use super::translator::{Part, Translator, unexpected};
use crate::compiler::clif::slots;
use crate::compiler::decline::Decline;
use crate::compiler::scratch::More;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, SourceLoc, Value};
use dunlin::tier::{Island, layout};
use wasmparser::{BinaryReader, BlockType, FunctionBody, Operator, OperatorsReader};

impl Translator<'_, '_> {
    /// Translates a loop of a function, whose body is `bytes` and begins at `offset` in the module.
    pub(super) fn island(
        &mut self,
        body: &FunctionBody<'_>,
        bytes: &[u8],
        offset: u64,
        island: &Island,
    ) -> Result<(), Decline> {
        let (first, end) = (island.enters.offset - offset, island.end + 1 - offset);
        let code = bytes.get(first as usize..end as usize).ok_or_else(unexpected)?;
        let reader = || {
            let features = self.view.features();
            OperatorsReader::new(BinaryReader::new_features(code, island.enters.offset, features))
        };
        let (mut all, code) = (reader(), reader());
        self.declare_locals(body, None)?;
        let n = self.scope.locals.len();
        let (mut used, mut written) = (vec![false; n], vec![false; n]);
        let Operator::Loop { blockty } = all.read().map_err(|_| unexpected())? else {
            return Err(unexpected());
        };
        while !all.eof() {
            match all.read().map_err(|_| unexpected())? {
                Operator::LocalGet { local_index } => used[local_index as usize] = true,
                Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                    (used[local_index as usize], written[local_index as usize]) = (true, true);
                }
                _ => {}
            }
        }
        self.b.set_srcloc(SourceLoc::new(crate::code::ENTRY));
        for (i, _) in used.iter().enumerate().filter(|(_, used)| **used) {
            self.need(More { instructions: 1, ..More::default() })?;
            let (variable, ty, slot) = self.scope.locals[i];
            let value = self.load_slot(ty, self.scope.sp, slot);
            self.b.def_var(variable, value);
        }
        self.scope.written = Some(written);
        self.set_operands(island.base);
        self.push_outer(island);
        let depth = self.frames.len();
        let (params, _) = self.block_types(blockty);
        let values = slots::load(&mut self.b, self.flags.slots, params, self.scope.sp, island.base);
        values.into_iter().for_each(|value| self.stack.push(value));
        self.reload_slice();
        self.all(code)?;
        debug_assert_eq!(self.frames.len(), depth);
        if !self.is_unreachable() {
            let values = self.stack.peekn(self.stack.len()).to_vec();
            self.land_behind(&values, island.base, island.behind);
        }
        self.leave_outer(island)?;
        self.leave_thrown(island)
    }

    /// Before a loop around this one is arrived at, `depth` frames out: puts the values for its label where they belong,
    /// since the execution may be suspended there.
    pub(super) fn put_outer_values(&mut self, depth: u32) {
        let i = self.frames.len() - 1 - depth as usize;
        if let Part::Island(island) = self.part
            && let BlockKind::Outer(types) = &self.frames[i].kind
        {
            let values = self.stack.split_off(self.stack.len() - types.len());
            self.store_slots(&values, island.around[i].base);
        }
    }

    /// Pushes a control frame for each label around the loop.
    fn push_outer(&mut self, island: &Island) {
        self.begin_function();
        for outer in &island.around[1..] {
            let (params, results) = self.block_types(outer.ty);
            let types = if outer.enters.is_some() { params } else { results };
            let loop_header = outer.enters.map(|enters| (enters, self.block_with(&types)));
            self.frames.push(ControlFrame {
                label_values: types.len(),
                results: types.len(),
                kind: BlockKind::Outer(types),
                ty: BlockType::Empty,
                height: 0,
                loop_header,
                end: None,
                polled: false,
                unreachable: false,
                skipped: 0,
                variables: false,
            });
        }
    }

    /// Emits the ways out of the loop by branches.
    fn leave_outer(&mut self, island: &Island) -> Result<(), Decline> {
        for (i, outer) in island.around.iter().enumerate() {
            let header = self.frames[i].loop_header.map(|(_, header)| header);
            let Some(end) = self.frames[i].end.or(header) else { continue };
            self.b.switch_to_block(end);
            self.b.seal_block(end);
            let values = self.b.block_params(end).to_vec();
            if i == 0 {
                self.emit_return(&values);
            } else {
                self.land_behind(&values, outer.base, outer.word);
            }
            if let Some(why) = self.refused.take() {
                return Err(why);
            }
        }
        Ok(())
    }

    /// Emits the way out of the loop for exceptions that it doesn't catch: the interpreter looks for who does.
    fn leave_thrown(&mut self, island: &Island) -> Result<(), Decline> {
        if let Some(thrown) = self.thrown {
            self.b.switch_to_block(thrown);
            self.b.seal_block(thrown);
            self.b.set_cold_block(thrown);
            let deepest = island.around.len() as u64 - 1;
            let header = u64::from(island.enters.header) + 1;
            self.land_at(&[], 0, header | deepest << layout::LANDING_DEPTH | layout::LANDING_THROWS);
        }
        self.refused.take().map_or(Ok(()), Err)
    }

    /// Leaves the loop: the interpreter goes on at `word`, with these values in slots from `base` on.
    fn land_behind(&mut self, values: &[Value], base: u32, word: u32) {
        self.land_at(values, base, u64::from(word) + 1);
    }

    /// The same, with what `STORE_LANDING` becomes.
    fn land_at(&mut self, values: &[Value], base: u32, landing: u64) {
        if !self.store_locals(0) {
            return;
        }
        self.store_slots(values, base);
        let store = self.load_rarely(self.vm, layout::VMCTX_STORE);
        let landing = self.b.ins().iconst(I64, landing.cast_signed());
        self.b.ins().store(self.flags.vm, landing, store, layout::STORE_LANDING);
        self.b.ins().return_(&[]);
    }

    /// Has operands be in slots from `base` on.
    fn set_operands(&mut self, base: u32) {
        let mut shape = (*self.scope.shape).clone();
        shape.operands = base;
        self.scope.shape = shape.into();
    }
}

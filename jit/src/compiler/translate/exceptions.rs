//! Throwing and catching.
//!
//! Entering a protected block emits nothing. A call within one is a `try_call`, whose exception table names a landing for
//! each clause around it, the innermost first. What is thrown goes there directly: the engine looks the call's return
//! address up. Nothing is in registers at a landing but the stack pointer and the frame pointer.

use super::control_stack::BlockKind;
use super::deopt::ExitPoint;
use super::translator::{Part, Translator, unexpected};
use crate::code::{Catches, What};
use crate::compiler::clif::slots;
use crate::compiler::clif::traps;
use crate::compiler::clif::types::clif_type;
use crate::compiler::decline::Decline;
use crate::compiler::scratch::More;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, ExceptionTag, FuncRef, InstBuilder,
    SigRef, Type, Value,
};
use dunlin::Trap;
use dunlin::tier::layout;
use std::collections::HashMap;
use wasmparser::{BlockType, Catch, Operator, OperatorsReader, TryTable};

/// A clause of a block.
#[derive(Clone)]
pub(super) struct Clause {
    /// The tag, or all.
    tag: Option<u32>,
    /// Whether it wants a reference to the exception.
    refers: bool,
    /// For a `try_table`: where control goes, counted from outside of it.
    label: u32,
    /// Where exceptions land, once a call may throw some.
    landing: Option<Block>,
}

/// A `try`, as it was before the standard: its clauses, how many of them have begun, and the label that it delegates to.
#[derive(Default)]
pub(super) struct Try {
    clauses: Vec<Clause>,
    begun: usize,
    delegates: Option<u32>,
}

/// What is called.
pub(super) enum Callee {
    Direct(FuncRef),
    Code(SigRef, Value),
}

/// Whether a call may be left by an exception into the function itself, or only into those that it is inlined in, since it
/// replaces the frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Replaces {
    Nothing,
    Frame,
}

/// What the `try`s of a function have behind them, by their offset, from `first` on, behind which `reader` is.
pub(super) fn tries(mut reader: OperatorsReader<'_>, first: u64) -> Result<HashMap<u64, Try>, Decline> {
    let mut found = HashMap::from([(first, Try::default())]);
    let mut open = vec![Some(first)];
    while !reader.eof() {
        let (operator, at) = reader.read_with_offset().map_err(|_| unexpected())?;
        let innermost = |open: &[Option<u64>]| open.last().copied().flatten().unwrap_or(first);
        match operator {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::TryTable { .. } => open.push(None),
            Operator::Try { .. } => {
                found.insert(at, Try::default());
                open.push(Some(at));
            }
            Operator::Catch { .. } | Operator::CatchAll => {
                let tag = if let Operator::Catch { tag_index } = operator { Some(tag_index) } else { None };
                let clause = Clause { tag, refers: false, label: 0, landing: None };
                found.entry(innermost(&open)).or_default().clauses.push(clause);
            }
            Operator::Rethrow { relative_depth } => {
                let target = open.iter().rev().nth(relative_depth as usize).copied().flatten();
                let clause = target.and_then(|at| found.get_mut(&at)?.clauses.last_mut());
                clause.into_iter().for_each(|clause| clause.refers = true);
            }
            Operator::Delegate { relative_depth } => {
                found.entry(innermost(&open)).or_default().delegates = Some(relative_depth);
                open.pop();
            }
            Operator::End => _ = open.pop(),
            _ => {}
        }
    }
    Ok(found)
}

impl Translator<'_, '_> {
    pub(super) fn throw(&mut self, tag: u32) {
        let params = self.view.tag_type(tag).params().len();
        let below = self.stack.len() - params;
        let slot = self.slot_of_operand(below);
        self.mark_cold();
        slots::store(&mut self.b, self.flags.slots, self.stack.peekn(params), self.scope.sp, slot);
        let at = self.slot_address(slot);
        let word = self.b.ins().iconst(I64, i64::from(self.view.tag_word(tag)));
        let store = self.load_rarely(self.vm, layout::VMCTX_STORE);
        self.b.ins().store(self.flags.vm, word, store, layout::STORE_THROWN);
        self.stack.popn(params);
        self.throw_by(layout::BUILTIN_THROW, at);
    }

    pub(super) fn throw_ref(&mut self) {
        let slot = self.slot_of_operand(self.stack.len() - 1);
        let reference = self.stack.pop();
        self.mark_cold();
        self.store_slot(reference, self.scope.sp, slot);
        self.throw_by(layout::BUILTIN_THROW_REF, reference);
    }

    pub(super) fn rethrow(&mut self, label: u32) {
        let i = self.frames.len() - 1 - label as usize;
        self.mark_cold();
        let reference = match (&self.frames[i].kind, self.part) {
            (BlockKind::Outer(_), Part::Island(island)) => {
                self.load_slot(I64, self.scope.sp, island.around[i].base)
            }
            _ => self.stack[self.frames[i].height],
        };
        self.throw_by(layout::BUILTIN_THROW_REF, reference);
    }

    /// Throws by a builtin, which doesn't return unless it fails, and ends the path.
    fn throw_by(&mut self, builtin: i32, arg: Value) {
        let (signature, bridge) = self.bridge_to(builtin, arg);
        self.call_code_or_land(Callee::Code(signature, bridge), &[self.vm], Replaces::Nothing);
        self.deopt_if_asked(ExitPoint::Here, &[]);
        self.b.ins().trap(traps::code(Trap::UnreachableCodeReached));
        self.set_unreachable();
    }

    /// Calls, so that exceptions land where clauses around the call say.
    pub(super) fn call_code_or_land(
        &mut self,
        callee: Callee,
        args: &[Value],
        replaces: Replaces,
    ) -> Vec<Value> {
        let handlers = self.handlers(replaces);
        if handlers.is_empty() {
            let call = match callee {
                Callee::Direct(func) => self.b.ins().call(func, args),
                Callee::Code(signature, code) => self.b.ins().call_indirect(signature, code, args),
            };
            return self.b.inst_results(call).to_vec();
        }
        let signature = match callee {
            Callee::Direct(func) => self.b.func.dfg.ext_funcs[func].signature,
            Callee::Code(signature, _) => signature,
        };
        let returns = &self.b.func.dfg.signatures[signature].returns;
        let types: Vec<Type> = returns.iter().map(|result| result.value_type).collect();
        let next = self.block_with(&types);
        let lists = &mut self.b.func.dfg.value_lists;
        let returned = (0..types.len() as u32).map(BlockArg::TryCallRet);
        let returned = BlockCall::new(next, returned, lists);
        let items: Vec<_> = handlers
            .into_iter()
            .map(|(catches, landing)| {
                ExceptionTableItem::Tag(ExceptionTag::from_u32(catches), BlockCall::new(landing, [], lists))
            })
            .collect();
        let table = ExceptionTableData::new(signature, returned, items);
        let table = self.b.func.dfg.exception_tables.push(table);
        match callee {
            Callee::Direct(func) => self.b.ins().try_call(func, args, table),
            Callee::Code(_, code) => self.b.ins().try_call_indirect(code, args, table),
        };
        self.b.seal_block(next);
        self.b.switch_to_block(next);
        self.b.block_params(next).to_vec()
    }

    /// What catches exceptions that leave a call here, the innermost first: as it is encoded, and where they land.
    fn handlers(&mut self, replaces: Replaces) -> Vec<(u32, Block)> {
        let mut found = Vec::new();
        let upto = match replaces {
            Replaces::Nothing => usize::MAX,
            Replaces::Frame => self.scope.first_frame,
        };
        // Exceptions come from outside of this control frame.
        let mut reached = upto;
        let without = usize::from(replaces == Replaces::Frame);
        for at in (0..self.protecting.len()).rev() {
            let i = self.protecting[at];
            if i >= reached {
                continue;
            }
            let inner = self.outer.iter().chain([&self.scope]).filter(|scope| scope.first_frame > i).count();
            let clauses = match &mut self.frames[i].kind {
                BlockKind::TryTable(_, clauses) => clauses,
                BlockKind::Try(Try { clauses, delegates: None, .. }) => clauses,
                BlockKind::Try(Try { delegates: Some(label), .. }) => {
                    reached = i - *label as usize;
                    continue;
                }
                _ => continue,
            };
            for clause in clauses {
                let what = clause.tag.map_or(What::All, |tag| What::Tag(self.view.tag_word(tag)));
                let landing = *clause.landing.get_or_insert_with(|| self.b.create_block());
                let scopes = (inner - without) as u32;
                let Some(catches) = (Catches { what, scopes }).encode() else {
                    self.refused = Some(Decline::Unsupported("so many tags"));
                    return Vec::new();
                };
                found.push((catches, landing));
                if what == What::All {
                    return self.admitted(found);
                }
            }
        }
        if let Part::Island(island) = self.part
            && island.protected
        {
            if reached < island.around.len() {
                self.refused = Some(Decline::Unsupported("delegating out of a loop that is compiled alone"));
            }
            let landing = *self.thrown.get_or_insert_with(|| self.b.create_block());
            let scopes = (self.outer.len() - without) as u32;
            let leaves = Catches { what: What::Leaves, scopes }.encode();
            found.extend(leaves.map(|leaves| (leaves, landing)));
        }
        self.admitted(found)
    }

    fn admitted(&mut self, found: Vec<(u32, Block)>) -> Vec<(u32, Block)> {
        self.table_targets += found.len();
        if self.admits(More { in_lists: 4 * found.len() as u64, ..More::default() }) {
            return found;
        }
        Vec::new()
    }

    pub(super) fn try_table(&mut self, TryTable { ty, catches }: &TryTable, at: u64) {
        let clause = |catch: &Catch| {
            let (tag, refers, label) = match *catch {
                Catch::One { tag, label } => (Some(tag), false, label),
                Catch::OneRef { tag, label } => (Some(tag), true, label),
                Catch::All { label } => (None, false, label),
                Catch::AllRef { label } => (None, true, label),
            };
            Clause { tag, refers, label, landing: None }
        };
        let clauses: Vec<Clause> = catches.iter().map(clause).collect();
        if !clauses.is_empty() {
            self.protecting.push(self.frames.len());
        }
        self.push_frame(BlockKind::TryTable(at as u32, clauses), *ty, None);
    }

    /// The landings of a `try_table` at this offset, which has ended. Exceptions go on at its clauses' labels.
    pub(super) fn land(&mut self, at: u32, clauses: &[Clause], variables: bool) -> Result<(), Decline> {
        let (position, offset, height) = (self.position, self.offset, self.stack.len());
        for (clause, landing) in clauses.iter().filter_map(|clause| Some((clause, clause.landing?))) {
            self.begin_landing(landing, variables)?;
            if self.offset != at {
                self.set_position(at);
            }
            let i = self.frames.len() - 1 - clause.label as usize;
            let slot = match (&self.frames[i].kind, self.part) {
                (BlockKind::Outer(_), Part::Island(island)) => island.around[i].base,
                // Not from the shape of a loop alone, whose operands begin at the loop's.
                (BlockKind::Function, _) => self.end_of_locals(),
                _ => self.slot_of_operand(self.frames[i].height),
            };
            let (values, reference) = self.take_exception(clause, slot);
            values.into_iter().chain(reference).for_each(|value| self.stack.push(value));
            self.jump(clause.label);
            self.stack.truncate(height);
            self.need(self.lookups(1))?;
        }
        (self.position, self.offset) = (position, offset);
        self.b.set_srcloc(cranelift_codegen::ir::SourceLoc::new(position));
        Ok(())
    }

    /// Begins where exceptions land. The operands below the block are on the stack.
    fn begin_landing(&mut self, landing: Block, variables: bool) -> Result<(), Decline> {
        self.b.switch_to_block(landing);
        self.b.seal_block(landing);
        self.b.set_cold_block(landing);
        if variables {
            self.use_operand_variables(self.stack.len())?;
        }
        Ok(())
    }

    /// Takes the pending exception: its values go by way of slots from `slot` on.
    fn take_exception(&mut self, clause: &Clause, slot: u32) -> (Vec<Value>, Option<Value>) {
        let view = self.view;
        let types: Vec<Type> =
            clause.tag.into_iter().flat_map(|tag| view.tag_type(tag).params()).map(clif_type).collect();
        let to = self.slot_address(slot);
        let mut what = if clause.tag.is_some() { layout::CAUGHT_VALUES } else { 0 };
        what |= if clause.refers { layout::CAUGHT_REFERENCE } else { 0 };
        let what = self.b.ins().iconst(I64, what);
        self.sure_builtin(layout::BUILTIN_CAUGHT, [to, what]);
        self.reload_slice();
        let behind = slot + types.iter().map(|ty| slots::slots_of(*ty)).sum::<u32>();
        let values = slots::load(&mut self.b, self.flags.slots, types, self.scope.sp, slot);
        let reference = clause.refers.then(|| self.load_slot(I64, self.scope.sp, behind));
        (values, reference)
    }

    pub(super) fn try_(&mut self, ty: BlockType, at: u64) -> Result<(), Decline> {
        let found = self.scope.tries.as_mut().and_then(|tries| tries.remove(&at)).ok_or_else(unexpected)?;
        if !found.clauses.is_empty() || found.delegates.is_some() {
            self.protecting.push(self.frames.len());
        }
        self.push_frame(BlockKind::Try(found), ty, None);
        Ok(())
    }

    /// `catch` or `catch_all`. As in the interpreter's frames, a reference to the exception is below its values; if no
    /// `rethrow` wants it, there is a 0.
    pub(super) fn catch(&mut self) -> Result<(), Decline> {
        self.join();
        self.ends_protection();
        let frame = self.frame();
        let (height, variables) = (frame.height, frame.variables);
        let BlockKind::Try(found) = &mut frame.kind else { return Err(unexpected()) };
        let clause = found.clauses.get(found.begun).cloned().ok_or_else(unexpected)?;
        found.begun += 1;
        (frame.unreachable, frame.polled) = (clause.landing.is_none(), false);
        self.stack.truncate(height);
        let Some(landing) = clause.landing else { return Ok(()) };
        self.begin_landing(landing, variables)?;
        let slot = self.slot_of_operand(height) + 1;
        let (values, reference) = self.take_exception(&clause, slot);
        let reference = reference.unwrap_or_else(|| self.zero(I64));
        [reference].into_iter().chain(values).for_each(|value| self.stack.push(value));
        Ok(())
    }

    /// The innermost block ends, or its clauses begin: it doesn't protect what follows.
    pub(super) fn ends_protection(&mut self) {
        let own = self.frames.len() - 1;
        self.protecting.pop_if(|i| *i == own);
    }
}

impl BlockKind {
    /// Whether exceptions may land behind the block, or have in it.
    pub(super) fn catches(&self) -> bool {
        match self {
            BlockKind::TryTable(_, clauses) => clauses.iter().any(|clause| clause.landing.is_some()),
            BlockKind::Try(found) => found.begun > 0,
            _ => false,
        }
    }
}

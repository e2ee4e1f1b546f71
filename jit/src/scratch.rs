//! What the compiler takes of the heap while it works on one function.
//!
//! Cranelift allocates as it likes, and can't be refused anything. So as its own representation of a function grows, the most
//! that may come of it is charged, and if there isn't as much, the function stays interpreted. The bounds are measured: see
//! `spec-tests/tests/budget/compiled.rs`.

use crate::compiler::Decline;
use crate::runtime::has_address_space;
use cranelift_codegen::ir::{Function, Opcode};
use dunlin::tier::View;
use dunlin::{Budget, Charge, FuncType, Kind};
use std::cell::RefCell;

/// Whatever the function.
const BASE: u64 = 128 << 10;

/// For an instruction: passes over it, a register for its result, and machine code.
const INSTRUCTION: u64 = 700;

/// The same for one that only computes, of which the optimizer makes several that are equal.
const COMPUTATION: u64 = 2700;

/// For a block: where its values come from, and what may come of them there until this is looked at again.
const BLOCK: u64 = 256;

/// For a variable.
const VARIABLE: u64 = 160;

/// For a variable and a block: the frontend has a table of blocks for each variable.
const VARIABLE_IN_BLOCK: u64 = 8;

/// For eight values and a block: sets of values that are live there.
const VALUES_IN_BLOCK: u64 = 1;

/// For an argument, of a call or a branch.
const ARGUMENT: u64 = 32;

/// For a value that a function takes or gives.
const PARAM: u64 = 4 << 10;

/// By how much the charge grows at least.
const STEP: u64 = 64 << 10;

/// Address space that the compiler finds whenever it begins, besides: neither it nor the standard library can be refused any.
pub(crate) const LEAST: u64 = 32 << 20;

/// What is charged, for as long as this lives.
pub(crate) struct Scratch {
    charge: RefCell<Charge>,
    budget: Budget,
    /// What the interpreter is left.
    left: u64,
}

impl Scratch {
    /// For one function of the module.
    ///
    /// # Errors
    /// If there isn't even room to begin.
    pub(crate) fn new(view: View<'_>) -> Result<Self, Decline> {
        let budget = view.cache().clone();
        let left = budget.available().map_or(0, |available| available - view.room());
        if view.room() < BASE {
            return Err(Decline::Budget);
        }
        let charge = budget.charge(Kind::CompilerScratch, BASE).map_err(|_| Decline::Budget)?;
        let scratch = Self { charge: RefCell::new(charge), budget, left };
        scratch.room(BASE)?;
        Ok(scratch)
    }

    /// Has so many bytes charged.
    ///
    /// # Errors
    /// If there aren't as many.
    pub(crate) fn need(&self, bytes: u64) -> Result<(), Decline> {
        let mut charge = self.charge.borrow_mut();
        let held = charge.bytes();
        if bytes <= held {
            return Ok(());
        }
        let more = (bytes - held).next_multiple_of(STEP);
        if self.budget.available().is_some_and(|available| available < more + self.left) {
            return Err(Decline::Budget);
        }
        charge.grow(more).map_err(|_| Decline::Budget)?;
        if more > LEAST / 2 { self.room(more) } else { Ok(()) }
    }

    /// Has charged what may come of this function, which isn't whole yet: of so many variables, and arguments that are about to
    /// be added.
    ///
    /// # Errors
    /// If there isn't as much.
    pub(crate) fn need_for(
        &self,
        func: &Function,
        variables: usize,
        arguments: usize,
    ) -> Result<(), Decline> {
        self.need(self.bound(func, variables, arguments) + INSTRUCTION * func.dfg.num_insts() as u64)
    }

    /// The same, of one that is whole.
    ///
    /// # Errors
    /// If there isn't as much.
    pub(crate) fn need_for_all(&self, func: &Function, variables: usize) -> Result<(), Decline> {
        let insts = func.layout.blocks().flat_map(|block| func.layout.block_insts(block));
        let opcodes = insts.map(|inst| func.dfg.insts[inst].opcode());
        let bytes =
            opcodes.map(|opcode| if computes(opcode) { COMPUTATION } else { INSTRUCTION }).sum::<u64>();
        self.need(self.bound(func, variables, 0) + bytes)
    }

    /// Has charged what may come of a type's trampoline, stub or detour.
    ///
    /// # Errors
    /// If there isn't as much.
    pub(crate) fn need_for_type(&self, ty: &FuncType) -> Result<(), Decline> {
        self.need(BASE + PARAM * (ty.params().len() + ty.results().len()) as u64)
    }

    /// For everything but instructions.
    fn bound(&self, func: &Function, variables: usize, arguments: usize) -> u64 {
        let dfg = &func.dfg;
        let (blocks, values) = (dfg.num_blocks() as u64, dfg.num_values() as u64);
        let arguments = (dfg.value_lists.capacity() + arguments) as u64;
        BASE + BLOCK * blocks
            + VARIABLE * variables as u64
            + VARIABLE_IN_BLOCK * blocks * variables as u64
            + VALUES_IN_BLOCK * blocks * (values / 8)
            + ARGUMENT * arguments
    }

    /// Makes sure that the system has what the compiler needs, which it can't be told that it hasn't.
    fn room(&self, bytes: u64) -> Result<(), Decline> {
        if has_address_space(LEAST + bytes) {
            return Ok(());
        }
        Err(Decline::System("there is no address space for the compiler".into()))
    }
}

/// Whether an instruction does nothing but compute.
fn computes(opcode: Opcode) -> bool {
    use Opcode::{F32const, F64const, Iconst, Vconst};
    let constant = matches!(opcode, Iconst | F32const | F64const | Vconst);
    let effect = opcode.can_load() || opcode.can_store() || opcode.can_trap() || opcode.other_side_effects();
    !(constant || effect || opcode.is_branch() || opcode.is_terminator() || opcode.is_call())
}

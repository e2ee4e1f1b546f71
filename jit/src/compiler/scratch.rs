//! Admission control for the compiler's memory while it works on one function.
//!
//! Cranelift allocates freely, and can't be refused memory. So an upper bound on its use is charged before each of its
//! passes, and while its representation of a function grows. If the budget doesn't have that much, or it is more than
//! one function may take, the function stays interpreted. The bounds are measured: see
//! `spec-tests/tests/budget/compiled.rs`.

use super::census::Census;
use super::decline::Decline;
use crate::runtime::has_address_space;
use cranelift_codegen::ir::Function;
use dunlin::tier::View;
use dunlin::{Budget, Charge, FuncType, Kind};
use std::cell::{Cell, RefCell};

/// A constant for each function.
const BASE: u64 = 128 << 10;

/// For a byte of the body: the list of loops, and the targets of a branch table while they are read.
const BYTE: u64 = 24;

// A function in CLIF, with the tables of its values and blocks.
const INSTRUCTION: u64 = 100;
const VALUE: u64 = 100;
const BLOCK: u64 = 256;
/// For an entry of a value list: of arguments, params or results.
const IN_LIST: u64 = 40;

// Cranelift's frontend (SSA construction).
const VARIABLE: u64 = 160;
/// Each variable has a table of blocks.
const VARIABLE_IN_BLOCK: u64 = 8;
/// For a block param that a loop header gets when it is sealed, on each edge on which the value may have to be passed.
const PARAM_ON_A_WAY: u64 = 24;

// What the optimizer (egraph pass) may add.
/// It expands instructions, and rematerializes cheap ones where they are used.
const OPTIMIZED_VALUE: u64 = 50;
const OPTIMIZED_INSTRUCTION: u64 = 300;
const OPTIMIZED_BRANCH_ARGUMENT: u64 = 200;

// Machine code (VCode) and register allocation.
/// For an instruction that is often folded into another's machine instruction.
const PART: u64 = 300;
const STORE: u64 = 1300;
const COMPARISON: u64 = 1750;
const COMPUTATION: u64 = 3300;
const SEQUENCE: u64 = 3300;
/// For an argument or result of a call or a return.
const CALL_OPERAND: u64 = 1900;
/// For an edge between blocks.
const BRANCH: u64 = 2300;
/// For an argument on an edge, and for one that doesn't fit registers.
const BRANCH_ARGUMENT: u64 = 600;
const SPILLED_ARGUMENT: u64 = 2400;
/// For a value that is live into a block.
const LIVE_IN: u64 = 36;

/// For a param or result of a trampoline, stub or detour.
const PARAM: u64 = 4 << 10;

/// The granularity by which the charge grows.
const STEP: u64 = 64 << 10;

/// Address space that must be available, beyond what is charged, whenever the compiler begins: neither it nor the
/// standard library can be refused memory.
pub(crate) const LEAST_ADDRESS_SPACE: u64 = 32 << 20;

/// The charge for one function, held as long as this lives.
pub(crate) struct Scratch {
    charge: RefCell<Charge>,
    budget: Budget,
    /// What must remain for the interpreter.
    left: u64,
    /// The most that one function may take, whatever the budget.
    most: u64,
    /// The charge before anything is known of the function.
    base: u64,
    /// The bound on the function's CLIF so far, apart from [`values`], which is always added.
    grown: Cell<u64>,
    /// The most that was asked for.
    #[cfg(test)]
    pub(crate) asked: Cell<u64>,
}

impl Scratch {
    /// A charge for one function of the module, whose body has `size` bytes, and which may take at most `most`.
    ///
    /// # Errors
    /// If there isn't enough room to begin.
    pub(crate) fn new(view: View<'_>, size: u32, most: u64) -> Result<Self, Decline> {
        let base = BASE + BYTE * u64::from(size);
        if base > most {
            return Err(Decline::Scratch(most));
        }
        let budget = view.cache().clone();
        let left = budget.available().map_or(0, |available| available - view.room());
        if view.room() < base {
            return Err(Decline::Budget);
        }
        let charge = budget.charge(Kind::CompilerScratch, base).map_err(|_| Decline::Budget)?;
        let scratch = Self {
            charge: RefCell::new(charge),
            budget,
            left,
            most,
            base,
            grown: Cell::new(base),
            #[cfg(test)]
            asked: Cell::new(base),
        };
        scratch.room(base)?;
        Ok(scratch)
    }

    /// Raises the charge to at least `bytes`.
    ///
    /// # Errors
    /// If the budget refuses, or it is more than one function may take.
    pub(crate) fn need(&self, bytes: u64) -> Result<(), Decline> {
        #[cfg(test)]
        self.asked.set(self.asked.get().max(bytes));
        let mut charge = self.charge.borrow_mut();
        let held = charge.bytes();
        if bytes <= held {
            return Ok(());
        }
        if bytes > self.most {
            return Err(Decline::Scratch(self.most));
        }
        let more = (bytes - held).next_multiple_of(STEP);
        if self.budget.available().is_some_and(|available| available < more + self.left) {
            return Err(Decline::Budget);
        }
        charge.grow(more).map_err(|_| Decline::Budget)?;
        if more > LEAST_ADDRESS_SPACE / 2 { self.room(more) } else { Ok(()) }
    }

    /// Charges for a function that is being translated: its size so far, `variables` variables, and what is about to be
    /// added.
    ///
    /// # Errors
    /// As for [`Scratch::need`].
    pub(crate) fn need_for(&self, func: &Function, variables: usize, more: More) -> Result<(), Decline> {
        let blocks = func.dfg.num_blocks() as u64;
        let variables = variables as u64;
        let grown = self.base
            + BLOCK * blocks
            + VARIABLE * variables
            + VARIABLE_IN_BLOCK * blocks * variables
            + (INSTRUCTION + VALUE) * more.instructions
            + IN_LIST * more.in_lists
            + PARAM_ON_A_WAY * more.params_on_ways;
        self.grown.set(grown);
        self.need(grown + values(func))
    }

    /// Whether the bound that was charged last is small enough (an eighth of the maximum) to inline more.
    pub(crate) fn has_room_to_inline(&self, func: &Function) -> bool {
        self.grown.get() + values(func) < self.most / 8
    }

    /// Charges for the optimizer, given a complete function.
    ///
    /// # Errors
    /// As for [`Scratch::need`].
    pub(crate) fn need_for_optimizer(&self, func: &Function, census: &Census) -> Result<(), Decline> {
        let more = OPTIMIZED_VALUE * func.dfg.num_values() as u64
            + OPTIMIZED_INSTRUCTION * census.instructions
            + OPTIMIZED_BRANCH_ARGUMENT * census.branch_arguments;
        self.need(self.grown.get() + values(func) + more)
    }

    /// Charges for machine code and register allocation, given an optimized function.
    ///
    /// # Errors
    /// As for [`Scratch::need`].
    pub(crate) fn need_for_code(&self, func: &Function, census: &Census) -> Result<(), Decline> {
        let more = PART * census.parts
            + STORE * census.stores
            + COMPARISON * census.comparisons
            + COMPUTATION * census.computations
            + SEQUENCE * census.sequences
            + CALL_OPERAND * census.call_operands
            + BRANCH * census.branches
            + BRANCH_ARGUMENT * census.branch_arguments
            + SPILLED_ARGUMENT * census.spilled_arguments
            + LIVE_IN * census.live_ins;
        self.need(self.grown.get() + values(func) + more)
    }

    /// Charges for compiling a trampoline, stub or detour of a type.
    ///
    /// # Errors
    /// As for [`Scratch::need`].
    pub(crate) fn need_for_type(&self, ty: &FuncType) -> Result<(), Decline> {
        self.need(BASE + PARAM * (ty.params().len() + ty.results().len()) as u64)
    }

    /// Checks that the system has the address space that the compiler needs, since an allocation that fails would
    /// abort.
    fn room(&self, bytes: u64) -> Result<(), Decline> {
        if has_address_space(LEAST_ADDRESS_SPACE + bytes) {
            return Ok(());
        }
        Err(Decline::System("there is no address space for the compiler".into()))
    }
}

/// What is about to be added to a function.
#[derive(Clone, Copy, Default)]
pub(crate) struct More {
    pub(crate) instructions: u64,
    /// Values in lists.
    pub(crate) in_lists: u64,
    /// Block params that may be added, times the edges on which they are passed.
    pub(crate) params_on_ways: u64,
}

/// The bound on a function's instructions and values.
fn values(func: &Function) -> u64 {
    let dfg = &func.dfg;
    INSTRUCTION * dfg.num_insts() as u64
        + VALUE * dfg.num_values() as u64
        + IN_LIST * dfg.value_lists.capacity() as u64
}

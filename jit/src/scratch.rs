//! What the compiler takes of the heap while it works on one function.
//!
//! Cranelift allocates as it likes, and can't be refused anything. So before each of its steps, and while its representation of a
//! function grows, the most that may come of that is charged. If there isn't as much, or it is more than one function
//! may take, the function stays interpreted. The bounds are measured: see `spec-tests/tests/budget/compiled.rs`.

use crate::compiler::{Census, Decline};
use crate::runtime::has_address_space;
use cranelift_codegen::ir::Function;
use dunlin::tier::View;
use dunlin::{Budget, Charge, FuncType, Kind};
use std::cell::{Cell, RefCell};

/// Whatever the function.
const BASE: u64 = 128 << 10;

/// For a byte of its body: its loops, and the targets of a branch table while they are read.
const BYTE: u64 = 24;

// What a function takes in Cranelift's representation, and tables of its values and blocks.
const INSTRUCTION: u64 = 100;
const VALUE: u64 = 100;
const BLOCK: u64 = 256;
/// For a place in a list: of arguments, params or results.
const IN_LIST: u64 = 40;

// What the frontend takes.
const VARIABLE: u64 = 160;
/// There is a table of blocks for each variable.
const VARIABLE_IN_BLOCK: u64 = 8;
/// For a param that a loop's header gets when all branches to it are known, on each way through the loop.
const PARAM_ON_A_WAY: u64 = 24;

// What the optimizer may add.
/// It makes several instructions of one, and copies what is cheap to where it is used.
const OPTIMIZED_VALUE: u64 = 50;
const OPTIMIZED_INSTRUCTION: u64 = 300;
const OPTIMIZED_BRANCH_ARGUMENT: u64 = 200;

// What machine code and the search for registers take.
/// For an instruction that is often a part of another one's machine instruction.
const PART: u64 = 300;
const STORE: u64 = 1300;
const COMPARISON: u64 = 1750;
const COMPUTATION: u64 = 3300;
const SEQUENCE: u64 = 3300;
/// For what a call or a return takes or gives.
const CALL_OPERAND: u64 = 1900;
/// For a way from one block to another.
const BRANCH: u64 = 2300;
/// For an argument on it, and for one that is in no register.
const BRANCH_ARGUMENT: u64 = 600;
const SPILLED_ARGUMENT: u64 = 2400;
/// For a value that is live where a block begins.
const LIVE_IN: u64 = 36;

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
    /// The most that one function may take, whatever the budget.
    most: u64,
    /// What it takes before anything is known of it.
    base: u64,
    /// What the function takes by now in Cranelift's representation, besides what the optimizer makes of it.
    grown: Cell<u64>,
}

impl Scratch {
    /// For one function of the module, whose body has `size` bytes, and which may take at most `most`.
    ///
    /// # Errors
    /// If there isn't even room to begin.
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
        let scratch = Self { charge: RefCell::new(charge), budget, left, most, base, grown: Cell::new(base) };
        scratch.room(base)?;
        Ok(scratch)
    }

    /// Has so many bytes charged.
    ///
    /// # Errors
    /// If there aren't as many, or one function may not take as many.
    pub(crate) fn need(&self, bytes: u64) -> Result<(), Decline> {
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
        if more > LEAST / 2 { self.room(more) } else { Ok(()) }
    }

    /// Has charged what a function takes that isn't whole yet: of so many variables, with instructions and values in lists that
    /// are about to be added.
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

    /// Whether what was charged last leaves room for other functions in this one.
    pub(crate) fn has_room_to_inline(&self, func: &Function) -> bool {
        self.grown.get() + values(func) < self.most / 8
    }

    /// Has charged what the optimizer may take of a function that is whole.
    ///
    /// # Errors
    /// As for [`Scratch::need`].
    pub(crate) fn need_for_optimizer(&self, func: &Function, census: &Census) -> Result<(), Decline> {
        let more = OPTIMIZED_VALUE * func.dfg.num_values() as u64
            + OPTIMIZED_INSTRUCTION * census.instructions
            + OPTIMIZED_BRANCH_ARGUMENT * census.branch_arguments;
        self.need(self.grown.get() + values(func) + more)
    }

    /// Has charged what may come of a function that has been optimized.
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

    /// Has charged what may come of a type's trampoline, stub or detour.
    ///
    /// # Errors
    /// If there isn't as much.
    pub(crate) fn need_for_type(&self, ty: &FuncType) -> Result<(), Decline> {
        self.need(BASE + PARAM * (ty.params().len() + ty.results().len()) as u64)
    }

    /// Makes sure that the system has what the compiler needs, which it can't be told that it hasn't.
    fn room(&self, bytes: u64) -> Result<(), Decline> {
        if has_address_space(LEAST + bytes) {
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
    /// Params of a loop's header, times ways through the loop.
    pub(crate) params_on_ways: u64,
}

/// What a function's instructions and values take.
fn values(func: &Function) -> u64 {
    let dfg = &func.dfg;
    INSTRUCTION * dfg.num_insts() as u64
        + VALUE * dfg.num_values() as u64
        + IN_LIST * dfg.value_lists.capacity() as u64
}

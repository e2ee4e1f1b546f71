//! The interface between the engine and a compiling tier: what the engine asks of it ([`Tier`]), what it learns of a
//! module and where it publishes code ([`View`]), and what that code may rely on ([`layout`]).
//!
//! The crate `dunlin-jit` is the only user. Nothing here is covered by promises of stability.
//!
//! A compiled function has the native signature `(context, frame, params...) -> results`, in Cranelift's calling
//! convention `tail`: the [context](layout), the address of slot 0 of the frame that the interpreter would use for the
//! call, and the WebAssembly values in registers. The frame is claimed as the interpreter claims it (so that stacks
//! overflow at the same depth), but its slots are only used for arguments of callees that aren't compiled, and for
//! operands of builtins. Compiled code calls whatever isn't compiled through the *stub* of its type, which stores the
//! arguments to slots. Whatever isn't compiled enters compiled code through the *trampoline* of its type, which loads
//! them from slots.
//!
//! A hot place that rarely needs a builtin calls it through the module's *bridge*, which preserves all registers, so
//! that the hot path doesn't spill. The bridge has the signature `(context)`, without a result, in Cranelift's calling
//! convention `preserve_all`. The builtin and its argument are passed in the [store's part](layout::STORE_BRIDGED). It
//! traps if the builtin fails.

mod builtins;
pub mod layout;
mod lease;
mod publish;
mod shape;
mod tiered;
mod view;

pub use crate::memory::pages::Guard;
pub use crate::ops::{BulkOp, BulkResult};
pub use crate::value::relaxed::RelaxedSimd;
pub(crate) use builtins::{BUILTINS, BuiltinFn, Builtins};
pub(crate) use lease::Ownership;
pub use lease::{Lease, ModuleId};
pub use shape::{Arm, Arms, Around, Entry, Island, Loop, Loops, Outer, Shape};
pub(crate) use tiered::Tiered;
pub use view::View;

use crate::memory::{Budget, Kind};
use crate::{Engine, Error, Module, Trap};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;
use core::ops::ControlFlow;

/// Whether the store has a pending interruption, so that waiting for code has to end. Without one, nothing can
/// interrupt the caller, and code may be compiled on the calling thread.
pub type Stop<'s> = &'s dyn Fn() -> bool;

/// A tier that compiles hot functions.
pub trait Tier: Send + Sync + core::fmt::Debug + 'static {
    /// Whether linear memories are to have guard regions. Code that [relies on them](View::guards_memories) is only
    /// entered in instances all of whose memories have one.
    fn memory_guard(&self) -> Guard;

    /// The longest interval between two hotness samples, in units of fuel.
    fn slice(&self) -> u64;

    /// Loops of function bodies of so many bytes or more may be compiled [alone](View::publish_island). It doesn't change.
    fn islands_from(&self) -> u32 {
        u32::MAX
    }

    /// A module was loaded. None of it has been executed.
    fn loaded(&self, module: &Module);

    /// A function of the module (by its index among those that it defines) is about to be executed for the first time.
    fn called(&self, module: &Module, index: u32, stop: Option<Stop<'_>>);

    /// Whether the sample counts that this thread is about to report. Without fuel, slices are measured by estimates of
    /// what loops execute; a tier whose decisions needn't be the same in each run may leave out samples that come
    /// sooner than time passes.
    fn takes_sample(&self) -> bool {
        true
    }

    /// A hotness sample: at the end of a slice of fuel, a function was executing or about to be entered, for the
    /// `samples`th time. If it was at a back edge, `header` is the word of the loop's header in the interpreter's code.
    /// If this returns true then, the activation is watched for a while, and [`Tier::watched`] gets the result.
    fn sampled(
        &self,
        module: &Module,
        index: u32,
        header: Option<u32>,
        samples: u32,
        stop: Option<Stop<'_>>,
    ) -> bool;

    /// An activation of a function was watched for the length of a slice, or until it returned. `stays` is the loop
    /// that it stays in, if it is still executing: a candidate for OSR.
    fn watched(&self, module: &Module, index: u32, stays: Option<Stays>, stop: Option<Stop<'_>>);

    /// The last owner of a module is being dropped: its queued compilations aren't wanted any more, and [leases](Lease)
    /// of it should be dropped.
    fn dropped(&self, module: &Lease) {
        let _ = module;
    }

    /// Compiles a module ahead of time, into a file for [`Tier::open`]; `bytes` are what it was loaded from. `None` if the
    /// tier doesn't do that; the error is a sentence that says why it can't.
    fn precompile(&self, module: &Module, bytes: &[u8]) -> Option<Result<Vec<u8>, String>> {
        let _ = (module, bytes);
        None
    }

    /// Loads a file that [`Tier::precompile`] made, with its machine code; `None` if the bytes are none.
    fn open(&self, engine: &Engine, bytes: &[u8]) -> Option<Result<Module, Error>> {
        let _ = (engine, bytes);
        None
    }

    /// Whether compiled code can be entered on this thread.
    fn is_ready(&self) -> bool;

    /// Makes the native stack for the compiled code of one execution, whose value stack has at most `max_wasm_stack`
    /// bytes. What is used of it is charged to `account`. `None` if there is none to be had, or it would take too large
    /// a part of the budget or the address space: then the execution doesn't enter compiled code.
    fn new_stack(&self, account: Account, max_wasm_stack: usize) -> Option<Box<dyn Any + Send>>;

    /// Whether a stack has more left than functions need for so many bytes of the value stack.
    fn has_room(&self, stack: &(dyn Any + Send), wasm_stack: usize) -> bool {
        let _ = (stack, wasm_stack);
        true
    }

    /// Enters compiled code on a stack that [`Tier::new_stack`] made. If this is called on that stack, the new frames
    /// follow those that are on it.
    ///
    /// # Safety
    /// `call` is what the trampoline or OSR entry that it names expects.
    unsafe fn enter(&self, stack: *const (dyn Any + Send), call: &Call) -> Left;

    /// Unwinds compiled code from a builtin to the innermost [`Tier::enter`], which returns [`Left::Unwound`]. No
    /// destructor in between runs.
    ///
    /// # Safety
    /// Called from a builtin, with nothing in between whose destructor has to run.
    unsafe fn unwind(&self) -> !;

    /// Whether `frame`, the native frame of a stub, is the outermost: a tail call to the stub has replaced the function
    /// that the innermost [`Tier::enter`] entered.
    ///
    /// # Safety
    /// It is the frame of a stub that has just called a builtin.
    unsafe fn is_outermost(&self, frame: *const u8) -> bool;

    /// Shows the functions of compiled code, inlined ones too, that are executing: from the caller of a stub or the bridge,
    /// whose native frame `frame` is, outwards, up to where that code was [entered](Tier::enter). With each comes its
    /// offset in the module, or 0 for one that is about to begin.
    ///
    /// # Safety
    /// It is the frame of a stub or bridge that has called a builtin on this thread, which hasn't returned.
    unsafe fn frames(&self, frame: *const u8, visit: VisitFrame<'_>) {
        let _ = (frame, visit);
    }

    /// Looks for who catches an exception that left what a stub or the bridge called, whose native frame `frame` is: from
    /// its caller outwards, up to where the innermost [`Tier::enter`] entered.
    ///
    /// # Safety
    /// It is the frame of a stub or bridge that has just called a builtin.
    unsafe fn handler(&self, frame: *const u8, search: &mut Search<'_>) -> Option<Landing>;

    /// Goes on at a landing, which [`Tier::handler`] has just found. No destructor in between runs.
    ///
    /// # Safety
    /// As for [`Tier::unwind`]. Nothing has returned since it was found.
    unsafe fn land(&self, landing: Landing) -> !;

    /// Calls the [hook](Call::on_trap) for a builtin that has failed, and unwinds, as if that had returned to the stub or
    /// bridge and this had trapped. With a landing, it goes on there instead.
    ///
    /// # Safety
    /// As for [`Tier::handler`] and [`Tier::land`].
    unsafe fn fail(&self, frame: *const u8, landing: Option<Landing>) -> !;

    /// Shows the words of a native stack in which compiled code may keep values: its frames, and registers that these
    /// have in common with the caller.
    ///
    /// # Safety
    /// The stack is of this thread's execution.
    unsafe fn words(&self, stack: &(dyn Any + Send), look: &mut dyn FnMut(&[u64]));

    /// Makes sure that a builtin has so many bytes of native stack. False if they can't be had.
    fn ensures_stack(&self, stack: &(dyn Any + Send), bytes: usize) -> bool;

    /// Calls `f(data)`. If this is called on `stack`, it switches to the stack that this thread entered compiled code
    /// from; otherwise it is an ordinary call. Returns false, without calling, if `stack` can't provide so many bytes
    /// for builtins that run meanwhile.
    ///
    /// # Safety
    /// [`Tier::new_stack`] made the stack, and it isn't dropped meanwhile. `data` is what `f` expects.
    unsafe fn on_host_stack(
        &self,
        stack: *const (dyn Any + Send),
        bytes: usize,
        f: HostFn,
        data: *mut (),
    ) -> bool;
}

/// Called for each function by [`Tier::frames`], with its index among those that the module defines.
pub type VisitFrame<'v> = &'v mut dyn FnMut(u32, u64) -> ControlFlow<()>;

/// What [`Tier::handler`] asks, and tells.
#[allow(missing_debug_implementations, reason = "it lasts for one call")]
pub struct Search<'s> {
    /// Whether the exception has the tag in this word of the context.
    pub is_tag: &'s mut dyn FnMut(u32) -> bool,
    /// Called with each function whose clauses are looked at, by its index among those that the module defines, if that
    /// matters.
    pub looks_at: Option<&'s mut dyn FnMut(u32)>,
}

/// Where compiled code catches an exception.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Landing {
    /// The code that goes on, and the stack pointer and the frame pointer that it expects.
    pub pc: usize,
    /// See `pc`.
    pub sp: usize,
    /// See `pc`.
    pub fp: usize,
    /// Whether it only leaves a loop that is compiled alone, for the interpreter to search further: see
    /// [`LANDING_THROWS`](layout::LANDING_THROWS).
    pub leaves: bool,
}

/// The loops that a watched activation stays in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stays {
    /// Of the loops whose back edges it took, the one that encloses the others.
    pub outermost: LoopAt,
    /// The one where watching began.
    pub sampled: LoopAt,
}

/// Where a loop was seen in the interpreter's code of a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoopAt {
    /// The word of its header.
    pub header: u32,
    /// The word of the last of the back edges that were taken.
    pub end: u32,
}

/// What [`Tier::on_host_stack`] calls.
pub type HostFn = unsafe extern "C" fn(*mut ());

/// The trap with this number, as compiled code has them: `trap as u8`.
pub fn trap(number: u8) -> Option<Trap> {
    Trap::numbered(number)
}

/// Charges a budget, using nothing but atomics, so that signal handlers may do it.
#[derive(Debug)]
pub struct Account(pub(crate) Budget);

impl Account {
    /// Another handle of the same account.
    #[must_use]
    pub fn again(&self) -> Account {
        Account(self.0.clone())
    }

    /// How many bytes are left, if that is bounded.
    pub fn available(&self) -> Option<u64> {
        self.0.available()
    }

    /// Charges bytes. False if there aren't as many.
    pub fn charge(&self, bytes: u64) -> bool {
        self.0.take(Kind::Stack, bytes).is_ok()
    }

    /// Gives back bytes that were charged.
    pub fn release(&self, bytes: u64) {
        self.0.give_back(Kind::Stack, bytes);
    }
}

/// What [`Tier::enter`] enters: `trampoline(context, frame, code)`.
#[derive(Debug)]
pub struct Call {
    /// The trampoline of the function's type; null for an OSR entry, which takes everything from slots.
    pub trampoline: *const u8,
    /// The context.
    pub vm: *mut u8,
    /// Slot 0 of the frame.
    pub frame: *mut u64,
    /// The function.
    pub code: *const u8,
    /// Called with `data` for a trap, before unwinding.
    pub on_trap: unsafe fn(*mut (), Trapped<'_>),
    /// The argument of `on_trap`.
    pub data: *mut (),
}

/// How compiled code was left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// It returned, with its results in the frame's first slots.
    Returned,
    /// By a trap or [`Tier::unwind`].
    Unwound,
}

/// Called with the place of each function on a native stack.
pub type Visit<'v> = &'v mut dyn FnMut(u32, u64);

/// A trap in compiled code.
#[allow(missing_debug_implementations, reason = "it lasts for one call")]
pub struct Trapped<'a> {
    /// Why; `None` if a builtin failed, which has said why.
    pub trap: Option<Trap>,
    /// Calls its argument with the module index and offset of each wasm function on the native stack, innermost first:
    /// the index among those that the module defines, and the offset of the instruction.
    pub frames: &'a mut dyn FnMut(Visit<'_>),
}

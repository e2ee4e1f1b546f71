//! How a tier that compiles plugs into the engine: what it is asked, what it is told of a module, where it hands in
//! its code, and what that code may rely on.
//!
//! The crate `dunlin-jit` is the one user. Nothing here is covered by promises of stability.
//!
//! Compiled code has, for each function, the native signature `(context, frame, params...) -> results`, in
//! Cranelift's `tail` convention: the [context](layout), the address of slot 0 of the frame that the interpreter would
//! use for the call, and the WebAssembly values in registers. The frame is claimed as the interpreter claims it (so that
//! stacks end at the same depth), but its slots are only used for arguments of what isn't compiled, and for operands of
//! builtins. Whatever isn't compiled is called through a *stub* of its type, which puts the arguments into slots; what
//! isn't compiled enters compiled code through a *trampoline* of its type, which takes them from there.
//!
//! Builtins that are rarely needed, at places that are often passed, are called by way of the module's *bridge*, which
//! keeps all registers: `(context)`, without a result, in Cranelift's convention `preserve_all`; which builtin, and the word
//! that it is given, are in the [store's part](layout::STORE_BRIDGED). It traps if the builtin fails.

mod builtins;
pub mod layout;
mod lease;
mod module;

pub use crate::memory::pages::Guard;
pub use crate::runtime::exec::bulk::BulkOp;
pub(crate) use builtins::{BUILTINS, BuiltinFn, Builtins};
pub(crate) use lease::Ownership;
pub use lease::{Lease, ModuleId};
pub(crate) use module::Tiered;
pub use module::{Entry, Loop, Loops, Shape, View};

use crate::memory::budget::{Budget, Kind};
use crate::{Module, Trap};
use std::any::Any;

/// Whether a store is to be interrupted, so that whoever waits for its code must go on without. Without one, nobody can
/// interrupt it, and code may be made on the thread that wants it.
pub type Stop<'s> = &'s dyn Fn() -> bool;

/// What compiles functions that are executed often.
pub trait Tier: Send + Sync + std::fmt::Debug + 'static {
    /// Whether linear memories are to have guard regions. Code that [relies on them](View::guards_memories) is only entered
    /// in instances all of whose memories have.
    fn memory_guard(&self) -> Guard;

    /// How much is executed at most, in units of fuel, until it is looked what executes then.
    fn slice(&self) -> u64;

    /// A module was loaded, and nothing of it has been executed.
    fn loaded(&self, module: &Module);

    /// A function of the module (by its index among those that it defines) is about to be executed for the first time.
    fn called(&self, module: &Module, index: u32, stop: Option<Stop<'_>>);

    /// A function was found executing at the end of a slice of fuel, for the `samples`th time, or was about to be
    /// entered. If it was at a branch back to a loop, `header` says which, as the word of its header in the
    /// interpreter's code; then it is watched for a while, if this returns true.
    fn sampled(
        &self,
        module: &Module,
        index: u32,
        header: Option<u32>,
        samples: u32,
        stop: Option<Stop<'_>>,
    ) -> bool;

    /// An activation of a function was watched, and is still executing: of the loops that it went round, `outermost` was
    /// the one around the others, and `sampled` the one where that began.
    fn stays(&self, module: &Module, index: u32, outermost: u32, sampled: u32, stop: Option<Stop<'_>>);

    /// The last owner of a module is going: what waits to be compiled of it isn't wanted, and [leases](Lease) of it should be
    /// dropped.
    fn dropped(&self, module: &Lease) {
        let _ = module;
    }

    /// Whether compiled code can be entered on this thread.
    fn is_ready(&self) -> bool;

    /// Makes the stack that compiled code of one execution runs on, `account` paying for what is used of it; the value
    /// stack has at most `max_wasm_stack` bytes. `None` if there is none to be had, or it would take too much of what
    /// there is: then compiled code isn't entered.
    fn new_stack(&self, account: Account, max_wasm_stack: usize) -> Option<Box<dyn Any + Send>>;

    /// Enters compiled code on a stack that [`Tier::new_stack`] made, or goes on on it if this is called from there.
    ///
    /// # Safety
    /// `call` is as the trampoline or loop continuation that it names expects.
    unsafe fn enter(&self, stack: *const (dyn Any + Send), call: &Call) -> Left;

    /// Leaves compiled code, from a builtin that the innermost [`Tier::enter`] led to: that gives [`Left::Unwound`].
    /// Nothing on the stack in between is dropped.
    ///
    /// # Safety
    /// Called from a builtin, with nothing in between that would have to be dropped.
    unsafe fn unwind(&self) -> !;

    /// Whether `frame`, the native frame of a stub, was put there by a tail call in place of the function that the innermost
    /// [`Tier::enter`] entered.
    ///
    /// # Safety
    /// It is the frame of a stub that has just called a builtin.
    unsafe fn is_outermost(&self, frame: *const u8) -> bool;

    /// Whether a builtin called now, or what it calls, can have so many bytes of native stack.
    fn ensures_stack(&self, stack: &(dyn Any + Send), bytes: usize) -> bool;

    /// Calls `f(data)`: on the stack that this thread entered compiled code from, if this is called on `stack`, and otherwise as any
    /// function is called. False, and no call, if a builtin couldn't have so many bytes of `stack` afterwards.
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

/// What [`Tier::on_host_stack`] calls.
pub type HostFn = unsafe extern "C" fn(*mut ());

/// The trap with this number, as compiled code has them: `trap as u8`.
pub fn trap(number: u8) -> Option<Trap> {
    Trap::numbered(number)
}

/// Takes from a budget, and gives back, with nothing but atomics: signal handlers may.
#[derive(Debug)]
pub struct Account(pub(crate) Budget);

impl Account {
    /// The same once more.
    #[must_use]
    pub fn again(&self) -> Account {
        Account(self.0.clone())
    }

    /// How many bytes there are, if that is bounded.
    pub fn available(&self) -> Option<u64> {
        self.0.available()
    }

    /// Takes bytes, if there are as many.
    pub fn charge(&self, bytes: u64) -> bool {
        self.0.take(Kind::Stack, bytes).is_ok()
    }

    /// Gives bytes back that were taken.
    pub fn release(&self, bytes: u64) {
        self.0.give_back(Kind::Stack, bytes);
    }
}

/// What [`Tier::enter`] enters: `trampoline(context, frame, code)`.
#[derive(Debug)]
pub struct Call {
    /// The trampoline of a function's type, or a loop's continuation, which has none.
    pub trampoline: *const u8,
    /// The context.
    pub vm: *mut u8,
    /// Slot 0 of the frame.
    pub frame: *mut u64,
    /// The function.
    pub code: *const u8,
    /// Told of a trap before it is unwound, with `data`.
    pub on_trap: unsafe fn(*mut (), Trapped<'_>),
    /// What it is given.
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

/// What is called with the place of each function on a stack.
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

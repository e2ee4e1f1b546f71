//! The interpreter: a threaded-code engine whose handlers tail-call each other, and the executions that it runs.
//!
//! `regs` defines handlers and the two dispatch backends, `operand` the operand forms, `cell` the traits of one cell's
//! work. The handlers themselves are in files named after the families of `translate`, with `slow` for the cold path.
//! The rest is around them: `entry` (calls from the host), `host_call` (calls to it), `native` (calls to compiled code),
//! `builtins` (what compiled code calls), `suspend` (resumable calls), `deopt` (deoptimisation exits of compiled code),
//! `walk` (stack walks), `throw` (exceptions), `sample` (profiles and hotness), `osr` (the OSR trigger), `locals` and
//! `operands` (for core dumps).
//!
//! # Safety
//!
//! Handlers keep the [contract of their backend](regs::Backend#safety). Other unsafe functions here, unless they say
//! more, take a pointer to a live store, to a context of one, or registers that satisfy that contract; the store has an
//! execution, and no reference to the store or to a part of it is held.

mod atomic;
pub(crate) mod builtins;
pub(crate) mod bulk;
pub(crate) mod call;
pub(crate) mod cell;
pub(crate) mod control;
mod count;
pub(crate) mod deopt;
mod entry;
#[cfg(feature = "snapshot")]
mod freeze;
mod host_call;
mod listing;
#[cfg(feature = "coredump")]
mod locals;
pub(crate) mod memory;
mod memory64;
pub(crate) mod native;
pub(crate) mod numeric;
pub(crate) mod operand;
#[cfg(feature = "coredump")]
mod operands;
mod osr;
#[cfg(feature = "common-pairs")]
mod pairs;
#[cfg(not(feature = "common-pairs"))]
#[path = "no_pairs.rs"]
mod pairs;
mod place;
mod profile;
pub(crate) mod regs;
mod relaxed;
mod sample;
pub(crate) mod slow;
#[cfg(target_arch = "x86_64")]
mod sse42;
mod stacks;
mod suspend;
mod table;
#[cfg(feature = "snapshot")]
mod thaw;
pub(crate) mod throw;
pub(crate) mod variable;
pub(crate) mod vector;
mod walk;
mod wide;

pub use count::DispatchCounts;
pub(crate) use entry::{Resumed, invoke, resume};
#[cfg(feature = "snapshot")]
pub(crate) use freeze::{Callee, Frozen, FrozenFrame, Innermost};
pub use listing::{HandlerKind, TailHandler, tail_handlers};
#[cfg(feature = "coredump")]
pub(crate) use locals::count as count_locals;
pub(crate) use osr::Watch;
pub(crate) use stacks::{Kept, Stacks};
#[cfg(feature = "snapshot")]
pub(crate) use thaw::{Thaw, ThawedFrame, call_end, charge_at};
pub(crate) use walk::Frame;

use crate::memory::{Budget, Buf, Charge, Kind, MemoryError};
use crate::module::trap::Trap;
use crate::ops::Op;
use crate::runtime::error::Error;
use crate::runtime::tier::Tier;
use crate::sys::{Mapping, OnceLock, Payload};
use alloc::boxed::Box;
use core::sync::atomic::AtomicPtr;
use regs::{Handler, Loop, Tail};
use sample::{HostCall, Position};

/// How control passes from one handler to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dispatch {
    /// By tail calls: faster, if the compiler emitted them as jumps. [`Engine::new`](crate::Engine::new) tests that.
    Tail,
    /// By returning to a dispatch loop: correct in every build that has it (feature `loop`).
    Loop,
    /// By that loop, which counts what it dispatches, for tuning the interpreter: slow. See
    /// [`Store::dispatch_counts`](crate::Store::dispatch_counts).
    Count,
}

/// The handlers of each backend, by op number.
static TAIL: [Handler<Tail>; crate::ops::OPS] = table::table::<Tail>();
#[cfg(dunlin_loop)]
static LOOP: [Handler<Loop>; crate::ops::OPS] = table::table::<Loop>();

/// The handler of `op` for [`Dispatch::Loop`] and [`Dispatch::Count`].
fn loop_handler(op: Op) -> Handler<Loop> {
    #[cfg(dunlin_loop)]
    return LOOP[op.0 as usize];
    #[cfg(not(dunlin_loop))]
    unreachable!("an engine can't be made with {op}'s backend")
}

impl Dispatch {
    /// The address of a handler that does the work of two or three cells in a row, if there is one. `third` tells the op
    /// behind the second.
    // Asked for every cell.
    #[inline(always)]
    pub(crate) fn fused(self, op: Op, next: Op, third: impl FnOnce() -> Option<Op>) -> Option<u64> {
        match self {
            Dispatch::Tail => pairs::fused(op, next, third).map(|h| h as usize as u64),
            Dispatch::Loop | Dispatch::Count => None,
        }
    }

    /// What a `br_table` says of the handler at this address: see [`Backend::next_near`](regs::Backend::next_near).
    pub(crate) fn near(handler: u64) -> u32 {
        Tail::near(handler)
    }

    /// Whether [`Dispatch::near`] is of use.
    pub(crate) fn knows_near(self) -> bool {
        matches!(self, Dispatch::Tail) && Tail::KNOWS_NEAR
    }

    /// The address of `op`'s handler.
    pub(crate) fn handler(self, op: Op) -> u64 {
        match self {
            Dispatch::Tail => {
                #[cfg(target_arch = "x86_64")]
                if cfg!(feature = "simd")
                    && let Some(handler) = sse42::handler(op)
                {
                    return handler as usize as u64;
                }
                TAIL[op.0 as usize] as usize as u64
            }
            Dispatch::Loop => loop_handler(op) as usize as u64,
            Dispatch::Count => count::word(op),
        }
    }
}

/// The entry word that every host function shares: it always leads to the cold path.
pub(crate) static HOST_ENTRY: AtomicPtr<u64> = AtomicPtr::new(crate::ops::cells::LAZY.as_ptr().cast_mut());

/// The fastest backend that is correct in this build.
pub(crate) fn default_dispatch() -> Dispatch {
    static CHOSEN: OnceLock<Dispatch> = OnceLock::new();
    *CHOSEN.get_or_init(|| if tail_calls_hold() { Dispatch::Tail } else { Dispatch::Loop })
}

/// Bytes of native stack. If the handlers of the probe called instead of jumping, they would use more.
const MAX_DRIFT: usize = 256;

/// Whether the compiler made jumps of the tail calls: running 800 cells of several kinds must not consume native stack.
fn tail_calls_hold() -> bool {
    if cfg!(dunlin_loop_only) {
        return false;
    }
    entry::stack_drift() < MAX_DRIFT
}

/// Why dispatch ended.
pub(crate) enum Stop {
    /// The outermost function returned.
    Done,
    Error(Error),
    /// A host function panicked with this payload.
    Panic(Payload),
}

/// A computation of the guest: its value stack, its current position, and why it stopped. Nested calls (guest, host,
/// guest) continue on the same stack.
pub(crate) struct Execution {
    stack: stacks::ValueStack,
    /// One past the last slot that is mapped.
    end: *mut u64,
    /// One past the last slot that the budget has been charged for.
    charged: *mut u64,
    charge: Charge,
    /// Where the next frame may begin.
    top: *mut u64,
    stop: Stop,
    /// The last published position: where dispatch stopped, or where it was at its last call of something that walks
    /// the stack. It isn't updated by every cell. A null context means that no function has been entered.
    at: Position,
    /// Whether a tail call is replacing the function at that position.
    leaves: bool,
    /// The registers at the cell where dispatch stopped, if it was a cell that stopped it. For core dumps.
    #[cfg(feature = "coredump")]
    regs: Option<regs::Regs>,
    /// The innermost call of a host function that hasn't returned, or null.
    host_call: *const HostCall,
    /// The innermost segment of compiled frames, or null.
    native: *const native::Activation,
    /// The native stack of compiled code, if there is a tier and the stack could be had.
    pub(crate) code_stack: Option<Box<dyn core::any::Any + Send>>,
    /// Whether compiled code is being unwound for a tail call out of its outermost function.
    tail: bool,
    /// The frames noted by a deoptimisation exit, innermost first, and whether one was lost for want of memory: see
    /// `deopt`.
    left: Buf<deopt::Part>,
    lost: bool,
    /// How deeply nested the asynchronous call is that it is of; 0 if it is of none.
    pub(crate) waits_at: u32,
    /// How deeply nested the call is that it is of, if that is suspended when a snapshot is wanted; otherwise 0.
    pub(crate) suspends_at: u32,
    /// Whether it is that of a resumable call.
    pub(crate) resumable: bool,
    /// How to resume it, once it has stopped.
    pub(crate) suspension: Option<suspend::Suspension>,
    /// Whether it must not enter compiled code.
    pub(crate) interprets: bool,
    /// For [`Dispatch::Count`].
    pub(crate) counts: count::Counts,
}

/// How far beyond the end of the stack a frame may end that doesn't fit.
const FURTHEST: usize = 2 << 20;

/// The stack is charged this many bytes at a time.
pub(crate) const STACK_STEP: usize = 64 << 10;

impl Execution {
    /// An execution with a stack of at most `max_stack` bytes, which is the same for all of an engine's.
    pub(crate) fn new(max_stack: usize, stacks: &Stacks, budget: &Budget) -> Result<Execution, Error> {
        // Frame sizes are compared in 32 bits, and a stack's end must leave room for the largest.
        let bytes = max_stack.clamp(4096, 1 << 30).next_multiple_of(4096);
        let mut stack = match stacks.take() {
            Some(stack) => stack,
            None => {
                let refused = |_| MemoryError::system(Kind::Stack, bytes as u64);
                // Where the next frame would end is computed before it is known to fit: that must be an address, too.
                let is_low = |stack: &mut stacks::ValueStack| {
                    let start = stack.mapping.as_mut_ptr().addr() + stack.start;
                    start.checked_add(bytes + FURTHEST).is_some()
                };
                let mapped = |beyond| {
                    let (mapping, start) = Mapping::guarded(bytes, beyond).map_err(refused)?;
                    Ok::<_, MemoryError>(stacks::ValueStack { mapping, start })
                };
                let mut stack = mapped(0)?;
                // With 32 bits, the system may place it at the very end of the address space.
                if is_low(&mut stack) { stack } else { mapped(FURTHEST)? }
            }
        };
        let base = stack.mapping.as_mut_ptr().wrapping_add(stack.start).cast::<u64>();
        Ok(Execution {
            end: base.wrapping_byte_add(bytes),
            charged: base,
            charge: budget.nothing(Kind::Stack),
            top: base,
            stop: Stop::Done,
            at: entry::idle().position(),
            leaves: false,
            #[cfg(feature = "coredump")]
            regs: None,
            host_call: core::ptr::null(),
            native: core::ptr::null(),
            code_stack: None,
            tail: false,
            left: Buf::new(budget, Kind::Stack),
            lost: false,
            waits_at: 0,
            suspends_at: 0,
            resumable: false,
            suspension: None,
            interprets: false,
            counts: count::Counts::default(),
            stack,
        })
    }

    /// Ends it, and gives its stack back.
    pub(crate) fn end(mut self, stacks: &Stacks) {
        let base = self.stack.mapping.as_mut_ptr() as usize + self.stack.start;
        stacks.put(self.stack, self.charged as usize - base);
    }

    /// Notes the registers at the cell that stops dispatch.
    #[cfg_attr(not(feature = "coredump"), expect(unused_variables, reason = "they are for core dumps"))]
    fn stopped_with(&mut self, regs: &regs::Regs) {
        #[cfg(feature = "coredump")]
        {
            self.regs = Some(*regs);
        }
    }

    /// Whether it may enter compiled code.
    pub(crate) fn enters_compiled(&self) -> bool {
        self.code_stack.is_some() && !self.interprets
    }

    /// Whether it stopped before its first instruction.
    pub(crate) fn has_not_begun(&self) -> bool {
        self.at.vm.is_null()
    }

    /// Where the part of the stack that is charged ends.
    pub(crate) fn stack_end(&self) -> *mut u64 {
        self.charged
    }

    /// Shows the words that may be references: those of its frames, which end at `end` at the latest, or where the next one
    /// would begin if that is null.
    pub(crate) fn references(
        &self,
        end: Option<*const u64>,
        tier: Option<&dyn Tier>,
        look: &mut dyn FnMut(&[u64]),
    ) {
        let base = (self.stack.mapping.as_ptr() as usize + self.stack.start) as *const u64;
        let end = match end {
            Some(end) if end.is_null() => self.top.cast_const(),
            Some(end) => end,
            None => self.charged.cast_const(),
        };
        let end = end.min(self.charged.cast_const());
        // SAFETY: what is charged can be read, and nothing executes meanwhile.
        look(unsafe { core::slice::from_raw_parts(base, (end as usize).saturating_sub(base as usize) / 8) });
        if let Some(suspension) = &self.suspension {
            look(&[suspension.accumulator()]);
        }
        if let (Some(tier), Some(stack)) = (tier, self.code_stack.as_deref()) {
            // SAFETY: the stack is this execution's, and either this thread executes on it or nothing does.
            unsafe { tier.words(stack, look) };
        }
    }

    /// Makes the stack usable up to `to` at least; gives its new end.
    pub(crate) fn extend(&mut self, to: *mut u64) -> Result<*mut u64, Trap> {
        if to > self.end {
            return Err(Trap::StackOverflow);
        }
        if to > self.charged {
            // There may be many resumable calls, each with a small stack: the first steps are small.
            let base = self.stack.mapping.as_ptr() as usize + self.stack.start;
            let step = match self.resumable {
                true => (self.charged as usize - base).next_power_of_two().clamp(4096, STACK_STEP),
                false => STACK_STEP,
            };
            let more = (to as usize - self.charged as usize).next_multiple_of(step);
            let more = more.min(self.end as usize - self.charged as usize);
            self.charge.grow(more as u64).map_err(|_| Trap::StackOverflow)?;
            self.charged = self.charged.wrapping_byte_add(more);
        }
        Ok(self.charged)
    }
}

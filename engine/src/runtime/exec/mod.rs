//! The interpreter: executions, and how they begin and end.
//!
//! `regs` says what handlers are, `place` where their operands come from; the other files hold the handlers, by
//! the same family names as `translate`.

pub(crate) mod bulk;
pub(crate) mod cell;
pub(crate) mod control;
mod count;
mod entry;
pub(crate) mod leave;
mod listing;
pub(crate) mod memory;
pub(crate) mod native;
pub(crate) mod numeric;
#[cfg(feature = "pairs")]
mod pairs;
#[cfg(not(feature = "pairs"))]
#[path = "no_pairs.rs"]
mod pairs;
pub(crate) mod place;
pub(crate) mod regs;
mod sample;
pub(crate) mod slow;
#[cfg(target_arch = "x86_64")]
mod sse42;
mod suspend;
mod table;
pub(crate) mod variable;
pub(crate) mod vector;
mod walk;
mod watch;

pub use count::DispatchCounts;
pub(crate) use entry::{Resumed, invoke, resume};
pub use listing::{HandlerKind, TailHandler, tail_handlers};
pub(crate) use watch::Watch;

use crate::memory::alloc::{Buf, MemoryError};
use crate::memory::budget::{Budget, Charge, Kind};
use crate::memory::sys::Mapping;
use crate::module::trap::Trap;
use crate::runtime::error::Error;
use core::sync::atomic::AtomicPtr;
use regs::{Handler, Loop, Tail};
use sample::{HostCall, Position};

/// How one handler follows another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dispatch {
    /// By tail calls: faster, where the compiler made them. [`Engine::new`](crate::Engine::new) tests that.
    Tail,
    /// By returning to a loop: always right.
    Loop,
    /// By a loop that counts what it dispatches, for tuning the interpreter: slow. See
    /// [`Store::dispatch_counts`](crate::Store::dispatch_counts).
    Count,
}

/// Every handler by op number, as each backend has it.
static TAIL: [Handler<Tail>; crate::ops::OPS] = table::table::<Tail>();
static LOOP: [Handler<Loop>; crate::ops::OPS] = table::table::<Loop>();

impl Dispatch {
    /// The address of a handler that does the work of two cells in a row, if there is one.
    pub(crate) fn fused(self, op: crate::ops::Op, next: crate::ops::Op) -> Option<u64> {
        match self {
            Dispatch::Tail => pairs::fused(op, next).map(|h| h as usize as u64),
            Dispatch::Loop | Dispatch::Count => None,
        }
    }

    /// The address of `op`'s handler.
    pub(crate) fn handler(self, op: crate::ops::Op) -> u64 {
        match self {
            Dispatch::Tail => {
                #[cfg(target_arch = "x86_64")]
                if let Some(handler) = sse42::handler(op) {
                    return handler as usize as u64;
                }
                TAIL[op.0 as usize] as usize as u64
            }
            Dispatch::Loop => LOOP[op.0 as usize] as usize as u64,
            Dispatch::Count => count::word(op),
        }
    }
}

/// The entry word that every host function shares: it always leads to the cold path.
pub(crate) static HOST_ENTRY: AtomicPtr<u64> = AtomicPtr::new(crate::ops::cells::LAZY.as_ptr().cast_mut());

/// The best backend that this build has.
pub(crate) fn default_dispatch() -> Dispatch {
    use std::sync::OnceLock;
    static CHOSEN: OnceLock<Dispatch> = OnceLock::new();
    *CHOSEN.get_or_init(|| if tail_calls_hold() { Dispatch::Tail } else { Dispatch::Loop })
}

/// A handler of each kind that called instead of jumping would use more than this, in bytes.
const MAX_DRIFT: usize = 256;

/// Whether handlers really jump: some hundred cells of several kinds must not use up any native stack.
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
    Panic(Box<dyn core::any::Any + Send>),
}

/// A computation of the guest: its value stack, where it is, and why it stopped. Nested ones (guest, host, guest)
/// continue on the same stack.
pub(crate) struct Execution {
    _stack: Mapping,
    /// One past the last slot that frames may ever use.
    end: *mut u64,
    /// One past the last slot that is charged.
    charged: *mut u64,
    charge: Charge,
    /// Where the next frame may begin.
    top: *mut u64,
    stop: Stop,
    /// Where dispatch stopped, or where it was when it last went somewhere that asks for it; in no function if its
    /// context is null.
    at: Position,
    /// Whether a tail call is replacing the function there.
    leaves: bool,
    /// The innermost call of a host function that lasts, or null.
    host_call: *const HostCall,
    /// The innermost segment of compiled frames, or null.
    native: *const native::Activation,
    /// What compiled code runs on, if there is a tier and there was room.
    pub(crate) code_stack: Option<Box<dyn core::any::Any + Send>>,
    /// Whether compiled code is being left for a tail call.
    tail: bool,
    /// Parts of it that compiled code is leaving, and whether there was no memory for one.
    left: Buf<leave::Part>,
    lost: bool,
    /// Whether it is to go on after it has stopped.
    pub(crate) resumable: bool,
    /// How it could go on, when it has stopped.
    pub(crate) suspension: Option<suspend::Suspension>,
    /// Whether compiled code isn't to be entered.
    pub(crate) interprets: bool,
    /// For [`Dispatch::Count`].
    pub(crate) counts: count::Counts,
}

/// The stack is charged this many bytes at a time.
pub(crate) const STACK_STEP: usize = 64 << 10;

impl Execution {
    /// An execution with a stack of at most `max_stack` bytes.
    pub(crate) fn new(max_stack: usize, budget: &Budget) -> Result<Execution, Error> {
        // Frame sizes are compared in 32 bits, and a stack's end must leave room for the largest.
        let bytes = max_stack.clamp(4096, 1 << 30).next_multiple_of(4096);
        let (mut stack, start) =
            Mapping::guarded(bytes).map_err(|_| MemoryError::system(Kind::Stack, bytes as u64))?;
        let base = stack.as_mut_ptr().wrapping_add(start).cast::<u64>();
        Ok(Execution {
            end: base.wrapping_byte_add(bytes),
            charged: base,
            charge: budget.nothing(Kind::Stack),
            top: base,
            stop: Stop::Done,
            at: entry::idle().position(),
            leaves: false,
            host_call: core::ptr::null(),
            native: core::ptr::null(),
            code_stack: None,
            tail: false,
            left: Buf::new(budget, Kind::Stack),
            lost: false,
            resumable: false,
            suspension: None,
            interprets: false,
            counts: count::Counts::default(),
            _stack: stack,
        })
    }

    /// Whether compiled code can be entered in it.
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

    /// Makes the stack usable up to `to` at least; gives its new end.
    pub(crate) fn extend(&mut self, to: *mut u64) -> Result<*mut u64, Trap> {
        if to > self.end {
            return Err(Trap::StackOverflow);
        }
        if to > self.charged {
            let more = (to as usize - self.charged as usize).next_multiple_of(STACK_STEP);
            let more = more.min(self.end as usize - self.charged as usize);
            self.charge.grow(more as u64).map_err(|_| Trap::StackOverflow)?;
            self.charged = self.charged.wrapping_byte_add(more);
        }
        Ok(self.charged)
    }
}

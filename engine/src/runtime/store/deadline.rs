//! What a store does when its deadline in the engine's epochs is reached.

use super::{ResumableOutcome, ResumedBy, StoreInner};
use crate::runtime::vmctx::FuncObj;
use crate::{Error, Trap};
use alloc::boxed::Box;
use core::fmt;
use core::pin::Pin;

/// What [`Store::epoch_deadline_callback`](crate::Store::epoch_deadline_callback) has the guest do: nothing, or go on with
/// a new deadline so many epochs after the current one.
#[non_exhaustive]
pub enum UpdateDeadline {
    /// It traps with [`Trap::Interrupt`].
    Interrupt,
    /// It goes on at once.
    Continue(u64),
    /// It goes on when the executor polls the call again, which it is told to do soon: for asynchronous calls.
    Yield(u64),
    /// It goes on when the future is ready: for asynchronous calls.
    YieldCustom(u64, Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl fmt::Debug for UpdateDeadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupt => f.write_str("Interrupt"),
            Self::Continue(ticks) => f.debug_tuple("Continue").field(ticks).finish(),
            Self::Yield(ticks) => f.debug_tuple("Yield").field(ticks).finish(),
            Self::YieldCustom(ticks, _) => f.debug_tuple("YieldCustom").field(ticks).finish(),
        }
    }
}

/// Called with the pointer by which the store knows itself.
pub(crate) type Callback = dyn FnMut(*mut StoreInner) -> Result<UpdateDeadline, Error> + Send + Sync;

pub(crate) enum AtDeadline {
    Trap,
    /// The callback is being called.
    Calling,
    Call(Box<Callback>),
    Yield(u64),
}

impl StoreInner {
    pub(crate) fn set_deadline(&mut self, ticks: u64) {
        if self.engine.config().epoch_interruption {
            self.engine.epochs().set_deadline(&self.interrupt, ticks);
        }
    }

    pub(crate) fn at_deadline(&mut self, does: AtDeadline) {
        self.interrupt.set_ends_waits(matches!(does, AtDeadline::Trap));
        self.at_deadline = does;
    }

    /// The deadline was reached, and the guest isn't executing: does what the store was told to do then, and says how the
    /// guest goes on.
    ///
    /// # Safety
    /// `store` is a live store, reached through its own pointer (`vm.store`), and no reference to its parts is held.
    pub(crate) unsafe fn reach_deadline(store: *mut StoreInner) -> Result<UpdateDeadline, Error> {
        // SAFETY: the caller's contract.
        let update = match unsafe { core::mem::replace(&mut (*store).at_deadline, AtDeadline::Calling) } {
            does @ (AtDeadline::Trap | AtDeadline::Calling) => {
                // SAFETY: the caller's contract.
                unsafe { (*store).at_deadline = does };
                UpdateDeadline::Interrupt
            }
            AtDeadline::Yield(ticks) => {
                // SAFETY: the caller's contract.
                unsafe { (*store).at_deadline = AtDeadline::Yield(ticks) };
                UpdateDeadline::Yield(ticks)
            }
            AtDeadline::Call(mut callback) => {
                let update = callback(store);
                // SAFETY: the caller's contract; the callback has ended.
                unsafe {
                    if let AtDeadline::Calling = (*store).at_deadline {
                        (*store).at_deadline = AtDeadline::Call(callback);
                    }
                }
                update?
            }
        };
        if let UpdateDeadline::Continue(ticks)
        | UpdateDeadline::Yield(ticks)
        | UpdateDeadline::YieldCustom(ticks, _) = update
        {
            // SAFETY: the caller's contract.
            unsafe { (*store).set_deadline(ticks) };
        }
        Ok(update)
    }

    /// [`StoreInner::invoke`] in a store whose deadlines call back: the call is suspended meanwhile.
    ///
    /// # Safety
    /// As for [`StoreInner::invoke`].
    #[cold]
    pub(super) unsafe fn invoke_with_deadlines(
        store: *mut StoreInner,
        func: *mut FuncObj,
        slots: &mut [u64],
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            let mut outcome = Self::invoke_resumable(store, func, slots, ResumedBy::Store)?;
            loop {
                let (error, ticket) = match outcome {
                    ResumableOutcome::Finished => return Ok(()),
                    ResumableOutcome::Suspended(error, ticket) => (error, ticket),
                };
                if !(*store).stopped_by_deadline(&error) {
                    return Err(error);
                }
                match Self::reach_deadline(store)? {
                    UpdateDeadline::Interrupt => return Err(error),
                    UpdateDeadline::Continue(_) => {}
                    UpdateDeadline::Yield(_) | UpdateDeadline::YieldCustom(..) => {
                        return Err(Error::msg("a call that isn't asynchronous can't yield at its deadline"));
                    }
                }
                outcome = match ticket {
                    Some(ticket) => Self::resume(store, &ticket, &[], slots)?,
                    None => Self::invoke_resumable(store, func, slots, ResumedBy::Store)?,
                };
            }
        }
    }

    pub(crate) fn stopped_by_deadline(&self, error: &Error) -> bool {
        error.trap() == Some(Trap::Interrupt) && self.interrupt.was_deadline()
    }
}

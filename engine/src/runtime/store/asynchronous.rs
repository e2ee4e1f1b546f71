//! What an asynchronous call waits for: it is suspended as a resumable call is, and the embedder's executor polls the
//! future.

use super::{ResumableOutcome, ResumedBy, StoreInner, Ticket, UpdateDeadline};
use crate::memory::Buf;
use crate::runtime::vmctx::FuncObj;
use crate::{Error, Trap};
use alloc::boxed::Box;
use core::pin::Pin;

/// What a host function gives: the slots of its results.
pub(crate) type Answer = Result<Buf<u64>, Error>;

/// A call of an asynchronous host function. It uses the store, so it is polled only while nobody else does.
pub(crate) type HostFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Why the store's asynchronous call has stopped, and how it goes on.
#[derive(Default)]
pub(crate) struct Asynchronous {
    /// What the host function has begun that was called last.
    begun: Option<HostFuture>,
    /// What the host function gives that is about to be called again.
    answer: Option<Answer>,
    /// Whether the call stopped to yield.
    pub(super) yields: bool,
}

/// What comes before an asynchronous call goes on.
pub(crate) enum Pause {
    Nothing,
    Yield,
    Until(Pin<Box<dyn Future<Output = ()> + Send>>),
    Host(HostFuture),
}

impl StoreInner {
    /// Whether what executes can be suspended to wait: whether it is the asynchronous call itself, rather than a call that
    /// a host function made.
    pub(crate) fn may_wait(&self) -> bool {
        self.exec.as_ref().is_some_and(|exec| exec.waits_at == self.depth && self.depth > 0)
    }

    /// Calls an asynchronous host function: `begin` makes its future, and once that is ready the call is repeated, with
    /// the answer.
    pub(crate) fn call_asynchronous(
        store: *mut StoreInner,
        slots: &mut [u64],
        begin: impl FnOnce(&[u64]) -> Result<HostFuture, Error>,
    ) -> Result<(), Error> {
        // SAFETY: a host function is called with a live store that nobody uses meanwhile.
        let inner = unsafe { &mut *store };
        if let Some(answer) = inner.asynchronous.answer.take() {
            let results = answer?;
            slots[..results.len()].copy_from_slice(&results);
            return Ok(());
        }
        if inner.may_wait() {
            let future = begin(slots)?;
            inner.asynchronous.begun = Some(future);
        }
        Err(Error::pending())
    }

    /// Begins an asynchronous call, or goes on with the one that `ticket` is for, with the `answer` of the host function that
    /// it waited for. Arguments and results are as for [`StoreInner::invoke`].
    ///
    /// # Safety
    /// As for [`StoreInner::invoke`].
    pub(crate) unsafe fn step(
        store: *mut StoreInner,
        func: *mut FuncObj,
        ticket: Option<Ticket>,
        answer: &mut Option<Answer>,
        slots: &mut [u64],
    ) -> Result<ResumableOutcome, Error> {
        // SAFETY: the caller's contract.
        unsafe {
            (*store).asynchronous = Asynchronous { answer: answer.take(), ..Asynchronous::default() };
            let outcome = match ticket {
                Some(ticket) => Self::resume(store, &ticket, &[], slots),
                None => Self::invoke_resumable(store, func, slots, ResumedBy::Executor),
            };
            // If it stopped before the host function was called again, the answer is for the next time.
            *answer = (*store).asynchronous.answer.take();
            outcome
        }
    }

    /// What an asynchronous call that has stopped waits for. It is over with `error` if that is no reason to go on.
    ///
    /// # Safety
    /// As for [`StoreInner::reach_deadline`].
    pub(crate) unsafe fn pause(store: *mut StoreInner, error: Error) -> Result<Pause, Error> {
        // SAFETY: the caller's contract.
        unsafe {
            let Asynchronous { begun, yields, .. } = core::mem::take(&mut (*store).asynchronous);
            if error.is_pending() {
                return begun.map(Pause::Host).ok_or(error);
            }
            if yields && error.trap() == Some(Trap::Interrupt) {
                return Ok(Pause::Yield);
            }
            if !(*store).stopped_by_deadline(&error) {
                return Err(error);
            }
            Ok(match Self::reach_deadline(store)? {
                UpdateDeadline::Interrupt => return Err(error),
                UpdateDeadline::Continue(_) => Pause::Nothing,
                UpdateDeadline::Yield(_) => Pause::Yield,
                UpdateDeadline::YieldCustom(_, until) => Pause::Until(until),
            })
        }
    }
}

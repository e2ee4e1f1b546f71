//! Parked executions: suspended ones, and those that wait for a nested one to end.

use super::StoreInner;
use crate::memory::{Kind, MemoryError, Shared, try_box};
use crate::runtime::error::Error;
use crate::runtime::exec::{self, Dispatch, Execution, Resumed};
use crate::runtime::tier::Account;
use crate::runtime::vmctx::FuncObj;
use crate::sys::{catch_panic, resume_panic};
use alloc::boxed::Box;
use core::any::Any;
use core::sync::atomic::{AtomicBool, Ordering};

/// A parked execution. Its frames keep code from being evicted.
pub(crate) struct Parked {
    pub(crate) exec: Box<Execution>,
    /// The key of its ticket.
    key: u64,
    /// Set once its ticket is dropped, so that it can't be resumed any more.
    forgotten: Shared<AtomicBool>,
}

/// The right to resume a parked execution. Once it is dropped, the store drops the execution.
pub(crate) struct Ticket {
    key: u64,
    forgotten: Shared<AtomicBool>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.forgotten.store(true, Ordering::Relaxed);
    }
}

/// The outcome of a resumable call.
pub(crate) enum ResumableOutcome {
    Finished,
    /// It can be resumed once the cause of the error is dealt with. Without a ticket it hadn't begun: call it again.
    Suspended(Error, Option<Ticket>),
}

/// Who has a resumable call go on after it has stopped.
#[derive(Clone, Copy)]
pub(crate) enum ResumedBy {
    /// It is suspended when a snapshot is wanted, too.
    Embedder,
    /// The store itself, at once.
    Store,
    /// It also stops to yield, and where a host function isn't ready.
    Executor,
}

impl StoreInner {
    /// Makes this the current execution, and returns the previous one.
    fn switch(&mut self, exec: Option<Box<Execution>>) -> Option<Box<Execution>> {
        let end = exec.as_ref().map_or(core::ptr::null_mut(), |exec| exec.stack_end());
        self.vm.stack_end = end;
        self.interrupt.set_stack_end(end as usize);
        let before = core::mem::replace(&mut self.exec, exec);
        self.interrupt.set_suspends(self.suspends());
        before
    }

    /// Whether what executes is suspended when a snapshot is wanted.
    pub(crate) fn suspends(&self) -> bool {
        self.depth > 0 && self.exec.as_ref().is_some_and(|exec| exec.suspends_at == self.depth)
    }

    /// `interprets` says that it never enters compiled code.
    fn new_execution(&mut self, interprets: bool) -> Result<Box<Execution>, Error> {
        self.charge.grow(size_of::<Execution>() as u64)?;
        let execution = Execution::new(self.engine.max_wasm_stack(), self.engine.stacks(), &self.budget);
        let boxed = execution.and_then(|mut execution| {
            // The native stack is made now rather than when code is compiled, so that what the budget leaves to the
            // guest doesn't depend on the timing of that. Without a stack, code isn't entered.
            if !interprets {
                execution.code_stack = self.new_code_stack();
            }
            execution.interprets = interprets;
            Ok(try_box(Kind::Stack, execution)?)
        });
        boxed.inspect_err(|_| self.charge.shrink(size_of::<Execution>() as u64))
    }

    fn new_code_stack(&self) -> Option<Box<dyn Any + Send>> {
        let tier = self.engine.tier().filter(|_| self.ensure_poll_page().is_ok())?;
        tier.new_stack(Account(self.budget.clone()), self.engine.max_wasm_stack())
    }

    /// Makes what compiled code polls for interruptions, for all instances, if it is a page.
    fn ensure_poll_page(&self) -> Result<(), MemoryError> {
        if self.engine.config().suspend_compiled || !self.interrupt.page().is_null() {
            return Ok(());
        }
        self.interrupt.make_page()?;
        for instance in self.instances.iter() {
            // SAFETY: objects live as long as the store. None of its code is compiled code that is executing, since that
            // would have a page.
            unsafe { (*instance.as_ref().vm()).poll = self.interrupt.page() };
        }
        Ok(())
    }

    pub(super) fn ensure_execution(&mut self) -> Result<(), Error> {
        if self.exec.is_none() {
            if self.keeps_stack.is_none() {
                self.keeps_stack = self.engine.stacks().keep();
            }
            self.exec = Some(self.new_execution(false)?);
        }
        Ok(())
    }

    /// A call from the host has ended. If it was the outermost, and others keep their stack, this store doesn't.
    #[inline]
    pub(super) fn leave_execution(&mut self) {
        if self.keeps_stack.is_none() && self.depth == 0 {
            self.drop_idle_execution();
        }
    }

    #[cold]
    fn drop_idle_execution(&mut self) {
        // Counts are asked for later.
        if self.engine.dispatch() != Dispatch::Count
            && let Some(exec) = self.switch(None)
        {
            self.drop_execution(exec);
        }
    }

    pub(super) fn drop_execution(&mut self, exec: Box<Execution>) {
        exec.end(self.engine.stacks());
        self.charge.shrink(size_of::<Execution>() as u64);
    }

    /// Drops executions whose ticket is gone.
    fn forget_parked(&mut self) {
        while let Some(at) = self.parked.iter().position(|parked| parked.forgotten.load(Ordering::Relaxed)) {
            let exec = self.parked.swap_remove(at).exec;
            self.drop_execution(exec);
        }
    }

    /// A ticket for an execution that will be parked.
    fn ticket(&mut self) -> Result<Ticket, Error> {
        let forgotten = Shared::try_new(Kind::Instance, AtomicBool::new(false))?;
        self.next_parked += 1;
        Ok(Ticket { key: self.next_parked, forgotten })
    }

    /// Parks an execution. Room in the list has been reserved.
    fn park(&mut self, exec: Box<Execution>, ticket: &Ticket) {
        let parked = Parked { exec, key: ticket.key, forgotten: ticket.forgotten.clone() };
        self.parked.try_push(parked).unwrap_or_else(|_| unreachable!("room was reserved"));
    }

    /// The suspended execution of a ticket.
    pub(crate) fn suspended(&self, ticket: &Ticket) -> &Execution {
        let found = self.parked.iter().find(|parked| parked.key == ticket.key);
        &found.expect("it is kept as long as its ticket").exec
    }

    /// Runs `run`, which calls or resumes, in an execution of its own.
    ///
    /// # Safety
    /// As for [`StoreInner::invoke`].
    unsafe fn run_apart(
        store: *mut StoreInner,
        exec: Box<Execution>,
        run: impl FnOnce() -> Result<Resumed, Error>,
    ) -> Result<ResumableOutcome, Error> {
        // SAFETY: the caller's contract; this reference isn't used while `run` runs.
        let inner = unsafe { &mut *store };
        let tickets = inner.parked.try_reserve(2).map_err(Error::from);
        let tickets = tickets.and_then(|()| Ok((inner.ticket()?, inner.ticket()?)));
        let (around, own) = match tickets {
            Ok(tickets) => tickets,
            Err(error) => {
                inner.drop_execution(exec);
                return Err(error);
            }
        };
        // The outer execution is parked meanwhile, so that its frames are found.
        if let Some(outer) = inner.switch(Some(exec)) {
            inner.park(outer, &around);
        }
        let result = catch_panic(run);
        // SAFETY: the caller's contract; `run` has ended.
        let inner = unsafe { &mut *store };
        let at = inner.parked.iter().position(|parked| parked.key == around.key);
        let outer = at.map(|at| inner.parked.swap_remove(at).exec);
        let mut exec = inner.switch(outer).expect("it was switched to");
        match result {
            Ok(Ok(Resumed::Finished)) => {
                inner.drop_execution(exec);
                Ok(ResumableOutcome::Finished)
            }
            Ok(Ok(Resumed::Stopped(error))) => {
                if exec.suspension.is_some() {
                    // All frames of compiled code have been left.
                    exec.code_stack = None;
                    inner.park(exec, &own);
                    return Ok(ResumableOutcome::Suspended(error, Some(own)));
                }
                let not_begun = exec.has_not_begun();
                inner.drop_execution(exec);
                if not_begun { Ok(ResumableOutcome::Suspended(error, None)) } else { Err(error) }
            }
            Ok(Err(error)) => {
                inner.drop_execution(exec);
                Err(error)
            }
            Err(payload) => {
                inner.drop_execution(exec);
                resume_panic(payload)
            }
        }
    }

    /// Makes a resumable call. Arguments and results are as for [`StoreInner::invoke`].
    ///
    /// # Safety
    /// As for [`StoreInner::invoke`].
    pub(crate) unsafe fn invoke_resumable(
        store: *mut StoreInner,
        func: *mut FuncObj,
        slots: &mut [u64],
        resumed: ResumedBy,
    ) -> Result<ResumableOutcome, Error> {
        // SAFETY: the caller's contract.
        unsafe {
            (*store).forget_parked();
            let interprets = !(*store).engine.config().suspend_compiled;
            let mut exec = (*store).new_execution(interprets)?;
            exec.resumable = true;
            let level = (*store).depth + 1;
            match resumed {
                ResumedBy::Embedder => exec.suspends_at = level,
                ResumedBy::Store => {}
                ResumedBy::Executor => exec.waits_at = level,
            }
            Self::run_apart(store, exec, || match exec::invoke(store, func, slots) {
                Ok(()) => Ok(Resumed::Finished),
                Err(error) => Ok(Resumed::Stopped(error)),
            })
        }
    }

    /// Makes a suspended call of what `lay_out` lays out in a new execution. Gives the reason for which it stopped.
    ///
    /// # Safety
    /// As for [`StoreInner::invoke`].
    #[cfg(feature = "snapshot")]
    pub(crate) unsafe fn make_suspended(
        store: *mut StoreInner,
        lay_out: impl FnOnce() -> Result<Resumed, Error>,
    ) -> Result<(Error, Ticket), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            (*store).forget_parked();
            let mut exec = (*store).new_execution(true)?;
            exec.interprets = !(*store).engine.config().suspend_compiled;
            exec.resumable = true;
            exec.suspends_at = (*store).depth + 1;
            match Self::run_apart(store, exec, lay_out)? {
                ResumableOutcome::Suspended(reason, Some(ticket)) => Ok((reason, ticket)),
                _ => unreachable!("it has been laid out, so it is suspended"),
            }
        }
    }

    /// Resumes a suspended call.
    ///
    /// # Safety
    /// As for [`StoreInner::invoke`]. If the suspension needs results of a host function, `host_results` are those. The
    /// call's results fill `slots`.
    pub(crate) unsafe fn resume(
        store: *mut StoreInner,
        ticket: &Ticket,
        host_results: &[u64],
        slots: &mut [u64],
    ) -> Result<ResumableOutcome, Error> {
        // SAFETY: the caller's contract.
        unsafe {
            (*store).forget_parked();
            let at = (*store).parked.iter().position(|parked| parked.key == ticket.key);
            let mut exec = (*store).parked.swap_remove(at.expect("it is kept as long as its ticket")).exec;
            if !exec.interprets {
                exec.code_stack = (*store).new_code_stack();
            }
            for at in [&mut exec.waits_at, &mut exec.suspends_at] {
                if *at != 0 {
                    *at = (*store).depth + 1;
                }
            }
            Self::run_apart(store, exec, || exec::resume(store, host_results, slots))
        }
    }
}

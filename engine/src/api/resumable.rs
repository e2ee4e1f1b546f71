#[cfg(feature = "snapshot")]
use crate::Trap;
use crate::api::func::{check_count, load_vals, store_vals};
use crate::memory::{Buf, Kind};
use crate::runtime::exec::Execution;
use crate::runtime::store::{ResumableOutcome, ResumedBy, StoreInner, Ticket, slots_of};
use crate::{AsContextMut, Error, Func, FuncType, Val, ValTypes};

/// What became of [`Func::call_resumable`].
#[derive(Debug)]
pub enum ResumableCall {
    /// The function returned, and its results are where they were wanted.
    Finished,
    /// It stopped, and can go on.
    Suspended(SuspendedCall),
}

/// A call that stopped and can go on: for want of fuel, because of an interruption, or since a host function failed.
///
/// It keeps its stack, which the store's budget pays for, until it is dropped. Meanwhile the store can be used for other
/// calls, which may see what the suspended one has done so far.
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use dunlin::{Config, Engine, Instance, Module, ResumableCall, Store, Trap, Val};
/// let engine = Engine::new(Config::new().consume_fuel(true))?;
/// let module = Module::new(&engine, r#"(module (func (export "count") (param i32) (result i32) (local i32)
///     (loop $again
///         (local.set 1 (i32.add (local.get 1) (i32.const 2)))
///         (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
///     (local.get 1)))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let count = instance.get_func(&store, "count").unwrap();
/// let mut results = [Val::I32(0)];
/// store.set_fuel(100)?;
/// let mut call = count.call_resumable(&mut store, &[Val::I32(1000)], &mut results)?;
/// let mut slices = 1;
/// while let ResumableCall::Suspended(suspended) = call {
///     assert_eq!(suspended.reason().trap(), Some(Trap::OutOfFuel));
///     slices += 1;
///     store.set_fuel(100)?;
///     call = suspended.resume(&mut store, &mut results)?;
/// }
/// assert!(slices > 50);
/// assert_eq!(results[0].unwrap_i32(), 2000);
/// # }
/// # Ok::<(), dunlin::Error>(())
/// ```
#[must_use = "it can only go on if it is kept"]
pub struct SuspendedCall {
    func: Func,
    ty: FuncType,
    reason: Error,
    #[cfg(feature = "snapshot")]
    wants_snapshot: bool,
    state: SuspendedState,
}

enum SuspendedState {
    /// It is set aside in the store.
    Begun(Ticket),
    /// Nothing was executed yet: its arguments.
    NotBegun(Buf<u64>),
}

impl core::fmt::Debug for SuspendedCall {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SuspendedCall").field("reason", &self.reason).finish_non_exhaustive()
    }
}

fn header_of(ty: &FuncType) -> usize {
    slots_of(ty.params()).max(slots_of(ty.results())) as usize
}

impl Func {
    /// Calls the function so that it can go on after it has stopped for want of fuel
    /// ([`Trap::OutOfFuel`](crate::Trap::OutOfFuel)), because of an interruption
    /// ([`Trap::Interrupt`](crate::Trap::Interrupt)), or since a host function failed with an error of its own; or for a debugger,
    /// at a [`Breakpoint`](crate::Breakpoint), or where it traps, which is how it then ends. Such calls are interpreted, whatever else is compiled, unless [`Config::suspend_compiled`](crate::Config::suspend_compiled).
    ///
    /// # Errors
    ///
    /// As for [`Func::call`], if the call ended.
    ///
    /// # Panics
    ///
    /// As for [`Func::call`].
    pub fn call_resumable(
        &self,
        mut store: impl AsContextMut,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<ResumableCall, Error> {
        let mut store = store.as_context_mut();
        let ty = self.ty_in(store.inner());
        check_count("arguments", ty.params(), params.len())?;
        check_count("results", ty.results(), results.len())?;
        let mut slots = Buf::with_capacity(&store.inner().budget, Kind::Host, header_of(&ty))?;
        slots.try_resize(header_of(&ty), 0)?;
        store_vals(store.inner(), "argument", ty.params(), params, &mut slots)?;
        self.begin(store.inner_ptr(), ty, slots, results)
    }

    fn begin(
        &self,
        store: *mut StoreInner,
        ty: FuncType,
        mut slots: Buf<u64>,
        results: &mut [Val],
    ) -> Result<ResumableCall, Error> {
        // SAFETY: the pointer stands for the caller's exclusive borrow; the slots are the function's header, with its
        // arguments, and afterwards hold its results.
        unsafe {
            let func = self.ptr(&*store);
            match StoreInner::invoke_resumable(store, func.as_ptr(), &mut slots, ResumedBy::Embedder)? {
                ResumableOutcome::Finished => {
                    load_vals(&*store, ty.results(), &slots, |i, val| results[i] = val);
                    Ok(ResumableCall::Finished)
                }
                ResumableOutcome::Suspended(reason, ticket) => {
                    let state = ticket.map_or(SuspendedState::NotBegun(slots), SuspendedState::Begun);
                    Ok(ResumableCall::Suspended(SuspendedCall::stopped(&*store, *self, ty, reason, state)))
                }
            }
        }
    }
}

impl SuspendedCall {
    /// One that has just stopped.
    fn stopped(
        #[cfg_attr(not(feature = "snapshot"), expect(unused_variables))] store: &StoreInner,
        func: Func,
        ty: FuncType,
        reason: Error,
        state: SuspendedState,
    ) -> Self {
        Self {
            #[cfg(feature = "snapshot")]
            wants_snapshot: reason.trap() == Some(Trap::Interrupt) && store.interrupt.was_for_snapshot(),
            func,
            ty,
            reason,
            state,
        }
    }

    /// What is suspended, if it had begun.
    pub(super) fn suspended_in<'s>(&self, store: &'s StoreInner) -> Option<&'s Execution> {
        store.check(self.func.store);
        match &self.state {
            SuspendedState::Begun(ticket) => Some(store.suspended(ticket)),
            SuspendedState::NotBegun(_) => None,
        }
    }

    /// One that has been restored, and is set aside in the store.
    #[cfg(feature = "snapshot")]
    pub(super) fn begun(func: Func, ty: FuncType, reason: Error, ticket: Ticket) -> Self {
        Self { func, ty, reason, wants_snapshot: false, state: SuspendedState::Begun(ticket) }
    }

    /// One that has been restored, and hasn't begun: with its arguments, in the function's header.
    #[cfg(feature = "snapshot")]
    pub(super) fn not_begun(func: Func, ty: FuncType, reason: Error, args: Buf<u64>) -> Self {
        Self { func, ty, reason, wants_snapshot: false, state: SuspendedState::NotBegun(args) }
    }

    /// Its arguments, if it hasn't begun.
    #[cfg(feature = "snapshot")]
    pub(super) fn args(&self) -> &[u64] {
        match &self.state {
            SuspendedState::Begun(_) => &[],
            SuspendedState::NotBegun(args) => args,
        }
    }

    /// Why it stopped.
    pub fn reason(&self) -> &Error {
        &self.reason
    }

    /// Whether it stopped for [`InterruptHandle::request_snapshot`](crate::InterruptHandle::request_snapshot). Its reason is
    /// then [`Trap::Interrupt`], too.
    #[cfg(feature = "snapshot")]
    pub fn wants_snapshot(&self) -> bool {
        self.wants_snapshot
    }

    /// Why it stopped; it then can't go on.
    pub fn into_reason(self) -> Error {
        self.reason
    }

    /// The function that was called.
    pub fn func(&self) -> Func {
        self.func
    }

    /// The host function that failed, if that is why it stopped: it goes on with [results for
    /// it](SuspendedCall::resume_with).
    pub fn host_func(&self, mut store: impl AsContextMut) -> Option<Func> {
        let mut store = store.as_context_mut();
        let inner = store.inner_mut();
        inner.check(self.func.store);
        match &self.state {
            SuspendedState::NotBegun(_) => None,
            SuspendedState::Begun(ticket) => {
                let wanted = inner.suspended(ticket).suspension.as_ref()?.wants_results_of()?;
                // SAFETY: functions live as long as their store.
                Some(Func::from_obj(inner, unsafe { &*wanted }))
            }
        }
    }

    /// Goes on where it stopped: with whatever it had no fuel for, or was interrupted before. Results are as for
    /// [`Func::call`].
    ///
    /// # Errors
    ///
    /// As for [`Func::call_resumable`]; or if it stopped in a host function that has results.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn resume(self, store: impl AsContextMut, results: &mut [Val]) -> Result<ResumableCall, Error> {
        self.resume_with(store, &[], results)
    }

    /// Goes on behind the call of the host function that failed, as if that had returned `host_results`.
    ///
    /// # Errors
    ///
    /// As for [`Func::call_resumable`]; or if those aren't the host function's results, or no host function failed.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn resume_with(
        self,
        mut store: impl AsContextMut,
        host_results: &[Val],
        results: &mut [Val],
    ) -> Result<ResumableCall, Error> {
        let mut store = store.as_context_mut();
        check_count("results", self.ty.results(), results.len())?;
        let host_ty = self.host_func(&mut store).map(|func| func.ty_in(store.inner()));
        let host_types = host_ty.as_ref().map_or(ValTypes::none(), |ty| ty.results());
        check_count("results of the host function", host_types, host_results.len())?;
        let Self { func, ty, state, .. } = self;
        let ticket = match state {
            SuspendedState::NotBegun(slots) => return func.begin(store.inner_ptr(), ty, slots, results),
            SuspendedState::Begun(ticket) => ticket,
        };
        let budget = store.inner().budget.clone();
        let mut slots = Buf::with_capacity(&budget, Kind::Host, header_of(&ty))?;
        slots.try_resize(slots_of(ty.results()) as usize, 0)?;
        let mut host_slots = Buf::with_capacity(&budget, Kind::Host, slots_of(host_types) as usize)?;
        host_slots.try_resize(slots_of(host_types) as usize, 0)?;
        store_vals(store.inner(), "result", host_types, host_results, &mut host_slots)?;
        let inner = store.inner_ptr();
        // SAFETY: the pointer stands for the exclusive borrow `store`; the slots are as many as there are results.
        unsafe {
            match StoreInner::resume(inner, &ticket, &host_slots, &mut slots)? {
                ResumableOutcome::Finished => {
                    load_vals(&*inner, ty.results(), &slots, |i, val| results[i] = val);
                    Ok(ResumableCall::Finished)
                }
                ResumableOutcome::Suspended(reason, ticket) => {
                    let ticket = ticket.expect("it had begun");
                    let state = SuspendedState::Begun(ticket);
                    Ok(ResumableCall::Suspended(SuspendedCall::stopped(&*inner, func, ty, reason, state)))
                }
            }
        }
    }
}

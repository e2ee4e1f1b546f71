//! Deadlines of stores in their engine's epochs.

use crate::runtime::store::AtDeadline;
use crate::{AsContextMut, Caller, Error, Store, StoreContextMut, UpdateDeadline};
use alloc::boxed::Box;
use core::ptr::NonNull;

impl<T> Store<T> {
    /// Sets the store's deadline: `ticks` epochs after the [current one](crate::Engine::increment_epoch). When it is
    /// reached, the guest stops at its next call or turn of a loop, and what follows is said by
    /// [`epoch_deadline_trap`](Store::epoch_deadline_trap) (the default),
    /// [`epoch_deadline_callback`](Store::epoch_deadline_callback) or
    /// [`epoch_deadline_async_yield_and_update`](Store::epoch_deadline_async_yield_and_update).
    ///
    /// Deadlines are switched on by [`Config::epoch_interruption`](crate::Config::epoch_interruption); without, this has no
    /// effect. With it, the deadline of a new store is reached already, so it has to be set before the guest can execute.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Config, Engine, Instance, Module, Store, Trap};
    /// let engine = Engine::new(Config::new().epoch_interruption(true))?;
    /// let module = Module::new(&engine, r#"(module (func (export "spin") (loop (br 0))))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// store.set_epoch_deadline(1);
    /// let instance = Instance::new(&mut store, &module, &[])?;
    /// let spin = instance.get_typed_func::<(), ()>(&store, "spin")?;
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| engine.increment_epoch());
    ///     assert_eq!(spin.call(&mut store, ()).unwrap_err().trap(), Some(Trap::Interrupt));
    /// });
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    pub fn set_epoch_deadline(&mut self, ticks: u64) {
        self.as_context_mut().set_epoch_deadline(ticks);
    }

    /// Has the guest trap with [`Trap::Interrupt`](crate::Trap::Interrupt) when the deadline is reached; until it is set
    /// anew, every call does. A host function that waits is [interrupted](Caller::interrupt_waiter), too.
    pub fn epoch_deadline_trap(&mut self) {
        self.as_context_mut().epoch_deadline_trap();
    }

    /// Has `callback` called when the deadline is reached; it says how the guest goes on. Its error is the call's.
    ///
    /// The guest's call is suspended meanwhile, as a [resumable call](crate::Func::call_resumable) is, so the callback may
    /// use the store as it likes. Like those, all calls in the store are interpreted, unless
    /// [`Config::suspend_compiled`](crate::Config::suspend_compiled). Host functions aren't interrupted.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Config, Engine, Instance, Module, Store, UpdateDeadline};
    /// let engine = Engine::new(Config::new().epoch_interruption(true))?;
    /// let module = Module::new(&engine, r#"(module (func (export "f") (result i32) (i32.const 7)))"#)?;
    /// let mut store = Store::new(&engine, 0);
    /// store.epoch_deadline_callback(|mut store| {
    ///     *store.data_mut() += 1;
    ///     Ok(UpdateDeadline::Continue(1))
    /// });
    /// let instance = Instance::new(&mut store, &module, &[])?;
    /// let f = instance.get_typed_func::<(), i32>(&store, "f")?;
    /// assert_eq!((f.call(&mut store, ())?, *store.data()), (7, 1));
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    pub fn epoch_deadline_callback(
        &mut self,
        mut callback: impl FnMut(StoreContextMut<'_, T>) -> Result<UpdateDeadline, Error> + Send + Sync + 'static,
    ) where
        T: 'static,
    {
        let call = move |store: *mut _| {
            // SAFETY: it is called with the pointer by which this store knows itself, while nobody uses the store.
            callback(unsafe { StoreContextMut::new(NonNull::new_unchecked(store).cast()) })
        };
        self.as_context_mut().inner_mut().at_deadline(AtDeadline::Call(Box::new(call)));
    }

    /// Has an asynchronous call yield to the executor when the deadline is reached, and go on with a new deadline `ticks`
    /// epochs after the current one. Other calls trap with [`Trap::Interrupt`](crate::Trap::Interrupt).
    pub fn epoch_deadline_async_yield_and_update(&mut self, ticks: u64) {
        self.as_context_mut().epoch_deadline_async_yield_and_update(ticks);
    }
}

impl<T> StoreContextMut<'_, T> {
    /// See [`Store::set_epoch_deadline`].
    pub fn set_epoch_deadline(&mut self, ticks: u64) {
        self.inner_mut().set_deadline(ticks);
    }

    /// See [`Store::epoch_deadline_trap`].
    pub fn epoch_deadline_trap(&mut self) {
        self.inner_mut().at_deadline(AtDeadline::Trap);
    }

    /// See [`Store::epoch_deadline_async_yield_and_update`].
    pub fn epoch_deadline_async_yield_and_update(&mut self, ticks: u64) {
        self.inner_mut().at_deadline(AtDeadline::Yield(ticks));
    }
}

impl<T> Caller<'_, T> {
    /// See [`Store::set_epoch_deadline`].
    pub fn set_epoch_deadline(&mut self, ticks: u64) {
        self.store.set_epoch_deadline(ticks);
    }
}

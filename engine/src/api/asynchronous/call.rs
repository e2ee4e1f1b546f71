//! Asynchronous calls of the guest.

use crate::api::func::{check_count, load_vals, store_vals};
use crate::api::wasm_ty::sealed::Slots;
use crate::memory::{Buf, Kind};
use crate::runtime::store::{Pause, ResumableOutcome, StoreInner, slots_of};
use crate::{
    AsContextMut, Caller, Error, Func, Store, StoreContextMut, TypedFunc, Val, WasmParams, WasmResults,
};
use core::task::Poll;

impl Func {
    /// Calls the function asynchronously: as [`TypedFunc::call_async`], with values as for [`Func::call`].
    ///
    /// # Errors
    ///
    /// As for [`Func::call`].
    ///
    /// # Panics
    ///
    /// As for [`Func::call`].
    pub async fn call_async(
        &self,
        mut store: impl AsContextMut,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<(), Error> {
        let mut store = store.as_context_mut();
        let ty = self.ty_in(store.inner());
        check_count("arguments", ty.params(), params.len())?;
        check_count("results", ty.results(), results.len())?;
        let header = slots_of(ty.params()).max(slots_of(ty.results())) as usize;
        let mut slots = Buf::with_capacity(&store.inner().budget, Kind::Host, header)?;
        slots.try_resize(header, 0)?;
        store_vals(store.inner(), "argument", ty.params(), params, &mut slots)?;
        let slots = call(&mut store, *self, slots).await?;
        // SAFETY: these are the function's results.
        unsafe { load_vals(store.inner(), ty.results(), &slots, |i, val| results[i] = val) };
        Ok(())
    }
}

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    /// Calls the function asynchronously. The guest executes on the thread that polls the future. Where it calls an
    /// [asynchronous host function](crate::Linker::func_wrap_async) that isn't ready, or
    /// [yields](Store::fuel_async_yield_interval), it is suspended, and the thread is free.
    ///
    /// It is suspended as a [resumable call](Func::call_resumable) is: what remains of it are its frames, and it is
    /// interpreted, unless [`Config::suspend_compiled`](crate::Config::suspend_compiled). The future is `Send` if the
    /// store's data is. Dropping it ends the call; what the guest did until then stays done.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Caller, Engine, Linker, Module, Store};
    /// async fn run() -> dunlin::Result<i32> {
    ///     let engine = Engine::default();
    ///     let mut linker = Linker::<()>::new(&engine);
    ///     linker.func_wrap_async("host", "ask", |_: Caller<'_, ()>, (question,): (i32,)| {
    ///         Box::new(async move {
    ///             std::future::ready(()).await;
    ///             question + 1
    ///         })
    ///     })?;
    ///     let module = Module::new(&engine, r#"(module
    ///         (import "host" "ask" (func $ask (param i32) (result i32)))
    ///         (func (export "run") (result i32) (call $ask (i32.const 41))))"#)?;
    ///     let mut store = Store::new(&engine, ());
    ///     let instance = linker.instantiate_async(&mut store, &module).await?;
    ///     instance.get_typed_func::<(), i32>(&store, "run")?.call_async(&mut store, ()).await
    /// }
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # match std::pin::pin!(run()).poll(&mut context) {
    /// #     std::task::Poll::Ready(result) => assert_eq!(result?, 42),
    /// #     std::task::Poll::Pending => panic!("everything is ready"),
    /// # }
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`TypedFunc::call`].
    ///
    /// # Panics
    ///
    /// As for [`TypedFunc::call`].
    pub async fn call_async(&self, mut store: impl AsContextMut, params: P) -> Result<R, Error> {
        let mut store = store.as_context_mut();
        let header = P::SLOTS.max(R::SLOTS);
        let mut slots = Buf::with_capacity(&store.inner().budget, Kind::Host, header)?;
        slots.try_resize(header, 0)?;
        params.store(&Slots(store.inner()), &mut slots);
        let slots = call(&mut store, *self.func(), slots).await?;
        // SAFETY: these are the function's results.
        Ok(unsafe { R::load(&Slots(store.inner()), &slots) })
    }
}

/// Calls a function asynchronously. The slots are its header, with its arguments; its results replace them.
pub(super) async fn call<T>(
    store: &mut StoreContextMut<'_, T>,
    func: Func,
    mut slots: Buf<u64>,
) -> Result<Buf<u64>, Error> {
    let (mut ticket, mut answer) = (None, None);
    loop {
        // The pointers stand for the exclusive borrow `store`, and aren't kept.
        let pause = {
            let (inner, func) = (store.inner_ptr(), func.ptr(store.inner()).as_ptr());
            // SAFETY: nothing else uses the store meanwhile; the function is its, and the slots are its header.
            match unsafe { StoreInner::step(inner, func, ticket.take(), &mut answer, &mut slots)? } {
                ResumableOutcome::Finished => return Ok(slots),
                ResumableOutcome::Suspended(error, own) => {
                    ticket = own;
                    // SAFETY: nothing else uses the store meanwhile.
                    unsafe { StoreInner::pause(inner, error)? }
                }
            }
        };
        match pause {
            Pause::Nothing => {}
            Pause::Yield => yield_now().await,
            Pause::Until(future) => future.await,
            Pause::Host(future) => answer = Some(future.await),
        }
    }
}

/// Lets others have the thread: ready when it is polled the second time.
async fn yield_now() {
    let mut yielded = false;
    core::future::poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl<T> Store<T> {
    /// Has asynchronous calls yield to the executor whenever they have used so much fuel; `None`, the default, has them
    /// yield only to wait. It doesn't change how much fuel they use. Other calls, also those that a host function makes
    /// without awaiting them, don't yield.
    ///
    /// # Errors
    ///
    /// If the engine doesn't count fuel (see [`Config::consume_fuel`](crate::Config::consume_fuel)), or the interval is 0.
    pub fn fuel_async_yield_interval(&mut self, interval: Option<u64>) -> Result<(), Error> {
        self.as_context_mut().fuel_async_yield_interval(interval)
    }
}

impl<T> StoreContextMut<'_, T> {
    /// See [`Store::fuel_async_yield_interval`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn fuel_async_yield_interval(&mut self, interval: Option<u64>) -> Result<(), Error> {
        self.inner_mut().set_yield_interval(interval)
    }
}

impl<T> Caller<'_, T> {
    /// See [`Store::fuel_async_yield_interval`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn fuel_async_yield_interval(&mut self, interval: Option<u64>) -> Result<(), Error> {
        self.store.fuel_async_yield_interval(interval)
    }
}

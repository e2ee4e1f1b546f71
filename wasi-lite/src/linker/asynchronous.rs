//! The functions as imports of a module whose calls wait without blocking the thread.

use super::{Answer, Called, answer, attempt, call};
use crate::WasiCtx;
use crate::abi::Snapshot;
use crate::errno::{self, Fail};
use crate::functions::for_each_function;
use crate::guest::{Argument, Guest};
use crate::host::clocks::MONOTONIC;
use crate::host::interrupt::Interrupt;
use crate::host::later::Later;
use dunlin::{Caller, Error, Linker, Result};

/// Calls the function until it doesn't have to wait.
async fn call_async<T: 'static, R: Answer>(
    mut caller: Caller<'_, T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy,
    called: Called,
    waits: impl FnOnce(&WasiCtx) -> bool,
    arguments: impl Fn(&mut dyn FnMut(&[Argument])),
    function: impl Fn(&mut WasiCtx, &mut Guest<'_>) -> errno::Result,
) -> Result<R> {
    let ctx = get(caller.data_mut());
    if !waits(ctx) {
        return call(caller, get, called, &|_| false, &arguments, &function);
    }
    let began = ctx.clocks.now(MONOTONIC).ok();
    let waiter = caller.interrupt_waiter().map_err(Error::host)?;
    loop {
        let wait = {
            let later = Later::default();
            let interrupt = Interrupt::new(Some(&waiter), Some(&later));
            let (result, has_memory) =
                attempt(&mut caller, get, called, (interrupt, began), &arguments, &function);
            match (result, later.take()) {
                (Err(Fail::Waits), Some(wait)) => wait,
                (result, _) => return answer(result, called, has_memory),
            }
        };
        wait.ready().await?;
    }
}

macro_rules! define {
    ($linker:ident $get:ident $module:ident $snapshot:ident
        $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty) => {
        $linker.func_wrap(
            $module,
            stringify!($name),
            move |caller: Caller<'_, T>, $($arg: $ty),*| -> Result<$ret> {
                let called = ($module, $snapshot, stringify!($name));
                let arguments = |see: &mut dyn FnMut(&[Argument])| see(&[$((stringify!($arg), i128::from($arg))),*]);
                call(caller, $get, called, &|_| false, &arguments, &|ctx, guest| ctx.$name(guest, $($arg),*))
            },
        )?
    };
    ($linker:ident $get:ident $module:ident $snapshot:ident
        $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty, $waits:expr) => {
        $linker.func_wrap_async(
            $module,
            stringify!($name),
            move |caller: Caller<'_, T>, ($($arg,)*): ($($ty,)*)| {
                let called = ($module, $snapshot, stringify!($name));
                let arguments = move |see: &mut dyn FnMut(&[Argument])| see(&[$((stringify!($arg), i128::from($arg))),*]);
                let function = move |ctx: &mut WasiCtx, guest: &mut Guest<'_>| ctx.$name(guest, $($arg),*);
                Box::new(async move { call_async::<T, $ret>(caller, $get, called, $waits, arguments, function).await })
            },
        )?
    };
}

macro_rules! link {
    ($($capability:ident $status:tt $does:literal
        fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $(, waits $waits:expr)?;)*) => {
        /// [`add_to_linker`](crate::add_to_linker), with calls that wait without blocking the thread: for
        /// [asynchronous calls](dunlin::TypedFunc::call_async) of the guest, on any executor. One thread of the process
        /// wakes whatever waits.
        ///
        /// Only what may have to wait for somebody else is asynchronous, as input from a pipe, a connection, or time to pass;
        /// regular files aren't waited for. A call that would wait once it has read or written something returns with
        /// that, fewer bytes than were asked for.
        ///
        /// ```no_run
        /// # async fn run() -> dunlin::Result<()> {
        /// use dunlin::{Engine, Linker, Module, Store};
        /// use dunlin_wasi_lite::{WasiCtx, WasiCtxBuilder};
        ///
        /// let engine = Engine::default();
        /// let module = Module::from_file(&engine, "hello.wasm")?;
        /// let mut linker = Linker::<WasiCtx>::new(&engine);
        /// dunlin_wasi_lite::add_to_linker_async(&mut linker, |ctx| ctx)?;
        ///
        /// let ctx = WasiCtxBuilder::new().inherit_stdio().arg("hello").build();
        /// let mut store = Store::new(&engine, ctx);
        /// let instance = linker.instantiate_async(&mut store, &module).await?;
        /// instance.get_typed_func::<(), ()>(&mut store, "_start")?.call_async(&mut store, ()).await
        /// # }
        /// ```
        ///
        /// # Errors
        ///
        /// If the linker has one of them already.
        pub fn add_to_linker_async<T: Send + 'static>(
            linker: &mut Linker<T>,
            get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
        ) -> Result<()> {
            for (module, snapshot) in Snapshot::ALL {
                $(
                    if snapshot.has(stringify!($name)) {
                        define!(linker get module snapshot $name($($arg: $ty),*) -> $ret $(, $waits)?);
                    }
                )*
            }
            Ok(())
        }
    };
}

for_each_function!(link);

//! The functions as imports of a module.

use crate::WasiCtx;
use crate::abi::Snapshot;
use crate::errno::{self, Errno, Fail};
use crate::functions::for_each_function;
use crate::guest::{Argument, Guest};
use crate::host::interrupt::Interrupt;
use dunlin::{Caller, Error, Extern, Linker, Result, Trap};
use std::fmt;

/// The error that a call of `proc_exit` makes, which ends the execution. The guest didn't fail by calling it: the code
/// says whether it did.
///
/// ```
/// use dunlin_wasi_lite::I32Exit;
///
/// /// The exit code of a command that returned `result`.
/// fn exit_code(result: dunlin::Result<()>) -> dunlin::Result<i32> {
///     match result {
///         Ok(()) => Ok(0),
///         Err(error) => error.downcast::<I32Exit>().map(|exit| exit.0),
///     }
/// }
/// # assert_eq!(exit_code(Err(dunlin::Error::host(I32Exit(3)))).unwrap(), 3);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct I32Exit(
    /// The code.
    pub i32,
);

impl fmt::Display for I32Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the guest exited with code {}", self.0)
    }
}

impl std::error::Error for I32Exit {}

/// What a function gives the guest.
trait Answer: Sized {
    fn success() -> Self;
    fn errno(errno: Errno) -> Option<Self>;
}

impl Answer for i32 {
    fn success() -> Self {
        0
    }

    fn errno(errno: Errno) -> Option<Self> {
        Some((errno as u16).into())
    }
}

impl Answer for () {
    fn success() -> Self {}

    fn errno(_: Errno) -> Option<Self> {
        None
    }
}

/// A function of a module: the module's name, what it is a version of, and the function's name.
type Called = (&'static str, Snapshot, &'static str);

/// A function, with its arguments.
type Function<'a> = &'a dyn Fn(&mut WasiCtx, &mut Guest<'_>) -> errno::Result;

/// What shows a function's arguments to whoever asks for them.
type Arguments<'a> = &'a dyn Fn(&mut dyn FnMut(&[Argument]));

// It is made once for all functions: what they differ in is called through pointers.
fn call<T: 'static, R: Answer>(
    mut caller: Caller<'_, T>,
    get: impl Fn(&mut T) -> &mut WasiCtx,
    called: Called,
    waits: &dyn Fn(&WasiCtx) -> bool,
    arguments: Arguments<'_>,
    function: Function<'_>,
) -> Result<R> {
    let waiter = match waits(get(caller.data_mut())) {
        true => Some(caller.interrupt_waiter().map_err(Error::host)?),
        false => None,
    };
    let interrupt = Interrupt::new(waiter.as_ref(), None);
    let (result, has_memory) = attempt(&mut caller, get, called, (interrupt, None), arguments, function);
    answer(result, called, has_memory)
}

/// Calls the function with the guest's memory, if it has one; says whether it has.
fn attempt<T: 'static>(
    caller: &mut Caller<'_, T>,
    get: impl Fn(&mut T) -> &mut WasiCtx,
    (_, snapshot, name): Called,
    (interrupt, began): (Interrupt<'_>, Option<u64>),
    arguments: Arguments<'_>,
    function: Function<'_>,
) -> (errno::Result, bool) {
    let budget = caller.budget().clone();
    let memory = match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Some(memory),
        _ => None,
    };
    #[cfg(feature = "record")]
    let notes = memory.and_then(|memory| caller.call_notes(&memory));
    let (bytes, data) = match memory {
        Some(memory) => memory.data_and_store_mut(&mut *caller),
        None => (&mut [][..], caller.data_mut()),
    };
    let guest = Guest::new(bytes, snapshot, interrupt, &budget).begun(began);
    #[cfg(feature = "record")]
    let guest = guest.noted(notes.as_ref());
    let (ctx, guest) = (get(data), &mut { guest });
    #[cfg(feature = "trace")]
    if let Some(trace) = &mut ctx.trace {
        arguments(&mut |arguments| trace.begin(name, arguments, guest));
    }
    #[cfg(not(feature = "trace"))]
    let _ = (name, arguments);
    let result = function(ctx, guest);
    #[cfg(feature = "trace")]
    if let Some(trace) = &mut ctx.trace {
        arguments(&mut |arguments| trace.end(arguments, guest, &result));
    }
    #[cfg(feature = "record")]
    if let Some(notes) = notes {
        caller.put_call_notes(notes);
    }
    (result, memory.is_some())
}

fn answer<R: Answer>(result: errno::Result, (module, _, name): Called, has_memory: bool) -> Result<R> {
    match result {
        Ok(()) => Ok(R::success()),
        Err(Fail::Errno(Errno::FAULT)) if !has_memory => Err(Error::msg(format_args!(
            "the module calls `{name}` of `{module}`, but exports no memory named `memory` for it to use"
        ))),
        Err(Fail::Errno(errno)) => {
            R::errno(errno).ok_or_else(|| Error::msg(format_args!("`{name}` failed with {errno:?}")))
        }
        Err(Fail::Interrupted) => Err(Trap::Interrupt.into()),
        Err(Fail::Exit(code)) => Err(Error::host(I32Exit(code))),
        Err(Fail::Waits) => unreachable!("only asynchronous calls leave waiting to their caller"),
    }
}

macro_rules! waits {
    () => {
        |_: &WasiCtx| false
    };
    ($waits:expr) => {
        $waits
    };
}

macro_rules! link {
    ($($capability:ident $status:tt $does:literal
        fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $(, waits $waits:expr)?;)*) => {
        /// Links all functions of `wasi_snapshot_preview1`, and those of its predecessor `wasi_unstable`. `get` finds the
        /// guest's context in the store's data.
        ///
        /// ```no_run
        /// use dunlin::{Engine, Linker, Module, Store};
        /// use dunlin_wasi_lite::{WasiCtx, WasiCtxBuilder};
        ///
        /// let engine = Engine::default();
        /// let module = Module::from_file(&engine, "hello.wasm")?;
        /// let mut linker = Linker::<WasiCtx>::new(&engine);
        /// dunlin_wasi_lite::add_to_linker(&mut linker, |ctx| ctx)?;
        ///
        /// let ctx = WasiCtxBuilder::new().inherit_stdio().arg("hello").build();
        /// let mut store = Store::new(&engine, ctx);
        /// let instance = linker.instantiate(&mut store, &module)?;
        /// instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())?;
        /// # Ok::<(), dunlin::Error>(())
        /// ```
        ///
        /// # Errors
        ///
        /// If the linker has one of them already.
        pub fn add_to_linker<T: 'static>(
            linker: &mut Linker<T>,
            get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
        ) -> Result<()> {
            for (module, snapshot) in Snapshot::ALL {
                $(
                    if snapshot.has(stringify!($name)) {
                        linker.func_wrap(
                            module,
                            stringify!($name),
                            move |caller: Caller<'_, T>, $($arg: $ty),*| -> Result<$ret> {
                                let (waits, called) = (waits!($($waits)?), (module, snapshot, stringify!($name)));
                                let arguments = |see: &mut dyn FnMut(&[Argument])| see(&[$((stringify!($arg), i128::from($arg))),*]);
                                call(caller, get, called, &waits, &arguments, &|ctx, guest| ctx.$name(guest, $($arg),*))
                            },
                        )?;
                    }
                )*
            }
            Ok(())
        }
    };
}

for_each_function!(link);

#[cfg(feature = "async")]
mod asynchronous;
#[cfg(feature = "async")]
pub use asynchronous::add_to_linker_async;

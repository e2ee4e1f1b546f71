//! What is told of calls between host and guest.

use crate::{AsContextMut, CallHook, Error, Store, StoreContextMut};
use alloc::boxed::Box;
use core::ptr::NonNull;

impl<T: 'static> Store<T> {
    /// Has `hook` called whenever control passes between the host and the guest. Its error makes the call fail; the guest
    /// traps where it called the host. It isn't called for what it calls itself.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{CallHook, Engine, Instance, Module, Store};
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"(module (func (export "f")))"#)?;
    /// let mut store = Store::new(&engine, Vec::new());
    /// let instance = Instance::new(&mut store, &module, &[])?;
    /// store.call_hook(|mut store, hook| Ok(store.data_mut().push(hook)));
    /// instance.get_typed_func::<(), ()>(&store, "f")?.call(&mut store, ())?;
    /// assert_eq!(*store.data(), [CallHook::CallingWasm, CallHook::ReturningFromWasm]);
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    pub fn call_hook(
        &mut self,
        mut hook: impl FnMut(StoreContextMut<'_, T>, CallHook) -> Result<(), Error> + Send + Sync + 'static,
    ) {
        let call = move |store: *mut _, passes| {
            // SAFETY: it is called with the pointer by which this store knows itself, while nobody uses the store.
            hook(unsafe { StoreContextMut::new(NonNull::new_unchecked(store).cast()) }, passes)
        };
        self.as_context_mut().inner_mut().set_hook(Box::new(call));
    }
}

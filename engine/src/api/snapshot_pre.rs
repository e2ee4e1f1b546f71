//! Snapshots that are restored often.

use super::linker::Linker;
use super::snapshot::as_restored;
use crate::memory::{Charge, Kind, Shared};
use crate::runtime::snapshot::{Call, Definitions, HostFuncs, Original, Standing, restore};
use crate::runtime::store::StoreInner;
use crate::{AsContextMut, Engine, Error, Module, Restored, Snapshot, Store, SuspendedCall};
use core::marker::PhantomData;
use std::fmt;
use std::io::Read;

/// A snapshot that has been read, validated and linked, to be restored often: many stores go on where one has stood.
///
/// It is to a snapshot what [`InstancePre`](crate::InstancePre) is to a module. So the work of an initialisation is done once, and each
/// clone begins behind it. Clones share the pages of memories from 64 KiB of contents on until they write to them (on Linux; elsewhere
/// they are copied), and nothing else: what one does, another doesn't see.
///
/// What is shared is charged to the engine's budget once, and each clone's memory whole to its store's, as always: it may write all of it.
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use dunlin::{Config, Engine, Linker, Module, Store};
/// let engine = Engine::new(Config::new().snapshots(true))?;
/// let module = Module::new(&engine, r#"(module (global $ready (mut i32) (i32.const 0))
///     (func (export "init") (global.set $ready (i32.const 42)))
///     (func (export "next") (result i32)
///         (global.set $ready (i32.add (global.get $ready) (i32.const 1)))
///         (global.get $ready)))"#)?;
/// let linker = Linker::new(&engine);
/// let mut store = Store::new(&engine, ());
/// let instance = linker.instantiate(&mut store, &module)?;
/// instance.get_typed_func::<(), ()>(&store, "init")?.call(&mut store, ())?;
/// let pre = store.snapshot_pre(&linker)?;
/// for _ in 0..3 {
///     let mut clone = Store::new(&engine, ());
///     let instance = pre.restore(&mut clone)?.instances[0];
///     assert_eq!(instance.get_typed_func::<(), i32>(&clone, "next")?.call(&mut clone, ())?, 43);
/// }
/// # }
/// # Ok::<(), dunlin::Error>(())
/// ```
pub struct SnapshotPre<T> {
    pre: Shared<Pre>,
    data: PhantomData<fn(T)>,
}

struct Pre {
    original: Original,
    _charge: Charge,
}

impl<T> Clone for SnapshotPre<T> {
    fn clone(&self) -> Self {
        Self { pre: self.pre.clone(), data: PhantomData }
    }
}

impl<T> fmt::Debug for SnapshotPre<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotPre").finish_non_exhaustive()
    }
}

impl<T: 'static> SnapshotPre<T> {
    fn new(engine: &Engine, original: Original) -> Result<Self, Error> {
        let charge = engine.budget().charge(Kind::Host, Shared::<Pre>::BYTES)?;
        Ok(Self { pre: Shared::try_new(Kind::Host, Pre { original, _charge: charge })?, data: PhantomData })
    }

    /// Makes the guests again in a store, as [`Snapshot::restore`] does. Nothing of them executes.
    ///
    /// # Errors
    ///
    /// If the store is of another engine, or the budget, a limit or the system refuses something. What has been made by then stays in the
    /// store, without an effect.
    pub fn restore(&self, mut store: impl AsContextMut<Data = T>) -> Result<Restored, Error> {
        let mut store = store.as_context_mut();
        let inner = store.inner_ptr();
        // SAFETY: the pointer stands for the exclusive borrow of the store, which isn't used otherwise meanwhile; its data is what the
        // host's functions of the linker were made for.
        unsafe {
            let restored = self.pre.original.restore(inner)?;
            as_restored(inner, restored)
        }
    }
}

impl<R: Read> Snapshot<R> {
    /// Reads and validates it once, with what `linker` defines by the same names, to restore it often. While that goes on, the engine's
    /// budget pays for one more of everything.
    ///
    /// # Errors
    ///
    /// As for [`Snapshot::restore`]; or if it needs something of the host's besides functions, which belongs to a store.
    pub fn restore_pre<T: 'static>(
        mut self,
        linker: &Linker<T>,
        modules: &[&Module],
    ) -> Result<SnapshotPre<T>, Error> {
        let engine = linker.engine();
        if modules.iter().any(|module| !module.engine().same(engine)) {
            return Err(Error::msg("a module belongs to another engine than the linker"));
        }
        // Nothing executes there, so the host's functions never see its data.
        let mut store = Store::try_new(engine, ())?;
        let mut store = store.as_context_mut();
        let inner = store.inner_ptr();
        let definitions = HostFuncs::of(linker);
        let (from, head) = self.parts();
        // SAFETY: the pointer stands for the exclusive borrow of the store, which isn't used otherwise meanwhile.
        let original = unsafe {
            let restored = restore(from, head, inner, &definitions, modules);
            let restored = restored.map_err(|error| definitions.explain(error))?;
            let call = as_restored(inner, restored)?.call;
            match call {
                Some(call) => of_call(inner, &definitions, &call)?,
                None => Original::take(inner, &definitions, None)?,
            }
        };
        SnapshotPre::new(engine, original)
    }
}

impl<T: 'static> Store<T> {
    /// What the store's guests are, to be restored often: as [`Store::snapshot`], without the detour by bytes. The engine needs
    /// [`Config::snapshots`](crate::Config::snapshots) only if a call is to be part of it.
    ///
    /// # Errors
    ///
    /// As for [`Store::snapshot`]; or if the guests need something of the host's besides functions of the linker, which belongs to
    /// this store.
    ///
    /// # Panics
    ///
    /// If an object in the linker belongs to another store.
    pub fn snapshot_pre(&mut self, linker: &Linker<T>) -> Result<SnapshotPre<T>, Error> {
        let store = self.as_context_mut().inner_ptr();
        // SAFETY: the pointer stands for the exclusive borrow of the store.
        let original = unsafe { Original::take(store, linker, None)? };
        SnapshotPre::new(linker.engine(), original)
    }
}

impl SuspendedCall {
    /// What the store's guests are, with this call, to be restored often: as [`SuspendedCall::snapshot`], without the detour by bytes.
    ///
    /// # Errors
    ///
    /// As for [`SuspendedCall::snapshot`] and [`Store::snapshot_pre`].
    ///
    /// # Panics
    ///
    /// If it belongs to another store, or an object in the linker does.
    pub fn snapshot_pre<S: AsContextMut>(
        &self,
        mut store: S,
        linker: &Linker<S::Data>,
    ) -> Result<SnapshotPre<S::Data>, Error>
    where
        S::Data: 'static,
    {
        let mut store = store.as_context_mut();
        // SAFETY: the pointer stands for the exclusive borrow of the store, which isn't used otherwise meanwhile.
        let original = unsafe { of_call(store.inner_ptr(), linker, self)? };
        SnapshotPre::new(linker.engine(), original)
    }
}

/// # Safety
/// The store is live, and used in no other way meanwhile.
unsafe fn of_call(
    store: *mut StoreInner,
    definitions: &dyn Definitions,
    call: &SuspendedCall,
) -> Result<Original, Error> {
    // SAFETY: the caller's contract.
    unsafe {
        let func = call.func().ptr(&*store);
        let at = match call.suspended_in(&*store) {
            Some(execution) => Standing::Begun(execution),
            None => Standing::NotBegun(call.args()),
        };
        Original::take(store, definitions, Some(&Call { func, reason: call.reason(), at }))
    }
}

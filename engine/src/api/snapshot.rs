//! Snapshots of a store's guests.

use super::linker::Linker;
use crate::memory::Kind;
use crate::runtime::snapshot::{
    Call, CallState, Definitions, Head, Reader, RestoredCall, SnapshotSummary, Standing, look, restore, write,
};
use crate::runtime::store::{Import, StoreInner};
use crate::{AsContext, AsContextMut, Budget, Error, Func, Instance, Module, Store, SuspendedCall};
use alloc::vec::Vec;
use core::fmt;
use std::io::{Read, Write};

impl<T: 'static> Store<T> {
    /// All instances, in the order in which they were made, without those whose instantiation failed before their memories were there:
    /// those that [`Restored::instances`] has in the same order.
    pub fn debug_all_instances(&self) -> Vec<Instance> {
        let store = self.as_context();
        let store = store.inner();
        // SAFETY: objects live as long as the store.
        let objects = store.instances.iter().map(|object| unsafe { object.as_ref() });
        objects
            .filter(|object| object.is_complete())
            .map(|object| Instance::from_raw(store, object.handle))
            .collect()
    }

    /// Writes what the store's guests are: all instances, with their memories, tables and globals, so that they
    /// [go on](Snapshot::restore) in another store, process or machine. `linker` says what the host's functions and objects that they use are
    /// called there, and `embedder` is kept for whoever restores them. The engine needs [`Config::snapshots`](crate::Config::snapshots).
    ///
    /// # Errors
    ///
    /// If something can't be moved, before anything is written: what the host has made and `linker` has no name for, shared memories,
    /// references to the host's values. If writing fails, or there is no memory for it.
    ///
    /// # Panics
    ///
    /// If an object in the linker belongs to another store.
    pub fn snapshot(&mut self, linker: &Linker<T>, embedder: &[u8], mut to: impl Write) -> Result<(), Error> {
        let store = self.as_context_mut().inner_ptr();
        // SAFETY: the pointer stands for the exclusive borrow of the store.
        unsafe { write(store, linker, embedder, None, &mut to) }
    }
}

impl SuspendedCall {
    /// Writes what the store's guests are, as [`Store::snapshot`] does, and this call with them. It stays, and can go on here, too.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Config, Dispatch, Engine, Linker, Module, ResumableCall, Snapshot, Store, Val};
    /// let text = r#"(module (func (export "count") (param i32) (result i32) (local i32)
    ///     (loop $again
    ///         (local.set 1 (i32.add (local.get 1) (i32.const 2)))
    ///         (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    ///     (local.get 1)))"#;
    /// let engine = Engine::new(Config::new().snapshots(true).consume_fuel(true))?;
    /// let mut linker = Linker::new(&engine);
    /// let mut store = Store::new(&engine, ());
    /// let count = linker.instantiate(&mut store, &Module::new(&engine, text)?)?.get_func(&store, "count").unwrap();
    /// let mut results = [Val::I32(0)];
    /// store.set_fuel(100)?;
    /// let ResumableCall::Suspended(call) = count.call_resumable(&mut store, &[Val::I32(1000)], &mut results)? else { panic!() };
    /// let mut bytes = Vec::new();
    /// call.snapshot(&mut store, &linker, b"", &mut bytes)?;
    ///
    /// let engine = Engine::new(Config::new().snapshots(true).consume_fuel(true).dispatch(Dispatch::Loop))?;
    /// let mut store = Store::new(&engine, ());
    /// let snapshot = Snapshot::open(engine.budget(), &bytes[..])?;
    /// let restored = snapshot.restore(&mut store, &Linker::new(&engine), &[&Module::new(&engine, text)?])?;
    /// store.set_fuel(10_000)?;
    /// let call = restored.call.unwrap().resume(&mut store, &mut results)?;
    /// assert!(matches!(call, ResumableCall::Finished));
    /// assert_eq!(results[0].unwrap_i32(), 2000);
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Store::snapshot`]; or if the call is asynchronous, or a debugger has stopped it.
    ///
    /// # Panics
    ///
    /// If it belongs to another store, or an object in the linker does.
    pub fn snapshot<S: AsContextMut>(
        &self,
        mut store: S,
        linker: &Linker<S::Data>,
        embedder: &[u8],
        mut to: impl Write,
    ) -> Result<(), Error>
    where
        S::Data: 'static,
    {
        let mut store = store.as_context_mut();
        let func = self.func().ptr(store.inner());
        let inner = store.inner_ptr();
        // SAFETY: the pointer stands for the exclusive borrow of the store, which isn't used otherwise meanwhile.
        unsafe {
            let at = match self.suspended_in(&*inner) {
                Some(execution) => Standing::Begun(execution),
                None => Standing::NotBegun(self.args()),
            };
            let call = Call { func, reason: self.reason(), at };
            write(inner, linker, embedder, Some(&call), &mut to)
        }
    }
}

impl<T: 'static> Definitions for Linker<T> {
    fn at(&self, number: usize) -> Option<(&str, &str, &Import)> {
        self.definition_at(number)
    }

    fn find(&self, module: &str, name: &str) -> Option<&Import> {
        self.definition_of(module, name)
    }
}

/// A snapshot that is being read.
///
/// Snapshots are treated like modules: they may come from anywhere. Whatever one says is compared with what validation says of the
/// modules before anything executes.
pub struct Snapshot<R> {
    from: Reader<R>,
    head: Head,
}

impl<R: Read> Snapshot<R> {
    /// Begins to read a snapshot. `budget` pays for a buffer, and for what the embedder kept.
    ///
    /// # Errors
    ///
    /// If it isn't one, or one of another version.
    pub fn open(budget: &Budget, from: R) -> Result<Self, Error> {
        let mut from = Reader::new(budget, from)?;
        let head = Head::read(&mut from, budget)?;
        Ok(Self { from, head })
    }

    /// What is still to be read, and what has been.
    pub(super) fn parts(&mut self) -> (&mut Reader<R>, &Head) {
        (&mut self.from, &self.head)
    }

    /// The SHA-256 digests of the modules that it needs.
    pub fn modules(&self) -> impl ExactSizeIterator<Item = [u8; 32]> {
        self.head.modules.iter().copied()
    }

    /// What the embedder kept in it.
    pub fn embedder(&self) -> &[u8] {
        &self.head.embedder
    }

    /// Reads on, to tell what it needs and where it stands. `budget` pays for what is read at once, and not for the result.
    ///
    /// # Errors
    ///
    /// If it is damaged, or reading fails.
    pub fn look(mut self, budget: &Budget) -> Result<SnapshotSummary, Error> {
        look(&mut self.from, budget)
    }

    /// Makes the guests again in a store, of modules that have the same [digests](Module::digest), with what `linker` defines by the same
    /// names. Nothing of the guests executes. The store's fuel becomes what it was.
    ///
    /// # Errors
    ///
    /// If a module or a definition is missing or of another type; if the snapshot says what can't be; if the budget or a limit refuses
    /// it; or if reading fails. What has been made by then stays in the store, without an effect.
    ///
    /// # Panics
    ///
    /// If an object in the linker belongs to another store.
    pub fn restore<S: AsContextMut>(
        mut self,
        mut store: S,
        linker: &Linker<S::Data>,
        modules: &[&Module],
    ) -> Result<Restored, Error>
    where
        S::Data: 'static,
    {
        let mut store = store.as_context_mut();
        if modules.iter().any(|module| !module.engine().same(store.engine())) {
            return Err(Error::msg("a module belongs to another engine than the store"));
        }
        let inner = store.inner_ptr();
        // SAFETY: the pointer stands for the exclusive borrow of the store, which isn't used otherwise meanwhile.
        unsafe {
            let restored = restore(&mut self.from, &self.head, inner, linker, modules)?;
            as_restored(inner, restored)
        }
    }
}

/// What was restored, for the embedder.
///
/// # Safety
/// It is in the store, which is live and used in no other way meanwhile.
pub(super) unsafe fn as_restored(
    store: *mut StoreInner,
    restored: crate::runtime::snapshot::Restored,
) -> Result<Restored, Error> {
    // SAFETY: the caller's contract: objects live as long as the store.
    unsafe {
        let mut instances = Vec::new();
        let bytes = (restored.instances.len() * size_of::<Instance>()) as u64;
        let refused = |_| crate::memory::MemoryError::system(Kind::Host, bytes);
        instances.try_reserve_exact(restored.instances.len()).map_err(refused)?;
        instances.extend(
            restored.instances.iter().map(|object| Instance::from_raw(&*store, object.as_ref().handle)),
        );
        let call = restored.call.map(|RestoredCall { func, reason, state }| {
            let func = Func::from_obj(&*store, func.as_ref());
            let ty = func.ty_in(&*store);
            match state {
                CallState::Begun(ticket) => SuspendedCall::begun(func, ty, reason, ticket),
                CallState::NotBegun(args) => SuspendedCall::not_begun(func, ty, reason, args),
            }
        });
        Ok(Restored { instances, call })
    }
}

impl<R> fmt::Debug for Snapshot<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("modules", &self.head.modules.len()).finish_non_exhaustive()
    }
}

/// The result of [`Snapshot::restore`]: instances, and the suspended call.
#[derive(Debug)]
#[non_exhaustive]
pub struct Restored {
    /// The instances, in the order in which they were made.
    pub instances: Vec<Instance>,
    /// The call that was suspended, if there was one.
    pub call: Option<SuspendedCall>,
}

impl Module {
    /// The SHA-256 digest of the bytes that the module was loaded from; `None` without [`Config::snapshots`](crate::Config::snapshots).
    pub fn digest(&self) -> Option<[u8; 32]> {
        self.shared().data.digest
    }
}

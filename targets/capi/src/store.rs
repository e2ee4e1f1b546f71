//! Stores. All handles of a store's objects own it together with C's handle of the store itself: it goes with the last.

use crate::boundary::{c_types, exports};
use crate::budget::dunlin_budget_t;
use crate::deadline;
use crate::engine::{EngineRef, wasm_engine_t};
use crate::error::Outcome;
use crate::failure::{Failure, Result};
use crate::host_info::{Finalizer, InfoCell, UserData};
use crate::key::Key;
use crate::own::{Observer, Shared, try_box};
use crate::pointers::{Handle, Out, Require};
use dunlin::{AsContextMut, ExternRef, Store, StoreContextMut};
use std::cell::UnsafeCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

/// What this library keeps in each store.
#[derive(Default)]
pub(crate) struct StoreData {
    /// The store that this is the data of, once that has owners.
    this: Option<Observer<StoreCell>>,
    user: UserData,
    /// What C attached to objects.
    pub(crate) infos: HashMap<Key, InfoCell>,
    /// Objects that were given to guests as `externref`.
    pub(crate) extern_refs: HashMap<Key, ExternRef>,
    #[cfg(feature = "wasi")]
    pub(crate) wasi: Option<dunlin_wasi_lite::WasiCtx>,
}

impl StoreData {
    /// The store that a host function is called in.
    pub(crate) fn store(&self) -> StoreRef {
        let this = self.this.as_ref().expect("nothing is called before it is set");
        // SAFETY: whoever called the guest has an owner.
        StoreRef(unsafe { this.upgrade() })
    }
}

pub(crate) struct StoreCell {
    store: UnsafeCell<Store<StoreData>>,
    engine: EngineRef,
    /// Whether it ever had a deadline.
    deadline: AtomicBool,
}

impl Drop for StoreCell {
    fn drop(&mut self) {
        if *self.deadline.get_mut() {
            deadline::clear(std::ptr::from_mut(self) as usize);
        }
    }
}

// SAFETY: as the header says, C uses a store and its objects on one thread at a time; only what owns it may be dropped on
// any, and that is counted atomically.
unsafe impl Send for StoreCell {}
// SAFETY: as for `Send`.
unsafe impl Sync for StoreCell {}

/// An owner of a store.
#[derive(Clone)]
pub(crate) struct StoreRef(Shared<StoreCell>);

impl StoreRef {
    fn new(engine: &EngineRef, budget: &dunlin::Budget, user: UserData) -> Result<Self> {
        let data = StoreData { user, ..StoreData::default() };
        let store = Store::with_budget(engine.engine(), budget, data)?;
        let cell = StoreCell {
            store: UnsafeCell::new(store),
            engine: engine.clone(),
            deadline: AtomicBool::new(false),
        };
        let this = Self(Shared::try_new(cell).ok_or(Failure::NO_MEMORY)?);
        this.context().data_mut().this = Some(this.0.downgrade());
        Ok(this)
    }

    /// The store for a call of the engine.
    ///
    /// There may be more than one at a time: a host function that C wrote uses the store while a call of the engine is going
    /// on. Each is a pointer to the store's insides, nothing of which the engine has borrowed while it calls the host.
    #[allow(clippy::mut_from_ref, reason = "said above")]
    pub(crate) fn context(&self) -> StoreContextMut<'_, StoreData> {
        // SAFETY: the reference to what holds the pointer ends here; and there is one thread.
        unsafe { (*self.0.store.get()).as_context_mut() }
    }

    pub(crate) fn engine(&self) -> &EngineRef {
        &self.0.engine
    }

    pub(crate) fn same(&self, other: &StoreRef) -> bool {
        self.0.address() == other.0.address()
    }

    /// The handle by which another thread can stop what the store executes.
    pub(crate) fn interrupt_handle(&self) -> dunlin::InterruptHandle {
        // SAFETY: as for `context`.
        unsafe { (*self.0.store.get()).interrupt_handle() }
    }

    /// What tells the store from others.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(&*self.0) as usize
    }

    /// It has a deadline, which is to be forgotten with it.
    pub(crate) fn note_deadline(&self) {
        self.0.deadline.store(true, Ordering::Relaxed);
    }

    /// What C gave the store.
    pub(crate) fn user_data(&self) -> *mut c_void {
        self.context().data().user.get()
    }
}

/// C's handle of a store.
pub struct wasm_store_t(pub(crate) StoreRef);

impl wasm_store_t {
    fn try_new(engine: &EngineRef, budget: &dunlin::Budget, user: UserData) -> Result<Box<Self>> {
        try_box(Self(StoreRef::new(engine, budget, user)?)).ok_or(Failure::NO_MEMORY)
    }
}

c_types! {
    wasm_store_t = "wasm_store_t";
}

exports! {
    fn wasm_store_new(engine: Handle<'_, wasm_engine_t>) -> Option<Box<wasm_store_t>> {
        let engine = &engine.get()?.0;
        wasm_store_t::try_new(engine, engine.engine().budget(), UserData::default()).ok()
    }

    fn wasm_store_delete(store: Option<Box<wasm_store_t>>) {
        drop(store);
    }

    fn dunlin_store_new(
        engine: Handle<'_, wasm_engine_t>,
        budget: Option<&dunlin_budget_t>,
        data: *mut c_void,
        finalizer: Finalizer,
        out: Out<'_, Option<Box<wasm_store_t>>>,
    ) -> Outcome {
        let user = UserData::new(data, finalizer);
        let (engine, out) = (&engine.require()?.0, out.cleared()?);
        let budget = budget.map_or(engine.engine().budget(), |budget| &budget.0);
        *out = Some(wasm_store_t::try_new(engine, budget, user)?);
        Ok(())
    }

    fn dunlin_store_data(store: Option<&wasm_store_t>) -> *mut c_void {
        store.map_or(std::ptr::null_mut(), |store| store.0.user_data())
    }

    fn dunlin_store_budget(store: Option<&wasm_store_t>) -> Option<Box<dunlin_budget_t>> {
        try_box(dunlin_budget_t(store?.0.context().budget().clone()))
    }

    fn dunlin_store_set_fuel(store: Handle<'_, wasm_store_t>, fuel: u64) -> Outcome {
        Ok(store.require()?.0.context().set_fuel(fuel)?)
    }

    fn dunlin_store_get_fuel(store: Option<&wasm_store_t>, out: Out<'_, u64>) -> Outcome {
        out.put(store.require()?.0.context().get_fuel()?);
        Ok(())
    }
}

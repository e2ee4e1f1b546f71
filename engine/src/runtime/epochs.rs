//! Epochs: one counter for all stores of an engine, and the stores that have deadlines in it.

use super::interrupt::InterruptState;
use crate::memory::{Budget, Kind, Map, MemoryError, Shared};
use crate::sys::{AtomicU64, Mutex, MutexGuard};
use core::sync::atomic::Ordering;

pub(crate) struct Epochs {
    current: AtomicU64,
    /// By their addresses.
    stores: Mutex<Map<usize, Shared<InterruptState>>>,
}

impl Epochs {
    pub(crate) fn new(budget: &Budget) -> Self {
        Self { current: AtomicU64::new(0), stores: Mutex::new(Map::new(budget, Kind::Instance)) }
    }

    fn stores(&self) -> MutexGuard<'_, Map<usize, Shared<InterruptState>>> {
        self.stores.lock()
    }

    /// A store has deadlines from now on; the first one is now.
    pub(crate) fn add(&self, store: &Shared<InterruptState>) -> Result<(), MemoryError> {
        self.stores().try_insert(Shared::as_ptr(store) as usize, store.clone())?;
        self.set_deadline(store, 0);
        Ok(())
    }

    pub(crate) fn remove(&self, store: &Shared<InterruptState>) {
        self.stores().remove(&(Shared::as_ptr(store) as usize));
    }

    pub(crate) fn set_deadline(&self, store: &InterruptState, ticks: u64) {
        store.set_deadline(&self.current, ticks);
    }

    pub(crate) fn increment(&self) {
        let epoch = self.current.fetch_add(1, Ordering::SeqCst) + 1;
        self.stores().values().for_each(|store| store.begin_epoch(epoch));
    }
}

//! What several processors share, without a system to wait by: locks spin.
//!
//! They are held for a few instructions to a few thousand. An interrupt handler must not use the engine, as it might wait for
//! what it has interrupted.

use core::cell::UnsafeCell;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering};

/// A lock that spins.
#[derive(Default)]
pub(crate) struct Mutex<T> {
    locked: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by one processor at a time.
unsafe impl<T: Send> Send for Mutex<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { locked: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        while self.locked.swap(true, Ordering::Acquire) {
            core::hint::spin_loop();
        }
        MutexGuard(self)
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}

/// Has locked a [`Mutex`] as long as it lives.
pub(crate) struct MutexGuard<'a, T>(&'a Mutex<T>);

// SAFETY: it gives shared references to the value only.
unsafe impl<T: Sync> Sync for MutexGuard<'_, T> {}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: nobody else has locked it.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: nobody else has locked it, and this is borrowed exclusively.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.0.locked.store(false, Ordering::Release);
    }
}

/// A value that is set once, and shared from then on.
pub(crate) struct OnceLock<T> {
    is_set: AtomicBool,
    value: Mutex<Option<T>>,
}

// SAFETY: once it is set, the value is only shared; until then, the lock guards it.
unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}

impl<T> OnceLock<T> {
    pub(crate) const fn new() -> Self {
        Self { is_set: AtomicBool::new(false), value: Mutex::new(None) }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        if !self.is_set.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: nobody changes it any more.
        unsafe { (*self.value.value.get()).as_ref() }
    }

    /// Sets it, unless it is set: then the value is given back.
    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        let mut held = self.value.lock();
        if held.is_some() {
            return Err(value);
        }
        *held = Some(value);
        self.is_set.store(true, Ordering::Release);
        Ok(())
    }

    /// The value; what `make` makes, if there was none.
    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if self.get().is_none() {
            let _ = self.set(make());
        }
        self.get().expect("it has been set")
    }
}

//! Memory of handles. A small allocation that fails gives no handle; it doesn't end the process.

use std::alloc::{Layout, alloc};
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// A box; `None` if there is no memory for it.
pub(crate) fn try_box<T>(value: T) -> Option<Box<T>> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return Some(Box::new(value));
    }
    // SAFETY: the layout has a size. What is allocated by it, and then written, is what a box consists of.
    unsafe {
        let memory = NonNull::new(alloc(layout).cast::<T>())?;
        memory.write(value);
        Some(Box::from_raw(memory.as_ptr()))
    }
}

/// A vector with room for so many; `None` if there is no memory for it.
pub(crate) fn try_vec<T>(capacity: usize) -> Option<Vec<T>> {
    let mut vec = Vec::new();
    vec.try_reserve_exact(capacity).ok()?;
    Some(vec)
}

/// A value with several owners, on any threads: an `Arc` that may find no memory.
pub(crate) struct Shared<T>(NonNull<Counted<T>>);

struct Counted<T> {
    owners: AtomicUsize,
    value: T,
}

// SAFETY: as for `Arc`.
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: as for `Arc`.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) fn try_new(value: T) -> Option<Self> {
        let counted = try_box(Counted { owners: AtomicUsize::new(1), value })?;
        Some(Self(NonNull::from(Box::leak(counted))))
    }

    /// What tells it from others while it has an owner.
    pub(crate) fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }

    /// A way back to an owner, for what the value itself holds.
    pub(crate) fn downgrade(&self) -> Observer<T> {
        Observer(self.0)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        // SAFETY: it has an owner: `self`.
        unsafe { self.0.as_ref() }.owners.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: it has an owner: `self`.
        unsafe { &self.0.as_ref().value }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: it has an owner: `self`.
        if unsafe { self.0.as_ref() }.owners.fetch_sub(1, Ordering::Release) == 1 {
            // What other owners did to it happens before.
            fence(Ordering::Acquire);
            // SAFETY: this was the last owner of what `try_new` leaked.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

/// Knows a shared value, and is no owner of it.
pub(crate) struct Observer<T>(NonNull<Counted<T>>);

// SAFETY: it gives what `Shared` is.
unsafe impl<T: Send + Sync> Send for Observer<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Send + Sync> Sync for Observer<T> {}

impl<T> Observer<T> {
    /// An owner.
    ///
    /// # Safety
    /// The value has one now.
    pub(crate) unsafe fn upgrade(&self) -> Shared<T> {
        // SAFETY: the caller's contract.
        unsafe { self.0.as_ref() }.owners.fetch_add(1, Ordering::Relaxed);
        Shared(self.0)
    }
}

//! A fallible relative of `Arc`.

use super::alloc::try_box;
use super::error::MemoryError;
use super::kind::Kind;
use alloc::boxed::Box;
use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering, fence};

/// Shared ownership, like `Arc`, of a value that was allocated fallibly.
pub(crate) struct Shared<T: ?Sized>(NonNull<Counted<T>>);

#[repr(C)]
struct Counted<T: ?Sized> {
    count: AtomicUsize,
    value: T,
}

// SAFETY: like `Arc`'s: owners on several threads share the value, and the last one drops it.
unsafe impl<T: ?Sized + Send + Sync> Send for Shared<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: ?Sized + Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The heap bytes of one, for the budget.
    pub(crate) const BYTES: u64 = size_of::<Counted<T>>() as u64;

    pub(crate) fn try_new(kind: Kind, value: T) -> Result<Self, MemoryError> {
        let counted = try_box(kind, Counted { count: AtomicUsize::new(1), value })?;
        Ok(Self(NonNull::from(Box::leak(counted))))
    }

    /// Allocates infallibly: for values that an embedder makes by functions that can't fail.
    pub(crate) fn new(value: T) -> Self {
        Self(NonNull::from(Box::leak(Box::new(Counted { count: AtomicUsize::new(1), value }))))
    }

    pub(crate) fn as_ptr(this: &Self) -> *const T {
        &raw const **this
    }

    pub(crate) fn ptr_eq(a: &Self, b: &Self) -> bool {
        a.0 == b.0
    }

    /// The value, if there is no other owner.
    pub(crate) fn get_mut(this: &mut Self) -> Option<&mut T> {
        // SAFETY: counted, so alive.
        let owners = unsafe { this.0.as_ref() }.count.load(Ordering::Acquire);
        if owners != 1 {
            return None;
        }
        // SAFETY: this is the only owner, and it is borrowed exclusively, so nobody can become another. What other owners
        // did before they let go happens before the load above.
        Some(unsafe { &mut this.0.as_mut().value })
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: counted, so alive; only `get_mut` of a sole owner gives exclusive access.
        unsafe { &self.0.as_ref().value }
    }
}

impl<T: ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        // SAFETY: counted, so alive.
        let before = unsafe { self.0.as_ref() }.count.fetch_add(1, Ordering::Relaxed);
        // As in `Arc`: more owners than fit the address space must have been leaked, and the count must not wrap.
        if before > isize::MAX as usize {
            crate::sys::abort();
        }
        Self(self.0)
    }
}

impl<T: ?Sized> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: counted, so alive until the last owner's decrement; the fence orders all other owners' accesses
        // before the drop.
        unsafe {
            if self.0.as_ref().count.fetch_sub(1, Ordering::Release) == 1 {
                fence(Ordering::Acquire);
                drop(Box::from_raw(self.0.as_ptr()));
            }
        }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_is_shared_is_dropped_once() {
        let witness = Arc::new(());
        let mut a = Shared::try_new(Kind::Host, witness.clone()).unwrap();
        assert!(Shared::get_mut(&mut a).is_some());
        let b = a.clone();
        assert!(Shared::get_mut(&mut a).is_none() && Shared::ptr_eq(&a, &b));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let a = a.clone();
                scope.spawn(move || (0..1000).for_each(|_| drop(a.clone())));
            }
        });
        drop(a);
        assert_eq!(Arc::strong_count(&witness), 2);
        drop(b);
        assert_eq!(Arc::strong_count(&witness), 1);
    }
}

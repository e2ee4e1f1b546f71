//! The arenas of a store's objects: an object stays at its address until the store is dropped.

use crate::Error;
use crate::memory::{Budget, Buf, Kind, try_box};
use alloc::boxed::Box;
use core::ptr::NonNull;

/// Objects of one type, numbered from 0. They never move, and code keeps pointers to them.
pub(crate) struct Arena<T> {
    items: Buf<NonNull<T>>,
    charge: crate::memory::Charge,
    kind: Kind,
}

impl<T> Arena<T> {
    pub(crate) fn new(budget: &Budget, kind: Kind) -> Self {
        Self { items: Buf::new(budget, kind), charge: budget.nothing(kind), kind }
    }

    pub(crate) fn len(&self) -> u32 {
        self.items.len() as u32
    }

    /// Adds an object. The handle in `value` must be [`Arena::len`].
    pub(crate) fn push(&mut self, value: T) -> Result<NonNull<T>, Error> {
        if self.items.len() == u32::MAX as usize {
            return Err(Error::msg("a store holds at most 2^32 objects of a kind"));
        }
        self.items.try_reserve(1)?;
        self.charge.grow(size_of::<T>() as u64)?;
        let boxed = try_box(self.kind, value).inspect_err(|_| self.charge.shrink(size_of::<T>() as u64))?;
        let ptr = NonNull::from(Box::leak(boxed));
        self.items.try_push(ptr)?;
        Ok(ptr)
    }

    /// All objects.
    pub(crate) fn iter(&self) -> impl Iterator<Item = NonNull<T>> {
        self.items.iter().copied()
    }

    /// The object with this number.
    pub(crate) fn get(&self, index: u32) -> NonNull<T> {
        self.items[index as usize]
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        debug_assert_eq!(self.charge.bytes(), crate::memory::bytes_of::<T>(self.items.len()));
        for ptr in self.items.iter() {
            // SAFETY: `push` made it from a box, and pointers into a store that is being dropped aren't followed.
            drop(unsafe { Box::from_raw(ptr.as_ptr()) });
        }
    }
}

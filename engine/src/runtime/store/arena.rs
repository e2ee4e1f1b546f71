//! The arenas of a store's objects: an object stays at its address until the store is dropped.

use crate::Error;
use crate::memory::{Budget, Buf, Kind, try_box};
use alloc::boxed::Box;
use core::ptr::NonNull;

/// Objects of one type, numbered from 0. They never move, and code keeps pointers to them.
pub(crate) struct Arena<T> {
    items: Buf<NonNull<T>>,
    /// Those that were allocated together: the number of the first, and how many they are.
    #[cfg(feature = "snapshot")]
    blocks: Buf<(u32, u32)>,
    charge: crate::memory::Charge,
    kind: Kind,
}

impl<T> Arena<T> {
    pub(crate) fn new(budget: &Budget, kind: Kind) -> Self {
        Self {
            items: Buf::new(budget, kind),
            #[cfg(feature = "snapshot")]
            blocks: Buf::new(budget, kind),
            charge: budget.nothing(kind),
            kind,
        }
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

    /// Adds the objects in a buffer that isn't empty, in one allocation. Their handles must be those from [`Arena::len`] on. Gives the first; the
    /// others follow it in memory.
    #[cfg(feature = "snapshot")]
    pub(crate) fn push_all(&mut self, values: Buf<T>) -> Result<NonNull<T>, Error> {
        let (first, count) = (self.len(), values.len());
        if u64::from(first) + count as u64 > u32::MAX.into() {
            return Err(Error::msg("a store holds at most 2^32 objects of a kind"));
        }
        self.items.try_reserve(count)?;
        self.blocks.try_reserve(1)?;
        let (boxed, charge) = values.into_boxed()?;
        self.charge.merge(charge);
        let ptr = NonNull::from(Box::leak(boxed)).cast::<T>();
        self.blocks.try_push((first, count as u32))?;
        for at in 0..count {
            // SAFETY: within the box.
            self.items.try_push(unsafe { ptr.add(at) })?;
        }
        Ok(ptr)
    }

    /// How many objects from this number on were allocated together; 0 for one that was allocated alone.
    fn block_at(&self, number: usize) -> usize {
        #[cfg(feature = "snapshot")]
        if let Ok(at) = self.blocks.binary_search_by_key(&(number as u32), |(first, _)| *first) {
            return self.blocks[at].1 as usize;
        }
        let _ = number;
        0
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
        let mut number = 0;
        while let Some(ptr) = self.items.get(number) {
            let block = self.block_at(number);
            // SAFETY: `push` made it from a box, or `push_all` made these of one, and pointers into a store that is being dropped aren't
            // followed.
            unsafe {
                match block {
                    0 => drop(Box::from_raw(ptr.as_ptr())),
                    _ => drop(Box::from_raw(core::ptr::slice_from_raw_parts_mut(ptr.as_ptr(), block))),
                }
            }
            number += block.max(1);
        }
    }
}

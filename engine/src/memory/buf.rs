//! A fallible relative of `Vec`.

use super::alloc::bytes_of;
use super::budget::{Budget, Charge};
use super::error::MemoryError;
use super::kind::Kind;
use core::ops::{Deref, DerefMut};

/// A vector that carries its charge, and grows only as the budget and the allocator allow.
#[derive(Debug)]
pub(crate) struct Buf<T> {
    vec: Vec<T>,
    charge: Charge,
}

impl<T> Buf<T> {
    pub(crate) fn new(budget: &Budget, kind: Kind) -> Buf<T> {
        Buf { vec: Vec::new(), charge: budget.nothing(kind) }
    }

    pub(crate) fn with_capacity(budget: &Budget, kind: Kind, count: usize) -> Result<Buf<T>, MemoryError> {
        let mut buf = Buf::new(budget, kind);
        buf.set_capacity(count)?;
        Ok(buf)
    }

    /// The capacity that follows `capacity` when `wanted` elements have to fit.
    fn next_capacity(capacity: usize, wanted: usize) -> usize {
        const SMALLEST: usize = 4;
        // Growth by half keeps the unused part below a third.
        wanted.max(capacity.saturating_add(capacity / 2)).max(SMALLEST)
    }

    fn set_capacity(&mut self, capacity: usize) -> Result<(), MemoryError> {
        let additional = capacity - self.vec.len();
        moved(&mut self.charge, bytes_of::<T>(capacity), &mut || {
            self.vec.try_reserve_exact(additional).is_ok()
        })?;
        debug_assert_eq!(self.charge.bytes(), bytes_of::<T>(self.vec.capacity()), "what is held is charged");
        Ok(())
    }

    /// How many elements have been paid for.
    #[inline]
    fn capacity(&self) -> usize {
        (self.charge.bytes() / bytes_of::<T>(1).max(1)) as usize
    }

    /// How many bytes have been paid for.
    pub(crate) fn held(&self) -> u64 {
        self.charge.bytes()
    }

    /// How many more elements fit what has been paid for.
    pub(crate) fn room(&self) -> usize {
        self.capacity().saturating_sub(self.vec.len())
    }

    #[inline]
    pub(crate) fn try_reserve(&mut self, additional: usize) -> Result<(), MemoryError> {
        let wanted = self.vec.len().saturating_add(additional);
        if wanted <= self.capacity() { Ok(()) } else { self.grow(wanted) }
    }

    #[cold]
    fn grow(&mut self, wanted: usize) -> Result<(), MemoryError> {
        self.set_capacity(Self::next_capacity(self.capacity(), wanted))
    }

    /// Like [`Buf::try_reserve`], without spare capacity.
    pub(crate) fn try_reserve_exact(&mut self, additional: usize) -> Result<(), MemoryError> {
        let wanted = self.vec.len().saturating_add(additional);
        if wanted <= self.capacity() { Ok(()) } else { self.set_capacity(wanted) }
    }

    #[inline]
    pub(crate) fn try_push(&mut self, value: T) -> Result<(), MemoryError> {
        self.try_reserve(1)?;
        self.vec.push(value);
        Ok(())
    }

    /// Inserts a value before the one at `index`.
    pub(crate) fn try_insert(&mut self, index: usize, value: T) -> Result<(), MemoryError> {
        self.try_reserve(1)?;
        self.vec.insert(index, value);
        Ok(())
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        self.vec.pop()
    }

    /// Removes an element, and puts the last one in its place.
    pub(crate) fn swap_remove(&mut self, index: usize) -> T {
        self.vec.swap_remove(index)
    }

    pub(crate) fn drop_first(&mut self, count: usize) {
        self.vec.drain(..count);
    }

    #[inline]
    pub(crate) fn try_extend_from_slice(&mut self, values: &[T]) -> Result<(), MemoryError>
    where
        T: Copy,
    {
        self.try_reserve(values.len())?;
        self.vec.extend_from_slice(values);
        Ok(())
    }

    /// Appends a part of a stream of at most `bound` elements in all.
    ///
    /// How much memory is asked for, and when, depends on what has been appended, not on how it was cut into parts.
    pub(crate) fn try_extend_streamed(&mut self, mut values: &[T], bound: usize) -> Result<(), MemoryError>
    where
        T: Copy,
    {
        while !values.is_empty() {
            let room = self.room();
            if room == 0 {
                self.set_capacity(streamed_capacity(self.vec.len(), bound))?;
                continue;
            }
            let (now, later) = values.split_at(room.min(values.len()));
            self.vec.extend_from_slice(now);
            values = later;
        }
        Ok(())
    }

    /// Grows to `count` elements, the new ones being `value`.
    pub(crate) fn try_resize(&mut self, count: usize, value: T) -> Result<(), MemoryError>
    where
        T: Copy,
    {
        self.try_reserve(count.saturating_sub(self.vec.len()))?;
        self.vec.resize(count, value);
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.vec.clear();
    }

    /// Keeps the elements that `stays` says, in their order.
    pub(crate) fn retain(&mut self, stays: impl FnMut(&T) -> bool) {
        self.vec.retain(stays);
    }

    pub(crate) fn truncate(&mut self, count: usize) {
        self.vec.truncate(count);
    }

    /// Frees the elements and their memory.
    pub(crate) fn discard(&mut self) {
        self.vec = Vec::new();
        self.charge.shrink(self.charge.bytes());
    }

    /// The elements, in memory of exactly their size, and the charge for it.
    pub(crate) fn into_boxed(mut self) -> Result<(Box<[T]>, Charge), MemoryError> {
        let count = self.vec.len();
        if count < self.vec.capacity() {
            // Not `into_boxed_slice`, which aborts the process if the allocator refuses to shrink.
            let mut exact = Buf::with_capacity(self.charge.budget(), self.charge.kind(), count)?;
            exact.vec.append(&mut self.vec);
            self = exact;
        }
        let Buf { vec, mut charge } = self;
        charge.shrink(charge.bytes() - bytes_of::<T>(count));
        Ok((vec.into_boxed_slice(), charge))
    }
}

/// Has elements moved to `new` bytes, and the charge say so. It is made once for all types.
fn moved(charge: &mut Charge, new: u64, reserve: &mut dyn FnMut() -> bool) -> Result<(), MemoryError> {
    let old = charge.bytes();
    // While the elements move, both the old and the new memory are held.
    charge.grow(new)?;
    let reserved = reserve();
    charge.shrink(if reserved { old } else { new });
    if reserved { Ok(()) } else { Err(MemoryError::system(charge.kind(), new)) }
}

impl<T> Deref for Buf<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.vec
    }
}

impl<T> DerefMut for Buf<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.vec
    }
}

/// The capacity that follows a full `capacity` when at most `bound` elements are to come in all.
///
/// A claimed size is believed up to 64 Ki elements. So a stream that claims 4 GiB and ends after 10 bytes fails because
/// it ends, not because of the 4 GiB.
pub(crate) fn streamed_capacity(capacity: usize, bound: usize) -> usize {
    const BELIEVED: usize = 1 << 16;
    capacity.saturating_add(capacity / 2).max(BELIEVED).min(bound).max(capacity + 1)
}

/// A copy of `text`, and the charge for it.
pub(crate) fn try_str(budget: &Budget, kind: Kind, text: &str) -> Result<(Box<str>, Charge), MemoryError> {
    let mut buf = Buf::with_capacity(budget, kind, text.len())?;
    buf.try_extend_from_slice(text.as_bytes())?;
    let (bytes, charge) = buf.into_boxed()?;
    Ok((String::from_utf8(Vec::from(bytes)).unwrap_or_default().into_boxed_str(), charge))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Map;

    #[test]
    fn a_buffer_is_charged_for_what_it_holds() {
        let budget = Budget::new(1000);
        let mut buf = Buf::<u32>::new(&budget, Kind::Data);
        for i in 0..100 {
            buf.try_push(i).unwrap();
            assert!(budget.used() >= buf.len() as u64 * 4);
        }
        let used = budget.used();
        assert!(matches!(buf.try_extend_from_slice(&[0; 300]), Err(MemoryError::OutOfBudget(_))));
        assert_eq!((budget.used(), buf.len()), (used, 100));
        let (boxed, charge) = buf.into_boxed().unwrap();
        assert_eq!((boxed.len(), charge.bytes(), budget.used()), (100, 400, 400));
        drop(charge);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_buffer_grows_by_half() {
        let mut buf = Buf::<u32>::new(&Budget::unlimited(), Kind::Data);
        let mut capacities = vec![0];
        for i in 0..200 {
            buf.try_push(i).unwrap();
            if capacities.last() != Some(&buf.capacity()) {
                capacities.push(buf.capacity());
            }
        }
        assert_eq!(capacities, [0, 4, 6, 9, 13, 19, 28, 42, 63, 94, 141, 211]);
        buf.try_reserve(300).unwrap();
        assert_eq!((buf.capacity(), buf.room(), buf.held()), (500, 300, 2000));
    }

    #[test]
    fn a_failed_allocation_is_an_error_and_costs_nothing() {
        let budget = Budget::unlimited();
        let refused = Buf::<u8>::with_capacity(&budget, Kind::Data, usize::MAX / 2 + 1).unwrap_err();
        assert!(matches!(refused, MemoryError::OutOfMemory(_)), "{refused}");
        assert_eq!(budget.used(), 0);
        // What is held already stays.
        let mut buf = Buf::<u8>::with_capacity(&budget, Kind::Data, 100).unwrap();
        assert!(matches!(buf.try_reserve(usize::MAX / 2 + 1), Err(MemoryError::OutOfMemory(_))));
        assert_eq!((buf.held(), budget.used()), (100, 100));
        let mut map = Map::<u64, u64>::new(&budget, Kind::Data);
        map.try_insert(1, 2).unwrap();
        let used = budget.used();
        assert_eq!(used - 100, Map::<u64, u64>::bytes(3));
        drop((buf, map));
        assert_eq!(budget.used(), 0);
    }
}

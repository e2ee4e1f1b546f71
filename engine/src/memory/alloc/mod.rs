//! Fallible allocation: memory is charged to a budget first, and an error results if the budget or the system refuses.
//!
//! The standard library's collections end the process when there is no memory. What this crate allocates goes
//! through here instead; the types are small relatives of `Vec`, `Arc` and `HashMap`.

mod shared;

pub(crate) use shared::{BoxOr, Shared};

use crate::memory::budget::{Budget, Charge, Kind, OutOfBudget};
use crate::memory::sys::Mapping;
use crate::words::Count;
use core::fmt::{self, Write};
use core::ops::{Deref, DerefMut};
use std::alloc::Layout;
use std::cell::Cell;
use std::collections::HashMap;
use std::hash::Hash;

/// Memory could not be had: the budget refused it, or the allocator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemoryError {
    OutOfBudget(OutOfBudget),
    OutOfMemory(OutOfMemory),
}

/// The system had no memory left, though the budget allowed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfMemory {
    pub(crate) kind: Kind,
    pub(crate) asked: u64,
}

impl OutOfMemory {
    /// The lowest byte of a number that one is packed into is at least this.
    pub(crate) const PACKED: usize = 0x80;

    /// One in a number for [`BoxOr`]: the kind in the lowest byte, then as many bits as there are of what was asked for.
    pub(crate) fn pack(self) -> usize {
        let most = BoxOr::<u16>::MAX >> 8;
        (self.asked.min(most as u64) as usize) << 8 | (Self::PACKED + self.kind as usize)
    }

    /// What [`OutOfMemory::pack`] was given, if the number is one of its.
    pub(crate) fn unpack(number: usize) -> Option<Self> {
        let kind = (number & 0xff).checked_sub(Self::PACKED)?;
        Some(Self { kind: Kind::ALL[kind], asked: (number >> 8) as u64 })
    }
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "out of memory: the system has no {} left for {}", Count(self.asked, "bytes"), self.kind)
    }
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryError::OutOfBudget(error) => fmt::Display::fmt(error, f),
            MemoryError::OutOfMemory(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for MemoryError {}

impl From<OutOfBudget> for MemoryError {
    fn from(error: OutOfBudget) -> MemoryError {
        MemoryError::OutOfBudget(error)
    }
}

/// Why a memory or table can't grow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum GrowError {
    /// Beyond its maximum, or the engine's.
    Limit,
    Memory(MemoryError),
}

impl<E: Into<MemoryError>> From<E> for GrowError {
    fn from(error: E) -> GrowError {
        GrowError::Memory(error.into())
    }
}

impl MemoryError {
    pub(crate) fn system(kind: Kind, asked: u64) -> MemoryError {
        MemoryError::OutOfMemory(OutOfMemory { kind, asked })
    }
}

thread_local! {
    static THIRD_PARTY: Cell<u32> = const { Cell::new(0) };
}

/// Calls into a library that allocates infallibly. The most that it may need has been charged. Tests that make
/// allocations fail exempt what happens here, since such a library then aborts the process.
pub(crate) fn third_party<R>(call: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            THIRD_PARTY.set(THIRD_PARTY.get() - 1);
        }
    }
    THIRD_PARTY.set(THIRD_PARTY.get() + 1);
    let _leave = Leave;
    call()
}

/// Probes whether the system has the memory that a library may need that allocates infallibly, and so would abort the
/// process.
///
/// It is mapped and unmapped, untouched: twice the amount, for the allocator's overhead on small pieces, and 1 MiB
/// more, by which glibc's heap grows where it can't grow in place, and for what is allocated here until the next probe.
pub(crate) fn at_hand(kind: Kind, bytes: u64) -> Result<(), MemoryError> {
    const AT_ONCE: u64 = 1 << 20;
    let asked = bytes.saturating_mul(2).saturating_add(AT_ONCE);
    let mapped = usize::try_from(asked).ok().and_then(|len| Mapping::new(len).ok());
    mapped.map(drop).ok_or_else(|| MemoryError::system(kind, bytes))
}

/// Whether this thread is in a library that allocates infallibly.
pub(crate) fn in_third_party() -> bool {
    THIRD_PARTY.try_with(Cell::get).unwrap_or(0) > 0
}

/// The capacity that follows a full `capacity` when at most `bound` elements are to come in all.
///
/// A claimed size is believed up to 64 Ki elements. So a stream that claims 4 GiB and ends after 10 bytes fails because
/// it ends, not because of the 4 GiB.
pub(crate) fn streamed_capacity(capacity: usize, bound: usize) -> usize {
    const BELIEVED: usize = 1 << 16;
    capacity.saturating_add(capacity / 2).max(BELIEVED).min(bound).max(capacity + 1)
}

pub(crate) fn bytes_of<T>(count: usize) -> u64 {
    (count as u64).saturating_mul(size_of::<T>() as u64)
}

/// Moves `value` to the heap, or gives it back if there is no memory.
pub(crate) fn box_or_back<T>(value: T) -> Result<Box<T>, T> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return Ok(Box::new(value));
    }
    // SAFETY: the layout's size is not 0.
    let ptr = unsafe { std::alloc::alloc(layout) }.cast::<T>();
    if ptr.is_null() {
        return Err(value);
    }
    // SAFETY: the memory is fresh, of `T`'s layout, and from the allocator that `Box` uses.
    unsafe {
        ptr.write(value);
        Ok(Box::from_raw(ptr))
    }
}

/// Moves `value` to the heap, or fails if there is no memory.
pub(crate) fn try_box<T>(kind: Kind, value: T) -> Result<Box<T>, MemoryError> {
    box_or_back(value).map_err(|_| MemoryError::system(kind, size_of::<T>() as u64))
}

/// Writes a text of at most some kilobytes, or fails if there is no memory.
pub(crate) fn try_text(text: impl fmt::Display) -> Result<String, OutOfMemory> {
    let mut out = TryText::default();
    // If a `Display` itself fails, what it wrote until then is used.
    let _ = write!(out, "{text}");
    out.finish()
}

/// A string that records an allocation failure instead of aborting the process.
#[derive(Default)]
pub(crate) struct TryText {
    text: String,
    refused: Option<u64>,
}

impl TryText {
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn finish(self) -> Result<String, OutOfMemory> {
        match self.refused {
            None => Ok(self.text),
            Some(asked) => Err(OutOfMemory { kind: Kind::Host, asked }),
        }
    }
}

impl Write for TryText {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if self.text.try_reserve(s.len()).is_err() {
            self.refused = Some((self.text.len() + s.len()) as u64);
            return Err(fmt::Error);
        }
        self.text.push_str(s);
        Ok(())
    }
}

/// A copy of `text`, and the charge for it.
pub(crate) fn try_str(budget: &Budget, kind: Kind, text: &str) -> Result<(Box<str>, Charge), MemoryError> {
    let mut buf = Buf::with_capacity(budget, kind, text.len())?;
    buf.try_extend_from_slice(text.as_bytes())?;
    let (bytes, charge) = buf.into_boxed()?;
    Ok((String::from_utf8(Vec::from(bytes)).unwrap_or_default().into_boxed_str(), charge))
}

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
        let (old, new) = (self.charge.bytes(), bytes_of::<T>(capacity));
        // While the elements move, both the old and the new memory are held.
        self.charge.grow(new)?;
        let additional = capacity - self.vec.len();
        let reserved = self.vec.try_reserve_exact(additional);
        self.charge.shrink(if reserved.is_ok() { old } else { new });
        debug_assert_eq!(self.charge.bytes(), bytes_of::<T>(self.vec.capacity()), "what is held is charged");
        reserved.map_err(|_| MemoryError::system(self.charge.kind(), new))
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

/// A hash table that carries its charge.
#[derive(Debug)]
pub(crate) struct Map<K, V> {
    map: HashMap<K, V>,
    charge: Charge,
}

impl<K: Eq + Hash, V> Map<K, V> {
    pub(crate) fn new(budget: &Budget, kind: Kind) -> Self {
        Self { map: HashMap::new(), charge: budget.nothing(kind) }
    }

    /// The bytes of the standard library's table for this capacity: a power of two of buckets, an eighth larger, each
    /// with an entry and a control byte, plus one group of control bytes.
    pub(crate) fn bytes(capacity: usize) -> u64 {
        const GROUP: u64 = 32;
        let buckets = match capacity {
            0 => return 0,
            1..4 => 4,
            4..8 => 8,
            8..15 => 16,
            _ => (capacity as u64).saturating_mul(8).div_ceil(7).next_power_of_two(),
        };
        buckets * (size_of::<(K, V)>() as u64 + 1) + GROUP
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key)
    }

    pub(crate) fn try_insert(&mut self, key: K, value: V) -> Result<(), MemoryError> {
        if self.map.len() == self.map.capacity() {
            let held = self.charge.bytes();
            // While the entries move, both tables are held.
            let next = Self::bytes((self.map.capacity() + 1).max(self.map.capacity() * 2));
            self.charge.grow(next)?;
            let grown = self.map.try_reserve(1);
            let (now, paid) = (Self::bytes(self.map.capacity()), held + next);
            debug_assert!(now <= paid);
            self.charge.shrink(paid - now.min(paid));
            grown.map_err(|_| MemoryError::system(self.charge.kind(), next))?;
        }
        self.map.insert(key, value);
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.map.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// What a library takes is looked for twice, with 1 MiB for the heap; what isn't there is an error.
    #[test]
    fn what_a_library_may_take_is_looked_for() {
        for bytes in [0, 1000, 3 << 20] {
            let wanted = 2 * bytes as usize + (1 << 20);
            let look = |largest| {
                crate::memory::sys::LARGEST.set(largest);
                let found = at_hand(Kind::Names, bytes);
                crate::memory::sys::LARGEST.set(usize::MAX);
                found
            };
            look(wanted).unwrap();
            let refused = look(wanted - 1).unwrap_err();
            assert!(refused == MemoryError::system(Kind::Names, bytes), "{refused}");
        }
        at_hand(Kind::Names, u64::MAX / 2).unwrap_err();
    }

    #[test]
    fn a_map_is_charged_before_it_grows() {
        let budget = Budget::new(100_000);
        let mut map = Map::<u64, u64>::new(&budget, Kind::Host);
        let mut count = 0;
        while map.try_insert(count, count * 2).is_ok() {
            count += 1;
            assert!(budget.used() >= map.map.capacity() as u64 * 17);
        }
        assert!(count > 1000 && map.get(&count).is_none());
        assert!((0..count).all(|i| map.get(&i) == Some(&(i * 2))));
        map.remove(&5);
        assert!(map.get(&5).is_none());
        drop(map);
        assert_eq!(budget.used(), 0);
    }
}

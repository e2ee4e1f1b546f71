//! One number for all the memory that is held: who may have how much is decided here and nowhere else.
//!
//! Whoever allocates an amount that depends on its input [charges](Budget::charge) it first and keeps the
//! [`Charge`], which gives the amount back when it is dropped.

use std::collections::TryReserveError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What memory is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Kind {
    /// Types, imports, exports and whatever else describes a module, and the window it is loaded through.
    Metadata,
    /// Function bodies, as they came.
    Bodies,
    /// The bytes of data segments.
    Data,
    /// Function names.
    Names,
    /// Translated code.
    Cells,
    /// Compiled code.
    MachineCode,
    /// What a compiler needs while it compiles.
    CompilerScratch,
    /// Value stacks.
    Stack,
    /// Linear memories.
    Memory,
    /// Tables.
    Table,
    /// Globals.
    Global,
    /// Instances.
    Instance,
    /// What the host holds on a guest's behalf.
    Host,
}

impl Kind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Kind; 13] = [
        Kind::Metadata,
        Kind::Bodies,
        Kind::Data,
        Kind::Names,
        Kind::Cells,
        Kind::MachineCode,
        Kind::CompilerScratch,
        Kind::Stack,
        Kind::Memory,
        Kind::Table,
        Kind::Global,
        Kind::Instance,
        Kind::Host,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Metadata => "module metadata",
            Kind::Bodies => "function bodies",
            Kind::Data => "data segments",
            Kind::Names => "function names",
            Kind::Cells => "translated code",
            Kind::MachineCode => "machine code",
            Kind::CompilerScratch => "compiler scratch",
            Kind::Stack => "value stack",
            Kind::Memory => "linear memory",
            Kind::Table => "tables",
            Kind::Global => "globals",
            Kind::Instance => "instances",
            Kind::Host => "host state",
        })
    }
}

/// A bound on memory, shared by everything that counts towards it.
///
/// Clones are the same budget.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: u64,
    used: AtomicU64,
    peak: AtomicU64,
    kinds: [AtomicU64; Kind::ALL.len()],
}

impl Budget {
    /// A budget that counts but never refuses.
    pub fn unlimited() -> Budget {
        Budget::new(u64::MAX)
    }

    /// A budget of `limit_bytes` bytes.
    pub fn new(limit_bytes: u64) -> Budget {
        Budget(Arc::new(Inner {
            limit: limit_bytes,
            used: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            kinds: std::array::from_fn(|_| AtomicU64::new(0)),
        }))
    }

    /// The bound, in bytes, if there is one.
    pub fn limit(&self) -> Option<u64> {
        (self.0.limit != u64::MAX).then_some(self.0.limit)
    }

    /// The bytes held now.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// The most bytes that were ever held at once.
    pub fn peak(&self) -> u64 {
        self.0.peak.load(Ordering::Relaxed)
    }

    /// The bytes held now for one kind of thing.
    pub fn used_for(&self, kind: Kind) -> u64 {
        self.0.kinds[kind as usize].load(Ordering::Relaxed)
    }

    /// Takes `bytes` from the budget until the returned [`Charge`] is dropped.
    ///
    /// # Errors
    ///
    /// If that is more than is left.
    pub fn charge(&self, kind: Kind, bytes: u64) -> Result<Charge, OutOfBudget> {
        self.take(kind, bytes)?;
        Ok(Charge { budget: self.clone(), kind, bytes })
    }

    /// A charge of nothing yet, to be grown.
    pub(crate) fn nothing(&self, kind: Kind) -> Charge {
        Charge { budget: self.clone(), kind, bytes: 0 }
    }

    fn take(&self, kind: Kind, bytes: u64) -> Result<(), OutOfBudget> {
        let within = |used: u64| used.checked_add(bytes).filter(|total| *total <= self.0.limit);
        // The counters order nothing else: whoever takes bytes needs only the sum to be right.
        match self.0.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within) {
            Ok(before) => {
                self.0.peak.fetch_max(before + bytes, Ordering::Relaxed);
                self.0.kinds[kind as usize].fetch_add(bytes, Ordering::Relaxed);
                Ok(())
            }
            Err(used) => Err(self.refusal(kind, bytes, used)),
        }
    }

    #[cold]
    fn refusal(&self, kind: Kind, asked: u64, used: u64) -> OutOfBudget {
        let mut held = Kind::ALL.map(|kind| (kind, self.used_for(kind)));
        held.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        OutOfBudget { kind, asked, used, limit: self.0.limit, largest: [held[0], held[1], held[2]] }
    }

    fn give_back(&self, kind: Kind, bytes: u64) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
        self.0.kinds[kind as usize].fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Bytes taken from a [`Budget`], given back on drop.
#[derive(Debug)]
#[must_use = "dropping a charge gives its bytes back"]
pub struct Charge {
    budget: Budget,
    kind: Kind,
    bytes: u64,
}

impl Charge {
    /// How many bytes are held.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes more bytes.
    ///
    /// # Errors
    ///
    /// If that is more than is left; what is held already stays held.
    pub fn grow(&mut self, more: u64) -> Result<(), OutOfBudget> {
        self.budget.take(self.kind, more)?;
        self.bytes += more;
        Ok(())
    }

    /// Gives some bytes back (all of them, if `less` is more than is held).
    pub fn shrink(&mut self, less: u64) {
        let less = less.min(self.bytes);
        self.bytes -= less;
        self.budget.give_back(self.kind, less);
    }

    /// Takes over what another charge of the same kind and budget holds.
    pub(crate) fn merge(&mut self, mut other: Charge) {
        debug_assert!(self.kind == other.kind && Arc::ptr_eq(&self.budget.0, &other.budget.0));
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.give_back(self.kind, self.bytes);
    }
}

/// A [`Budget`] refused a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfBudget {
    /// What the bytes were for.
    pub kind: Kind,
    /// How many bytes were asked for.
    pub asked: u64,
    /// How many bytes were held already.
    pub used: u64,
    /// The bound.
    pub limit: u64,
    /// The three kinds that held the most.
    pub largest: [(Kind, u64); 3],
}

impl fmt::Display for OutOfBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutOfBudget { kind, asked, used, limit, largest } = self;
        write!(
            f,
            "memory budget of {limit} bytes exceeded: {kind} asked for {asked} bytes with {used} in use"
        )?;
        let mut before = " (";
        for (kind, bytes) in largest.iter().filter(|(_, bytes)| *bytes > 0) {
            write!(f, "{before}{kind}: {bytes}")?;
            before = ", ";
        }
        if before == ", " { f.write_str(")") } else { Ok(()) }
    }
}

impl std::error::Error for OutOfBudget {}

/// Memory could not be had: the budget refused it, or the allocator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemoryError {
    OutOfBudget(OutOfBudget),
    OutOfMemory(OutOfMemory),
}

/// The allocator had no memory left, though the budget allowed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutOfMemory {
    pub(crate) kind: Kind,
    pub(crate) asked: u64,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "out of memory: the system has no {} bytes left for {}", self.asked, self.kind)
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

/// The capacity that follows a full `capacity` when at most `bound` elements are to come in all.
///
/// A claimed size is believed up to 64 Ki elements, so that who claims 4 GiB and sends 10 bytes is told about the 10 bytes.
pub(crate) fn streamed_capacity(capacity: usize, bound: usize) -> usize {
    const BELIEVED: usize = 1 << 16;
    capacity.saturating_add(capacity / 2).max(BELIEVED).min(bound).max(capacity + 1)
}

fn bytes_of<T>(count: usize) -> u64 {
    (count as u64).saturating_mul(size_of::<T>() as u64)
}

fn out_of_memory(kind: Kind, asked: u64) -> impl FnOnce(TryReserveError) -> MemoryError {
    move |_| MemoryError::OutOfMemory(OutOfMemory { kind, asked })
}

/// An empty vector with room for exactly `count` elements, and the charge for it.
pub(crate) fn try_vec_with_capacity<T>(
    budget: &Budget,
    kind: Kind,
    count: usize,
) -> Result<(Vec<T>, Charge), MemoryError> {
    let buf = Buf::with_capacity(budget, kind, count)?;
    Ok((buf.vec, buf.charge))
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
        // Growth by half keeps the waste below a third.
        wanted.max(capacity.saturating_add(capacity / 2)).max(SMALLEST)
    }

    fn set_capacity(&mut self, capacity: usize) -> Result<(), MemoryError> {
        let (old, new) = (self.charge.bytes(), bytes_of::<T>(capacity));
        // While the elements move, both the old and the new memory are held.
        self.charge.grow(new)?;
        let additional = capacity - self.vec.len();
        if let Err(error) = self.vec.try_reserve_exact(additional) {
            self.charge.shrink(new);
            return Err(out_of_memory(self.charge.kind, new)(error));
        }
        self.charge.shrink(old);
        Ok(())
    }

    /// How many elements have been paid for.
    #[inline]
    fn capacity(&self) -> usize {
        (self.charge.bytes() / bytes_of::<T>(1).max(1)) as usize
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

    /// Like [`Buf::try_reserve`], without room for more.
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

    #[inline]
    pub(crate) fn try_extend_from_slice(&mut self, values: &[T]) -> Result<(), MemoryError>
    where
        T: Copy,
    {
        self.try_reserve(values.len())?;
        self.vec.extend_from_slice(values);
        Ok(())
    }

    /// Appends what may be a part of something larger, of at most `bound` elements in all.
    ///
    /// How much memory is asked for and when depends on what has been appended, but not on the parts it came in.
    pub(crate) fn try_extend_streamed(&mut self, mut values: &[T], bound: usize) -> Result<(), MemoryError>
    where
        T: Copy,
    {
        while !values.is_empty() {
            let room = self.capacity() - self.vec.len();
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

    /// Gives up what it holds.
    pub(crate) fn discard(&mut self) {
        self.vec = Vec::new();
        self.charge.shrink(self.charge.bytes());
    }

    /// The elements, in memory of just their size, and the charge for it.
    pub(crate) fn into_boxed(self) -> (Box<[T]>, Charge) {
        let Buf { vec, mut charge } = self;
        let boxed = vec.into_boxed_slice();
        charge.shrink(charge.bytes() - bytes_of::<T>(boxed.len()));
        (boxed, charge)
    }
}

impl<T> std::ops::Deref for Buf<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.vec
    }
}

impl<T> std::ops::DerefMut for Buf<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.vec
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_gives_back_what_it_took() {
        let budget = Budget::new(100);
        let mut a = budget.charge(Kind::Data, 40).unwrap();
        let b = budget.charge(Kind::Names, 50).unwrap();
        assert_eq!((budget.used(), budget.peak()), (90, 90));
        let refused = budget.charge(Kind::Cells, 11).unwrap_err();
        assert_eq!((refused.kind, refused.asked, refused.used, refused.limit), (Kind::Cells, 11, 90, 100));
        assert_eq!(
            refused.to_string(),
            "memory budget of 100 bytes exceeded: translated code asked for 11 bytes with 90 in use \
             (function names: 50, data segments: 40)"
        );
        drop(b);
        a.grow(60).unwrap();
        assert!(a.grow(1).is_err());
        assert_eq!((a.bytes(), budget.used_for(Kind::Data)), (100, 100));
        a.shrink(70);
        assert_eq!(budget.used(), 30);
        drop(a);
        assert_eq!((budget.used(), budget.peak()), (0, 100));
    }

    #[test]
    fn nothing_overflows() {
        let budget = Budget::unlimited();
        assert_eq!(budget.limit(), None);
        let most = budget.charge(Kind::Host, u64::MAX).unwrap();
        assert!(budget.charge(Kind::Host, 1).is_err());
        drop(most);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn merged_charges_are_given_back_once() {
        let budget = Budget::new(100);
        let mut a = budget.charge(Kind::Data, 40).unwrap();
        a.merge(budget.charge(Kind::Data, 2).unwrap());
        assert_eq!((a.bytes(), budget.used()), (42, 42));
        drop(a);
        assert_eq!(budget.used(), 0);
    }

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
        let (boxed, charge) = buf.into_boxed();
        assert_eq!((boxed.len(), charge.bytes(), budget.used()), (100, 400, 400));
        drop(charge);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_failed_allocation_is_an_error() {
        let budget = Budget::unlimited();
        let refused = Buf::<u8>::with_capacity(&budget, Kind::Data, usize::MAX / 2 + 1).unwrap_err();
        assert!(matches!(refused, MemoryError::OutOfMemory(_)), "{refused}");
        assert_eq!(budget.used(), 0);
    }
}

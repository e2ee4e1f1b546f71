//! The bytes of a linear memory: reservation, guard regions, growth, and the charge for their size.

use super::arena::{Arena, Block};
use super::budget::{Budget, Charge};
use super::error::MemoryError;
use super::kind::Kind;
use crate::sys::{Mapping, RESERVE_MEMORIES, Snapshot};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

/// The bytes of a page.
pub(crate) const PAGE: u64 = 65536;

/// The bytes that a memory may have on this machine: a place in it is a distance from its base.
pub(crate) const LARGEST_MEMORY: u64 =
    if cfg!(target_pointer_width = "64") { u64::MAX } else { isize::MAX as u64 / PAGE * PAGE };

/// How many bytes a memory has at first and at most, and of what kind it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) minimum: u64,
    pub(crate) most: u64,
    /// Whether a guard region can stand behind its end.
    pub(crate) is_guardable: bool,
}

/// What the budget counts for so many bytes: what the system gives for them, where its pages have 4 KiB.
pub(crate) fn charged(bytes: u64) -> u64 {
    bytes.checked_next_multiple_of(4096).unwrap_or(u64::MAX)
}

/// A memory with 64-bit addresses reserves no more than this: more is reserved when it is needed, at another place.
const RESERVED: u64 = 4 << 30;

/// The bytes of a guard region beyond the 4 GiB that a 32-bit address reaches: accesses with a smaller offset need no
/// bounds check.
pub(crate) const GUARD: u64 = 32 << 20;

/// The address space of a guarded memory.
const GUARDED: u64 = (1 << 32) + GUARD;

/// Whether linear memories have guard regions: every access beyond their end, by a 32-bit address and an offset below
/// [`layout::GUARD`](crate::runtime::tier::layout::GUARD), faults. That takes 4 GiB and 32 MiB of address space for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Guard {
    /// They have none.
    #[default]
    Never,
    /// They have, as long as address space is plentiful.
    WhereRoom,
    /// They have. A memory that can't get its address space is an error.
    Always,
}

impl Guard {
    /// Whether a memory that is made now would be guarded.
    pub fn holds(self) -> bool {
        match self {
            Guard::Never => false,
            Guard::WhereRoom => granted(0),
            Guard::Always => true,
        }
    }
}

/// With [`Guard::WhereRoom`], memories are guarded as long as that leaves address space for this many more guarded
/// ones: for everything else in the process.
const KEPT: u64 = 4;

/// For how many memories address space is probed at once, to save system calls: for as many of these as there is.
const AT_ONCE: [u32; 3] = [32, 4, 1];

/// Whether there is enough address space to guard memories; `taken` of them will be.
fn granted(taken: u32) -> bool {
    // Relaxed: if threads race, at most a little less address space is kept free.
    static GRANTED: AtomicU32 = AtomicU32::new(0);
    let take = |granted: u32| granted.checked_sub(taken).filter(|_| granted > 0);
    if GRANTED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
        return true;
    }
    let has_room = |memories: &u32| {
        let bytes = usize::try_from((u64::from(*memories) + KEPT) * GUARDED);
        bytes.is_ok_and(|bytes| Mapping::reserve(bytes).is_ok())
    };
    let found = AT_ONCE.into_iter().find(has_room);
    GRANTED.store(found.map_or(0, |found| found - taken), Ordering::Relaxed);
    found.is_some()
}

/// Where a memory's bytes are.
#[derive(Debug)]
enum Place {
    Mapping(Mapping),
    Arena(Block),
}

impl Place {
    fn as_mut_ptr(&mut self) -> *mut u8 {
        match self {
            Place::Mapping(mapping) => mapping.as_mut_ptr(),
            Place::Arena(block) => block.as_mut_ptr(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Place::Mapping(mapping) => mapping.len(),
            Place::Arena(block) => block.len(),
        }
    }

    fn grow(self, len: usize) -> Result<Self, Self> {
        match self {
            Place::Mapping(mapping) => mapping.grow(len).map(Place::Mapping).map_err(Place::Mapping),
            Place::Arena(block) => block.grow(len).map(Place::Arena).map_err(Place::Arena),
        }
    }

    fn in_small_pages(&self) {
        if let Place::Mapping(mapping) = self {
            mapping.in_small_pages();
        }
    }
}

/// The zeroed bytes of a memory.
#[derive(Debug)]
pub(crate) struct Pages {
    /// `None` while there are no bytes and no reservation.
    place: Option<Place>,
    /// What the bytes are taken from, if it isn't the system.
    arena: Option<Arena>,
    len: usize,
    /// Whether the mapping covers the whole guarded range, of which only the memory's current size is accessible.
    guarded: bool,
    /// Whether it could have been guarded.
    guardable: bool,
    /// Whether it may not move, even if the mapping is too small for all that it may grow to.
    fixed: bool,
    /// For the current size: that is what the budget counts, whatever is reserved or touched.
    charge: Charge,
}

/// The lowest bound of a budget and those that it draws on.
fn most_ever(budget: &Budget) -> u64 {
    let here = budget.limit().unwrap_or(u64::MAX);
    budget.parent().map_or(here, |parent| here.min(most_ever(parent)))
}

/// Address space for `most` bytes; where there is little of it, perhaps for fewer, but for `least` at any rate.
fn reserve_up_to(most: u64, least: u64, arena: Option<&Arena>) -> Result<Place, MemoryError> {
    let mut bytes = most;
    let reserve = |bytes: u64| {
        let bytes = usize::try_from(bytes).ok()?;
        match arena {
            Some(arena) => arena.take(bytes).map(Place::Arena),
            None => Mapping::reserve(bytes).ok().map(Place::Mapping),
        }
    };
    loop {
        if let Some(place) = reserve(bytes) {
            return Ok(place);
        }
        if RESERVE_MEMORIES && arena.is_none() || bytes <= least {
            return Err(MemoryError::system(Kind::Memory, bytes));
        }
        bytes = (bytes / 2).max(least);
    }
}

impl Pages {
    /// The bytes of a new memory; its minimum is at most [`Sizes::most`]. If they are guarded, they never move.
    ///
    /// With an arena, the bytes are taken from that, and nothing is reserved for their growth.
    pub(crate) fn new(
        sizes: Sizes,
        budget: &Budget,
        guard: Guard,
        arena: Option<&Arena>,
    ) -> Result<Self, MemoryError> {
        let unguarded = || Self::new_in(sizes, budget, RESERVE_MEMORIES && arena.is_none(), arena);
        match guard {
            _ if arena.is_some() => unguarded(),
            _ if !sizes.is_guardable => unguarded(),
            Guard::Always => Self::new_guarded(sizes, budget),
            // Whatever the reason for a refusal, it may be possible without a guard.
            Guard::WhereRoom if granted(1) => Self::new_guarded(sizes, budget).or_else(|_| unguarded()),
            Guard::Never | Guard::WhereRoom => unguarded(),
        }
    }

    /// Whether code that relies on guard regions may access it: it has one, or is of a type whose accesses are always
    /// checked.
    pub(crate) fn suits_guarded_code(&self) -> bool {
        self.guarded || !self.guardable
    }

    /// The bytes of a memory that never moves: address space is reserved for all that it may grow to.
    pub(crate) fn new_fixed(
        sizes: Sizes,
        budget: &Budget,
        guard: Guard,
        arena: Option<&Arena>,
    ) -> Result<Self, MemoryError> {
        if sizes.is_guardable && arena.is_none() {
            match guard {
                Guard::Always => return Self::new_guarded(sizes, budget),
                Guard::WhereRoom if granted(1) => {
                    if let Ok(pages) = Self::new_guarded(sizes, budget) {
                        return Ok(pages);
                    }
                }
                Guard::Never | Guard::WhereRoom => {}
            }
        }
        let charge = budget.charge(Kind::Memory, charged(sizes.minimum))?;
        // It can't grow beyond the budget anyway.
        let most = sizes.most.min(most_ever(budget)).max(sizes.minimum);
        let place = match most {
            0 => None,
            most => Some(reserve_up_to(most, sizes.minimum, arena)?),
        };
        if let Some(place) = place.as_ref().filter(|_| budget.available().is_some()) {
            place.in_small_pages();
        }
        let (guardable, arena) = (sizes.is_guardable, arena.cloned());
        Ok(Pages {
            place,
            arena,
            len: sizes.minimum as usize,
            guarded: false,
            guardable,
            fixed: true,
            charge,
        })
    }

    fn new_guarded(sizes: Sizes, budget: &Budget) -> Result<Self, MemoryError> {
        let bytes = sizes.minimum;
        let charge = budget.charge(Kind::Memory, charged(bytes))?;
        let refused = |asked| MemoryError::system(Kind::Memory, asked);
        let space = usize::try_from(GUARDED).map_err(|_| refused(bytes))?;
        let len = bytes as usize;
        let mapping = Mapping::accessible_to(len, space).map_err(|_| refused(space as u64))?;
        if budget.available().is_some() {
            mapping.in_small_pages();
        }
        let place = Some(Place::Mapping(mapping));
        Ok(Pages { place, arena: None, len, guarded: true, guardable: true, fixed: true, charge })
    }

    /// [`Pages::new`]; `reserve` says whether to try to get address space for growth in advance.
    pub(crate) fn new_in(
        sizes: Sizes,
        budget: &Budget,
        reserve: bool,
        arena: Option<&Arena>,
    ) -> Result<Self, MemoryError> {
        let bytes = sizes.minimum;
        let charge = budget.charge(Kind::Memory, charged(bytes))?;
        let guardable = sizes.is_guardable;
        let arena = arena.cloned();
        let mut pages = Pages { place: None, arena, len: 0, guarded: false, guardable, fixed: false, charge };
        // It can't grow beyond the budget anyway.
        let most = sizes.most.min(RESERVED).min(most_ever(budget)).max(bytes);
        if reserve && most > 0 {
            let mapping = usize::try_from(most).ok().and_then(|most| Mapping::reserve(most).ok());
            pages.place = mapping.map(Place::Mapping);
            if let Some(mapping) = &pages.place
                && budget.available().is_some()
            {
                mapping.in_small_pages();
            }
        }
        if bytes > 0 {
            let refused = || MemoryError::system(Kind::Memory, bytes);
            let len = usize::try_from(bytes).map_err(|_| refused())?;
            pages.map(len).ok_or_else(refused)?;
            pages.len = len;
        }
        Ok(pages)
    }

    /// Moves the charge to another budget.
    pub(crate) fn move_to(mut self, budget: &Budget) -> Result<Self, MemoryError> {
        // Release first: if both draw on the same budget, that needn't have room for both charges.
        self.charge = self.charge.budget().nothing(Kind::Memory);
        self.charge = budget.charge(Kind::Memory, charged(self.len as u64))?;
        Ok(self)
    }

    pub(crate) fn base(&mut self) -> *mut u8 {
        self.place.as_mut().map_or(NonNull::dangling().as_ptr(), Place::as_mut_ptr)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Copies `from` to `offset`, if it fits.
    pub(crate) fn write(&mut self, offset: u64, from: &[u8]) -> Option<()> {
        let end = offset.checked_add(from.len() as u64)?;
        if end > self.len as u64 {
            return None;
        }
        // SAFETY: within the mapping, to which there is no other pointer yet.
        unsafe { self.base().add(offset as usize).copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        Some(())
    }

    /// Makes its first bytes those of a snapshot, which is at most as long. After an error there are no bytes.
    pub(crate) fn overlay(&mut self, snapshot: &Snapshot) -> Result<(), MemoryError> {
        let len = self.len as u64;
        let refused = || MemoryError::system(Kind::Memory, len);
        let Some(Place::Mapping(mapping)) = self.place.take() else { return Err(refused()) };
        self.place = Some(Place::Mapping(mapping.overlay(snapshot).map_err(|_| refused())?));
        Ok(())
    }

    /// Adds zeroed bytes, unless the budget or the system refuses. [`Pages::base`] may change.
    pub(crate) fn grow(&mut self, more: u64) -> Result<(), MemoryError> {
        let len = (self.len as u64).saturating_add(more);
        let further = charged(len) - charged(self.len as u64);
        self.charge.grow(further)?;
        match usize::try_from(len).ok().and_then(|len| self.map(len).map(|()| len)) {
            Some(len) => {
                self.len = len;
                debug_assert_eq!(self.charge.bytes(), charged(len as u64), "what is held is charged");
                Ok(())
            }
            None => {
                self.charge.shrink(further);
                debug_assert_eq!(self.charge.bytes(), charged(self.len as u64), "what is held is charged");
                Err(MemoryError::system(Kind::Memory, more))
            }
        }
    }

    /// Whether there is address space for growth.
    #[cfg(test)]
    pub(crate) fn is_reserved(&self) -> bool {
        self.place.is_some()
    }

    /// Makes sure that `len` bytes are mapped.
    fn map(&mut self, len: usize) -> Option<()> {
        if self.guarded {
            let Some(Place::Mapping(mapping)) = &mut self.place else { return None };
            return mapping.make_accessible(self.len, len).ok();
        }
        let place = match self.place.take() {
            None => match &self.arena {
                Some(arena) => Place::Arena(arena.take(len)?),
                None => Place::Mapping(Mapping::new(len).ok()?),
            },
            Some(place) if len <= place.len() => place,
            Some(place) if self.fixed => {
                self.place = Some(place);
                return None;
            }
            Some(place) => match place.grow(len) {
                Ok(place) => place,
                Err(place) => {
                    self.place = Some(place);
                    return None;
                }
            },
        };
        self.place = Some(place);
        Some(())
    }
}

//! Vectors whose memory is charged to a budget before it is allocated.

use dunlin::{Budget, Charge, Kind, OutOfBudget};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Why a list has no memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum NoMemory {
    /// The budget refused.
    Budget(OutOfBudget),
    /// The allocator failed.
    System,
}

impl fmt::Display for NoMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoMemory::Budget(error) => error.fmt(f),
            NoMemory::System => f.write_str("the system has no memory for a list"),
        }
    }
}

/// A charge of nothing yet.
pub(crate) fn no_charge(budget: &Budget, kind: Kind) -> Charge {
    budget.charge(kind, 0).expect("nothing fits every budget")
}

/// A list whose buffer is charged. What its items own themselves isn't.
#[derive(Debug)]
pub(crate) struct ChargedVec<T> {
    items: Vec<T>,
    charge: Charge,
}

impl<T> ChargedVec<T> {
    /// An empty list.
    pub(crate) fn new(budget: &Budget, kind: Kind) -> Self {
        Self { items: Vec::new(), charge: no_charge(budget, kind) }
    }

    /// Reserves capacity for `more` items.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub(crate) fn reserve(&mut self, more: usize) -> Result<(), NoMemory> {
        let wanted = self.items.len().saturating_add(more);
        if wanted <= self.items.capacity() {
            return Ok(());
        }
        let capacity = wanted.max(self.items.capacity() + self.items.capacity() / 2).max(4);
        let (held, bytes) = (self.charge.bytes(), capacity.saturating_mul(size_of::<T>()) as u64);
        // While the buffer moves, both copies exist.
        self.charge.grow(bytes).map_err(NoMemory::Budget)?;
        let granted = self.items.try_reserve_exact(capacity - self.items.len());
        self.charge.shrink(if granted.is_ok() { held } else { bytes });
        granted.map_err(|_| NoMemory::System)
    }

    /// Adds an item.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub(crate) fn push(&mut self, item: T) -> Result<(), NoMemory> {
        self.reserve(1)?;
        self.items.push(item);
        Ok(())
    }

    /// Removes the last item.
    #[cfg(feature = "compiler")]
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.items.pop()
    }

    /// A list of `count` copies of an item.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub(crate) fn filled(budget: &Budget, kind: Kind, item: T, count: usize) -> Result<Self, NoMemory>
    where
        T: Clone,
    {
        let mut list = Self::new(budget, kind);
        list.reserve(count)?;
        list.items.resize(count, item);
        Ok(list)
    }
}

impl<T> Deref for ChargedVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> DerefMut for ChargedVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.items
    }
}

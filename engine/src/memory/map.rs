//! A fallible relative of `HashMap`.

use super::budget::{Budget, Charge};
use super::error::MemoryError;
use super::kind::Kind;
use crate::sys::HashMap;
use core::hash::Hash;

/// A hash table that carries its charge.
#[derive(Debug)]
pub(crate) struct Map<K, V> {
    map: HashMap<K, V>,
    charge: Charge,
}

impl<K: Eq + Hash, V> Map<K, V> {
    pub(crate) fn new(budget: &Budget, kind: Kind) -> Self {
        Self { map: HashMap::default(), charge: budget.nothing(kind) }
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

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.map.get_mut(key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.map.values()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Makes room for so many more entries.
    pub(crate) fn try_reserve(&mut self, more: usize) -> Result<(), MemoryError> {
        let (len, capacity) = (self.map.len(), self.map.capacity());
        if capacity - len >= more {
            return Ok(());
        }
        let held = self.charge.bytes();
        // While the entries move, both tables are held.
        let next = Self::bytes((len + more).max(capacity * 2));
        self.charge.grow(next)?;
        let grown = self.map.try_reserve(more);
        let (now, paid) = (Self::bytes(self.map.capacity()), held + next);
        debug_assert!(now <= paid);
        self.charge.shrink(paid - now.min(paid));
        grown.map_err(|_| MemoryError::system(self.charge.kind(), next))
    }

    pub(crate) fn try_insert(&mut self, key: K, value: V) -> Result<(), MemoryError> {
        self.try_reserve(1)?;
        self.map.insert(key, value);
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.map.remove(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_a_power_of_two_of_buckets() {
        // An entry of 16 bytes, and a byte of control.
        let bytes = |buckets: u64| if buckets == 0 { 0 } else { buckets * 17 + 32 };
        for (capacity, buckets) in [
            (0, 0),
            (1, 4),
            (3, 4),
            (4, 8),
            (7, 8),
            (8, 16),
            (14, 16),
            (15, 32),
            (28, 32),
            (29, 64),
            (56, 64),
            (57, 128),
            (448, 512),
            (449, 1024),
        ] {
            assert_eq!(Map::<u64, u64>::bytes(capacity), bytes(buckets), "{capacity}");
            // At least what the standard library takes for so many.
            if capacity > 0 {
                let map = HashMap::<u64, u64>::with_capacity(capacity);
                assert!(map.capacity() as u64 * 8 <= buckets.max(8) * 7, "{}", map.capacity());
            }
        }
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

//! Tables of what guests have handles to.

use super::status::Status;
use dunlin::{Budget, Charge, Kind};

/// How many entries a table may have.
const MOST: usize = 16 << 10;

/// What an entry is charged for itself; what it holds besides is its own business.
const ENTRY_BYTES: u64 = 256;

/// Entries that a guest names by numbers. Numbers of entries that are gone are used again.
#[derive(Debug)]
pub(super) struct Table<T> {
    entries: Vec<Option<T>>,
    free: Vec<u32>,
    charge: Charge,
}

impl<T> Table<T> {
    /// An empty table, whose entries are charged to a budget.
    pub(super) fn new(budget: &Budget) -> Result<Self, Status> {
        Ok(Self { entries: Vec::new(), free: Vec::new(), charge: budget.charge(Kind::Host, 0)? })
    }

    /// Adds an entry, and gives its handle.
    pub(super) fn insert(&mut self, entry: T) -> Result<u32, Status> {
        if let Some(handle) = self.free.pop() {
            self.entries[handle as usize] = Some(entry);
            return Ok(handle);
        }
        let len = self.entries.len();
        if len == MOST {
            return Err(Status::LimitExceeded);
        }
        self.charge.grow(ENTRY_BYTES)?;
        self.entries.push(Some(entry));
        Ok(len as u32)
    }

    /// How many handles there are, with those whose entries are gone.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get(&self, handle: u32) -> Result<&T, Status> {
        self.entries.get(handle as usize).and_then(Option::as_ref).ok_or(Status::Badf)
    }

    pub(super) fn get_mut(&mut self, handle: u32) -> Result<&mut T, Status> {
        self.entries.get_mut(handle as usize).and_then(Option::as_mut).ok_or(Status::Badf)
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, handle: u32) -> Result<T, Status> {
        let entry = self.entries.get_mut(handle as usize).and_then(Option::take).ok_or(Status::Badf)?;
        self.free.push(handle);
        Ok(entry)
    }

    /// All entries that there are.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.free.clear();
        self.entries.drain(..).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_lead_to_what_was_put_there() {
        let budget = Budget::new(10 * ENTRY_BYTES);
        let mut table = Table::new(&budget).unwrap();
        let (one, two) = (table.insert("one").unwrap(), table.insert("two").unwrap());
        assert_eq!(
            (table.get(one), table.get(two), table.get(7)),
            (Ok(&"one"), Ok(&"two"), Err(Status::Badf))
        );
        assert_eq!((table.remove(one), table.remove(one)), (Ok("one"), Err(Status::Badf)));
        assert_eq!(table.insert("three"), Ok(one));
        for _ in 2..10 {
            table.insert("more").unwrap();
        }
        assert_eq!(table.insert("too many"), Err(Status::LimitExceeded));
        assert_eq!(table.drain().count(), 10);
        drop(table);
        assert_eq!(budget.used(), 0);
    }
}

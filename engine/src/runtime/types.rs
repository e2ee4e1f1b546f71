//! The registry of function types: each that is in use has one number in its engine.

use crate::Error;
use crate::memory::{Budget, Buf, Charge, Kind, Map, bytes_of};
use crate::module::types::{FuncType, TypeNumber};

/// The function types in use, each with an engine-wide number: equal types have equal numbers.
pub(super) struct Types {
    numbers: Map<FuncType, u32>,
    entries: Buf<Entry>,
    /// Numbers that are free again.
    free: Buf<u32>,
    /// For the types themselves.
    charge: Charge,
}

struct Entry {
    /// `None` while the number is free.
    ty: Option<FuncType>,
    /// How often the number was given out, and how often other types name it.
    users: usize,
}

impl Types {
    pub(super) fn new(budget: &Budget) -> Types {
        Types {
            numbers: Map::new(budget, Kind::Metadata),
            entries: Buf::new(budget, Kind::Metadata),
            free: Buf::new(budget, Kind::Metadata),
            charge: budget.nothing(Kind::Metadata),
        }
    }

    /// What so many types take at most, besides what they hold themselves, if there are no others.
    pub(super) fn bytes(count: usize) -> u64 {
        // Lists that grow by half, and the module's own.
        let lists = bytes_of::<Entry>(count * 3 / 2 + 4) + bytes_of::<u32>(count * 5 / 2 + 4);
        Map::<FuncType, u32>::bytes(count) + lists
    }

    /// The type with this number, if one has it.
    pub(super) fn get(&self, number: u32) -> Option<&FuncType> {
        self.entries.get(number as usize)?.ty.as_ref()
    }

    /// The number of a type, for one more user.
    pub(super) fn acquire(&mut self, ty: &FuncType) -> Result<u32, Error> {
        if let Some(&number) = self.numbers.get(ty) {
            self.entries[number as usize].users += 1;
            return Ok(number);
        }
        for TypeNumber(named) in ty.named() {
            if self.get(named).is_none() {
                return Err(gone());
            }
        }
        let bytes = ty.heap_bytes();
        self.charge.grow(bytes)?;
        self.insert(ty).inspect_err(|_| self.charge.shrink(bytes))
    }

    /// One more user of a number.
    pub(super) fn acquire_again(&mut self, number: u32) -> Result<(), Error> {
        match self.entries.get_mut(number as usize) {
            Some(Entry { ty: Some(_), users }) => {
                *users += 1;
                Ok(())
            }
            _ => Err(gone()),
        }
    }

    fn insert(&mut self, ty: &FuncType) -> Result<u32, Error> {
        let number = match self.free.last() {
            Some(&number) => number,
            None => {
                // With this, `release` always has room.
                self.free.try_reserve(self.entries.len() + 1)?;
                self.entries.try_reserve(1)?;
                self.entries.len() as u32
            }
        };
        self.numbers.try_insert(ty.clone(), number)?;
        let entry = Entry { ty: Some(ty.clone()), users: 1 };
        if self.free.pop().is_some() {
            self.entries[number as usize] = entry;
        } else {
            self.entries.try_push(entry)?;
        }
        ty.named().for_each(|TypeNumber(named)| self.entries[named as usize].users += 1);
        Ok(number)
    }

    /// One user less of a number. With its last user goes the type, which uses the types that it names.
    pub(super) fn release(&mut self, number: u32) {
        let entry = &mut self.entries[number as usize];
        entry.users -= 1;
        if entry.users > 0 {
            return;
        }
        // Types without users form a list: nothing may be allocated here, and it may be long.
        let mut unused = Some(number);
        while let Some(number) = unused {
            let entry = &mut self.entries[number as usize];
            unused = entry.users.checked_sub(1).map(|next| next as u32);
            entry.users = 0;
            let Some(ty) = entry.ty.take() else { continue };
            self.numbers.remove(&ty);
            self.charge.shrink(ty.heap_bytes());
            self.free.try_push(number).expect("room was reserved");
            for TypeNumber(named) in ty.named() {
                let entry = &mut self.entries[named as usize];
                entry.users -= 1;
                if entry.users == 0 {
                    entry.users = unused.map_or(0, |next| next as usize + 1);
                    unused = Some(named);
                }
            }
        }
    }
}

#[cold]
fn gone() -> Error {
    Error::msg("a reference names a type that nothing of this engine has any more")
}

impl Drop for Types {
    /// Whoever uses a type keeps its engine, so none is in use.
    fn drop(&mut self) {
        debug_assert!(
            std::thread::panicking() || self.charge.bytes() == 0,
            "types are charged that nobody uses"
        );
    }
}

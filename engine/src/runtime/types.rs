//! The registry of function types: each that is in use has one number in its engine.
//!
//! Types are compared by recursion group, as the specification says. A group of one type that isn't recursive, is final and
//! has no supertype is found by that type; the others are found as a whole ([`groups`]).

mod groups;

use crate::Error;
use crate::memory::{Budget, Buf, Charge, Kind, Map, bytes_of};
use crate::module::types::{FuncType, TypeNumber};
use crate::sys::panicking;
pub(super) use groups::Group;
use groups::Groups;

/// The function types in use, each with an engine-wide number: equal types have equal numbers.
pub(super) struct Types {
    numbers: Map<FuncType, u32>,
    groups: Groups,
    entries: Buf<Entry>,
    /// Numbers that are free again.
    free: Buf<u32>,
    /// For the types themselves.
    charge: Charge,
}

struct Entry {
    /// `None` while the number is free.
    ty: Option<FuncType>,
    /// How often the number was given out, and how often other types name it. The first type of a group counts for all of it.
    users: usize,
}

impl Types {
    pub(super) fn new(budget: &Budget) -> Types {
        Types {
            numbers: Map::new(budget, Kind::Metadata),
            groups: Groups::new(budget),
            entries: Buf::new(budget, Kind::Metadata),
            free: Buf::new(budget, Kind::Metadata),
            charge: budget.nothing(Kind::Metadata),
        }
    }

    /// What so many types take at most, besides what they hold themselves, if there are no others; `grouped` of them in
    /// groups that are found as a whole.
    pub(super) fn bytes(count: usize, grouped: usize) -> u64 {
        // Lists that grow by half, and the module's own.
        let lists = bytes_of::<Entry>(count * 3 / 2 + 4) + bytes_of::<u32>(count * 5 / 2 + 4);
        Map::<FuncType, u32>::bytes(count) + lists + Groups::bytes(grouped)
    }

    /// The type with this number, if one has it.
    pub(super) fn get(&self, number: u32) -> Option<&FuncType> {
        self.entries.get(number as usize)?.ty.as_ref()
    }

    /// Whether functions of the type with the first number are of the type with the second one.
    pub(super) fn is_subtype(&self, number: u32, other: u32) -> bool {
        let mut this = Some(number);
        // Validation bounds how long this can take: a type has at most 63 above it.
        while let Some(number) = this {
            if number == other {
                return true;
            }
            this = self.groups.supertype(number);
        }
        false
    }

    /// The number of a type that is a group by itself, for one more user.
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
        if self.get(number).is_none() {
            return Err(gone());
        }
        self.use_again(number);
        Ok(())
    }

    fn use_again(&mut self, number: u32) {
        self.entries[self.groups.first(number) as usize].users += 1;
    }

    fn insert(&mut self, ty: &FuncType) -> Result<u32, Error> {
        self.make_room(1)?;
        self.numbers.try_reserve(1)?;
        let number = self.take_number(ty.clone());
        self.numbers.try_insert(ty.clone(), number)?;
        self.entries[number as usize].users = 1;
        ty.named().for_each(|TypeNumber(named)| self.use_again(named));
        Ok(number)
    }

    /// Makes room for so many more types, and for giving all numbers back: `release` must not allocate.
    fn make_room(&mut self, count: usize) -> Result<(), Error> {
        let new = count.saturating_sub(self.free.len());
        self.free.try_reserve(self.entries.len() + new - self.free.len())?;
        self.entries.try_reserve(new)?;
        Ok(())
    }

    /// Gives a number to a type that has no users yet. There is room for it.
    fn take_number(&mut self, ty: FuncType) -> u32 {
        let entry = Entry { ty: Some(ty), users: 0 };
        match self.free.pop() {
            Some(number) => {
                self.entries[number as usize] = entry;
                number
            }
            None => {
                self.entries.try_push(entry).expect("there is room");
                self.entries.len() as u32 - 1
            }
        }
    }

    /// One user less of a number. With its last user goes the type, or its group, which use the types that they name.
    pub(super) fn release(&mut self, number: u32) {
        let mut unused = Unused(None);
        self.release_one(number, &mut unused);
        // What has no users forms a list: nothing may be allocated here, and it may be long.
        while let Some(number) = unused.next(&mut self.entries) {
            if let Some(group) = self.groups.remove(number) {
                self.remove_group(number, &group, &mut unused);
            } else if let Some(ty) = self.remove_type(number) {
                self.numbers.remove(&ty);
                ty.named().for_each(|TypeNumber(named)| self.release_one(named, &mut unused));
            }
        }
    }

    fn release_one(&mut self, number: u32, unused: &mut Unused) {
        let number = self.groups.first(number);
        let users = &mut self.entries[number as usize].users;
        *users -= 1;
        if *users == 0 {
            unused.add(number, &mut self.entries);
        }
    }

    /// Frees a number.
    fn remove_type(&mut self, number: u32) -> Option<FuncType> {
        let ty = self.entries[number as usize].ty.take()?;
        self.charge.shrink(ty.heap_bytes());
        self.free.try_push(number).expect("room was reserved");
        Some(ty)
    }
}

/// A list of numbers whose types have no users: where users are counted, there is the number that follows, plus one.
struct Unused(Option<u32>);

impl Unused {
    fn add(&mut self, number: u32, entries: &mut [Entry]) {
        entries[number as usize].users = self.0.map_or(0, |next| next as usize + 1);
        self.0 = Some(number);
    }

    fn next(&mut self, entries: &mut [Entry]) -> Option<u32> {
        let number = self.0?;
        let next = core::mem::take(&mut entries[number as usize].users);
        self.0 = next.checked_sub(1).map(|next| next as u32);
        Some(number)
    }
}

#[cold]
fn gone() -> Error {
    Error::msg("a reference names a type that nothing of this engine has any more")
}

impl Drop for Types {
    /// Whoever uses a type keeps its engine, so none is in use.
    fn drop(&mut self) {
        debug_assert!(panicking() || self.charge.bytes() == 0, "types are charged that nobody uses");
    }
}

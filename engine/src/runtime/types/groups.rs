//! Recursion groups of several types, of recursive ones, or of such that have a place among subtypes.

use super::{Types, Unused};
use crate::Error;
use crate::memory::{Budget, Buf, Kind, Map, MemoryError, Shared, bytes_of};
use crate::module::types::{DeclaredType, FuncType, TypeNumber};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

/// The groups in use.
pub(super) struct Groups {
    /// The number of a group's first type.
    found: Map<Key, u32>,
    /// What is said of each type in a group, by its number.
    members: Map<u32, Member>,
}

/// The types of a group, as groups are compared.
#[derive(Clone)]
struct Key(Shared<Box<[SubType]>>);

/// A type of a group. Types of the same group are named by their index in it, others by their numbers.
#[derive(PartialEq, Eq, Hash)]
struct SubType {
    ty: FuncType,
    is_final: bool,
    supertype: Option<TypeNumber>,
}

/// A type in a group.
struct Member {
    /// The number of the group's first type.
    first: u32,
    /// The number of the next one.
    next: Option<u32>,
    supertype: Option<u32>,
    /// Of the first one, the group.
    key: Option<Key>,
}

/// A group of a module, whose types are to be numbered.
pub(in crate::runtime) struct Group<'a> {
    /// Its types, and what they say of themselves. They name types by their index in the module.
    pub(in crate::runtime) types: &'a mut [FuncType],
    pub(in crate::runtime) declared: &'a [DeclaredType],
}

impl Groups {
    pub(super) fn new(budget: &Budget) -> Groups {
        Groups { found: Map::new(budget, Kind::Metadata), members: Map::new(budget, Kind::Metadata) }
    }

    /// What so many types take at most, besides what they hold themselves.
    pub(super) fn bytes(count: usize) -> u64 {
        let each = bytes_of::<SubType>(count) + count as u64 * Shared::<Box<[SubType]>>::BYTES;
        Map::<Key, u32>::bytes(count) + Map::<u32, Member>::bytes(count) + each
    }

    /// The number that counts the users of a type: its own one, or that of its group's first type.
    pub(super) fn first(&self, number: u32) -> u32 {
        if self.members.is_empty() {
            return number;
        }
        self.members.get(&number).map_or(number, |member| member.first)
    }

    /// The number of a type's supertype.
    pub(super) fn supertype(&self, number: u32) -> Option<u32> {
        self.members.get(&number)?.supertype
    }

    /// Forgets how to find the group whose first type has this number. Gives the types.
    pub(super) fn remove(&mut self, first: u32) -> Option<Removed> {
        let key = self.members.get_mut(&first)?.key.take()?;
        self.found.remove(&key);
        Some(Removed(key))
    }
}

/// A group that can't be found any more.
pub(super) struct Removed(Key);

impl Types {
    /// The numbers of a group's types, for one more user each. `numbers` are those of the types that come before it in its module,
    /// and get those of the group. The types then name types by their numbers.
    ///
    /// # Errors
    /// If there is no room for them in the budget, or among the numbers. Then `numbers` are as before, or have some of the group's,
    /// with a user each.
    pub(in crate::runtime) fn acquire_group(
        &mut self,
        group: Group<'_>,
        numbers: &mut Buf<u32>,
    ) -> Result<(), Error> {
        let Group { types, declared } = group;
        let start = declared[0].group;
        let outside = |TypeNumber(index): TypeNumber| match index.checked_sub(start) {
            Some(index) => Ok(TypeNumber::member(index)),
            None => TypeNumber::new(numbers[index as usize]),
        };
        types.iter_mut().try_for_each(|ty| ty.rename(outside))?;
        let bytes = Key::bytes(types.len());
        // The types themselves are held in two forms.
        let bytes = bytes + types.iter().map(|ty| 2 * ty.heap_bytes()).sum::<u64>();
        self.charge.grow(bytes)?;
        let mut list = Vec::new();
        let full = |_| MemoryError::system(Kind::Metadata, bytes);
        let found = list.try_reserve_exact(types.len()).map_err(full).map_err(Error::from).and_then(|()| {
            for (ty, declared) in types.iter().zip(declared) {
                let supertype = declared.supertype.map(|index| outside(TypeNumber(index))).transpose()?;
                list.push(SubType { ty: ty.clone(), is_final: declared.is_final, supertype });
            }
            let key = Key(Shared::try_new(Kind::Metadata, list.into_boxed_slice())?);
            match self.groups.found.get(&key) {
                Some(first) => Ok((*first, false)),
                None => self.insert_group(key).map(|first| (first, true)),
            }
        });
        if !matches!(found, Ok((_, true))) {
            self.charge.shrink(bytes);
        }
        let mut member = Some(found?.0);
        for ty in types {
            let number = member.expect("there are as many");
            *ty = self.entries[number as usize].ty.clone().expect("it is in use");
            self.use_again(number);
            numbers.try_push(number)?;
            member = self.groups.members.get(&number).and_then(|member| member.next);
        }
        Ok(())
    }

    /// Numbers the types of a new group, which have no users yet, and gives the number of the first one. What the types hold
    /// has been charged.
    fn insert_group(&mut self, key: Key) -> Result<u32, Error> {
        let count = key.0.len();
        self.make_room(count)?;
        self.groups.found.try_reserve(1)?;
        self.groups.members.try_reserve(count)?;
        // These are the numbers that `take_number` will give.
        let (free, new) = (self.free.len(), self.entries.len());
        let number = |index: usize| match free.checked_sub(index + 1) {
            Some(at) => self.free[at],
            None => (new + index - free) as u32,
        };
        let inside = |named: TypeNumber| match named.as_member() {
            Some(index) => TypeNumber::new(number(index as usize)),
            None => Ok(named),
        };
        let list = bytes_of::<(FuncType, Option<u32>)>(count);
        let _list = self.charge.budget().charge(Kind::Metadata, list)?;
        let mut types = Vec::new();
        types.try_reserve_exact(count).map_err(|_| MemoryError::system(Kind::Metadata, list))?;
        for SubType { ty, supertype, .. } in key.0.iter() {
            let supertype = supertype.map(inside).transpose()?;
            types.push((ty.renamed(|named| inside(named).map_err(Error::from))?, supertype.map(|ty| ty.0)));
        }
        let first = number(0);
        let mut last = None;
        for (ty, supertype) in types {
            let number = self.take_number(ty);
            let key = (number == first).then(|| key.clone());
            self.groups.members.try_insert(number, Member { first, next: None, supertype, key })?;
            if let Some(last) = last.replace(number).and_then(|last| self.groups.members.get_mut(&last)) {
                last.next = Some(number);
            }
        }
        key.outside().for_each(|TypeNumber(named)| self.use_again(named));
        self.groups.found.try_insert(key, first)?;
        Ok(first)
    }

    /// Frees the numbers of a group that nobody uses and that can't be found any more, of which this is the first.
    pub(super) fn remove_group(&mut self, first: u32, Removed(key): &Removed, unused: &mut Unused) {
        let mut member = Some(first);
        while let Some(number) = member {
            member = self.groups.members.remove(&number).and_then(|member| member.next);
            self.remove_type(number);
        }
        let types = key.0.iter().map(|ty| ty.ty.heap_bytes()).sum::<u64>();
        self.charge.shrink(Key::bytes(key.0.len()) + types);
        key.outside().for_each(|TypeNumber(named)| self.release_one(named, unused));
    }
}

impl Key {
    /// What the list of so many types takes.
    fn bytes(count: usize) -> u64 {
        bytes_of::<SubType>(count) + Shared::<Box<[SubType]>>::BYTES
    }

    /// What it names of other groups, each as often as it does.
    fn outside(&self) -> impl Iterator<Item = TypeNumber> {
        let named = self.0.iter().flat_map(|ty| ty.ty.named().chain(ty.supertype));
        named.filter(|named| named.as_member().is_none())
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        **self.0 == **other.0
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

//! What a linker knows.

use crate::memory::{Budget, Buf, Charge, Kind, MemoryError, Shared};
use crate::runtime::store::Import;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// What is defined by which names. Clones of a linker share it until one of them changes.
pub(super) struct Definitions {
    /// Sorted by name.
    pub(super) items: Buf<Definition>,
    _charge: Charge,
}

pub(super) struct Definition {
    pub(super) names: Names,
    pub(super) item: Import,
}

/// Both names of something, one after the other.
pub(super) struct Names {
    text: Box<str>,
    /// Where the second one begins.
    second: usize,
    _charge: Charge,
}

impl Names {
    pub(super) fn new(budget: &Budget, module: &str, name: &str) -> Result<Self, MemoryError> {
        let mut text = Buf::with_capacity(budget, Kind::Host, module.len() + name.len())?;
        text.try_extend_from_slice(module.as_bytes())?;
        text.try_extend_from_slice(name.as_bytes())?;
        let (text, charge) = text.into_boxed()?;
        let text = String::from_utf8(Vec::from(text)).unwrap_or_default().into_boxed_str();
        Ok(Self { text, second: module.len(), _charge: charge })
    }

    pub(super) fn get(&self) -> (&str, &str) {
        self.text.split_at(self.second)
    }
}

impl Definitions {
    pub(super) fn try_new(budget: &Budget, room: usize) -> Result<Shared<Self>, MemoryError> {
        let charge = budget.charge(Kind::Host, Shared::<Self>::BYTES)?;
        let items = Buf::with_capacity(budget, Kind::Host, room)?;
        Shared::try_new(Kind::Host, Self { items, _charge: charge })
    }

    pub(super) fn search(&self, module: &str, name: &str) -> Result<usize, usize> {
        // Whoever defines many does it nearly in order.
        if self.items.last().is_none_or(|last| last.names.get() < (module, name)) {
            return Err(self.items.len());
        }
        self.items.binary_search_by(|item| item.names.get().cmp(&(module, name)))
    }

    pub(super) fn try_clone(&self, budget: &Budget) -> Result<Shared<Self>, MemoryError> {
        let mut copy = Self::try_new(budget, self.items.len())?;
        let into = Shared::get_mut(&mut copy).expect("it is new");
        for Definition { names, item } in &*self.items {
            let (module, name) = names.get();
            let names = Names::new(budget, module, name)?;
            into.items.try_push(Definition { names, item: item.clone() })?;
        }
        Ok(copy)
    }
}

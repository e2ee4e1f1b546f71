//! The engine: configuration, budget, and the numbers of function types.

use crate::memory::pages::Guard;
use crate::memory::{Budget, Buf, Charge, Kind, Map, MemoryError, Shared, bytes_of};
use crate::module::features::Features;
use crate::module::types::FuncType;
use crate::runtime::exec::{self, Stacks};
use crate::translate;
use crate::{Config, Dispatch, Error};
use core::ops::Deref;
use std::sync::{Mutex, MutexGuard};

/// What modules and stores have in common: a configuration and a memory budget.
///
/// Clones are the same engine. A module can only be instantiated in a store of its own engine.
///
/// ```
/// use dunlin::Engine;
/// let engine = Engine::default();
/// assert!(engine.same(&engine.clone()));
/// assert!(!engine.same(&Engine::default()));
/// ```
#[derive(Clone)]
pub struct Engine(Shared<EngineInner>);

struct EngineInner {
    config: Config,
    budget: Budget,
    dispatch: Dispatch,
    types: Mutex<Types>,
    stacks: Stacks,
    _charge: Charge,
}

/// The function types in use, each with an engine-wide number: equal types have equal numbers.
struct Types {
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
    users: usize,
}

impl Default for Engine {
    /// An engine with the default configuration.
    fn default() -> Self {
        Self::new(&Config::new()).expect("the default configuration is accepted")
    }
}

impl Engine {
    /// An engine with this configuration.
    ///
    /// # Errors
    ///
    /// If the budget or the system has no room for it.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let budget = match &config.budget {
            Some(budget) => budget.clone(),
            None => Budget::try_unlimited()?,
        };
        let budget = &budget;
        let types = Types {
            numbers: Map::new(budget, Kind::Metadata),
            entries: Buf::new(budget, Kind::Metadata),
            free: Buf::new(budget, Kind::Metadata),
            charge: budget.nothing(Kind::Metadata),
        };
        let dispatch = match config.dispatch {
            Some(dispatch @ (Dispatch::Loop | Dispatch::Count)) => dispatch,
            _ => exec::default_dispatch(),
        };
        let charge = budget.charge(Kind::Metadata, Shared::<EngineInner>::BYTES)?;
        let inner = EngineInner {
            config: config.clone(),
            budget: budget.clone(),
            dispatch,
            types: Mutex::new(types),
            stacks: Stacks::default(),
            _charge: charge,
        };
        Ok(Engine(Shared::try_new(Kind::Metadata, inner)?))
    }

    /// The configuration that the engine was made with.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The budget of everything that this engine holds.
    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// How the interpreter goes from one instruction to the next.
    pub fn dispatch(&self) -> Dispatch {
        self.0.dispatch
    }

    /// Whether the other one is this engine (or a clone of it).
    pub fn same(&self, other: &Engine) -> bool {
        Shared::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn features(&self) -> Features {
        self.0.config.features
    }

    pub(crate) fn consumes_fuel(&self) -> bool {
        self.0.config.consume_fuel
    }

    pub(crate) fn max_wasm_stack(&self) -> usize {
        self.0.config.max_wasm_stack
    }

    /// The value stacks of its stores.
    pub(crate) fn stacks(&self) -> &Stacks {
        &self.0.stacks
    }

    pub(crate) fn max_memory_size(&self) -> u64 {
        self.0.config.max_memory_size
    }

    pub(crate) fn checks_translation(&self) -> bool {
        self.0.config.check_translation
    }

    /// What compiles hot functions, if anything does.
    pub(crate) fn tier(&self) -> Option<&dyn crate::runtime::tier::Tier> {
        self.0.config.tier.as_deref()
    }

    /// Whether memories get guard regions.
    pub(crate) fn memory_guard(&self) -> Guard {
        self.tier().map_or(Guard::Never, |tier| tier.memory_guard())
    }

    /// What decides how cells look.
    pub(crate) fn translation(&self) -> translate::Settings {
        translate::Settings {
            canonical_nans: self.canonical_nans(),
            consume_fuel: self.consumes_fuel(),
            islands_from: self.tier().map_or(u32::MAX, |tier| tier.islands_from()),
        }
    }

    pub(crate) fn canonical_nans(&self) -> bool {
        self.0.config.canonical_nans
    }

    fn types(&self) -> MutexGuard<'_, Types> {
        self.0.types.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Numbers some types; they keep their numbers until the result is dropped.
    pub(crate) fn register(&self, types: &[FuncType]) -> Result<Sigs, Error> {
        let mut numbers = Buf::with_capacity(self.budget(), Kind::Metadata, types.len())?;
        let mut registry = self.types();
        for ty in types {
            match registry.acquire(ty) {
                Ok(number) => numbers.try_push(number)?,
                Err(error) => {
                    numbers.iter().for_each(|number| registry.release(*number));
                    return Err(error.into());
                }
            }
        }
        drop(registry);
        let (numbers, charge) = numbers.into_boxed()?;
        Ok(Sigs { engine: self.clone(), numbers, _charge: charge })
    }

    /// What the numbers of so many types take at most, besides the types, in an engine that has no others.
    pub(crate) fn numbers_bytes(count: usize) -> u64 {
        // Lists that grow by half, and the module's own.
        let lists = bytes_of::<Entry>(count * 3 / 2 + 4) + bytes_of::<u32>(count * 5 / 2 + 4);
        Map::<FuncType, u32>::bytes(count) + lists
    }

    /// The type with this number, which must be in use.
    pub(crate) fn func_type(&self, sig: u32) -> FuncType {
        self.types().entries[sig as usize].ty.clone().expect("the number is in use")
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl Types {
    fn acquire(&mut self, ty: &FuncType) -> Result<u32, MemoryError> {
        if let Some(&number) = self.numbers.get(ty) {
            self.entries[number as usize].users += 1;
            return Ok(number);
        }
        let bytes = Self::bytes(ty);
        self.charge.grow(bytes)?;
        self.insert(ty).inspect_err(|_| self.charge.shrink(bytes))
    }

    fn insert(&mut self, ty: &FuncType) -> Result<u32, MemoryError> {
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
        Ok(number)
    }

    fn release(&mut self, number: u32) {
        let entry = &mut self.entries[number as usize];
        entry.users -= 1;
        if entry.users == 0
            && let Some(ty) = entry.ty.take()
        {
            self.numbers.remove(&ty);
            self.charge.shrink(Self::bytes(&ty));
            self.free.try_push(number).expect("room was reserved");
        }
    }

    fn bytes(ty: &FuncType) -> u64 {
        FuncType::heap_bytes(ty.params().len() + ty.results().len())
    }
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

/// The numbers of some function types.
pub(crate) struct Sigs {
    engine: Engine,
    numbers: Box<[u32]>,
    _charge: Charge,
}

impl Sigs {
    pub(crate) fn belong_to(&self, engine: &Engine) -> bool {
        self.engine.same(engine)
    }
}

impl Deref for Sigs {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.numbers
    }
}

impl Drop for Sigs {
    fn drop(&mut self) {
        let mut types = self.engine.types();
        self.numbers.iter().for_each(|number| types.release(*number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValType::{F32, I32, I64};

    #[test]
    fn equal_types_have_equal_numbers_until_nobody_uses_them() {
        let budget = Budget::unlimited();
        let engine = Engine::new(Config::new().budget(budget.clone())).unwrap();
        let (a, b) = (FuncType::new([I32], []), FuncType::new([], [I64]));
        let first = engine.register(&[a.clone(), b.clone(), a.clone()]).unwrap();
        assert_eq!(first[0], first[2]);
        assert_ne!(first[0], first[1]);
        let second = engine.register(std::slice::from_ref(&b)).unwrap();
        assert_eq!(second[0], first[1]);
        assert_eq!(engine.func_type(second[0]), b);
        drop(first);
        let third = engine.register(&[FuncType::new([F32], []), b]).unwrap();
        assert_eq!(third[0], 0, "the number that was free again");
        assert_eq!(third[1], second[0]);
        drop((second, third));
        let table = budget.used();
        drop(engine.register(&[a]).unwrap());
        assert_eq!(budget.used(), table);
        drop(engine);
        assert_eq!(budget.used(), 0);
    }
}

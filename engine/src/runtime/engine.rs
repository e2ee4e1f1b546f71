//! The engine: configuration, budget, and the numbers of function types.

use crate::memory::arena::Arena;
use crate::memory::pages::{Guard, LARGEST_MEMORY};
use crate::memory::{Budget, Buf, Charge, Kind, Shared};
use crate::module::features::Features;
use crate::module::types::{DeclaredType, FuncType, MemoryType, TypeNumber, ValType};
use crate::runtime::epochs::Epochs;
use crate::runtime::exec::{self, Stacks};
use crate::runtime::types::{Group, Types};
use crate::sys::{Mutex, MutexGuard};
use crate::translate;
use crate::words::Count;
use crate::{Config, Dispatch, Error, ErrorKind};
use alloc::boxed::Box;
use core::ops::Deref;

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
    epochs: Epochs,
    _charge: Charge,
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
    /// If the budget or the system has no room for it; or if this build lacks the backend that it needs: see [`Dispatch`].
    pub fn new(config: &Config) -> Result<Self, Error> {
        let budget = match &config.budget {
            Some(budget) => budget.clone(),
            None => Budget::try_unlimited()?,
        };
        let budget = &budget;
        let dispatch = match config.dispatch {
            Some(dispatch @ (Dispatch::Loop | Dispatch::Count)) => dispatch,
            _ => exec::default_dispatch(),
        };
        if dispatch != Dispatch::Tail && cfg!(not(dunlin_loop)) {
            let message = "this build dispatches by tail calls only, for it lacks the feature `loop`: \
                another way was asked for, or the compiler made no jumps of them";
            return Err(Error::of_kind(ErrorKind::Other, message));
        }
        let charge = budget.charge(Kind::Metadata, Shared::<EngineInner>::BYTES)?;
        let inner = EngineInner {
            config: config.clone(),
            budget: budget.clone(),
            dispatch,
            types: Mutex::new(Types::new(budget)),
            stacks: Stacks::default(),
            epochs: Epochs::new(budget),
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

    /// Begins the engine's next epoch. Stores whose [deadline](crate::Store::set_epoch_deadline) is reached by that stop
    /// executing, soon, as they were told to.
    ///
    /// Something that ticks calls this, usually a thread, at equal intervals; one serves all stores. It takes time in
    /// proportion to the number of stores, and it locks, so that a signal handler must not call it.
    pub fn increment_epoch(&self) {
        self.0.epochs.increment();
    }

    pub(crate) fn epochs(&self) -> &Epochs {
        &self.0.epochs
    }

    /// The value stacks of its stores.
    pub(crate) fn stacks(&self) -> &Stacks {
        &self.0.stacks
    }

    pub(crate) fn max_memory_size(&self) -> u64 {
        self.0.config.max_memory_size
    }

    /// How many bytes a memory of this type may have. It is an error if these are fewer than its minimum.
    pub(crate) fn memory_limit(&self, ty: MemoryType) -> Result<u64, Error> {
        let sizes = ty.sizes();
        #[allow(clippy::unnecessary_min_or_max, reason = "it has an effect where addresses have 32 bits")]
        let limit = sizes.most.min(self.max_memory_size()).min(LARGEST_MEMORY);
        if sizes.minimum > limit {
            let (most, minimum) = (Count(limit / ty.page_size(), "pages"), ty.minimum());
            let message = format_args!("a memory may have at most {most} here, not {minimum}");
            return Err(Error::of_kind(ErrorKind::Limit, message));
        }
        Ok(limit)
    }

    pub(crate) fn translation_check(&self) -> Option<translate::check::TranslationCheck> {
        self.0.config.check_translation
    }

    /// What compiles hot functions, if anything does.
    pub(crate) fn tier(&self) -> Option<&dyn crate::runtime::tier::Tier> {
        self.0.config.tier.as_deref().filter(|_| !self.0.config.guest_debug)
    }

    /// Whether memories get guard regions.
    pub(crate) fn memory_guard(&self) -> Guard {
        self.tier().filter(|_| self.arena().is_none()).map_or(Guard::Never, |tier| tier.memory_guard())
    }

    /// What linear memories are taken from, if it isn't the system.
    pub(crate) fn arena(&self) -> Option<&Arena> {
        self.0.config.arena.as_ref()
    }

    /// What decides how cells look.
    pub(crate) fn translation(&self) -> translate::Settings {
        translate::Settings {
            canonical_nans: self.canonical_nans(),
            relaxed_simd: self.0.config.relaxed_simd,
            consume_fuel: self.consumes_fuel(),
            guest_debug: self.0.config.guest_debug,
            islands_from: self.tier().map_or(u32::MAX, |tier| tier.islands_from()),
        }
    }

    pub(crate) fn canonical_nans(&self) -> bool {
        self.0.config.canonical_nans
    }

    fn types(&self) -> MutexGuard<'_, Types> {
        self.0.types.lock()
    }

    /// Numbers the types of a module. There, references name types by their index; from now on, by their number. They
    /// keep their numbers until the result is dropped.
    ///
    /// # Errors
    /// If there is no room for them in the budget, or among the numbers.
    pub(crate) fn register_module(
        &self,
        types: &mut [FuncType],
        declared: &[DeclaredType],
    ) -> Result<Sigs, Error> {
        let mut groups = declared.chunk_by(|a, b| a.group == b.group).peekable();
        self.numbered(types.len(), |registry, numbers| {
            while numbers.len() < types.len() {
                let next = numbers.len();
                if let Some(declared) = groups.next_if(|declared| declared[0].group as usize == next) {
                    let types = &mut types[next..next + declared.len()];
                    registry.acquire_group(Group { types, declared }, numbers)?;
                    continue;
                }
                let ty = &mut types[next];
                ty.rename(|index| TypeNumber::new(numbers[index.0 as usize]))?;
                numbers.try_push(registry.acquire(ty)?)?;
            }
            Ok(())
        })
    }

    /// Numbers a type, in which references name types by their number.
    ///
    /// # Errors
    /// If there is no room for it, or it names a type that nothing of this engine has any more.
    pub(crate) fn register(&self, ty: &FuncType) -> Result<Sigs, Error> {
        self.numbered(1, |registry, numbers| Ok(numbers.try_push(registry.acquire(ty)?)?))
    }

    /// Has the type that `ty` names keep its number until the result is dropped, if it names one.
    ///
    /// # Errors
    /// As for [`Engine::register`].
    pub(crate) fn keep(&self, ty: ValType) -> Result<Option<Sigs>, Error> {
        let Some(TypeNumber(number)) = ty.concrete() else { return Ok(None) };
        let sigs = self.numbered(1, |registry, numbers| {
            registry.acquire_again(number)?;
            Ok(numbers.try_push(number)?)
        });
        sigs.map(Some)
    }

    fn numbered(
        &self,
        count: usize,
        fill: impl FnOnce(&mut Types, &mut Buf<u32>) -> Result<(), Error>,
    ) -> Result<Sigs, Error> {
        let mut numbers = Buf::with_capacity(self.budget(), Kind::Metadata, count)?;
        let mut registry = self.types();
        if let Err(error) = fill(&mut registry, &mut numbers) {
            numbers.iter().for_each(|number| registry.release(*number));
            return Err(error);
        }
        drop(registry);
        let (numbers, charge) = numbers.into_boxed()?;
        Ok(Sigs { engine: self.clone(), numbers, _charge: charge })
    }

    /// Whether functions of the type with the first number are of the type with the second one.
    pub(crate) fn is_subtype(&self, number: u32, other: u32) -> bool {
        number == other || self.types().is_subtype(number, other)
    }

    /// Whether every value of a type is one of the other type.
    pub(crate) fn value_matches(&self, ty: ValType, other: ValType) -> bool {
        ty.matches_by(other, |ty, other| self.is_subtype(ty.0, other.0))
    }

    /// The type with this number, which must be in use.
    pub(crate) fn known_type(&self, sig: u32) -> FuncType {
        self.func_type(TypeNumber(sig)).expect("the number is in use")
    }

    /// The type with this number; `None` if no type of the engine's has it any more.
    pub fn func_type(&self, number: TypeNumber) -> Option<FuncType> {
        self.types().get(number.0).cloned()
    }
}

impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").field("config", &self.0.config).finish_non_exhaustive()
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
    use crate::{HeapType, RefType};
    use alloc::string::ToString;
    use alloc::vec::Vec;

    #[test]
    fn equal_types_have_equal_numbers_until_nobody_uses_them() {
        let budget = Budget::unlimited();
        let engine = Engine::new(Config::new().budget(budget.clone())).unwrap();
        let (a, b) = (FuncType::new([I32], []), FuncType::new([], [I64]));
        let first = engine.register_module(&mut [a.clone(), b.clone(), a.clone()], &[]).unwrap();
        assert_eq!(first[0], first[2]);
        assert_ne!(first[0], first[1]);
        let second = engine.register(&b).unwrap();
        assert_eq!(second[0], first[1]);
        assert_eq!(engine.known_type(second[0]), b);
        drop(first);
        let third = engine.register_module(&mut [FuncType::new([F32], []), b], &[]).unwrap();
        assert_eq!(third[0], 0, "the number that was free again");
        assert_eq!(third[1], second[0]);
        drop((second, third));
        let table = budget.used();
        drop(engine.register(&a).unwrap());
        assert_eq!(budget.used(), table);
        drop(engine);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn types_keep_the_types_that_they_name() {
        let budget = Budget::unlimited();
        let engine = Engine::new(Config::new().budget(budget.clone())).unwrap();
        let named = |number| ValType::Ref(RefType::new(true, HeapType::ConcreteFunc(TypeNumber(number))));
        // As in a module: each names the one before it twice. Dropping the last one lets go of all.
        const COUNT: u32 = 100_000;
        let next =
            |index: u32| FuncType::new((index > 0).then(|| named(index - 1)), [named(index.max(1) - 1)]);
        let mut types: Vec<_> =
            (0..COUNT).map(|index| if index == 0 { FuncType::new([I32], []) } else { next(index) }).collect();
        let all = engine.register_module(&mut types, &[]).unwrap();
        let again = engine.register(&types[COUNT as usize - 1]).unwrap();
        assert_eq!(again[0], all[COUNT as usize - 1]);
        let first = all[0];
        drop((all, types));
        assert_eq!(engine.known_type(first), FuncType::new([I32], []));
        drop(again);
        assert_eq!(engine.func_type(TypeNumber(first)), None);
        // Another type has to be one.
        let error = engine.register(&FuncType::new([named(first)], [])).err().unwrap();
        assert!(error.to_string().contains("names a type that"), "{error}");
        assert!(engine.keep(named(COUNT * 2)).is_err() && engine.keep(I64).unwrap().is_none());
        drop(engine);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn modules_name_equal_types_by_equal_numbers() {
        let engine = Engine::default();
        let named = |number| ValType::Ref(RefType::new(false, HeapType::ConcreteFunc(TypeNumber(number))));
        let (f, g) = (FuncType::new([I32], []), FuncType::new([F32], []));
        let mut one = [f.clone(), FuncType::new([named(0)], [])];
        let mut other = [g, f, FuncType::new([named(1)], []), FuncType::new([named(0)], [])];
        let (one, other) = (
            engine.register_module(&mut one, &[]).unwrap(),
            engine.register_module(&mut other, &[]).unwrap(),
        );
        assert_eq!(one[1], other[2]);
        assert_ne!(one[1], other[3]);
    }
}

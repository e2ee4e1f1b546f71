//! Where host functions of a linker are recorded, or answered for.

use super::{HostFunc, StoreInner};
use crate::Error;
use crate::memory::{Buf, GrowError, Kind, Shared};
use crate::module::types::{FuncType, ValType, ValTypes};
use crate::runtime::engine::Engine;
use crate::runtime::record::{Goal, Tape};
use crate::runtime::vmctx::{MemoryObj, VmCtx};

/// What of a slot is the guest's value.
#[derive(Clone, Copy)]
enum Bits {
    All,
    Low,
    /// A reference, which is another one in a replay.
    None,
}

impl Bits {
    fn of(self, slot: u64) -> u64 {
        match self {
            Bits::All => slot,
            Bits::Low => slot & u64::from(u32::MAX),
            Bits::None => 0,
        }
    }
}

/// A host function with its names.
struct Named {
    names: Buf<u8>,
    /// Where the second one begins.
    second: usize,
    /// What is found in the store's tables for it.
    number: u32,
    params: Buf<Bits>,
    results: Buf<Bits>,
}

impl Named {
    fn new(engine: &Engine, ty: &FuncType, number: u32, names: (&str, &str)) -> Result<Self, Error> {
        let budget = engine.budget();
        let mut text = Buf::with_capacity(budget, Kind::Host, names.0.len() + names.1.len())?;
        text.try_extend_from_slice(names.0.as_bytes())?;
        text.try_extend_from_slice(names.1.as_bytes())?;
        let bits = |types: ValTypes<'_>| {
            let mut bits = Buf::new(budget, Kind::Host);
            for ty in types {
                match ty {
                    ValType::I32 | ValType::F32 => bits.try_push(Bits::Low)?,
                    ValType::Ref(_) => bits.try_push(Bits::None)?,
                    _ => (0..ty.slots()).try_for_each(|_| bits.try_push(Bits::All))?,
                }
            }
            Ok::<_, Error>(bits)
        };
        let (params, results) = (bits(ty.params())?, bits(ty.results())?);
        Ok(Self { names: text, second: names.0.len(), number, params, results })
    }

    fn names(&self) -> (&str, &str) {
        let (module, name) = self.names.split_at(self.second);
        let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        (text(module), text(name))
    }

    fn args<'a>(&'a self, slots: &'a [u64]) -> impl Iterator<Item = u64> + Clone + 'a {
        self.params.iter().zip(slots).map(|(bits, slot)| bits.of(*slot))
    }

    fn results<'a>(&'a self, slots: &'a [u64]) -> impl Iterator<Item = u64> + 'a {
        self.results.iter().zip(slots).map(|(bits, slot)| bits.of(*slot))
    }

    fn gives_references(&self) -> bool {
        self.results.iter().any(|bits| matches!(bits, Bits::None))
    }
}

impl HostFunc {
    /// A function that does what `host` does, and is recorded in stores that are.
    pub(crate) fn recorded(
        engine: &Engine,
        host: Shared<HostFunc>,
        number: u32,
        names: (&str, &str),
    ) -> Result<Shared<Self>, Error> {
        let ty = engine.known_type(host.sig()).clone();
        let named = Named::new(engine, &ty, number, names)?;
        // SAFETY: it is called as `host` would be.
        unsafe {
            HostFunc::new(engine, ty, move |store, vm, slots| {
                StoreInner::call_recorded(store, &named, slots, |slots| host.call(store, vm, slots))
            })
        }
    }

    /// A function that is answered for by the record that its store has.
    pub(crate) fn replayed(
        engine: &Engine,
        ty: &FuncType,
        names: (&str, &str),
    ) -> Result<Shared<Self>, Error> {
        let named = Named::new(engine, ty, 0, names)?;
        let ty = ty.clone();
        // SAFETY: it uses nothing of the embedder's.
        unsafe {
            HostFunc::new(engine, ty, move |store, _: *mut VmCtx, slots| {
                StoreInner::answer_from_record(store, &named, slots)
            })
        }
    }
}

/// The memories of a store while nobody uses it.
#[derive(Clone, Copy)]
struct Memories(*mut StoreInner);

impl Memories {
    /// # Safety
    /// The store is live, and nobody uses its memories for `'m`.
    unsafe fn get<'m>(self, number: u32) -> Option<&'m mut MemoryObj> {
        // SAFETY: the caller's contract; objects live as long as the store.
        unsafe {
            let memories = &(*self.0).memories;
            if number >= memories.len() {
                return None;
            }
            let memory = &mut *memories.get(number).as_ptr();
            memory.shared().is_none().then_some(memory)
        }
    }
}

impl StoreInner {
    /// How much fuel was used since the beginning of the recorded program.
    pub(crate) fn position(&self) -> u64 {
        let start = match self.tape.as_deref() {
            Some(Tape::Records(tape)) => tape.start,
            Some(Tape::Replays(tape)) => tape.start,
            None => 0,
        };
        start.wrapping_sub(self.get_fuel().unwrap_or(0))
    }

    /// The fuel becomes this, which isn't used by that.
    pub(super) fn tell_of_fuel(&mut self, fuel: u64) {
        let left = self.get_fuel().unwrap_or(0);
        let start = match self.tape.as_deref_mut() {
            Some(Tape::Records(tape)) => &mut tape.start,
            Some(Tape::Replays(tape)) => &mut tape.start,
            None => return,
        };
        *start = start.wrapping_add(fuel).wrapping_sub(left);
    }

    /// Lets a replay execute up to where the record has its next event.
    pub(crate) fn aim(&mut self) -> Result<(), Error> {
        let position = self.position();
        let Some(Tape::Replays(tape)) = self.tape.as_deref_mut() else { return Ok(()) };
        let Goal(goal) = tape.goal();
        self.set_fuel(goal.saturating_sub(position))
    }

    /// # Safety
    /// As for [`StoreInner::call_host`]; `call` is the function.
    unsafe fn call_recorded(
        store: *mut StoreInner,
        named: &Named,
        slots: &mut [u64],
        call: impl FnOnce(&mut [u64]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let names = named.names();
        // SAFETY: the caller's contract.
        let before = unsafe {
            let before = (*store).position();
            let begun = match (*store).tape.as_deref_mut() {
                Some(Tape::Records(tape)) => tape.begin_call(before, names, named.args(slots)),
                _ => false,
            };
            if !begun {
                return call(slots);
            }
            before
        };
        let result = call(slots);
        // SAFETY: the caller's contract; the function has returned.
        unsafe {
            let after = (*store).position();
            let Some(Tape::Records(tape)) = (*store).tape.as_deref_mut() else { return result };
            let is_tried_again =
                |error: &Error| error.trap() == Some(crate::Trap::Interrupt) || error.is_pending();
            if result.as_ref().is_err_and(is_tried_again) {
                // It is called again, or the program ends.
                tape.forget_call();
                return result;
            }
            if named.gives_references() || result.as_ref().is_err_and(Error::is_exception) {
                let (module, name) = names;
                let why = format_args!("'{module}.{name}' gives a reference, or throws");
                tape.forget_call();
                tape.give_up(before, Error::msg(why));
                return result;
            }
            let memories = Memories(store);
            let memory = |number| memories.get(number).map(|memory| memory.bytes());
            let told = result.as_ref().map(|()| named.results(slots));
            tape.end_call((before, after), (named.number, names), told, memory);
            if tape.is_full() {
                (*store).interrupt.set();
            }
        }
        result
    }

    /// # Safety
    /// As for [`StoreInner::call_host`].
    unsafe fn answer_from_record(
        store: *mut StoreInner,
        named: &Named,
        slots: &mut [u64],
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            let position = (*store).position();
            let Some(Tape::Replays(tape)) = (*store).tape.as_deref_mut() else {
                return Err(Error::msg("a function is called that answers from a record, and there is none"));
            };
            let memories = Memories(store);
            let memory = |number| memories.get(number).map(|memory| memory.bytes_mut());
            let answer = tape.answer(position, named.names(), named.args(slots), memory);
            if tape.is_over() {
                return answer;
            }
            if let Err(error) = &answer
                && error.trap() == Some(crate::Trap::Interrupt)
            {
                return answer;
            }
            let results = tape.results();
            for (at, bits) in named.results.iter().enumerate() {
                // A forged record may have too few.
                slots[at] = bits.of(results.get(at).copied().unwrap_or(0));
            }
            tape.answered()?;
            (*store).aim()?;
            answer
        }
    }

    /// Grows a memory or a table. What is refused now is refused in a replay, too.
    pub(super) fn grow_on_tape(
        &mut self,
        grow: impl FnOnce(&mut Self) -> Result<Result<u64, GrowError>, Error>,
    ) -> Result<Result<u64, GrowError>, Error> {
        let position = self.position();
        if let Some(Tape::Replays(tape)) = self.tape.as_deref_mut()
            && tape.refuses_growth(position)?
        {
            self.aim()?;
            return Ok(Err(GrowError::Limit));
        }
        let grown = grow(self)?;
        // What a type's maximum or the engine's refuses, they refuse again.
        let by_others = match &grown {
            Ok(_) => false,
            Err(GrowError::Memory(_)) => true,
            Err(GrowError::Limit) => self.limiter.is_some(),
        };
        match self.tape.as_deref_mut() {
            Some(Tape::Records(tape)) if by_others => tape.refused_growth(position),
            Some(Tape::Replays(tape)) if by_others => return Err(tape.cannot_grow(position)),
            _ => {}
        }
        Ok(grown)
    }

    /// The host writes to a memory.
    #[inline]
    pub(crate) fn tell_of_write(&mut self, memory: u32, at: usize, len: usize) {
        if let Some(Tape::Records(tape)) = self.tape.as_deref_mut() {
            tape.wrote(memory, at, len);
        }
    }

    /// The host may write anywhere in a memory.
    #[inline]
    pub(crate) fn tell_of_access(&mut self, memory: &MemoryObj) {
        if let Some(Tape::Records(tape)) = self.tape.as_deref_mut() {
            tape.may_write(memory.inner.handle, memory.bytes());
        }
    }
}

//! Clones: a store's guests, kept in this process to be made again and again.
//!
//! What is kept was validated before: it is taken from a store, and into a store it comes from validation or from a snapshot that
//! was restored. So clones are laid out without a look at modules' bodies.

mod call;
mod instances;

use super::call::RestoredCall;
use super::names::{Found, Name, Names};
use super::read::Restored;
use super::site::Sites;
use super::write::Call;
use super::{Definitions, refused, wrong};
use crate::memory::{Buf, Kind};
use crate::module::ExternKind;
use crate::module::types::ValType;
use crate::runtime::engine::Engine;
use crate::runtime::error::{Error, ErrorKind};
use crate::runtime::store::{Import, StoreInner};
use core::cell::Cell;

/// What clones are made of: a store's guests, with names for what they refer to.
pub(crate) struct Original {
    engine: Engine,
    /// The host's functions, by their numbers among the names.
    host: Buf<(ExternKind, Import)>,
    instances: Buf<instances::Kept>,
    fuel: Option<u64>,
    call: Option<call::Kept>,
}

/// A value in the format of slots, without pointers.
#[derive(Clone, Copy)]
enum Value {
    Bits(ValType, [u64; 2]),
    /// A reference to this function.
    Func(Name),
}

impl Original {
    /// Takes what a store's guests are, and a call that is suspended.
    ///
    /// # Safety
    /// The store is live, and used in no other way meanwhile; the call is one of its.
    pub(crate) unsafe fn take(
        store: *mut StoreInner,
        definitions: &dyn Definitions,
        call: Option<&Call<'_>>,
    ) -> Result<Self, Error> {
        // SAFETY: the caller's contract.
        unsafe {
            if (*store).depth > 0 {
                return Err(refused("the store is executing"));
            }
            let engine = (*store).engine.clone();
            // It outlives the store, so the engine's budget pays.
            let budget = engine.budget().clone();
            let mut names = Names::new(&*store, definitions)?;
            let mut kept = Buf::new(&budget, Kind::Host);
            for number in 0..names.instances.len() {
                let instance = names.instances[number];
                kept.try_push(instances::Kept::take(instance, &mut names, &budget)?)?;
            }
            instances::Kept::find_referred(&mut kept, &budget)?;
            let fuel = (*store).get_fuel().ok();
            let call = match call {
                Some(call) => {
                    let mut sites = Sites::new(&budget);
                    Some(call::Kept::take(store, &mut names, call, &mut sites, &budget)?)
                }
                None => None,
            };
            let mut host = Buf::new(&budget, Kind::Host);
            for &(definition, kind, _) in names.used.iter() {
                let import = names.definition(definition);
                if !matches!(import, Import::Host(_)) {
                    let (module, name) = names.names(definition);
                    let (module, name) = (module.escape_debug(), name.escape_debug());
                    return Err(refused(format_args!(
                        "clones would share `{module}.{name}`, which a store has"
                    )));
                }
                host.try_push((kind, import.clone()))?;
            }
            Ok(Self { engine, host, instances: kept, fuel, call })
        }
    }

    /// Makes it again, in a store.
    ///
    /// # Safety
    /// The store is live, and used in no other way meanwhile. Its data is of the type that the host's functions expect.
    pub(crate) unsafe fn restore(&self, store: *mut StoreInner) -> Result<Restored, Error> {
        // SAFETY: the caller's contract.
        unsafe {
            if !self.engine.same(&(*store).engine) {
                return Err(Error::of_kind(
                    ErrorKind::Link,
                    "the snapshot was prepared for another engine than the store's",
                ));
            }
            let budget = (*store).budget.clone();
            let mut found = Found::new(&budget);
            for host in self.host.iter() {
                found.imports.try_push(host.clone())?;
            }
            for kept in self.instances.iter() {
                kept.make(&mut *store, &mut found)?;
            }
            for (kept, instance) in self.instances.iter().zip(found.instances()) {
                kept.fill(&mut *store, *instance, &found)?;
            }
            if let Some(fuel) = self.fuel {
                (*store).set_fuel(fuel)?;
            }
            let call: Option<RestoredCall> = match &self.call {
                Some(call) => Some(call.lay_out(store, &found)?),
                None => None,
            };
            let mut instances = Buf::new(&budget, Kind::Host);
            instances.try_extend_from_slice(found.instances())?;
            Ok(Restored { instances, call })
        }
    }
}

impl Value {
    /// What a value of a store's is.
    fn take(names: &mut Names<'_>, ty: ValType, bits: [u64; 2]) -> Result<Self, Error> {
        match ty {
            ValType::Ref(reference) => Ok(match names.reference(reference, bits[0])? {
                Some(name) => Value::Func(name),
                None => Value::Bits(ty, [0; 2]),
            }),
            _ => Ok(Value::Bits(ty, bits)),
        }
    }

    /// What it is in another store.
    fn give(self, store: &mut StoreInner, found: &Found) -> Result<[u64; 2], Error> {
        match self {
            Value::Bits(_, bits) => Ok(bits),
            Value::Func(name) => reference(name, store, found).map(|slot| [slot, 0]),
        }
    }
}

/// A reference to the function with this name.
fn reference(name: Name, store: &mut StoreInner, found: &Found) -> Result<u64, Error> {
    let func = found.func(store, name)?.ok_or_else(|| wrong("a reference is to no function"))?;
    Ok(func.as_ptr() as u64)
}

/// The definitions that belong to no store.
pub(crate) struct HostFuncs<'d> {
    of: &'d dyn Definitions,
    /// Whether something else was asked for.
    refused: Cell<bool>,
}

impl<'d> HostFuncs<'d> {
    pub(crate) fn of(definitions: &'d dyn Definitions) -> Self {
        Self { of: definitions, refused: Cell::new(false) }
    }

    /// Explains an error, if that is the reason.
    pub(crate) fn explain(&self, error: Error) -> Error {
        match self.refused.get() {
            true => error.context("clones can't share what belongs to a store"),
            false => error,
        }
    }
}

impl Definitions for HostFuncs<'_> {
    fn at(&self, number: usize) -> Option<(&str, &str, &Import)> {
        let all = (0..).map_while(|number| self.of.at(number));
        all.filter(|(.., import)| matches!(import, Import::Host(_))).nth(number)
    }

    fn find(&self, module: &str, name: &str) -> Option<&Import> {
        let import = self.of.find(module, name)?;
        let is_host = matches!(import, Import::Host(_));
        self.refused.set(self.refused.get() || !is_host);
        is_host.then_some(import)
    }
}

//! What is known at an instruction where a frame can stand.

use super::wrong;
use crate::memory::{Budget, Buf, Kind};
use crate::module::bodies::BodyError;
use crate::module::types::{TypeNumber, ValType};
use crate::ops::BulkOp;
use crate::ops::frame::HEADER;
use crate::runtime::error::Error;
use crate::runtime::loaded::ModuleShared;
use crate::stream::typed;
use crate::translate::{Held, Wanted};
use crate::{Module, Trap};
use core::cell::OnceCell;
use wasmparser::Operator;

/// What an instruction does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Does {
    /// It calls a function of the type with this index, and takes so many operands.
    Calls {
        ty: u32,
        operands: usize,
    },
    /// It is done in pieces, or throws: it can be begun again.
    BeginsAgain,
    Other,
}

/// An instruction.
pub(super) struct Site {
    func: u32,
    pub(super) offset: u64,
    pub(super) locals: Buf<ValType>,
    /// The operands before it and behind it; `None` where that can't be reached.
    pub(super) before: Option<Buf<ValType>>,
    pub(super) behind: Option<Buf<ValType>>,
    pub(super) does: Does,
    first_operand: u32,
    /// Where operands are before it, once that is asked for.
    held: OnceCell<Buf<(u16, Held)>>,
}

fn changed(error: BodyError) -> Error {
    match error {
        BodyError::Memory(error) => error.into(),
        _ => Trap::ModuleChanged.into(),
    }
}

impl Site {
    /// The instruction at `offset` in a function that the module defines.
    fn of(shared: &ModuleShared, func: u32, offset: u64, budget: &Budget) -> Result<Self, Error> {
        let data = &shared.data;
        let defined = func - data.imported_funcs;
        let start = data.bodies.file_offset(defined);
        let look = |operator: &Operator<'_>| does(&data.funcs, &data.types, operator);
        let typed = data
            .bodies
            .with_body(defined, budget, |body| typed(data, (func, body, start), offset, budget, look));
        let typed = typed.map_err(changed)??.ok_or_else(|| wrong("a frame is at no instruction"))?;
        let (mut locals, mut before, mut behind) = (typed.locals, typed.before, typed.behind);
        let lists = [Some(&mut locals), before.as_mut(), behind.as_mut()];
        for ty in lists.into_iter().flatten().flat_map(|list| list.iter_mut()) {
            // Types are named by their numbers in the engine.
            *ty = ty.renamed(|named| TypeNumber::new(shared.sigs[named.0 as usize])).map_err(Error::msg)?;
        }
        let params = data.func_type(func).params().len();
        let declared: u32 = locals[params..].iter().map(|ty| ty.slots()).sum();
        let first_operand = shared.header(defined) + HEADER + declared;
        let (does, held) = (typed.made, OnceCell::new());
        Ok(Self { func, offset, locals, before, behind, does, first_operand, held })
    }

    /// The locals with their slots.
    pub(super) fn locals(&self, shared: &ModuleShared) -> impl Iterator<Item = (ValType, u32)> {
        let params = shared.data.func_type(self.func).params().len();
        let others = shared.header(self.func - shared.data.imported_funcs) + HEADER;
        let (first, rest) = self.locals.split_at(params);
        in_slots(first, 0).chain(in_slots(rest, others))
    }

    /// Operands with their slots.
    pub(super) fn operands<'t>(
        &self,
        types: &'t [ValType],
    ) -> impl Iterator<Item = (ValType, u32)> + use<'t> {
        in_slots(types, self.first_operand)
    }

    /// In a call: the operands below those that it takes.
    pub(super) fn below_call(&self) -> Option<(u32, &[ValType])> {
        let Does::Calls { ty, operands } = self.does else { return None };
        let before = self.before.as_ref()?;
        Some((ty, &before[..before.len() - operands]))
    }

    /// The slot behind these operands.
    pub(super) fn behind(&self, types: &[ValType]) -> u32 {
        self.first_operand + types.iter().map(|ty| ty.slots()).sum::<u32>()
    }

    /// Where operand `i` is, if it is elsewhere than in its slot.
    pub(super) fn held(
        &self,
        shared: &ModuleShared,
        i: usize,
        budget: &Budget,
    ) -> Result<Option<Held>, Error> {
        if self.held.get().is_none() {
            let defined = self.func - shared.data.imported_funcs;
            let translated = shared.translate(defined, Wanted::Operands(self.offset), budget)?;
            let operands =
                translated.cell.map_or_else(|| Buf::new(budget, Kind::CompilerScratch), |at| at.operands);
            let _ = self.held.set(operands);
        }
        Ok(self.held.get().and_then(|held| held.get(i)).map(|(_, held)| *held))
    }
}

fn in_slots(types: &[ValType], first: u32) -> impl Iterator<Item = (ValType, u32)> {
    types.iter().scan(first, |next, ty| {
        let slot = *next;
        *next += ty.slots();
        Some((*ty, slot))
    })
}

fn does(funcs: &[u32], types: &[crate::FuncType], operator: &Operator<'_>) -> Does {
    let calls = |ty: u32, more| Does::Calls { ty, operands: types[ty as usize].params().len() + more };
    match *operator {
        Operator::Call { function_index } => calls(funcs[function_index as usize], 0),
        Operator::CallIndirect { type_index, .. } | Operator::CallRef { type_index } => calls(type_index, 1),
        Operator::Throw { .. } | Operator::ThrowRef => Does::BeginsAgain,
        _ if BulkOp::of(operator).is_some() => Does::BeginsAgain,
        _ => Does::Other,
    }
}

/// Sites that were looked at last: deep recursion comes to few of them.
pub(super) struct Sites {
    known: Buf<(Module, Site)>,
    budget: Budget,
}

/// How many are remembered.
const MOST: usize = 64;

impl Sites {
    pub(super) fn new(budget: &Budget) -> Self {
        Self { known: Buf::new(budget, Kind::Host), budget: budget.clone() }
    }

    pub(super) fn at(&mut self, module: &Module, func: u32, offset: u64) -> Result<&Site, Error> {
        let is_it = |(of, site): &(Module, Site)| {
            core::ptr::eq(&raw const **of.shared(), &raw const **module.shared())
                && (site.func, site.offset) == (func, offset)
        };
        let found = self.known.iter().position(is_it);
        let at = match found {
            Some(at) => at,
            None => {
                let site = Site::of(module.shared(), func, offset, &self.budget)?;
                if self.known.len() == MOST {
                    self.known.clear();
                }
                self.known.try_push((module.clone(), site))?;
                self.known.len() - 1
            }
        };
        Ok(&self.known[at].1)
    }
}

//! Values in and out of calls.

use crate::failure::{Failure, Result};
use crate::own::try_vec;
use crate::store::StoreRef;
use crate::val::wasm_val_t;
use dunlin::{FuncType, Val, ValType, ValTypes};
use std::mem::MaybeUninit;

/// Values of one call: a few of them without memory of their own.
#[expect(clippy::large_enum_variant, reason = "it is on the stack, for the time of a call")]
pub(crate) enum Vals {
    Few([Val; FEW], usize),
    Many(Vec<Val>),
}

const FEW: usize = 8;

impl Vals {
    pub(crate) fn zero(count: usize) -> Result<Self> {
        if count <= FEW {
            return Ok(Self::Few([Val::I32(0); FEW], count));
        }
        let mut many = Vec::new();
        many.try_reserve_exact(count).map_err(|_| Failure::NO_MEMORY)?;
        many.resize(count, Val::I32(0));
        Ok(Self::Many(many))
    }

    /// Those that C has, of these types.
    pub(crate) fn of(
        store: &StoreRef,
        what: &str,
        types: ValTypes<'_>,
        given: &[wasm_val_t],
    ) -> Result<Self> {
        let expected = types.len();
        if expected != given.len() {
            let given = given.len();
            return Err(Failure::argument(format_args!("expected {expected} {what}, not {given}")));
        }
        let mut vals = Self::zero(expected)?;
        for ((val, given), ty) in vals.as_mut().iter_mut().zip(given).zip(types) {
            *val = given.to_val(store, ty)?;
        }
        Ok(vals)
    }

    pub(crate) fn as_mut(&mut self) -> &mut [Val] {
        match self {
            Self::Few(vals, count) => &mut vals[..*count],
            Self::Many(vals) => vals,
        }
    }
}

/// Refuses, before a call, results that C has no room for.
pub(crate) fn check_results(ty: &FuncType, given: usize) -> Result<()> {
    let expected = ty.results().len();
    if expected != given {
        return Err(Failure::argument(format_args!("expected room for {expected} results, not {given}")));
    }
    if ty.results().any(|ty| ty == ValType::V128) {
        return Err(Failure::argument("a v128 has no room in wasm_val_t: use dunlin_numeric_func_call"));
    }
    Ok(())
}

/// The values for C, which it then owns.
pub(crate) fn given(store: &StoreRef, vals: &[Val]) -> Result<Vec<wasm_val_t>> {
    let mut all = try_vec(vals.len()).ok_or(Failure::NO_MEMORY)?;
    for val in vals {
        all.push(wasm_val_t::of_val(store, *val)?);
    }
    Ok(all)
}

/// Gives C values, which it then owns.
pub(crate) fn give(store: &StoreRef, vals: &[Val], places: &mut [MaybeUninit<wasm_val_t>]) -> Result<()> {
    for (at, val) in vals.iter().enumerate() {
        match wasm_val_t::of_val(store, *val) {
            Ok(val) => {
                places[at].write(val);
            }
            Err(failure) => {
                // SAFETY: those before were written.
                places[..at].iter_mut().for_each(|place| unsafe { place.assume_init_drop() });
                return Err(failure);
            }
        }
    }
    Ok(())
}

//! Calls without values: arguments and results are slots of C's.

use crate::boundary::{c_types, exports};
use crate::error::Outcome;
use crate::failure::Failure;
use crate::handles::wasm_func_t;
use crate::own::try_box;
use crate::pointers::{ArrayMut, Out, Require, dunlin_slot_t};
use crate::store::StoreRef;
use dunlin::NumericFunc;

/// A function whose type was looked at, for calls with slots.
pub struct dunlin_numeric_func_t {
    store: StoreRef,
    func: NumericFunc,
}

c_types! {
    dunlin_numeric_func_t = "dunlin_numeric_func_t";
}

exports! {
    fn dunlin_numeric_func_new(
        func: Option<&wasm_func_t>,
        out: Out<'_, Option<Box<dunlin_numeric_func_t>>>,
    ) -> Outcome {
        let ((func, store), out) = (func.require()?.get()?, out.cleared()?);
        let func = func.numeric(store.context())?;
        *out = Some(try_box(dunlin_numeric_func_t { store, func }).ok_or(Failure::NO_MEMORY)?);
        Ok(())
    }

    fn dunlin_numeric_func_delete(func: Option<Box<dunlin_numeric_func_t>>) {
        drop(func);
    }

    fn dunlin_numeric_func_slots(func: Option<&dunlin_numeric_func_t>) -> usize {
        func.map_or(0, |func| func.func.slots())
    }

    fn dunlin_numeric_func_call(
        func: Option<&dunlin_numeric_func_t>,
        slots: ArrayMut<'_, dunlin_slot_t>,
        count: usize,
    ) -> Outcome {
        let func = func.require()?;
        Ok(func.func.call(func.store.clone().context(), slots.numbers(count)?)?)
    }
}

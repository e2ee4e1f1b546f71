//! Calls whose arguments and results stay the 64-bit slots that execution has them in: for callers that know types only at
//! run time, and can't afford to make values of them.

use crate::memory::Shared;
use crate::runtime::store::{HostFunc, StoreInner, slots_of};
use crate::words::Count;
use crate::{AsContext, AsContextMut, Caller, Engine, Error, Func, FuncType, Linker, ValType, ValTypes};

/// A function that takes and gives numbers and vectors only, called through slots: made by [`Func::numeric`].
///
/// ```
/// use dunlin::{Engine, Func, Store};
/// let mut store = Store::new(&Engine::default(), ());
/// let add = Func::wrap(&mut store, |a: i32, b: f64| f64::from(a) + b).numeric(&store)?;
/// let mut slots = [40, 2.5f64.to_bits()];
/// add.call(&mut store, &mut slots)?;
/// assert_eq!(f64::from_bits(slots[0]), 42.5);
/// # Ok::<(), dunlin::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NumericFunc {
    func: Func,
    slots: u32,
    params: Narrow,
}

impl NumericFunc {
    /// The function.
    pub fn func(&self) -> Func {
        self.func
    }

    /// How many slots a call needs at least: those of the parameters, or of the results if these are more. A vector has two,
    /// the lower half first; everything else has one, of which 32-bit numbers take the lower half.
    pub fn slots(&self) -> usize {
        self.slots as usize
    }

    /// Calls the function. The first slots hold its arguments, and afterwards its results.
    ///
    /// # Errors
    ///
    /// If there are fewer slots than [`NumericFunc::slots`], if the function traps, or if a host function that it calls
    /// fails. The slots may have changed then.
    ///
    /// # Panics
    ///
    /// If the function belongs to another store. A panic in a host function that the guest calls goes on here; the store
    /// can still be used.
    pub fn call(&self, mut store: impl AsContextMut, slots: &mut [u64]) -> Result<(), Error> {
        let mut store = store.as_context_mut();
        let given = slots.len();
        let Some(slots) = slots.get_mut(..self.slots as usize) else {
            let needed = Count(u64::from(self.slots), "slots");
            return Err(Error::msg(format_args!("a call needs {needed}, and {given} were given")));
        };
        self.params.clear(slots);
        let func = self.func.ptr(store.inner());
        // SAFETY: the pointer stands for the exclusive borrow `store`, which isn't used otherwise meanwhile; the slots are
        // the function's header, since its type was looked at when `self` was made, and hold numbers.
        unsafe { StoreInner::invoke(store.inner_ptr(), func.as_ptr(), slots) }
    }
}

/// Which of some slots hold 32-bit numbers, whose upper half execution wants to be zero.
#[derive(Clone, Copy, Debug)]
struct Narrow(u64);

impl Narrow {
    fn of(types: ValTypes<'_>) -> Result<Self, Error> {
        let (mut narrow, mut at) = (0, 0);
        for ty in types {
            match ty {
                _ if at >= u64::BITS => {
                    return Err(Error::msg("a function of so many values has no numeric form"));
                }
                ValType::I32 | ValType::F32 => narrow |= 1 << at,
                ValType::Ref(_) => return Err(Error::msg(format_args!("a value of type {ty} is no number"))),
                ValType::I64 | ValType::F64 | ValType::V128 => {}
            }
            at += ty.slots();
        }
        Ok(Self(narrow))
    }

    fn clear(self, slots: &mut [u64]) {
        let mut left = self.0;
        while left != 0 {
            slots[left.trailing_zeros() as usize] &= u64::from(u32::MAX);
            left &= left - 1;
        }
    }
}

impl Func {
    /// The function for calls through slots, if it takes and gives only numbers and vectors, of at most 64 slots.
    ///
    /// # Errors
    ///
    /// If it doesn't.
    pub fn numeric(&self, store: impl AsContext) -> Result<NumericFunc, Error> {
        let ty = self.ty_in(store.as_context().inner());
        Narrow::of(ty.results())?;
        let slots = slots_of(ty.params()).max(slots_of(ty.results()));
        Ok(NumericFunc { func: *self, slots, params: Narrow::of(ty.params())? })
    }

    /// Makes a function of a closure that finds its arguments in slots, and leaves its results there: see
    /// [`NumericFunc::slots`]. The type is known only at run time, and there are only numbers and vectors in it.
    ///
    /// # Errors
    ///
    /// As for [`Func::numeric`], or if the budget or the system has no room.
    pub fn new_numeric<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &mut [u64]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let mut store = store.as_context_mut();
        let host = numeric_host_func(store.engine(), ty, func)?;
        Self::from_host(store.inner_mut(), &host)
    }
}

impl<T: 'static> Linker<T> {
    /// Defines a host function that finds its arguments in slots: see [`Func::new_numeric`].
    ///
    /// # Errors
    ///
    /// As for [`Func::new_numeric`], or if the names are taken (see [`Linker::allow_shadowing`]).
    pub fn func_numeric(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &mut [u64]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<&mut Self, Error> {
        let host = numeric_host_func(self.engine(), ty, func)?;
        self.insert_host(module, name, host)
    }
}

fn numeric_host_func<T: 'static>(
    engine: &Engine,
    ty: FuncType,
    func: impl Fn(Caller<'_, T>, &mut [u64]) -> Result<(), Error> + Send + Sync + 'static,
) -> Result<Shared<HostFunc>, Error> {
    Narrow::of(ty.params())?;
    let results = Narrow::of(ty.results())?;
    let count = slots_of(ty.params()).max(slots_of(ty.results())) as usize;
    // SAFETY: `HostFunc` promises a store of `T`, and slots of this type; any bits of the right width are a number.
    unsafe {
        HostFunc::new(engine, ty, move |store, vm, slots| {
            let result = Caller::with(store, vm, |caller| func(caller, &mut slots[..count]));
            results.clear(slots);
            result
        })
    }
}

//! Stub until the interpreter is here: host functions can be called, WebAssembly functions can't.
use crate::store::StoreInner;
use crate::vmctx::FuncObj;
use crate::{Budget, Error};
use core::sync::atomic::AtomicPtr;

/// How handlers of the interpreter follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dispatch {
    /// Each handler ends in a tail call of the next.
    Tail,
    /// A loop calls one handler after the other.
    Loop,
}

pub(crate) fn default_dispatch() -> Dispatch {
    Dispatch::Loop
}

pub(crate) static HOST_ENTRY: AtomicPtr<u64> = AtomicPtr::new(core::ptr::null_mut());

pub(crate) struct Execution;

impl Execution {
    pub(crate) fn new(_max_stack_bytes: usize, _budget: &Budget) -> Result<Execution, Error> {
        Ok(Execution)
    }
}

pub(crate) unsafe fn invoke(
    store: *mut StoreInner,
    func: *mut FuncObj,
    args_results: &mut [u64],
) -> Result<(), Error> {
    unsafe {
        if (*func).vm.is_null() {
            StoreInner::call_host(store, func, core::ptr::null_mut(), args_results)
        } else {
            Err(Error::msg("the interpreter isn't here yet"))
        }
    }
}

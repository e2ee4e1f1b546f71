//! Function objects, and calls of host functions.

use super::{CallHook, StoreInner};
use crate::memory::{Charge, Kind, Shared, try_box};
use crate::module::types::{FuncType, ValTypes};
use crate::runtime::engine::{Engine, Sigs};
use crate::runtime::exec::HOST_ENTRY;
use crate::runtime::vmctx::{FuncObj, VmCtx};
use crate::{Error, Trap};
use alloc::boxed::Box;
use core::ptr::NonNull;

/// How many slots values of these types take.
pub(crate) fn slots_of(types: ValTypes<'_>) -> u32 {
    types.map(|ty| ty.slots()).sum()
}

/// What is the same in all objects of a function that a module defines.
#[cfg(feature = "snapshot")]
#[derive(Clone, Copy)]
pub(crate) struct DefinedFunc {
    /// Among those that it defines.
    index: u32,
    sig: u32,
    header: u32,
}

#[cfg(feature = "snapshot")]
impl DefinedFunc {
    /// The function with this index, imports counted.
    pub(crate) fn of(module: &crate::runtime::loaded::ModuleShared, func: u32) -> Self {
        let ty = module.data.func_type(func);
        let header = slots_of(ty.params()).max(slots_of(ty.results()));
        Self { index: func - module.data.imported_funcs, sig: module.func_sig(func), header }
    }
}

/// What a host function is called with: the store, the context of the calling instance (or null), and the
/// slots of its arguments, which become those of its results.
type HostCall = dyn Fn(*mut StoreInner, *mut VmCtx, &mut [u64]) -> Result<(), Error> + Send + Sync;

/// A host function, independent of stores.
pub(crate) struct HostFunc {
    /// The number of its type.
    sigs: Sigs,
    header: u32,
    call: Box<HostCall>,
    _charge: Charge,
}

impl HostFunc {
    /// # Safety
    /// `call` is sound for a live store of the `T` that this function will be given to, reached through the pointer
    /// that the store knows itself by, for a context of one of its instances, and for slots that hold `ty`'s
    /// parameters and fit its results.
    pub(crate) unsafe fn new(
        engine: &Engine,
        ty: FuncType,
        call: impl Fn(*mut StoreInner, *mut VmCtx, &mut [u64]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<Shared<Self>, Error> {
        let charge = Self::pay(engine, size_of_val(&call))?;
        Self::of(engine, &ty, try_box(Kind::Host, call)?, charge)
    }

    // The rest is the same for all closures, and made once.
    fn pay(engine: &Engine, closure: usize) -> Result<Charge, Error> {
        Ok(engine.budget().charge(Kind::Host, Shared::<Self>::BYTES + closure as u64)?)
    }

    fn of(
        engine: &Engine,
        ty: &FuncType,
        call: Box<HostCall>,
        charge: Charge,
    ) -> Result<Shared<Self>, Error> {
        let sigs = engine.register(ty)?;
        let header = slots_of(ty.params()).max(slots_of(ty.results()));
        Ok(Shared::try_new(Kind::Host, Self { sigs, header, call, _charge: charge })?)
    }

    pub(crate) fn belongs_to(&self, engine: &Engine) -> bool {
        self.sigs.belong_to(engine)
    }

    pub(crate) fn sig(&self) -> u32 {
        self.sigs[0]
    }

    /// Calls it.
    ///
    /// # Safety
    /// As for [`StoreInner::call_host`]; the store is of the `T` that it was made for.
    #[cfg(feature = "record")]
    pub(super) unsafe fn call(
        &self,
        store: *mut StoreInner,
        caller: *mut VmCtx,
        args_results: &mut [u64],
    ) -> Result<(), Error> {
        (self.call)(store, caller, args_results)
    }
}

impl StoreInner {
    /// The function object of a host function in this store: always the same one.
    pub(crate) fn host_func(&mut self, host: &Shared<HostFunc>) -> Result<NonNull<FuncObj>, Error> {
        let address = Shared::as_ptr(host) as usize;
        if let Some(func) = self.host_func_refs.get(&address) {
            return Ok(*func);
        }
        if !host.belongs_to(&self.engine) {
            return Err(Error::msg("a host function was made for another engine than the store's"));
        }
        self.host_funcs.try_push(host.clone())?;
        let func = self.funcs.push(FuncObj {
            sig: host.sig(),
            header: host.header,
            vm: core::ptr::null_mut(),
            code: core::ptr::null(),
            entry: &raw const HOST_ENTRY,
            index: self.host_funcs.len() as u32 - 1,
            handle: self.funcs.len(),
        })?;
        self.host_func_refs.try_insert(address, func)?;
        Ok(func)
    }

    /// The function object of a host function, if this store has it.
    #[cfg(feature = "snapshot")]
    pub(crate) fn known_host_func(&self, host: &Shared<HostFunc>) -> Option<NonNull<FuncObj>> {
        self.host_func_refs.get(&(Shared::as_ptr(host) as usize)).copied()
    }

    /// The function object of function `func_index` of an instance, made when it is first needed.
    ///
    /// # Safety
    /// `vm` is a context of this store, and its module has such a function.
    pub(crate) unsafe fn func_ref(&mut self, vm: *mut VmCtx, func_index: u32) -> Result<*mut FuncObj, Error> {
        // SAFETY: the caller's contract; instances live as long as their contexts.
        let instance = unsafe { &mut *(*vm).instance };
        let module = instance.module.shared();
        let Some(defined) = func_index.checked_sub(module.data.imported_funcs) else {
            // SAFETY: the imported functions begin at this word, and there are more than `func_index`.
            return Ok(unsafe { VmCtx::pointer(vm, module.layout.funcs + func_index) });
        };
        if instance.func_refs.is_empty() {
            let count = module.data.funcs.len() - module.data.imported_funcs as usize;
            instance.func_refs.try_resize(count, core::ptr::null_mut())?;
        }
        let known = instance.func_refs[defined as usize];
        if !known.is_null() {
            return Ok(known);
        }
        let ty = module.data.func_type(func_index);
        let func = self.funcs.push(FuncObj {
            sig: module.func_sig(func_index),
            header: slots_of(ty.params()).max(slots_of(ty.results())),
            vm,
            code: core::ptr::null(),
            // SAFETY: the entry table has a word for each defined function.
            entry: unsafe { (*vm).entries.add(defined as usize) },
            index: defined,
            handle: self.funcs.len(),
        })?;
        instance.func_refs[defined as usize] = func.as_ptr();
        Ok(func.as_ptr())
    }

    /// Makes the objects of these functions, which the module defines, at once; but for those that are there.
    ///
    /// # Safety
    /// `vm` is a context of this store, and its module has such functions.
    #[cfg(feature = "snapshot")]
    pub(crate) unsafe fn make_func_refs(
        &mut self,
        vm: *mut VmCtx,
        wanted: &[DefinedFunc],
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract; instances live as long as their contexts.
        let instance = unsafe { &mut *(*vm).instance };
        let data = &instance.module.shared().data;
        if instance.func_refs.is_empty() {
            let count = data.funcs.len() - data.imported_funcs as usize;
            instance.func_refs.try_resize(count, core::ptr::null_mut())?;
        }
        let missing = |func: &&DefinedFunc| instance.func_refs[func.index as usize].is_null();
        let count = wanted.iter().filter(missing).count();
        if count == 0 {
            return Ok(());
        }
        let mut made = crate::memory::Buf::with_capacity(&self.budget, Kind::Instance, count)?;
        let first = self.funcs.len();
        for (number, func) in wanted.iter().filter(missing).enumerate() {
            made.try_push(FuncObj {
                sig: func.sig,
                header: func.header,
                vm,
                code: core::ptr::null(),
                // SAFETY: the entry table has a word for each defined function.
                entry: unsafe { (*vm).entries.add(func.index as usize) },
                index: func.index,
                handle: first + number as u32,
            })?;
        }
        let made = self.funcs.push_all(made)?;
        for at in 0..count {
            // SAFETY: there are so many.
            let func = unsafe { made.add(at) };
            // SAFETY: as before.
            instance.func_refs[unsafe { func.as_ref() }.index as usize] = func.as_ptr();
        }
        Ok(())
    }

    /// Calls a host function. A panic in it unwinds out of this.
    ///
    /// # Safety
    /// `store` is a live store, reached through its own pointer (`vm.store`), and no reference to its parts is held,
    /// since the function has the store exclusively. `func` is one of its host functions, `caller` null or a context of
    /// one of its instances, and `args_results` as long as the function's header.
    pub(crate) unsafe fn call_host(
        store: *mut StoreInner,
        func: *mut FuncObj,
        caller: *mut VmCtx,
        args_results: &mut [u64],
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract. A host function lives as long as its store, wherever the list moves.
        let host = unsafe { &*Shared::as_ptr(&(&(*store).host_funcs)[(*func).index as usize]) };
        debug_assert_eq!(host.header as usize, args_results.len());
        // SAFETY: the caller's contract.
        let result = unsafe {
            Self::pass(store, CallHook::CallingHost)
                .and_then(|()| (host.call)(store, caller, args_results))
                .and_then(|()| Self::pass(store, CallHook::ReturningFromHost))
        };
        if let Err(error) = &result
            && error.trap() == Some(Trap::Interrupt)
        {
            // The function noticed the interruption by itself. Clear the flag, or it would stop the next call.
            // SAFETY: the caller's contract; the host function has ended, so no reference is held.
            unsafe { (*store).interrupt.answer_for_host() };
        }
        result
    }
}

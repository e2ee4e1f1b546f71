//! Profiling: the end of each slice of fuel is a moment to look which functions execute.

use super::regs::Regs;
use super::{walk, watch};
use crate::module::trap::Trap;
use crate::runtime::code::Executing;
use crate::runtime::loaded::ModuleShared;
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::VmCtx;
use core::ops::ControlFlow;

/// Where an execution stands, as far as its frames are concerned.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    /// The current cell, or where to return to.
    pub(crate) ip: *const u64,
    pub(crate) sp: *mut u64,
    pub(crate) vm: *mut VmCtx,
    /// Whether it is where a call returns to.
    pub(crate) returned: bool,
}

impl Regs {
    #[inline(always)]
    pub(crate) fn position(&self) -> Position {
        Position { ip: self.ip, sp: self.sp, vm: self.vm, returned: false }
    }
}

/// A guest's call of a host function that hasn't returned yet, on the native stack of that call.
pub(crate) struct HostCall {
    pub(crate) at: Position,
    /// The next outer one.
    pub(crate) outer: *const HostCall,
}

/// [`StoreInner::refill`], and a sample if a profile is being made. The sample covers `cost` as well, since that is
/// what ends the slice, and may be most of it.
///
/// Who pays is the function that the execution stands in, or if `vm` isn't null, function `index` of those that its
/// module defines, which is about to be entered from there.
///
/// # Safety
/// The execution has said where it stands, and its frames are as it left them; `vm` is null or live.
pub(crate) unsafe fn refill(
    store: &mut StoreInner,
    cost: u64,
    vm: *mut VmCtx,
    index: u32,
) -> Result<(), Trap> {
    // SAFETY: the caller keeps the contract.
    unsafe { refill_for(store, cost, (vm, index), None) }
}

/// The same, at a branch to the loop whose header is at `header`.
///
/// # Safety
/// As for [`refill`].
pub(super) unsafe fn refill_at_loop(
    store: &mut StoreInner,
    cost: u64,
    header: *const u64,
) -> Result<(), Trap> {
    // SAFETY: the caller keeps the contract.
    unsafe { refill_for(store, cost, (core::ptr::null_mut(), 0), Some(header)) }
}

unsafe fn refill_for(
    store: &mut StoreInner,
    cost: u64,
    (vm, index): (*mut VmCtx, u32),
    header: Option<*const u64>,
) -> Result<(), Trap> {
    let watched = store.watch.is_some();
    if watched {
        // SAFETY: the caller keeps the contract.
        unsafe { watch::look(store, cost, header) };
    }
    let done = store.refill(cost);
    if !watched && done.is_ok() && store.engine.tier().is_some() {
        // SAFETY: the caller keeps the contract.
        unsafe { count(store, cost, (vm, index), header) };
    }
    // While loops are being watched, each branch would be a sample.
    if store.profiler.is_some() && store.watch.is_none() {
        // SAFETY: the caller keeps the contract.
        unsafe { sample(store, if done.is_ok() { cost } else { 0 }, vm, index) };
    }
    done
}

/// Tells the tier which function executes: function `index` of `vm`'s module, or, if that is null, the one that the
/// execution stands in; at a branch, which costs `cost`, to the loop whose header is at `header`, if that is known.
///
/// # Safety
/// As for [`refill`].
unsafe fn count(
    store: &mut StoreInner,
    cost: u64,
    (mut vm, mut index): (*mut VmCtx, u32),
    header: Option<*const u64>,
) {
    let Some(tier) = store.engine.tier() else { return };
    let Some(exec) = store.exec.as_ref().filter(|exec| exec.enters_compiled()) else { return };
    // SAFETY: the caller keeps the contract.
    unsafe {
        if vm.is_null() {
            vm = exec.at.vm;
            if vm.is_null() {
                return;
            }
            let code = &(*(*vm).instance).module.shared().code;
            let Some((found, _)) = code.find(exec.at.ip, false) else { return };
            index = found;
        }
        let module = &(*(*vm).instance).module;
        let shared = module.shared();
        if header.is_some() {
            make_room(store, vm);
        }
        let header = header.and_then(|header| Some(shared.code.find(header, false)?.1 as u32));
        let stop = || store.interrupt.is_set();
        let watches = shared.tiered.sample(tier, module, index, header, &stop);
        if let Some(header) = header.filter(|_| watches) {
            watch::begin(store, index, header, cost);
        }
    }
}

/// Throws compiled code of `vm`'s module away, if there is no room for more, and nobody is in it.
///
/// # Safety
/// No call is under way in the store's executions, other than those that have frames.
pub(super) unsafe fn make_room(store: &StoreInner, vm: *mut VmCtx) {
    // SAFETY: a live context.
    let shared = unsafe { (*(*vm).instance).module.shared() };
    if shared.tiered.is_full() && has_left(store) && shared.code.instances() == store.instances_of(shared) {
        for func in store.funcs.iter() {
            // SAFETY: the store's own objects, to which nobody holds a reference.
            unsafe { (*func.as_ptr()).code = core::ptr::null() };
        }
        shared.tiered.throw_away(shared);
    }
}

/// Whether no execution of a store is in compiled code.
fn has_left(store: &StoreInner) -> bool {
    let parked = store.parked.iter().map(|parked| &parked.exec);
    store.exec.iter().chain(parked).all(|exec| exec.native.is_null())
}

#[cold]
#[inline(never)]
unsafe fn sample(store: &mut StoreInner, cost: u64, vm: *mut VmCtx, index: u32) {
    let weight = store.sampled(cost);
    let dispatch = store.engine.dispatch();
    let (Some(profiler), Some(exec)) = (&mut store.profiler, &store.exec) else { return };
    let mut more = ControlFlow::Continue(());
    // SAFETY: the caller keeps the contract; calls of host functions are listed while they last, and the frames below
    // them stay as they are meanwhile.
    unsafe {
        if !vm.is_null() {
            let module = &(*(*vm).instance).module;
            more = profiler.frame(module, module.shared().data.imported_funcs + index);
        }
        let mut skip = exec.leaves;
        let mut visit = |module: &_, func, _| {
            if core::mem::take(&mut skip) { ControlFlow::Continue(()) } else { profiler.frame(module, func) }
        };
        if more.is_continue() && !exec.at.vm.is_null() {
            more = walk::frames(exec.at, dispatch, false, &mut visit);
        }
        let mut host_call = exec.host_call;
        while more.is_continue() && !host_call.is_null() {
            if !(*host_call).at.vm.is_null() {
                more = walk::frames((*host_call).at, dispatch, false, &mut visit);
            }
            host_call = (*host_call).outer;
        }
    }
    profiler.end(weight);
}

/// A store whose execution stands somewhere.
pub(super) struct Standing<'s>(pub(super) &'s StoreInner);

impl Executing for Standing<'_> {
    fn instances(&self, module: &ModuleShared) -> usize {
        self.0.instances_of(module)
    }

    fn mark_frames(&self) {
        if let Some(exec) = &self.0.exec
            && !exec.at.vm.is_null()
        {
            mark(self.0, exec.at);
        }
        mark_around(self.0);
    }
}

/// A store whose execution has just failed: the frames from where it stands to the innermost call of a host function are
/// gone.
pub(super) struct Failed<'s>(pub(super) &'s StoreInner);

impl Executing for Failed<'_> {
    fn instances(&self, module: &ModuleShared) -> usize {
        self.0.instances_of(module)
    }

    fn mark_frames(&self) {
        mark_around(self.0);
    }
}

fn mark(store: &StoreInner, at: Position) {
    let mut go_on = |_: &_, _, _| ControlFlow::Continue(());
    // SAFETY: as for `sample`: whoever asks for it has said where its execution stands; those that are set aside stand
    // still, and so do calls of host functions.
    let _ = unsafe { walk::frames(at, store.engine.dispatch(), true, &mut go_on) };
}

/// Marks the frames of all executions but those from where the current one stands.
fn mark_around(store: &StoreInner) {
    for parked in store.parked.iter().filter(|parked| !parked.exec.at.vm.is_null()) {
        mark(store, parked.exec.at);
    }
    let parked = store.parked.iter().map(|parked| &parked.exec);
    for exec in store.exec.iter().chain(parked) {
        let (mut host_call, mut native) = (exec.host_call, exec.native);
        // SAFETY: calls are listed while they last.
        unsafe {
            while !host_call.is_null() {
                if !(*host_call).at.vm.is_null() {
                    mark(store, (*host_call).at);
                }
                host_call = (*host_call).outer;
            }
            while !native.is_null() {
                mark(store, (*native).at);
                native = (*native).outer;
            }
        }
    }
}

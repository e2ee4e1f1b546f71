//! Sampling: at the end of each slice of fuel, the cold path looks which functions are executing, for profiles and for
//! the tier's hotness counts. So handlers don't pay for it.

use super::regs::Regs;
use super::{osr, profile, walk};
use crate::module::trap::Trap;
use crate::runtime::code::Executing;
use crate::runtime::loaded::ModuleShared;
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::VmCtx;
use core::ops::ControlFlow;

/// The position of an execution: all that a stack walk needs.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    /// The current cell, or a return address.
    pub(crate) ip: *const u64,
    pub(crate) sp: *mut u64,
    pub(crate) vm: *mut VmCtx,
    /// Whether `ip` is a return address, which is behind its call.
    pub(crate) returned: bool,
}

impl Regs {
    #[inline(always)]
    pub(crate) fn position(&self) -> Position {
        Position { ip: self.ip, sp: self.sp, vm: self.vm, returned: false }
    }
}

/// A call of a host function by the guest that hasn't returned. It lies on the native stack, in the frame that makes
/// the call.
pub(crate) struct HostCall {
    pub(crate) at: Position,
    /// The next outer one.
    pub(crate) outer: *const HostCall,
}

/// [`StoreInner::refill`], with a hotness sample if there is a tier, and a profile sample if a profile is being made.
/// The profile sample includes `cost`, which ended the slice and may be most of it.
///
/// The sample is attributed to the function at the execution's position; or, if `vm` isn't null, to function `index`
/// (of those that its module defines), which is about to be entered from there.
///
/// # Safety
/// The execution's position is published, and its frames haven't changed since; `vm` is null or live.
pub(crate) unsafe fn refill(
    store: &mut StoreInner,
    cost: u64,
    vm: *mut VmCtx,
    index: u32,
) -> Result<(), Trap> {
    // SAFETY: the caller keeps the contract.
    unsafe { refill_for(store, cost, (vm, index), None, core::ptr::null()) }
}

/// The same, at a back edge to the loop whose header is at `header`.
///
/// # Safety
/// As for [`refill`].
pub(super) unsafe fn refill_at_loop(
    store: &mut StoreInner,
    cost: u64,
    header: *const u64,
) -> Result<(), Trap> {
    // SAFETY: the caller keeps the contract.
    unsafe { refill_for(store, cost, (core::ptr::null_mut(), 0), Some(header), core::ptr::null()) }
}

/// The same, asked for by compiled code through the bridge, whose native frame is `frame`.
///
/// # Safety
/// As for [`refill`].
pub(super) unsafe fn refill_compiled(
    store: &mut StoreInner,
    cost: u64,
    frame: *const u8,
) -> Result<(), Trap> {
    // SAFETY: the caller keeps the contract.
    unsafe { refill_for(store, cost, (core::ptr::null_mut(), 0), None, frame) }
}

unsafe fn refill_for(
    store: &mut StoreInner,
    cost: u64,
    (vm, index): (*mut VmCtx, u32),
    header: Option<*const u64>,
    frame: *const u8,
) -> Result<(), Trap> {
    let watched = store.watch.is_some();
    if watched {
        // SAFETY: the caller keeps the contract.
        unsafe { osr::look(store, cost, header) };
    }
    let done = store.refill(cost);
    if !watched && done.is_ok() && store.engine.tier().is_some() && store.is_hotness_due(cost) {
        // SAFETY: the caller keeps the contract.
        unsafe { count(store, cost, (vm, index), header) };
    }
    // While loops are being watched, slices cover a single charge, so every back edge would give a sample.
    if store.profiler.is_some() && store.watch.is_none() {
        // SAFETY: the caller keeps the contract.
        unsafe { profile::sample(store, if done.is_ok() { cost } else { 0 }, (vm, index), frame) };
    }
    done
}

/// Notes that execution crosses from compiled code to function `index` of `vm`'s module; or, if `vm` is null, to compiled
/// code from the execution's position. That takes time, so it counts for whichever of the two is interpreted.
///
/// # Safety
/// As for [`refill`].
#[inline]
pub(super) unsafe fn cross(store: &mut StoreInner, vm: *mut VmCtx, index: u32) {
    if store.is_hotness_due_by_crossing() && store.watch.is_none() {
        // SAFETY: the caller keeps the contract.
        unsafe { count(store, 0, (vm, index), None) };
    }
}

/// Reports a hotness sample to the tier: for function `index` of `vm`'s module or, if `vm` is null, for the one at the
/// execution's position. `header` is the loop header if this is at a back edge, which costs `cost`.
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
    if !tier.takes_sample() {
        return;
    }
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
            osr::begin(store, index, header, cost);
        }
    }
}

/// Throws away the compiled code of `vm`'s module if there is no room for more, no execution is in compiled code, and
/// all instances of the module are in this store.
///
/// # Safety
/// Every call that is under way in the store's executions has a frame that can be walked.
pub(super) unsafe fn make_room(store: &StoreInner, vm: *mut VmCtx) {
    // SAFETY: a live context.
    let shared = unsafe { (*(*vm).instance).module.shared() };
    if shared.tiered.is_full() && has_left(store) && shared.code.instances() == store.instances_of(shared) {
        for func in store.funcs.iter() {
            // SAFETY: the store's own objects, and no reference to them is held.
            unsafe { (*func.as_ptr()).code = core::ptr::null() };
        }
        shared.tiered.throw_away(shared);
    }
}

/// Whether no execution of the store has compiled frames.
fn has_left(store: &StoreInner) -> bool {
    let parked = store.parked.iter().map(|parked| &parked.exec);
    store.exec.iter().chain(parked).all(|exec| exec.native.is_null())
}

/// A store whose execution has published its position: its frames keep code in use.
pub(super) struct Standing<'s>(pub(super) &'s StoreInner);

impl Executing for Standing<'_> {
    fn instances(&self, module: &ModuleShared) -> usize {
        self.0.instances_of(module)
    }

    fn mark_frames(&self) {
        if let Some(exec) = &self.0.exec {
            mark(self.0, exec.at);
        }
        mark_around(self.0);
    }
}

/// A store whose execution has just failed: its frames above the innermost call of a host function are dead and keep no
/// code in use.
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
    let mut go_on = |_: &walk::Frame<'_>| ControlFlow::Continue(());
    // SAFETY: the position of the current execution is published; the frames of parked executions, and those below
    // calls of host functions, don't change.
    let _ = unsafe { walk::frames(at, store.engine.dispatch(), true, &mut go_on) };
}

/// Marks the frames of all executions, except the current one's innermost segment.
fn mark_around(store: &StoreInner) {
    for parked in store.parked.iter() {
        mark(store, parked.exec.at);
    }
    let parked = store.parked.iter().map(|parked| &parked.exec);
    for exec in store.exec.iter().chain(parked) {
        let (mut host_call, mut native) = (exec.host_call, exec.native);
        // SAFETY: a call is listed until it returns.
        unsafe {
            while !host_call.is_null() {
                mark(store, (*host_call).at);
                host_call = (*host_call).outer;
            }
            while !native.is_null() {
                mark(store, (*native).keeps);
                native = (*native).outer;
            }
        }
    }
}

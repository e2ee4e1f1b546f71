//! The OSR trigger: which loop of an interpreted activation to compile.
//!
//! A sample falls on a back edge, usually one of an inner loop. An OSR entry at that loop's header would be an entry
//! into the middle of the enclosing loops: the compiler could hoist nothing out of them (no LICM), and the code would
//! be of no use to sibling loops. So the activation is watched for another slice of fuel. Meanwhile each slice covers a
//! single charge, so every back edge takes the cold path, and the outermost loop whose back edge is seen is the one to
//! compile. Its back edge is taken often enough to be found again once its code exists.

use super::Execution;
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::VmCtx;

/// An activation that is being watched. Loops are identified by the word of their header in the function's code.
pub(crate) struct Watch {
    vm: *mut VmCtx,
    sp: *mut u64,
    index: u32,
    sampled: u32,
    outermost: u32,
    /// Fuel to be executed before watching ends.
    left: u64,
}

/// Begins to watch the current activation, of function `index`, at a back edge to the loop at `header` that costs
/// `cost`.
pub(super) fn begin(store: &mut StoreInner, index: u32, header: u32, cost: u64) {
    let Some(exec) = &store.exec else { return };
    let (vm, sp) = (exec.at.vm, exec.at.sp);
    let left = store.shorten_slice(cost);
    store.watch = Some(Watch { vm, sp, index, sampled: header, outermost: header, left });
}

impl Watch {
    /// Whether the watched activation is the innermost frame.
    fn is_current(&self, exec: &Execution) -> bool {
        (exec.at.vm, exec.at.sp) == (self.vm, self.sp)
    }
}

/// Notes that something of `cost` is about to be executed: a back edge to the loop at `header`, if that is known. Once
/// the activation has been watched for long enough, the tier is told the result.
///
/// # Safety
/// The execution's position is published, and its frames haven't changed since.
pub(super) unsafe fn look(store: &mut StoreInner, cost: u64, header: Option<*const u64>) {
    let (Some(watch), Some(exec)) = (&mut store.watch, &store.exec) else { return };
    watch.left = watch.left.saturating_sub(cost);
    let is_current = watch.is_current(exec);
    if let Some(header) = header.filter(|_| is_current) {
        // SAFETY: contexts live as long as their store; this is the one that the execution is in.
        let code = unsafe { &(*(*watch.vm).instance).module.shared().code };
        let found = code.find(header, false).filter(|(index, _)| *index == watch.index);
        // An inner loop's header lies behind that of the enclosing loop, so the lowest header is the outermost loop.
        watch.outermost = found.map_or(watch.outermost, |(_, word)| watch.outermost.min(word as u32));
    }
    if watch.left > 0 {
        return;
    }
    // If neither holds, the activation may have returned meanwhile.
    let stays = is_current || exec.at.sp > watch.sp;
    let watch = store.watch.take().filter(|_| stays);
    if let (Some(watch), Some(tier)) = (watch, store.engine.tier()) {
        // SAFETY: contexts live as long as their store.
        let module = unsafe { &(*(*watch.vm).instance).module };
        let stop = || store.interrupt.is_set();
        tier.stays(module, watch.index, watch.outermost, watch.sampled, Some(&stop));
    }
}

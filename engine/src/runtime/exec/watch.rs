//! Which loop an interpreted activation stays in.
//!
//! A sample falls at a branch back to some loop, mostly an inner one. Code that begins there has the loops around it begin in
//! their middle, so that a compiler can move nothing in front of them; and it is of no use to the inner loop's neighbours. So the
//! activation is watched for as long as another slice: meanwhile slices cover a single charge, each branch back comes
//! to the cold path, and the outermost loop that goes round is the one to compile. It goes round often enough
//! to be found again when its code is there.

use super::Execution;
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::VmCtx;

/// An activation that is being watched, and the loops, by the words of their headers in the function's code.
pub(crate) struct Watch {
    vm: *mut VmCtx,
    sp: *mut u64,
    index: u32,
    sampled: u32,
    outermost: u32,
    /// How much is still to be executed.
    left: u64,
}

/// Begins to watch the current activation, which is one of function `index`, at a branch to the loop at `header` that
/// costs `cost`.
pub(super) fn begin(store: &mut StoreInner, index: u32, header: u32, cost: u64) {
    let Some(exec) = &store.exec else { return };
    let (vm, sp) = (exec.at.vm, exec.at.sp);
    let left = store.shorten_slice(cost);
    store.watch = Some(Watch { vm, sp, index, sampled: header, outermost: header, left });
}

impl Watch {
    /// Whether the execution stands in the activation.
    fn is_current(&self, exec: &Execution) -> bool {
        (exec.at.vm, exec.at.sp) == (self.vm, self.sp)
    }
}

/// Notes that something which costs `cost` is about to be executed: a branch to the loop at `header`, if that is known.
/// Once it has been watched for long enough, the tier is told what was seen.
///
/// # Safety
/// The execution has said where it stands, and its frames are as it left them.
pub(super) unsafe fn look(store: &mut StoreInner, cost: u64, header: Option<*const u64>) {
    let (Some(watch), Some(exec)) = (&mut store.watch, &store.exec) else { return };
    watch.left = watch.left.saturating_sub(cost);
    let is_current = watch.is_current(exec);
    if let Some(header) = header.filter(|_| is_current) {
        // SAFETY: the store keeps the contexts of its instances; this is the one that the execution is in.
        let code = unsafe { &(*(*watch.vm).instance).module.shared().code };
        let found = code.find(header, false).filter(|(index, _)| *index == watch.index);
        // Every loop that is arrived at from within this one has its header behind this one's.
        watch.outermost = found.map_or(watch.outermost, |(_, word)| watch.outermost.min(word as u32));
    }
    if watch.left > 0 {
        return;
    }
    // Otherwise it may have returned meanwhile.
    let stays = is_current || exec.at.sp > watch.sp;
    let watch = store.watch.take().filter(|_| stays);
    if let (Some(watch), Some(tier)) = (watch, store.engine.tier()) {
        // SAFETY: as above.
        let module = unsafe { &(*(*watch.vm).instance).module };
        let stop = || store.interrupt.is_set();
        tier.stays(module, watch.index, watch.outermost, watch.sampled, Some(&stop));
    }
}

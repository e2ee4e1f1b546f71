//! The OSR trigger: which loop of an interpreted activation to compile.
//!
//! A sample falls on a back edge, usually one of an inner loop. An OSR entry at that loop's header would be an entry
//! into the middle of the enclosing loops: the compiler could hoist nothing out of them (no LICM), and the code would
//! be of no use to sibling loops. So the activation is watched for another slice of fuel. Meanwhile each slice covers a
//! single charge, so every back edge takes the cold path, and the outermost loop whose back edge is seen is the one to
//! compile. Its back edge is taken often enough to be found again once its code exists.

use super::Execution;
use super::native::Activation;
use crate::runtime::store::StoreInner;
use crate::runtime::tier::{LoopAt, Stays};
use crate::runtime::vmctx::VmCtx;

/// An activation that is being watched. Loops are identified by the word of their header in the function's code.
pub(crate) struct Watch {
    vm: *mut VmCtx,
    sp: *mut u64,
    /// The compiled frames around it.
    native: *const Activation,
    index: u32,
    sampled: LoopAt,
    outermost: LoopAt,
    /// Fuel to be executed before watching ends.
    left: u64,
}

/// Begins to watch the current activation, of function `index`, at a back edge to the loop at `header` that costs
/// `cost`.
pub(super) fn begin(store: &mut StoreInner, index: u32, header: u32, cost: u64) {
    let Some(exec) = &store.exec else { return };
    let (vm, sp, native) = (exec.at.vm, exec.at.sp, exec.native);
    let left = store.shorten_slice(cost);
    let found = LoopAt { header, end: header };
    store.watch = Some(Watch { vm, sp, native, index, sampled: found, outermost: found, left });
}

impl Watch {
    /// Notes a back edge at word `end` to the header at word `header`.
    fn sees(&mut self, header: u32, end: u32) {
        // An inner loop's header lies behind that of the enclosing loop, so the lowest header is the outermost loop.
        if header < self.outermost.header {
            self.outermost = LoopAt { header, end };
        }
        for known in [&mut self.outermost, &mut self.sampled] {
            if known.header == header {
                known.end = known.end.max(end);
            }
        }
    }

    /// Whether the watched activation is the innermost frame.
    fn is_current(&self, exec: &Execution) -> bool {
        (exec.at.vm, exec.at.sp) == (self.vm, self.sp)
    }

    /// Whether the watched activation hasn't returned yet, as far as frames show. Every entry and every back edge comes
    /// here, so an activation of the same function that lies at the same place has been seen to be entered.
    ///
    /// # Safety
    /// The execution's position is published.
    unsafe fn stays(&self, exec: &Execution) -> bool {
        let mut native = exec.native;
        if native == self.native {
            return !exec.at.vm.is_null() && exec.at.sp >= self.sp;
        }
        // It may have called compiled code, which calls on.
        while !native.is_null() && native != self.native {
            // SAFETY: it is listed until compiled code returns.
            native = unsafe { (*native).outer };
        }
        native == self.native
    }
}

/// Notes that something of `cost` is about to be executed: a back edge to the loop at `header`, if that is known. Once
/// the activation has been watched for long enough, or has returned, the tier is told the result.
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
        if let Some((_, word)) = found {
            // SAFETY: the back edge and the header are cells of the same function.
            let end = word as isize + unsafe { exec.at.ip.offset_from(header) };
            watch.sees(word as u32, end as u32);
        }
    }
    // SAFETY: the caller keeps the contract.
    let stays = unsafe { watch.stays(exec) };
    if stays && watch.left > 0 {
        return;
    }
    if let (Some(watch), Some(tier)) = (store.watch.take(), store.engine.tier()) {
        // SAFETY: contexts live as long as their store.
        let module = unsafe { &(*(*watch.vm).instance).module };
        let stop = || store.interrupt.is_set();
        let stays = stays.then_some(Stays { outermost: watch.outermost, sampled: watch.sampled });
        tier.watched(module, watch.index, stays, Some(&stop));
    }
}

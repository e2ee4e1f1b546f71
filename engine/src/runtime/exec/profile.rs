//! Samples for profiles: the whole stack, of interpreted and of compiled segments.

use super::native::Activation;
use super::sample::{HostCall, Position};
use super::{Dispatch, walk};
use crate::Module;
use crate::runtime::profile::Profiler;
use crate::runtime::store::StoreInner;
use crate::runtime::tier::Tier;
use crate::runtime::vmctx::VmCtx;
use core::ops::ControlFlow;

/// Adds a sample to the store's profile, which includes `cost`, what is about to be charged.
///
/// If `vm` isn't null, function `index` of its module is about to be entered. In compiled code, `frame` is the native frame
/// of the bridge. Without it, where a builtin was called directly, there is no sample: what was used counts for the next.
///
/// # Safety
/// As for [`refill`](super::sample::refill).
#[cold]
#[inline(never)]
pub(super) unsafe fn sample(
    store: &mut StoreInner,
    cost: u64,
    (vm, index): (*mut VmCtx, u32),
    frame: *const u8,
) {
    let Some(exec) = &store.exec else { return };
    let (at, native, host_call, leaves) = (exec.at, exec.native, exec.host_call, exec.leaves);
    let is_compiled = at.vm.is_null() && !native.is_null();
    if is_compiled && vm.is_null() && frame.is_null() {
        return;
    }
    let weight = store.sampled(cost);
    let (dispatch, tier) = (store.engine.dispatch(), store.engine.tier());
    let Some(profiler) = &mut store.profiler else { return };
    // SAFETY: the caller keeps the contract; a call of a host function and an activation are listed until they return,
    // and the frames below them don't change meanwhile.
    unsafe {
        let mut stack = Stack { profiler, dispatch, tier, native, host_call };
        let entering = match vm.is_null() {
            true => ControlFlow::Continue(()),
            false => stack.function(vm, index),
        };
        if entering.is_continue() {
            let _ = stack.visit(at, leaves, frame);
        }
    }
    profiler.end(weight);
}

/// A walk over the segments of an execution, outwards.
struct Stack<'s> {
    profiler: &'s mut Profiler,
    dispatch: Dispatch,
    tier: Option<&'s dyn Tier>,
    /// The innermost activation that hasn't been visited, and the innermost call of a host function.
    native: *const Activation,
    host_call: *const HostCall,
}

impl Stack<'_> {
    unsafe fn function(&mut self, vm: *mut VmCtx, index: u32) -> ControlFlow<()> {
        // SAFETY: a live context.
        let module = unsafe { &(*(*vm).instance).module };
        self.profiler.frame(module, module.shared().data.imported_funcs + index)
    }

    /// Visits all segments, beginning with the frames of the interpreter at `at`, or with compiled ones around `frame`.
    unsafe fn visit(&mut self, at: Position, leaves: bool, frame: *const u8) -> ControlFlow<()> {
        // SAFETY: the caller of `sample` keeps its contract.
        unsafe {
            self.interpreted(at, leaves)?;
            if !frame.is_null() {
                self.compiled(frame)?;
            }
            loop {
                // Both lists are from the inside outwards. Inner frames lie at higher addresses of the value stack; a call
                // by compiled code has no position.
                let call = self.host_call.as_ref();
                match (self.native.as_ref(), call) {
                    (_, Some(call)) if call.at.vm.is_null() => self.host_call = call.outer,
                    (Some(native), Some(call)) if call.at.sp > native.keeps.sp => {
                        self.called(call)?;
                    }
                    (Some(native), _) => self.compiled(native.called_from.get())?,
                    (None, Some(call)) => self.called(call)?,
                    (None, None) => return ControlFlow::Continue(()),
                }
            }
        }
    }

    unsafe fn called(&mut self, call: &HostCall) -> ControlFlow<()> {
        self.host_call = call.outer;
        // SAFETY: the caller of `sample` keeps its contract.
        unsafe { self.interpreted(call.at, false) }
    }

    /// Visits the innermost activation's frames, from the one that has called by way of `frame` outwards, and the
    /// interpreter's frames that it was entered from.
    unsafe fn compiled(&mut self, frame: *const u8) -> ControlFlow<()> {
        // SAFETY: the caller of `sample` keeps its contract; compiled code comes from a tier.
        unsafe {
            let Some(activation) = self.native.as_ref() else { return ControlFlow::Continue(()) };
            self.native = activation.outer;
            let keeps = activation.keeps;
            let mut more = ControlFlow::Continue(());
            if let (Some(tier), false) = (self.tier, frame.is_null()) {
                tier.frames(frame, &mut |index, _| {
                    more = self.function(keeps.vm, index);
                    more
                });
            }
            more?;
            // Where a loop was entered, its function's frame is the compiled one that was just visited.
            self.interpreted(keeps, !keeps.returned && !frame.is_null())
        }
    }

    /// Visits a segment of the interpreter's frames, perhaps without the innermost.
    unsafe fn interpreted(&mut self, at: Position, mut without: bool) -> ControlFlow<()> {
        let mut visit = |frame: &walk::Frame<'_>| {
            if core::mem::take(&mut without) {
                return ControlFlow::Continue(());
            }
            self.profiler.frame(frame.module as &Module, frame.func)
        };
        // SAFETY: the caller of `sample` keeps its contract.
        unsafe { walk::frames(at, self.dispatch, false, &mut visit) }
    }
}

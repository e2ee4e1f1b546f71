//! The engine's calls into machine code.

use super::activation::{self, Activation, Exit, TrapSite, enter};
use super::arch::{self, Code};
use super::frames::NativeFrames;
use super::stack::CodeStack;
use crate::code::trap_of;
use core::ops::ControlFlow;
use dunlin::tier::{self, Call, Left};
use std::any::Any;

/// Enters the code that `call` names.
///
/// # Safety
/// As for [`dunlin::tier::Tier::enter`].
pub(crate) unsafe fn call(stack: *const (dyn Any + Send), call: &Call) -> Left {
    // SAFETY: by the contract of `Tier::enter`, `Tier::new_stack` made the stack.
    let stack = unsafe { CodeStack::of(stack) };
    let mut activation = Activation::new(on_trap, std::ptr::from_ref(call) as usize);
    let code = if call.trampoline.is_null() { call.code } else { call.trampoline };
    // SAFETY: by the contract of `Tier::enter`, this is a trampoline or a loop's continuation, both of which have the
    // signature `Code`; neither is ever null.
    let exit = unsafe {
        let code = std::mem::transmute::<*const u8, Code>(code);
        enter(stack, &mut activation, code, call.vm, call.frame, call.code)
    };
    match exit {
        Exit::Returned => Left::Returned,
        Exit::Unwound => Left::Unwound,
    }
}

/// The trap hook: reports the trap to the engine, with a walk over the frames.
pub(super) unsafe fn on_trap(activation: *mut Activation, site: TrapSite) {
    // SAFETY: `call` made this activation, with a pointer to its `Call` as word. Both exist until it is left, and so do
    // its frames.
    unsafe {
        let activation = &*activation;
        let call = &*(activation.word as *const Call);
        let mut frames = |visit: tier::Visit<'_>| {
            for frame in NativeFrames::new(activation, site.pc, site.fp, site.called) {
                let _ = frame.functions(&mut |index, offset| {
                    visit(index, offset);
                    ControlFlow::Continue(())
                });
            }
        };
        (call.on_trap)(call.data, tier::Trapped { trap: trap_of(site.code), frames: &mut frames });
    }
}

/// Shows the functions of compiled code from the caller of a bridge or stub outwards: see
/// [`dunlin::tier::Tier::frames`].
///
/// # Safety
/// As for that.
pub(crate) unsafe fn frames(frame: *const u8, visit: tier::VisitFrame<'_>) {
    // SAFETY: by this function's contract it is a frame of machine code in an activation that hasn't been left, nor have
    // the outer ones, and a frame pointer points to the caller's and to a return address.
    unsafe {
        let activation = Activation::around(frame as usize);
        let [fp, pc] = frame.cast::<[usize; 2]>().read();
        for frame in NativeFrames::new(activation, arch::without_signature(pc), fp, true) {
            let mut is_begun = false;
            let shown = frame.functions(&mut |index, offset| {
                is_begun = true;
                visit(index, offset)
            });
            let shown = match frame.function() {
                // A function that is about to begin counts as well.
                Some(index) if !is_begun && shown.is_continue() => visit(index, 0),
                _ => shown,
            };
            if shown.is_break() {
                break;
            }
        }
    }
}

/// Unwinds the thread's innermost call.
///
/// # Safety
/// As for [`dunlin::tier::Tier::unwind`].
pub(crate) unsafe fn unwind() -> ! {
    // SAFETY: the contract of `Tier::unwind` implies that of `activation::unwind`.
    unsafe { activation::unwind() }
}

/// Whether the frame at `fp` was called by the trampoline of the thread's innermost call. If `fp` is a stub's frame, a
/// tail call has then put the stub in place of the function that the trampoline entered.
///
/// # Safety
/// `fp` must be the frame pointer of machine code within the innermost call.
pub(crate) unsafe fn is_outermost(fp: *const u8) -> bool {
    // SAFETY: there is an activation, made by `call`, and a frame pointer points to the caller's frame pointer.
    unsafe {
        let activation = &*Activation::current();
        let call = &*(activation.word as *const Call);
        let caller = *fp.cast::<usize>();
        !call.trampoline.is_null() && *(caller as *const usize) == activation.base()
    }
}

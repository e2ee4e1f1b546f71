//! The engine's calls into machine code.

use super::enter::{Activation, Code, Exit, Trapped, enter};
use super::frames::Frames;
use super::stack::CodeStack;
use super::traps;
use dunlin::tier::{self, Call, Left};
use std::any::Any;

/// Enters what `call` names.
///
/// # Safety
/// As for [`dunlin::tier::Tier::enter`].
pub(crate) unsafe fn call(stack: *const (dyn Any + Send), call: &Call) -> Left {
    // SAFETY: the caller has the stack from us.
    let stack = unsafe { CodeStack::of(stack) };
    let mut activation = Activation::new(on_trap, std::ptr::from_ref(call) as usize);
    let code = if call.trampoline.is_null() { call.code } else { call.trampoline };
    // SAFETY: the caller vouches for the code, which is never null, and has this signature.
    let exit = unsafe {
        let code = std::mem::transmute::<*const u8, Code>(code);
        enter(stack, &mut activation, code, call.vm, call.frame, call.code)
    };
    match exit {
        Exit::Returned => Left::Returned,
        Exit::Unwound => Left::Unwound,
    }
}

/// Tells the engine of a trap.
unsafe fn on_trap(activation: *mut Activation, trapped: Trapped) {
    // SAFETY: the activation is one of `call`'s, which is still there, and so are its frames.
    unsafe {
        let activation = &*activation;
        let call = &*(activation.word as *const Call);
        let mut frames = |visit: tier::Visit<'_>| {
            for frame in Frames::new(activation, trapped.pc, trapped.fp, trapped.called) {
                let Some(function) = frame.function() else { continue };
                let mut position = frame.position().unwrap_or(0);
                if position == traps::ENTRY {
                    continue;
                }
                while position & traps::INLINED != 0 {
                    let Some(inlined) = frame.chunk.map().inlined(position & !traps::INLINED) else { break };
                    visit(inlined.index, inlined.offset.into());
                    position = inlined.at;
                }
                visit(function, position.into());
            }
        };
        (call.on_trap)(call.data, tier::Trapped { trap: traps::trap_of(trapped.code), frames: &mut frames });
    }
}

/// Leaves the thread's innermost call.
///
/// # Safety
/// As for [`dunlin::tier::Tier::unwind`].
pub(crate) unsafe fn unwind() -> ! {
    // SAFETY: the caller keeps the contract.
    unsafe { super::enter::unwind() }
}

/// Whether the frame at `fp` stands where the function did that the thread's innermost call entered by a trampoline.
///
/// # Safety
/// It is the frame pointer of machine code that the innermost call led to.
pub(crate) unsafe fn is_outermost(fp: *const u8) -> bool {
    // SAFETY: there is an activation, and a frame pointer leads to the caller's.
    unsafe {
        let activation = &*Activation::current();
        let call = &*(activation.word as *const Call);
        let caller = *fp.cast::<usize>();
        !call.trampoline.is_null() && *(caller as *const usize) == activation.base()
    }
}

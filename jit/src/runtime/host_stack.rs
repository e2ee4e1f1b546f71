//! Calls Rust code on another stack. Host functions run on the thread's own stack, so that they have as much of it as
//! without machine code.

use super::enter::Activation;
use super::stack::{CodeStack, here};
use core::arch::naked_asm;
use dunlin::tier::HostFn;
use std::any::Any;


/// Calls `f(data)` on the thread's own stack, or directly if this isn't called on the code stack. Returns false,
/// without a call, if the code stack couldn't have `room` more bytes, for builtins of machine code that `f` may enter.
///
/// # Safety
/// The stack must be a live [`CodeStack`]. If this is called on it, the thread's innermost activation must be one of
/// that stack. `data` must be what `f` expects.
pub(crate) unsafe fn on_home(stack: *const (dyn Any + Send), room: usize, f: HostFn, data: *mut ()) -> bool {
    // SAFETY: by this function's contract, the stack is a live `CodeStack`, and `f` may be called with `data`. If this
    // runs on that stack, the innermost activation is one of it, so it is entered and not left.
    unsafe {
        let stack = CodeStack::of(stack);
        let here = here();
        if !stack.contains(here) {
            f(data);
            return true;
        }
        if !stack.ensure_below(here, room) {
            return false;
        }
        let activation = Activation::current();
        debug_assert!(core::ptr::eq((*activation).stack(), stack), "whoever is on a code stack has entered it last");
        // The thread is on the code stack, so its own stack is free below the landing. What `f` may enter continues on
        // the code stack where that is left.
        stack.while_left(|left| call_at((*activation).landing(), f, data, left));
    }
    true
}

/// Calls `f(data)` with the stack pointer at `top`, a multiple of 8, and first stores the current stack pointer, below
/// which the stack of the caller is free, to `left`. Backtraces end here: there is no unwind information.
///
/// # Safety
/// The stack below `top` must be free, and must exist until this returns. `f` must not unwind, and `data` must be what
/// it expects. `left` must be valid for a write.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn call_at(top: usize, f: HostFn, data: *mut (), left: *mut usize) {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "mov [rcx], rsp",
        "and rdi, -16",
        "mov rsp, rdi",
        "mov rdi, rdx",
        "call rsi",
        "mov rsp, rbp",
        "pop rbp",
        "ret",
    )
}

/// Calls `f(data)` with the stack pointer at `top`, a multiple of 16, and first stores the current stack pointer, below
/// which the stack of the caller is free, to `left`. Backtraces end here: there is no unwind information.
///
/// # Safety
/// The stack below `top` must be free, and must exist until this returns. `f` must not unwind, and `data` must be what
/// it expects. `left` must be valid for a write.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn call_at(top: usize, f: HostFn, data: *mut (), left: *mut usize) {
    naked_asm!(
        "stp x29, x30, [sp, #-16]!",
        "mov x29, sp",
        "str x29, [x3]",
        "mov sp, x0",
        "mov x0, x2",
        "blr x1",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        "ret",
    )
}

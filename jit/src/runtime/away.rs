//! Rust code on another stack than it was called on: host functions on the thread's own, so that they have what they
//! would have without machine code.

use super::enter::Activation;
use super::stack::{CodeStack, here};
use core::arch::naked_asm;
use dunlin::tier::HostFn;
use std::any::Any;


/// Calls `f(data)` on the thread's own stack, or right here if this isn't called on the code stack. False, without a call, if that
/// couldn't have `room` more bytes, for builtins of machine code that `f` may enter.
///
/// # Safety
/// The stack is a live [`CodeStack`]. If this is called on it, the thread's innermost activation is one of that stack. `data` is what
/// `f` expects.
pub(crate) unsafe fn on_home(stack: *const (dyn Any + Send), room: usize, f: HostFn, data: *mut ()) -> bool {
    // SAFETY: the caller vouches for it.
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
        // Below its landing place the thread's own stack is free, because the thread is on the code stack; what `f` may enter goes on
        // where that is left.
        stack.while_left(|left| call_at((*activation).landing(), f, data, left));
    }
    true
}

/// Calls `f(data)` with the stack pointer at `top`, which is a multiple of 8, and puts into `left` from where the stack is free that
/// it was called on. Backtraces end here: there is no unwind information.
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

/// Calls `f(data)` with the stack pointer at `top`, which is a multiple of 16, and puts into `left` from where the stack is free that
/// it was called on. Backtraces end here: there is no unwind information.
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

//! Calls Rust code on another stack. Host functions run on the thread's own stack, so that they have as much of it as
//! without machine code.

use super::activation::Activation;
use super::arch;
use super::stack::CodeStack;
use dunlin::tier::HostFn;
use std::any::Any;

/// Calls `f(data)` on the thread's own stack, or directly if this isn't called on the code stack. Returns false,
/// without a call, if the code stack couldn't have `room` more bytes, for builtins of machine code that `f` may enter.
///
/// # Safety
/// The stack must be a live [`CodeStack`]. If this is called on it, the thread's innermost activation must be one of
/// that stack. `data` must be what `f` expects.
pub(crate) unsafe fn on_host_stack(
    stack: *const (dyn Any + Send),
    room: usize,
    f: HostFn,
    data: *mut (),
) -> bool {
    // SAFETY: by this function's contract, the stack is a live `CodeStack`, and `f` may be called with `data`. If this
    // runs on that stack, the innermost activation is one of it, so it is entered and not left.
    unsafe {
        let stack = CodeStack::of(stack);
        let here = arch::stack_pointer();
        if !stack.contains(here) {
            f(data);
            return true;
        }
        if !stack.ensure_below(here, room) {
            return false;
        }
        let activation = Activation::current();
        debug_assert!(
            core::ptr::eq((*activation).stack(), stack),
            "whoever is on a code stack has entered it last"
        );
        // The thread is on the code stack, so its own stack is free below the landing. What `f` may enter continues on
        // the code stack where that is left.
        stack.while_left(|left| arch::call_on((*activation).landing(), f, data, left));
    }
    true
}

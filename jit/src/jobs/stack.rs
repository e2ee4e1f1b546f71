//! The stack that the compiler works on.

use crate::runtime::on_temporary_stack;
use std::io;

/// The size of the stack on which the compiler works on an embedder's thread, which may have a small stack. It is as
/// large as that of Rust's threads.
const STACK: usize = 2 << 20;

/// Runs `compile` on this thread, on a stack of its own.
///
/// # Errors
/// If there is no memory for the stack. Then `compile` isn't called.
pub(crate) fn on_compiler_stack<R>(compile: impl FnOnce() -> R) -> io::Result<R> {
    on_temporary_stack(STACK, compile)
}

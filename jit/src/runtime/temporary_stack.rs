//! A temporary stack for a single call. The compiler runs on one, so that the embedder's threads need no larger stacks.

use super::arch;
use super::sys::{Reservation, page_size};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Calls `f` on a new stack of `bytes` bytes, which is unmapped afterwards.
///
/// # Errors
/// If the system has no memory for the stack. Then `f` isn't called.
pub(crate) fn on_temporary_stack<R>(bytes: usize, f: impl FnOnce() -> R) -> io::Result<R> {
    let page = page_size();
    let pages = Reservation::new(bytes.next_multiple_of(page) + page, page)?;
    let (mut f, mut result, mut left) = (Some(f), None, 0);
    let mut once = || result = f.take().map(|f| catch_unwind(AssertUnwindSafe(f)));
    let mut once: &mut dyn FnMut() = &mut once;
    // SAFETY: the stack is new, and exists until `call_on` returns. `once` catches panics, so it doesn't unwind.
    unsafe { arch::call_on(pages.top(), call, (&raw mut once).cast(), &raw mut left) };
    match result.expect("it was called") {
        Ok(result) => Ok(result),
        Err(panic) => resume_unwind(panic),
    }
}

unsafe extern "C" fn call(f: *mut ()) {
    // SAFETY: `f` is the pointer that `on_temporary_stack` passes to `call_on` together with this function.
    unsafe { (*f.cast::<&mut dyn FnMut()>())() }
}

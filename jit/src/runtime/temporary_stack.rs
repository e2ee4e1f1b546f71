//! A temporary stack for a single call. The compiler runs on one, so that the embedder's threads need no larger stacks.

use super::away::call_at;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Calls `f` on a new stack of `bytes` bytes, which is unmapped afterwards.
///
/// # Errors
/// If the system has no memory for the stack. Then `f` isn't called.
pub(crate) fn on_new<R>(bytes: usize, f: impl FnOnce() -> R) -> io::Result<R> {
    let page = region::page::size();
    let len = bytes.next_multiple_of(page) + page;
    let pages = memmap2::MmapRaw::from(memmap2::MmapOptions::new().no_reserve_swap().len(len).map_anon()?);
    // A huge page would commit 2 MiB on each first touch. This is advice only: not every kernel knows it.
    let _ = pages.advise(memmap2::Advice::NoHugePage);
    // SAFETY: the page belongs to this mapping, and nothing refers into it.
    unsafe { region::protect(pages.as_ptr(), page, region::Protection::NONE) }
        .map_err(|error| io::Error::other(error.to_string()))?;
    let top = pages.as_mut_ptr() as usize + len;
    let (mut f, mut result, mut left) = (Some(f), None, 0);
    let mut once = || result = f.take().map(|f| catch_unwind(AssertUnwindSafe(f)));
    let mut once: &mut dyn FnMut() = &mut once;
    // SAFETY: the stack is new, and exists until `call_at` returns. `once` catches panics, so it doesn't unwind.
    unsafe { call_at(top, call, (&raw mut once).cast(), &raw mut left) };
    match result.expect("it was called") {
        Ok(result) => Ok(result),
        Err(panic) => resume_unwind(panic),
    }
}

unsafe extern "C" fn call(f: *mut ()) {
    // SAFETY: `f` is the pointer that `on_new` passes to `call_at` together with this function.
    unsafe { (*f.cast::<&mut dyn FnMut()>())() }
}

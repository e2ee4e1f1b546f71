//! A stack for what is called once: the compiler's, so that a thread of the embedder's needn't have as much.

use super::away::call_at;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Calls `f` on a new stack of so many bytes, which is gone afterwards.
///
/// # Errors
/// If the system has no memory for it. Then `f` isn't called.
pub(crate) fn on_new<R>(bytes: usize, f: impl FnOnce() -> R) -> io::Result<R> {
    let page = region::page::size();
    let len = bytes.next_multiple_of(page) + page;
    let pages = memmap2::MmapRaw::from(memmap2::MmapOptions::new().no_reserve_swap().len(len).map_anon()?);
    // Large pages would make 2 MiB of each that is touched. A wish; not every kernel knows it.
    let _ = pages.advise(memmap2::Advice::NoHugePage);
    // SAFETY: the page is the mapping's own, and nothing refers into it.
    unsafe { region::protect(pages.as_ptr(), page, region::Protection::NONE) }
        .map_err(|error| io::Error::other(error.to_string()))?;
    let top = pages.as_mut_ptr() as usize + len;
    let (mut f, mut result, mut left) = (Some(f), None, 0);
    let mut once = || result = f.take().map(|f| catch_unwind(AssertUnwindSafe(f)));
    let mut once: &mut dyn FnMut() = &mut once;
    // SAFETY: the stack is new, and as nothing unwinds out of `once`, this comes back before the stack goes.
    unsafe { call_at(top, call, (&raw mut once).cast(), &raw mut left) };
    match result.expect("it was called") {
        Ok(result) => Ok(result),
        Err(panic) => resume_unwind(panic),
    }
}

unsafe extern "C" fn call(f: *mut ()) {
    // SAFETY: it is what `call_at` was given with this function.
    unsafe { (*f.cast::<&mut dyn FnMut()>())() }
}

//! The alternate signal stack of each thread: when the code stack must grow, there is no other stack for the handler.
//! This also unblocks the signals of faults.

use std::cell::OnceCell;
use std::io;

/// The least room for handlers, besides the kernel's signal frame. Ours need little, but a handler to which ours passes
/// a fault on may need more.
const LEAST: usize = 64 << 10;

thread_local! {
    static OURS: OnceCell<Option<AltStack>> = const { OnceCell::new() };
}

/// Makes sure that this thread has an alternate signal stack that is large enough, and that the signals of faults are
/// unblocked: a fault whose signal is blocked ends the process. Checked once for each thread.
pub(crate) fn ensure() -> io::Result<()> {
    let made = OURS.try_with(|ours| {
        if ours.get().is_none() {
            let stack = AltStack::install_if_needed()?;
            super::signals::unblock()?;
            let set = ours.set(stack);
            debug_assert!(set.is_ok(), "nothing in between could set it");
        }
        Ok(())
    });
    made.unwrap_or_else(|_| Err(io::Error::other("machine code can't be entered while the thread ends")))
}

/// Whether [`ensure`] has succeeded on this thread.
pub(crate) fn is_ensured() -> bool {
    OURS.try_with(|ours| ours.get().is_some()).unwrap_or(false)
}

/// An alternate signal stack that we installed on this thread.
struct AltStack {
    mapping: memmap2::MmapRaw,
    before: libc::stack_t,
}

impl AltStack {
    fn install_if_needed() -> io::Result<Option<Self>> {
        // SAFETY: reads an entry of the auxiliary vector; it is 0 if the kernel didn't provide it.
        let frame = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
        let least = LEAST.max(2 * frame);
        let before = current()?;
        if before.ss_flags & libc::SS_DISABLE == 0 && before.ss_size >= least {
            return Ok(None);
        }
        let page = super::page_size();
        let len = least.next_multiple_of(page);
        let mapping = memmap2::MmapRaw::from(memmap2::MmapOptions::new().len(page + len).map_anon()?);
        // SAFETY: the first page belongs to this mapping, and nothing refers into it.
        unsafe { region::protect(mapping.as_ptr(), page, region::Protection::NONE) }
            .map_err(|error| io::Error::other(error.to_string()))?;
        let stack = libc::stack_t {
            ss_sp: mapping.as_mut_ptr().wrapping_add(page).cast(),
            ss_flags: 0,
            ss_size: len,
        };
        set(&stack)?;
        Ok(Some(Self { mapping, before }))
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        let ours = self.mapping.as_ptr() as usize;
        // Another one may have been installed since. Rust's own threads disable and free theirs when they end: that one
        // must not be restored.
        let Ok(now) = current() else { return };
        if (ours..ours + self.mapping.len()).contains(&(now.ss_sp as usize))
            && now.ss_flags & libc::SS_DISABLE == 0
        {
            // This fails only on the signal stack itself, and no thread ends there.
            let _ = set(&self.before);
        }
    }
}

fn current() -> io::Result<libc::stack_t> {
    let mut stack = libc::stack_t { ss_sp: core::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
    // SAFETY: it only writes to `stack`.
    match unsafe { libc::sigaltstack(core::ptr::null(), &mut stack) } {
        0 => Ok(stack),
        _ => Err(io::Error::last_os_error()),
    }
}

fn set(stack: &libc::stack_t) -> io::Result<()> {
    // SAFETY: it is a mapping of ours that outlives its use, or the stack that this thread had before.
    match unsafe { libc::sigaltstack(stack, core::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

//! The stack on which a thread's signals are handled: when the code's stack must grow, there is no other. And that the thread
//! doesn't block those signals.

use std::cell::OnceCell;
use std::io;

/// What handlers may need at least, besides what the kernel puts there: ours need little, but those that ours passes
/// faults on to may want more.
const LEAST: usize = 64 << 10;

thread_local! {
    static OURS: OnceCell<Option<AltStack>> = const { OnceCell::new() };
}

/// Makes sure that this thread handles signals on a stack of their own that is large enough, and that it handles faults at all: a
/// fault whose signal is blocked ends the process. Looked at once for each thread.
pub(super) fn ensure() -> io::Result<()> {
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
pub(super) fn is_ensured() -> bool {
    OURS.try_with(|ours| ours.get().is_some()).unwrap_or(false)
}

/// A stack for signals that this thread was given by us.
struct AltStack {
    mapping: memmap2::MmapRaw,
    before: libc::stack_t,
}

impl AltStack {
    fn install_if_needed() -> io::Result<Option<Self>> {
        // SAFETY: asks the kernel for a number that it told when the program began; 0 if it didn't.
        let frame = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
        let least = LEAST.max(2 * frame);
        let before = current()?;
        if before.ss_flags & libc::SS_DISABLE == 0 && before.ss_size >= least {
            return Ok(None);
        }
        let page = region::page::size();
        let len = least.next_multiple_of(page);
        let mapping = memmap2::MmapRaw::from(memmap2::MmapOptions::new().len(page + len).map_anon()?);
        // SAFETY: the first page is the mapping's own, and nothing refers into it.
        unsafe { region::protect(mapping.as_ptr(), page, region::Protection::NONE) }
            .map_err(|error| io::Error::other(error.to_string()))?;
        let stack = libc::stack_t { ss_sp: mapping.as_mut_ptr().wrapping_add(page).cast(), ss_flags: 0, ss_size: len };
        set(&stack)?;
        Ok(Some(Self { mapping, before }))
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        let ours = self.mapping.as_ptr() as usize;
        // Somebody may have put another in its place since. Rust's own threads switch theirs off when they end, and
        // then free it: that must not come back.
        let Ok(now) = current() else { return };
        if (ours..ours + self.mapping.len()).contains(&(now.ss_sp as usize)) && now.ss_flags & libc::SS_DISABLE == 0 {
            // No thread ends on its signal stack, the only reason why this could fail.
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
    // SAFETY: it is a mapping of our own that outlives its use, or what this thread had before.
    match unsafe { libc::sigaltstack(stack, core::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

//! The native stack of machine code and of the builtins that it calls. Host functions run on the thread's own stack:
//! see [`on_home`](super::on_home).
//!
//! Its whole address space is reserved. The accessible part grows downwards, a step at a time, when an access below it
//! faults. From low to high:
//!
//! ```text
//! guard | host's step | ... not yet accessible ... | accessible, charged
//! ```
//!
//! *Growth is charged* by the fault handler. If the charge is refused, or machine code would reach the last step above
//! the guard, that is a stack overflow, which is a trap.
//!
//! *Rust code can't trap* at an arbitrary access to the stack. So one step beyond the accessible part is charged in
//! advance, and lent to Rust code whose growth is refused. That is enough for a builtin to begin; it then asks with
//! [`CodeStack::ensure`] for what it needs, and can still fail. While a step is lent, `ensure` refuses everything,
//! until that step is free again and an [`enter`](super::enter()) takes it back.

use std::any::Any;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The unit of growth: a multiple of every page size that Linux has on these processors.
pub(crate) const STEP: usize = 64 << 10;

/// The budget that a stack is charged to. Both methods are called in signal handlers, on any thread, so they must be
/// atomic operations only.
pub(crate) trait Account: Send + Sync {
    /// Charges bytes; false if the budget refuses.
    fn charge(&self, bytes: u64) -> bool;
    /// Releases charged bytes.
    fn release(&self, bytes: u64);
}

/// Whether the system grants this much address space.
pub(crate) fn has_address_space(bytes: u64) -> bool {
    usize::try_from(bytes).is_ok_and(|len| memmap2::MmapOptions::new().no_reserve_swap().len(len).map_anon().is_ok())
}

/// Whether a code stack of this size leaves address space for others, where RLIMIT_AS limits it. Such a stack takes
/// many times as much as anything else in a store, and a store can do without it.
pub(crate) fn leaves_address_space(bytes: u64) -> bool {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: only writes to `limit`.
    unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) };
    limit.rlim_cur == libc::RLIM_INFINITY || has_address_space(bytes + (limit.rlim_cur / 4).min(1 << 30))
}

/// A native stack for machine code. It belongs to one thread at a time.
pub(crate) struct CodeStack {
    /// Its address space. No reference into it is ever created.
    pages: memmap2::MmapRaw,
    /// The lowest accessible address, not counting a lent step.
    low: AtomicUsize,
    /// The lowest accessible address while a step is lent to Rust code; otherwise 0.
    lent: AtomicUsize,
    /// The stack pointer with which the thread left for its own stack: below it, this stack is free. Otherwise 0.
    left: AtomicUsize,
    account: Box<dyn Account>,
}

/// The kind of code that needs more stack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum User {
    /// Machine code: a refusal is a trap.
    Code,
    /// Rust code: nothing can stop it.
    Host,
}

impl CodeStack {
    /// Reserves address space for `len` bytes of stack, rounded up to whole steps, and charges two steps: the one that
    /// is accessible at once, and the one that may be lent.
    pub(crate) fn new(len: usize, account: Box<dyn Account>) -> io::Result<Self> {
        let no_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
        let len = len.max(1).checked_next_multiple_of(STEP).and_then(|len| len.checked_add(2 * STEP));
        let len = len.ok_or_else(no_memory)?;
        if !account.charge(2 * STEP as u64) {
            return Err(no_memory());
        }
        let pages = memmap2::MmapOptions::new().no_reserve_swap().len(len).map_anon();
        let pages = pages.inspect_err(|_| account.release(2 * STEP as u64))?;
        // A huge page would commit 2 MiB on a touch, uncharged. This is advice only: not every kernel knows it.
        let _ = pages.advise(memmap2::Advice::NoHugePage);
        let pages = memmap2::MmapRaw::from(pages);
        let low = pages.as_ptr() as usize + pages.len() - STEP;
        let stack = Self { pages, low: low.into(), lent: 0.into(), left: 0.into(), account };
        // SAFETY: the pages belong to this mapping, and nothing refers into it.
        unsafe { region::protect(stack.bottom() as *const u8, low - stack.bottom(), region::Protection::NONE) }
            .map_err(|error| io::Error::other(error.to_string()))?;
        Ok(stack)
    }

    /// Recovers the stack from the engine's type-erased pointer.
    ///
    /// # Safety
    /// The pointer must be to a [`CodeStack`] that outlives `'a`.
    #[inline(always)]
    pub(crate) unsafe fn of<'a>(stack: *const (dyn Any + Send)) -> &'a Self {
        // SAFETY: by this function's contract, it is a `CodeStack` that outlives `'a`.
        unsafe {
            debug_assert!((*stack).is::<Self>(), "the tier's own stack");
            &*stack.cast::<Self>()
        }
    }

    /// The address after the highest byte: where the stack begins.
    pub(crate) fn top(&self) -> usize {
        self.bottom() + self.pages.len()
    }

    /// The address below which the stack is free for a thread that isn't on it: the top, or where that thread left it.
    pub(super) fn free(&self) -> usize {
        match self.left.load(Ordering::Relaxed) {
            0 => self.top(),
            left => left,
        }
    }

    /// Calls `f` with the word into which it must store the stack pointer when it leaves this stack. Restores the word
    /// afterwards. Only the thread that is on the stack may leave it.
    #[inline]
    pub(super) fn while_left(&self, f: impl FnOnce(*mut usize)) {
        let before = self.left.load(Ordering::Relaxed);
        f(self.left.as_ptr());
        self.left.store(before, Ordering::Relaxed);
    }

    fn bottom(&self) -> usize {
        self.pages.as_ptr() as usize
    }

    /// The lowest address that machine code may use.
    pub(crate) fn limit(&self) -> usize {
        self.bottom() + 2 * STEP
    }

    /// Whether an address lies in the stack's address space, accessible or not.
    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.bottom()) < self.pages.len()
    }

    /// Whether the word at an address of the stack can be read.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "elsewhere no call pushes its return address"))]
    pub(super) fn is_accessible(&self, address: usize) -> bool {
        self.contains(address) && address >= self.low.load(Ordering::Relaxed)
    }

    /// How many bytes are charged.
    pub(crate) fn charged(&self) -> u64 {
        (self.top() - self.low.load(Ordering::Relaxed) + STEP) as u64
    }

    /// Makes the highest `bytes` accessible.
    pub(crate) fn begin_with(&self, bytes: usize) -> bool {
        let to = self.top() - bytes;
        to >= self.low.load(Ordering::Relaxed) || self.grow(to, User::Code)
    }

    /// Ensures that Rust code that is called now, on this stack, can use `bytes` more of it. If not, that is a stack
    /// overflow, and the caller must trap or not make the call. Rust code that uses more than one step must ask again.
    pub(crate) fn ensure(&self, bytes: usize) -> bool {
        self.ensure_below(here(), bytes)
    }

    /// As [`CodeStack::ensure`], where the stack pointer is known.
    #[inline]
    pub(super) fn ensure_below(&self, here: usize, bytes: usize) -> bool {
        debug_assert!(self.contains(here), "only who is on the stack can ask for more of it");
        let Some(to) = here.checked_sub(bytes) else { return false };
        self.lent.load(Ordering::Relaxed) == 0
            && (to >= self.low.load(Ordering::Relaxed) || self.grow(to, User::Code))
    }

    /// Makes the stack accessible from `address` upwards. False if growth is refused, or if `address` was accessible
    /// already, in which case the fault has another reason. Called in signal handlers, and may be interrupted by one
    /// that calls it again.
    #[cold]
    #[inline(never)]
    pub(super) fn grow(&self, address: usize, user: User) -> bool {
        debug_assert!(self.contains(address));
        let lent = self.lent.load(Ordering::Relaxed);
        let low = self.low.load(Ordering::Relaxed);
        if address >= if lent == 0 { low } else { lent } {
            return false;
        }
        let to = low - (low - address).next_multiple_of(STEP);
        if lent == 0 && to >= self.limit() && self.account.charge((low - to) as u64) {
            if self.protect(to, low, libc::PROT_READ | libc::PROT_WRITE) {
                // If a fault on this very path made the stack grow meanwhile, part of this charge would be paid twice.
                let now = self.low.load(Ordering::Relaxed);
                self.low.store(now.min(to), Ordering::Relaxed);
                self.account.release((low - now.max(to)) as u64);
                return true;
            }
            self.account.release((low - to) as u64);
        }
        user == User::Host && to >= low - STEP && self.lend(low)
    }

    fn lend(&self, low: usize) -> bool {
        let to = low - STEP;
        let granted = self.protect(to, low, libc::PROT_READ | libc::PROT_WRITE);
        if granted {
            self.lent.store(to, Ordering::Relaxed);
        }
        granted
    }

    /// Takes the lent step back if it isn't in use: `sp` says from where downwards the stack is free. A margin of a
    /// quarter of a step covers frames just below `sp`.
    pub(super) fn settle(&self, sp: usize) {
        let lent = self.lent.load(Ordering::Relaxed);
        let low = self.low.load(Ordering::Relaxed);
        if lent == 0 || (self.contains(sp) && sp < low + STEP / 4) {
            return;
        }
        // SAFETY: the pages belong to this stack, and `sp` shows that nothing live is in them.
        unsafe { libc::madvise(lent as *mut libc::c_void, low - lent, libc::MADV_DONTNEED) };
        if self.protect(lent, low, libc::PROT_NONE) {
            self.lent.store(0, Ordering::Relaxed);
        }
    }

    fn protect(&self, from: usize, to: usize, protection: libc::c_int) -> bool {
        debug_assert!(self.contains(from) && to <= self.top());
        // SAFETY: the pages belong to this stack, and callers remove access only from pages without live data. The
        // system call is made directly because it must be async-signal-safe.
        unsafe { libc::mprotect(from as *mut libc::c_void, to - from, protection) == 0 }
    }
}

impl Drop for CodeStack {
    fn drop(&mut self) {
        self.account.release(self.charged());
    }
}

impl std::fmt::Debug for CodeStack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CodeStack({:#x}..{:#x}, {} charged)", self.bottom(), self.top(), self.charged())
    }
}

/// The stack pointer, approximately.
#[inline(always)]
pub(super) fn here() -> usize {
    let sp;
    // SAFETY: reads a register.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags));
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!("mov {}, sp", out(reg) sp, options(nomem, nostack, preserves_flags));
    }
    sp
}

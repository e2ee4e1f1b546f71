//! The native stack of machine code and of the builtins that it calls. Host functions run on the thread's own stack:
//! see [`on_host_stack`](super::on_host_stack).
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
//! until that step is free again and an [`enter`](super::activation::enter) takes it back.

use super::arch;
use super::sys::{Access, Reservation};
use std::any::Any;
use std::io;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

/// The unit of growth: a multiple of every page size that Linux has on these processors.
pub(crate) const STEP: usize = 64 << 10;

/// The budget that a stack is charged to. Both methods are called in signal handlers, on any thread, so they must be
/// atomic operations only.
pub(crate) trait StackAccount: Send + Sync {
    /// Charges bytes; false if the budget refuses.
    fn charge(&self, bytes: u64) -> bool;
    /// Releases charged bytes.
    fn release(&self, bytes: u64);
}

/// The address space of stacks that were dropped, for the next ones: making it takes longer than a short call. The
/// system has the pages back; the highest step is accessible, as in a new stack.
static SPARE: Mutex<[Option<Reservation>; 4]> = Mutex::new([const { None }; 4]);

fn spare() -> MutexGuard<'static, [Option<Reservation>; 4]> {
    SPARE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A native stack for machine code. It belongs to one thread at a time.
pub(crate) struct CodeStack {
    pages: ManuallyDrop<Reservation>,
    /// The lowest accessible address, not counting a lent step.
    low: AtomicUsize,
    /// The lowest accessible address while a step is lent to Rust code; otherwise 0.
    lent: AtomicUsize,
    /// The stack pointer with which the thread left for its own stack: below it, this stack is free. Otherwise 0.
    left: AtomicUsize,
    account: Box<dyn StackAccount>,
}

/// The kind of code that needs more stack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StackUser {
    /// Machine code: a refusal is a trap.
    Code,
    /// Rust code: nothing can stop it.
    Host,
}

impl CodeStack {
    /// Reserves address space for `len` bytes of stack, rounded up to whole steps, and charges two steps: the one that
    /// is accessible at once, and the one that may be lent.
    pub(crate) fn new(len: usize, account: Box<dyn StackAccount>) -> io::Result<Self> {
        let no_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
        let len = len.max(1).checked_next_multiple_of(STEP).and_then(|len| len.checked_add(2 * STEP));
        let len = len.ok_or_else(no_memory)?;
        if !account.charge(2 * STEP as u64) {
            return Err(no_memory());
        }
        let fits = |place: &mut Option<Reservation>| place.take_if(|pages| pages.len() == len);
        let used_before = spare().iter_mut().find_map(fits);
        let pages = used_before.map_or_else(|| Reservation::new(len, len - STEP), Ok);
        let pages = ManuallyDrop::new(pages.inspect_err(|_| account.release(2 * STEP as u64))?);
        let low = pages.top() - STEP;
        Ok(Self { pages, low: low.into(), lent: 0.into(), left: 0.into(), account })
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
        self.pages.top()
    }

    /// The address below which the stack is free for a thread that isn't on it: the top, or where that thread left it.
    pub(super) fn free(&self) -> usize {
        match self.left.load(Ordering::Relaxed) {
            0 => self.top(),
            left => left,
        }
    }

    /// How many bytes are left for machine code that this thread enters now, whether or not they can be had.
    pub(crate) fn left(&self) -> usize {
        let here = arch::stack_pointer();
        let from = if self.contains(here) { here } else { self.free() };
        from.saturating_sub(self.limit())
    }

    /// Calls `f` with the word into which it must store the stack pointer when it leaves this stack. Restores the word
    /// afterwards. Only the thread that is on the stack may leave it.
    #[inline]
    pub(super) fn while_left(&self, f: impl FnOnce(*mut usize)) {
        let before = self.left.load(Ordering::Relaxed);
        f(self.left.as_ptr());
        self.left.store(before, Ordering::Relaxed);
    }

    /// The lowest address that machine code may use.
    pub(crate) fn limit(&self) -> usize {
        self.pages.bottom() + 2 * STEP
    }

    /// Whether an address lies in the stack's address space, accessible or not.
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.pages.contains(address)
    }

    /// Whether the word at an address of the stack can be read.
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
        to >= self.low.load(Ordering::Relaxed) || self.grow(to, StackUser::Code)
    }

    /// Ensures that Rust code that is called now, on this stack, can use `bytes` more of it. If not, that is a stack
    /// overflow, and the caller must trap or not make the call. Rust code that uses more than one step must ask again.
    pub(crate) fn ensure(&self, bytes: usize) -> bool {
        self.ensure_below(arch::stack_pointer(), bytes)
    }

    /// As [`CodeStack::ensure`], where the stack pointer is known.
    #[inline]
    pub(super) fn ensure_below(&self, here: usize, bytes: usize) -> bool {
        debug_assert!(self.contains(here), "only who is on the stack can ask for more of it");
        let Some(to) = here.checked_sub(bytes) else { return false };
        self.lent.load(Ordering::Relaxed) == 0
            && (to >= self.low.load(Ordering::Relaxed) || self.grow(to, StackUser::Code))
    }

    /// Makes the stack accessible from `address` upwards. False if growth is refused, or if `address` was accessible
    /// already, in which case the fault has another reason. Called in signal handlers, and may be interrupted by one
    /// that calls it again.
    #[cold]
    #[inline(never)]
    pub(super) fn grow(&self, address: usize, user: StackUser) -> bool {
        debug_assert!(self.contains(address));
        let lent = self.lent.load(Ordering::Relaxed);
        let low = self.low.load(Ordering::Relaxed);
        if address >= if lent == 0 { low } else { lent } {
            return false;
        }
        let to = low - (low - address).next_multiple_of(STEP);
        if lent == 0 && to >= self.limit() && self.account.charge((low - to) as u64) {
            if self.make_accessible(to, low) {
                // If a fault on this very path made the stack grow meanwhile, part of this charge would be paid twice.
                let now = self.low.load(Ordering::Relaxed);
                self.low.store(now.min(to), Ordering::Relaxed);
                self.account.release((low - now.max(to)) as u64);
                return true;
            }
            self.account.release((low - to) as u64);
        }
        user == StackUser::Host && to >= low - STEP && self.lend(low)
    }

    fn lend(&self, low: usize) -> bool {
        let to = low - STEP;
        let granted = self.make_accessible(to, low);
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
        // SAFETY: `sp` shows that nothing live is in the lent pages.
        let taken = unsafe {
            self.pages.discard(lent, low);
            self.pages.protect(lent, low, Access::None)
        };
        if taken {
            self.lent.store(0, Ordering::Relaxed);
        }
    }

    fn make_accessible(&self, from: usize, to: usize) -> bool {
        // SAFETY: no page loses access.
        unsafe { self.pages.protect(from, to, Access::ReadWrite) }
    }
}

impl Drop for CodeStack {
    fn drop(&mut self) {
        self.account.release(self.charged());
        let (low, top) = (self.low.load(Ordering::Relaxed), self.top());
        let low = match self.lent.load(Ordering::Relaxed) {
            0 => low,
            lent => lent,
        };
        // SAFETY: nobody is on the stack any more, and the pages aren't used after this.
        let (pages, is_new) = unsafe {
            self.pages.discard(low, top);
            let is_new = low == top - STEP || self.pages.protect(low, top - STEP, Access::None);
            (ManuallyDrop::take(&mut self.pages), is_new)
        };
        if is_new && let Some(place) = spare().iter_mut().find(|place| place.is_none()) {
            *place = Some(pages);
        }
    }
}

impl std::fmt::Debug for CodeStack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CodeStack({:#x}..{:#x}, {} charged)", self.pages.bottom(), self.top(), self.charged())
    }
}

//! The embedder's hook at calls between host and guest.

use super::StoreInner;
use crate::Error;
use alloc::boxed::Box;

/// How control passes between the host and the guest: see [`Store::call_hook`](crate::Store::call_hook).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallHook {
    /// The host calls the guest, or goes on with a call that was suspended.
    CallingWasm,
    /// The guest returns to the host, or stops.
    ReturningFromWasm,
    /// The guest calls the host.
    CallingHost,
    /// The host returns to the guest.
    ReturningFromHost,
}

impl CallHook {
    /// Whether the host executes next.
    pub fn entering_host(self) -> bool {
        matches!(self, CallHook::ReturningFromWasm | CallHook::CallingHost)
    }

    /// Whether the guest executes next.
    pub fn exiting_host(self) -> bool {
        !self.entering_host()
    }
}

/// Called with the pointer by which the store knows itself.
pub(crate) type Hook = dyn FnMut(*mut StoreInner, CallHook) -> Result<(), Error> + Send + Sync;

impl StoreInner {
    pub(crate) fn set_hook(&mut self, hook: Box<Hook>) {
        self.hook = Some(hook);
    }

    /// Calls the hook, if there is one.
    ///
    /// # Safety
    /// `store` is a live store, reached through its own pointer (`vm.store`), and no reference to its parts is held.
    #[inline]
    pub(crate) unsafe fn pass(store: *mut StoreInner, passes: CallHook) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe { if (*store).hook.is_none() { Ok(()) } else { Self::call_the_hook(store, passes) } }
    }

    #[cold]
    unsafe fn call_the_hook(store: *mut StoreInner, passes: CallHook) -> Result<(), Error> {
        // SAFETY: the caller's contract. The hook is taken out, so that it isn't called for what it calls itself.
        let Some(mut hook) = (unsafe { (*store).hook.take() }) else { return Ok(()) };
        let result = hook(store, passes);
        // SAFETY: as before.
        unsafe { (*store).hook.get_or_insert(hook) };
        result
    }
}

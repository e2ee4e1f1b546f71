//! Handles to a store's interruption.

use crate::memory::Shared;
use crate::runtime::interrupt::InterruptState;
#[cfg(feature = "std")]
use std::io;

/// Stops what a store executes, from any thread. Made by [`Store::interrupt_handle`](crate::Store::interrupt_handle).
#[derive(Clone)]
pub struct InterruptHandle {
    state: Shared<InterruptState>,
}

impl InterruptHandle {
    pub(crate) fn new(state: Shared<InterruptState>) -> Self {
        Self { state }
    }

    /// Makes the guest trap with [`Trap::Interrupt`](crate::Trap::Interrupt), soon; what the store executes next, if it
    /// executes nothing now. One trap answers all interruptions that were asked for before it.
    pub fn interrupt(&self) {
        self.state.set();
    }

    /// Has the guest be suspended soon, in a call that can go on ([`Func::call_resumable`](crate::Func::call_resumable),
    /// [`SuspendedCall::resume`](crate::SuspendedCall::resume)): it stops with [`Trap::Interrupt`](crate::Trap::Interrupt), and
    /// [`SuspendedCall::wants_snapshot`](crate::SuspendedCall::wants_snapshot) tells that from an interruption. Compiled code
    /// stops, too, with [`Config::suspend_compiled`](crate::Config::suspend_compiled).
    ///
    /// Other calls aren't disturbed. If such a one executes, or nothing does, the request is for the next call that can go on, and
    /// there for what that executes itself: while a host function calls the guest again, it waits. One stop
    /// answers all requests before it. If an interruption was asked for as well, that stops the call when it goes on.
    ///
    /// A host function that waits by an [`InterruptWaiter`] returns [`Trap::Interrupt`](crate::Trap::Interrupt) as for an interruption,
    /// and is called again when the call goes on.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Config, Engine, Linker, Module, ResumableCall, Snapshot, Store, Val};
    /// let engine = Engine::new(Config::new().snapshots(true).suspend_compiled(true))?;
    /// let module = Module::new(&engine, r#"(module (global $go_on (export "go_on") (mut i32) (i32.const 1))
    ///     (func (export "work") (result i32) (local i32)
    ///         (loop $again
    ///             (local.set 0 (i32.add (local.get 0) (i32.const 1)))
    ///             (br_if $again (global.get $go_on)))
    ///         (local.get 0)))"#)?;
    /// let (mut store, linker) = (Store::new(&engine, ()), Linker::new(&engine));
    /// let work = linker.instantiate(&mut store, &module)?.get_func(&store, "work").unwrap();
    /// let (handle, mut results) = (store.interrupt_handle(), [Val::I32(0)]);
    /// let call = std::thread::scope(|scope| {
    ///     scope.spawn(move || handle.request_snapshot());
    ///     work.call_resumable(&mut store, &[], &mut results)
    /// })?;
    /// let ResumableCall::Suspended(call) = call else { panic!("it doesn't end") };
    /// assert!(call.wants_snapshot());
    /// let mut bytes = Vec::new();
    /// call.snapshot(&mut store, &linker, b"", &mut bytes)?;
    ///
    /// // It goes on elsewhere, or here: `call.resume(&mut store, &mut results)`.
    /// let mut elsewhere = Store::new(&engine, ());
    /// let restored = Snapshot::open(engine.budget(), &bytes[..])?.restore(&mut elsewhere, &linker, &[&module])?;
    /// let go_on = restored.instances[0].get_global(&elsewhere, "go_on").unwrap();
    /// go_on.set(&mut elsewhere, Val::I32(0))?;
    /// let call = restored.call.unwrap().resume(&mut elsewhere, &mut results)?;
    /// assert!(matches!(call, ResumableCall::Finished));
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    #[cfg(feature = "snapshot")]
    pub fn request_snapshot(&self) {
        self.state.want_snapshot();
    }
}

impl core::fmt::Debug for InterruptHandle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InterruptHandle").finish_non_exhaustive()
    }
}

#[cfg(feature = "std")]
/// Becomes readable, for `poll` and its like, when its store is interrupted.
///
/// A host function that waits for anything should wait for this too, and then return
/// [`Trap::Interrupt`](crate::Trap::Interrupt), which answers the interruption. Don't read from it.
pub struct InterruptWaiter {
    state: Shared<InterruptState>,
}

#[cfg(feature = "std")]
impl InterruptWaiter {
    pub(crate) fn new(state: Shared<InterruptState>) -> io::Result<Self> {
        state.make_pipe()?;
        Ok(Self { state })
    }

    /// Whether an interruption was asked for and hasn't stopped anything yet.
    pub fn is_interrupted(&self) -> bool {
        self.state.is_set()
    }

    /// Whether a [snapshot](InterruptHandle::request_snapshot) is why: the host function, when it has returned
    /// [`Trap::Interrupt`](crate::Trap::Interrupt), will be called again with the same arguments.
    pub fn is_for_snapshot(&self) -> bool {
        self.state.is_for_snapshot()
    }
}

#[cfg(all(unix, feature = "std"))]
impl std::os::fd::AsFd for InterruptWaiter {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.state.pipe.get().expect("made by `new`").as_fd()
    }
}

#[cfg(feature = "std")]
impl core::fmt::Debug for InterruptWaiter {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InterruptWaiter").field("interrupted", &self.is_interrupted()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_waiting(state: &InterruptState) -> bool {
        // Find out whether a read would return at once, by a thread that reads; if it blocks, the byte below ends it.
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                state.pipe.get().unwrap().clear();
                let _ = sender.send(());
            });
            let waiting = receiver.recv_timeout(std::time::Duration::from_millis(100)).is_ok();
            // Puts a byte there for the thread, or the one that it took back.
            state.pipe.get().unwrap().signal();
            if !waiting {
                receiver.recv().unwrap();
            }
            waiting
        })
    }

    #[test]
    fn the_pipe_follows_the_flag() {
        for early in [true, false] {
            let state = Shared::new(InterruptState::new());
            let handle = InterruptHandle::new(state.clone());
            if early {
                handle.interrupt();
            }
            let waiter = InterruptWaiter::new(state.clone()).unwrap();
            assert_eq!(waiter.is_interrupted(), early);
            assert_eq!(bytes_waiting(&state), early);
            handle.interrupt();
            handle.interrupt();
            assert!(waiter.is_interrupted() && bytes_waiting(&state));
            assert!(state.take() && !state.take());
            assert!(!waiter.is_interrupted() && !bytes_waiting(&state));
        }
    }
}

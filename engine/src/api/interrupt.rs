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

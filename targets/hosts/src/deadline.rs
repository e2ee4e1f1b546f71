//! Interrupts a guest at its deadline.

use dunlin::InterruptHandle;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

/// A thread that waits for deadlines: one guest's at a time.
pub(crate) struct Deadlines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    awaited: Option<(Instant, InterruptHandle)>,
    is_over: bool,
}

/// While this lives, its guest has a deadline.
pub(crate) struct Awaited<'d>(&'d Shared);

impl Deadlines {
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let waiting = shared.clone();
        std::thread::Builder::new().name("deadlines".into()).spawn(move || waiting.wait())?;
        Ok(Self(shared))
    }

    /// Interrupts a guest then, unless what this gives was dropped before.
    pub(crate) fn interrupt_at(&self, deadline: Instant, guest: InterruptHandle) -> Awaited<'_> {
        self.0.lock().awaited = Some((deadline, guest));
        self.0.changed.notify_one();
        Awaited(&self.0)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn wait(&self) {
        let mut state = self.lock();
        while !state.is_over {
            let left = state.awaited.as_ref().map(|(at, _)| at.saturating_duration_since(Instant::now()));
            state = match left {
                Some(left) if left.is_zero() => {
                    if let Some((_, guest)) = state.awaited.take() {
                        guest.interrupt();
                    }
                    state
                }
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
                }
                None => self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner()),
            };
        }
    }
}

impl Awaited<'_> {
    /// The guest has no deadline any more. Says whether it was interrupted.
    #[cfg(feature = "proxy-wasm")]
    pub(crate) fn end(self) -> bool {
        self.0.lock().awaited.is_none()
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.0.lock().awaited = None;
    }
}

impl Drop for Deadlines {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_one();
    }
}

//! Interrupts guests at their deadlines.

use dunlin::InterruptHandle;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

/// A thread that waits for deadlines.
pub(crate) struct Deadlines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// With the number that each goes by. They are few.
    awaited: Vec<(u64, Instant, InterruptHandle)>,
    last: u64,
    is_over: bool,
}

/// While this lives, its guest has a deadline.
pub(crate) struct Awaited(Arc<Shared>, u64);

impl Deadlines {
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let waiting = shared.clone();
        std::thread::Builder::new().name("deadlines".into()).spawn(move || waiting.wait())?;
        Ok(Self(shared))
    }

    /// Interrupts a guest then, unless what this gives was dropped before.
    pub(crate) fn interrupt_at(&self, deadline: Instant, guest: InterruptHandle) -> Awaited {
        let mut state = self.0.lock();
        state.last += 1;
        let number = state.last;
        state.awaited.push((number, deadline, guest));
        self.0.changed.notify_one();
        Awaited(self.0.clone(), number)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn wait(&self) {
        let mut state = self.lock();
        while !state.is_over {
            let now = Instant::now();
            for (_, _, guest) in state.awaited.extract_if(.., |(_, deadline, _)| *deadline <= now) {
                guest.interrupt();
            }
            let next = state.awaited.iter().map(|(_, deadline, _)| *deadline - now).min();
            state = match next {
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
                }
                None => self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner()),
            };
        }
    }
}

impl Awaited {
    /// The guest has no deadline any more. Says whether it was interrupted.
    #[cfg(feature = "proxy-wasm")]
    pub(crate) fn end(self) -> bool {
        self.0.lock().awaited.iter().all(|(number, ..)| *number != self.1)
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.0.lock().awaited.retain(|(number, ..)| *number != self.1);
    }
}

impl Drop for Deadlines {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_one();
    }
}

//! Stores that are interrupted with their request.

use super::exchange::Exchange;
use dunlin::InterruptHandle;
use std::fmt;
use std::sync::Arc;

/// While this lives, a store is interrupted when its request's time is up, or its client goes away.
///
/// The interruption may come at any moment until then. A store that is used again afterwards must be asked for
/// [`was_stopped`](Self::was_stopped) first: it may have an interruption to come.
#[must_use]
pub struct Interruptible {
    exchange: Arc<Exchange>,
    number: u64,
}

impl Interruptible {
    pub(super) fn new(exchange: &Arc<Exchange>, handle: InterruptHandle) -> Self {
        Self { exchange: exchange.clone(), number: exchange.add_guest(handle) }
    }

    /// Whether the store was interrupted.
    pub fn was_stopped(&self) -> bool {
        self.exchange.stopped().is_some()
    }

    /// The store is done with this request: from now on it isn't interrupted. Says whether it can be used again, which
    /// is so if it never was.
    pub fn release(self) -> bool {
        self.exchange.remove_guest(self.number)
    }
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        self.exchange.remove_guest(self.number);
    }
}

impl fmt::Debug for Interruptible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interruptible").field("was_stopped", &self.was_stopped()).finish()
    }
}

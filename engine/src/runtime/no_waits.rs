//! What [`waits`](super::waits) has, where there are no threads that could wait.

use super::shared_memory::WaitResult;
use crate::memory::Budget;
use crate::{Error, ErrorKind};
use core::time::Duration;

pub(crate) struct Waits;

impl Waits {
    pub(crate) fn new(_: &Budget) -> Waits {
        Waits
    }

    /// Ends at once, if it may.
    ///
    /// # Errors
    /// If it would wait.
    pub(crate) fn wait(
        &self,
        _at: u64,
        is_expected: impl FnOnce() -> bool,
        timeout: Option<Duration>,
        _is_interrupted: impl Fn() -> bool,
    ) -> Result<Option<WaitResult>, Error> {
        if !is_expected() {
            return Ok(Some(WaitResult::Mismatch));
        }
        if timeout == Some(Duration::ZERO) {
            return Ok(Some(WaitResult::TimedOut));
        }
        let message =
            "nothing can wait at a shared memory here: the engine was built without its feature `std`";
        Err(Error::of_kind(ErrorKind::Limit, message))
    }

    /// Nobody waits.
    pub(crate) fn notify(&self, _at: u64, _count: u32) -> u32 {
        0
    }

    pub(crate) fn wake_all(&self) {}
}

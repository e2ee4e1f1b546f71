//! Waiting that is left to the caller: what a call would have waited for.

use super::system::{AsFd, OwnedFd, PollFd, PollFlags};
use crate::errno::{Errno, Fail};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Where a call that must not wait puts what it would have waited for.
#[derive(Default)]
pub(crate) struct Later(RefCell<Option<Wait>>);

/// Descriptors of which one has to be ready, and how long that may last.
pub(crate) struct Wait {
    pub(crate) fds: Vec<(OwnedFd, PollFlags)>,
    pub(crate) until: Option<Instant>,
}

impl Later {
    /// Notes what to wait for; the call then fails with the result, and is repeated after the wait.
    pub(super) fn wait_for(
        &self,
        fds: &[PollFd<'_>],
        events: &dyn Fn(usize) -> PollFlags,
        timeout: Option<Duration>,
    ) -> Fail {
        let own = |(index, fd): (usize, &PollFd<'_>)| Ok((fd.as_fd().try_clone_to_owned()?, events(index)));
        let fds: std::io::Result<Vec<_>> = fds.iter().enumerate().map(own).collect();
        match fds {
            Ok(fds) => {
                let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
                *self.0.borrow_mut() = Some(Wait { fds, until });
                Fail::Waits
            }
            Err(error) => Errno::from(error).into(),
        }
    }

    #[cfg(feature = "async")]
    pub(crate) fn take(&self) -> Option<Wait> {
        self.0.borrow_mut().take()
    }
}

//! Waiting by a future, on any executor: a thread of the crate `async-io` wakes it.

use super::interrupt::PollFlags;
use super::later::Wait;
use async_io::{Async, Timer};
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::Poll;

impl Wait {
    /// Waits until a descriptor may be ready, or the time has passed.
    pub(crate) async fn ready(self) -> io::Result<()> {
        let mut fds: Vec<(Async<OwnedFd>, PollFlags)> = Vec::with_capacity(self.fds.len());
        for (fd, events) in self.fds {
            // They are shared with the guest and perhaps with other processes, so they stay blocking if they are.
            fds.push((Async::new_nonblocking(fd)?, events));
        }
        let mut timer = self.until.map(Timer::at);
        poll_fn(|context| {
            for (fd, events) in &fds {
                let ready = match events.contains(PollFlags::OUT) {
                    true => fd.poll_writable(context),
                    false => fd.poll_readable(context),
                };
                if let Poll::Ready(result) = ready {
                    return Poll::Ready(result);
                }
            }
            match &mut timer {
                Some(timer) => Pin::new(timer).poll(context).map(|_| Ok(())),
                None => Poll::Pending,
            }
        })
        .await
    }
}

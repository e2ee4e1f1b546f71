//! Waiting, which an interruption of the store ends: the only place where a call waits.

use super::later::Later;
use super::system::{self, AsFd, BorrowedFd};
use crate::errno::{Errno, Fail, Result};
use dunlin::InterruptWaiter;
use std::io;
use std::time::Duration;

pub(crate) use super::system::{PollFd, PollFlags};

/// What ends a wait early: becomes readable once the store is interrupted.
#[derive(Clone, Copy)]
pub(crate) struct Interrupt<'a> {
    fd: Option<BorrowedFd<'a>>,
    waiter: Option<&'a InterruptWaiter>,
    /// Where what is to be waited for is put, if the call doesn't wait itself.
    later: Option<&'a Later>,
}

impl<'a> Interrupt<'a> {
    /// For a call that waits, if it has a waiter.
    pub(crate) fn new(waiter: Option<&'a InterruptWaiter>, later: Option<&'a Later>) -> Self {
        Self { fd: waiter.map(AsFd::as_fd), waiter, later }
    }

    #[cfg(test)]
    pub(crate) fn by(fd: Option<BorrowedFd<'a>>) -> Self {
        Self { fd, waiter: None, later: None }
    }

    /// Whether the guest is suspended for a snapshot, and will call the same function again.
    pub(crate) fn is_for_snapshot(self) -> bool {
        self.waiter.is_some_and(InterruptWaiter::is_for_snapshot)
    }

    /// What is to be polled last, besides what is waited for.
    pub(crate) fn entry(self) -> Option<PollFd<'a>> {
        self.fd.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
    }

    /// Waits until one of `fds` is ready, the last of which is [`entry`](Self::entry), or `timeout` has passed; returns
    /// how many are ready. `events` says which events of each are waited for.
    pub(crate) fn poll(
        self,
        fds: &mut [PollFd<'_>],
        events: &dyn Fn(usize) -> PollFlags,
        timeout: Option<Duration>,
    ) -> Result<usize> {
        let now = Some(Duration::ZERO);
        if let Some(later) = self.later.filter(|_| timeout != now) {
            let count = Self { later: None, ..self }.poll(fds, events, now)?;
            return if count > 0 { Ok(count) } else { Err(later.wait_for(fds, events, timeout)) };
        }
        let count = ready(system::poll(fds, timeout));
        let interrupted = self.fd.is_some() && fds.last().is_some_and(|fd| !fd.revents().is_empty());
        if interrupted { Err(Fail::Interrupted) } else { Ok(count?) }
    }

    /// Waits until `fd` is ready, or fails at once if it isn't and nobody shall wait.
    pub(crate) fn wait_or_again(self, fd: impl AsFd, events: PollFlags, nonblock: bool) -> Result {
        if self.wait(fd, events, nonblock.then_some(Duration::ZERO))? {
            Ok(())
        } else {
            Err(Errno::AGAIN.into())
        }
    }

    /// Doesn't wait, but fails if a wait would have been ended.
    pub(crate) fn check(self) -> Result {
        self.entry().map_or(Ok(()), |entry| {
            self.poll(&mut [entry], &|_| PollFlags::IN, Some(Duration::ZERO)).map(|_| ())
        })
    }

    /// Waits until `fd` is ready; returns whether it is, rather than that `timeout` has passed.
    pub(crate) fn wait(self, fd: impl AsFd, events: PollFlags, timeout: Option<Duration>) -> Result<bool> {
        let wanted = || PollFd::new(&fd, events);
        let (mut one, mut two);
        let fds: &mut [PollFd<'_>] = match self.entry() {
            Some(entry) => {
                two = [wanted(), entry];
                &mut two
            }
            None => {
                one = [wanted()];
                &mut one
            }
        };
        loop {
            // A signal makes the wait return early, without anything being ready.
            let of = |index| if index == 0 { events } else { PollFlags::IN };
            if self.poll(fds, &of, timeout)? > 0 {
                return Ok(true);
            }
            if timeout.is_some() {
                return Ok(false);
            }
        }
    }
}

/// A signal isn't the guest's concern.
fn ready(count: io::Result<usize>) -> Result<usize, Errno> {
    match count {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
        count => Ok(count?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_signal_ends_no_wait() {
        use rustix::io::Errno as Os;
        assert_eq!(ready(Err(Os::INTR.into())), Ok(0));
        assert_eq!(ready(Err(Os::NOMEM.into())), Err(Errno::NOMEM));
        assert_eq!(ready(Ok(2)), Ok(2));
    }

    #[test]
    fn an_interruption_ends_waiting() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let (other, _open) = std::io::pipe().unwrap();
        let interrupt = Interrupt::by(Some(reader.as_fd()));
        let timeout = Some(Duration::from_millis(1));
        assert_eq!(interrupt.wait(&other, PollFlags::IN, timeout), Ok(false));
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            writer.write_all(&[0]).unwrap();
            writer
        });
        assert_eq!(interrupt.wait(&other, PollFlags::IN, None), Err(Fail::Interrupted));
        thread.join().unwrap();
    }
}

//! `poll_oneoff`: waiting for several things at once.

use crate::WasiCtx;
use crate::abi::{Rights, SubscriptionLayout};
use crate::ctx::InterruptedWait;
use crate::errno::{Errno, Fail, Result};
use crate::fds::FdKind;
use crate::guest::Guest;
use crate::host::clocks::{Clocks, MONOTONIC};
use crate::host::interrupt::{PollFd, PollFlags};
use crate::host::stdio::Stdio;
use crate::host::streams::{PIPE_BUF, readable};
use crate::host::{AsFd, BorrowedFd};
use crate::paid::list;
use std::io::SeekFrom;
use std::time::Duration;

/// As many subscriptions as one call may have.
const MOST: u32 = 4096;
const EVENT_SIZE: usize = 32;

const SUBSCRIPTION_CLOCK_ABSTIME: u16 = 1;
const FD_READWRITE_HANGUP: u16 = 1;

/// What is waited for.
#[derive(Clone, Copy)]
enum Wanted {
    Clock {
        id: u32,
        /// What the clock shows then.
        deadline: u64,
    },
    Read(u32),
    Write(u32),
}

impl Wanted {
    /// `eventtype`.
    fn number(self) -> u8 {
        match self {
            Wanted::Clock { .. } => 0,
            Wanted::Read(_) => 1,
            Wanted::Write(_) => 2,
        }
    }

    /// What the host is asked for.
    fn events(self) -> PollFlags {
        match self {
            Wanted::Read(_) => PollFlags::IN,
            _ => PollFlags::OUT,
        }
    }
}

struct Subscription {
    userdata: u64,
    wanted: Wanted,
    /// That it can't be waited for is an event, too.
    error: Option<Errno>,
}

/// What a subscription says of its descriptor.
enum PollState<'a> {
    Ready(Readiness),
    /// The host must be asked.
    Ask(BorrowedFd<'a>),
}

#[derive(Clone, Copy, Default)]
struct Readiness {
    nbytes: u64,
    hangup: bool,
}

impl WasiCtx {
    pub(crate) fn poll_oneoff(
        &mut self,
        guest: &mut Guest<'_>,
        subscriptions: u32,
        events: u32,
        count: u32,
        nevents: u32,
    ) -> Result {
        if count == 0 {
            return Err(Errno::INVAL.into());
        }
        let layout = guest.snapshot.subscription();
        // Multiplied in 64 bits, a size that memory can't have stays one.
        for (at, size) in [(subscriptions, layout.size), (events, EVENT_SIZE as u32)] {
            let size = u64::from(size) * u64::from(count);
            guest.check(at, u32::try_from(size).map_err(|_| Errno::FAULT)?)?;
        }
        guest.check(nevents, 4)?;
        if count > MOST {
            return Err(Errno::INVAL.into());
        }
        // What is asked, what is waited for, and what happened.
        let _paid = guest
            .charge::<(Subscription, PollFd<'_>, &Subscription, [u8; EVENT_SIZE])>(count as usize + 1)?;
        let call = [subscriptions, events, count, nevents];
        let goes_on = self.interrupted.take().filter(|wait| wait.call == call);
        let mut began = guest.began.or(goes_on.map(|wait| wait.began));
        let mut wanted = list(count as usize)?;
        for index in 0..count {
            let at = subscriptions + index * layout.size;
            wanted.push(self.subscription(guest, at, &layout, &mut began)?);
        }
        let happened = self.wait(guest, &wanted).inspect_err(|fail| {
            if *fail == Fail::Interrupted && guest.interrupt.is_for_snapshot() {
                self.interrupted = began.map(|began| InterruptedWait { call, began });
            }
        })?;
        for (index, event) in (0..).zip(&happened) {
            guest.store(events + index * EVENT_SIZE as u32, event)?;
        }
        Ok(guest.store_u32(nevents, u32::try_from(happened.len()).map_err(|_| Errno::OVERFLOW)?)?)
    }

    fn subscription(
        &self,
        guest: &Guest<'_>,
        at: u32,
        layout: &SubscriptionLayout,
        began: &mut Option<u64>,
    ) -> Result<Subscription, Errno> {
        let bytes = guest.bytes(at, layout.size)?;
        let (u64_at, u32_at) = (
            |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes")),
            |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")),
        );
        let mut error = None;
        let wanted = match bytes[8] {
            0 => {
                let (id, timeout) = (u32_at(layout.clock_id), u64_at(layout.clock_id + 8));
                let flags = u32_at(layout.clock_id + 24) as u16;
                error = Clocks::check_waitable(id).err();
                if flags & SUBSCRIPTION_CLOCK_ABSTIME != 0 {
                    Wanted::Clock { id, deadline: timeout }
                } else {
                    // A span of time is the same however the wall clock is set meanwhile.
                    let began = match *began {
                        Some(began) => began,
                        None => *began.insert(self.clocks.now(MONOTONIC)?),
                    };
                    let deadline = began.saturating_add(timeout);
                    Wanted::Clock { id: MONOTONIC, deadline }
                }
            }
            1 => Wanted::Read(u32_at(16)),
            2 => Wanted::Write(u32_at(16)),
            _ => return Err(Errno::INVAL),
        };
        Ok(Subscription { userdata: u64_at(0), wanted, error })
    }

    /// Waits until something happens that is subscribed to; returns the events, as the guest gets them.
    fn wait(&self, guest: &Guest<'_>, subscriptions: &[Subscription]) -> Result<Vec<[u8; EVENT_SIZE]>> {
        let mut events = list(subscriptions.len())?;
        let mut fds = list(subscriptions.len() + 1)?;
        let mut asked = list(subscriptions.len())?;
        loop {
            let mut timeout: Option<u64> = None;
            fds.clear();
            asked.clear();
            for subscription in subscriptions {
                if let Wanted::Read(fd) = subscription.wanted
                    && let Ok(FdKind::Stdio(Stdio::Stops)) = self.fds.get(fd).map(|fd| &fd.kind)
                {
                    return Err(Fail::Interrupted);
                }
                let state = match (subscription.error, subscription.wanted) {
                    (Some(error), _) => Err(error),
                    (None, Wanted::Clock { id, deadline }) => {
                        match deadline.checked_sub(self.clocks.now(id)?) {
                            None | Some(0) => Ok(PollState::Ready(Readiness::default())),
                            Some(rest) => {
                                timeout = Some(timeout.map_or(rest, |timeout| timeout.min(rest)));
                                continue;
                            }
                        }
                    }
                    (None, Wanted::Read(fd)) => self.state(fd, Rights::FD_READ),
                    (None, Wanted::Write(fd)) => self.state(fd, Rights::FD_WRITE),
                };
                match state {
                    Ok(PollState::Ready(readiness)) => events.push(event(subscription, Ok(readiness))),
                    Err(error) => events.push(event(subscription, Err(error))),
                    Ok(PollState::Ask(fd)) => {
                        fds.push(PollFd::from_borrowed_fd(fd, subscription.wanted.events()));
                        asked.push(subscription);
                    }
                }
            }
            if !events.is_empty() {
                timeout = Some(0);
            }
            // Where time passes by itself, the wall clock may be set meanwhile, so it is looked at now and then.
            let longest = if self.clocks.can_skip() { 0 } else { 60_000_000_000 };
            let rest = timeout.map(|rest| Duration::from_nanos(rest.min(longest)));
            fds.extend(guest.interrupt.entry());
            let of = |index: usize| asked.get(index).map_or(PollFlags::IN, |asked| asked.wanted.events());
            guest.interrupt.poll(&mut fds, &of, rest)?;
            for (fd, &subscription) in fds.iter().zip(&asked) {
                let happened = fd.revents();
                if happened.is_empty() {
                    continue;
                }
                let nbytes = match subscription.wanted {
                    Wanted::Read(_) => readable(fd),
                    _ => PIPE_BUF as u64,
                };
                let hangup = happened.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
                events.push(event(subscription, Ok(Readiness { nbytes, hangup })));
            }
            if !events.is_empty() {
                return Ok(events);
            }
            if let Some(rest) = timeout {
                self.clocks.skip(rest);
            }
        }
    }

    /// Whether `fd` can be read or written without waiting.
    fn state(&self, fd: u32, rights: Rights) -> Result<PollState<'_>, Errno> {
        let fd = self.fds.get(fd)?;
        fd.require(rights)?;
        fd.require(Rights::POLL_FD_READWRITE)?;
        let ready = |nbytes, hangup| Ok(PollState::Ready(Readiness { nbytes, hangup }));
        match &fd.kind {
            FdKind::Stdio(stdio) => match (stdio, stdio.waits()) {
                (_, Some(fd)) => Ok(PollState::Ask(fd)),
                (Stdio::Null, None) if rights == Rights::FD_READ => ready(0, true),
                _ => ready(1, false),
            },
            FdKind::File(file) if file.waits => Ok(PollState::Ask(file.file.as_fd())),
            FdKind::File(file) if rights == Rights::FD_READ => {
                let size = file.file.stat()?.size;
                let rest = size.saturating_sub(file.file.seek(SeekFrom::Current(0))?);
                ready(rest, rest == 0)
            }
            FdKind::File(_) => ready(PIPE_BUF as u64, false),
            FdKind::Socket(socket) => Ok(PollState::Ask(socket.as_fd())),
            FdKind::Dir(_) => Err(Errno::BADF),
        }
    }
}

fn event(subscription: &Subscription, happened: Result<Readiness, Errno>) -> [u8; EVENT_SIZE] {
    let mut bytes = [0; EVENT_SIZE];
    bytes[0..8].copy_from_slice(&subscription.userdata.to_le_bytes());
    let error = happened.err().unwrap_or(Errno::SUCCESS);
    bytes[8..10].copy_from_slice(&(error as u16).to_le_bytes());
    bytes[10] = subscription.wanted.number();
    let readiness = happened.unwrap_or_default();
    bytes[16..24].copy_from_slice(&readiness.nbytes.to_le_bytes());
    let flags = if readiness.hangup { FD_READWRITE_HANGUP } else { 0 };
    bytes[24..26].copy_from_slice(&flags.to_le_bytes());
    bytes
}

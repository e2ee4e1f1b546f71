//! The guest's clocks.

use super::system::{ClockId, clock_step, clock_time};
use crate::errno::{Errno, Result};
use std::time::{Duration, Instant};

const REALTIME: u32 = 0;
pub(crate) const MONOTONIC: u32 = 1;
const PROCESS_CPUTIME_ID: u32 = 2;
const THREAD_CPUTIME_ID: u32 = 3;

/// A wall clock for the guest, in place of the host's.
pub trait HostWallClock: Send + Sync {
    /// The smallest step that it makes.
    fn resolution(&self) -> Duration;

    /// The time since the beginning of 1970.
    fn now(&self) -> Duration;
}

/// A clock for the guest that never goes back, in place of the host's.
pub trait HostMonotonicClock: Send + Sync {
    /// The smallest step that it makes, in nanoseconds.
    fn resolution(&self) -> u64;

    /// What it shows, in nanoseconds from wherever it began.
    fn now(&self) -> u64;

    /// Puts it forward, so that nobody has to wait for it, and returns whether it was; a clock that goes by itself isn't.
    /// With 0 nanoseconds it is only asked whether it can be.
    fn skip(&self, nanoseconds: u64) -> bool {
        let _ = nanoseconds;
        false
    }
}

/// The guest's clocks: those of the host where there are no others.
pub(crate) struct Clocks {
    /// When the monotonic clock showed zero. The guest isn't told how long the machine has been up.
    start: Instant,
    pub(crate) wall: Option<Box<dyn HostWallClock>>,
    pub(crate) monotonic: Option<Box<dyn HostMonotonicClock>>,
}

impl Default for Clocks {
    fn default() -> Self {
        Self { start: Instant::now(), wall: None, monotonic: None }
    }
}

impl Clocks {
    /// Makes it zero that the monotonic clock shows now.
    pub(crate) fn start(&mut self) {
        self.start = Instant::now();
    }

    /// How long the guest has been running, in nanoseconds: what the host's monotonic clock is shown as.
    pub(crate) fn elapsed(&self) -> u64 {
        whole_nanoseconds(self.start.elapsed())
    }

    /// Has it been running for so long already.
    pub(crate) fn continue_from(&mut self, elapsed: u64) {
        let now = Instant::now();
        self.start = now.checked_sub(Duration::from_nanos(elapsed)).unwrap_or(now);
    }

    /// What the clock `id` shows, in nanoseconds.
    pub(crate) fn now(&self, id: u32) -> Result<u64, Errno> {
        Ok(match (host_clock(id)?, &self.wall, &self.monotonic) {
            (ClockId::Realtime, Some(clock), _) => whole_nanoseconds(clock.now()),
            (ClockId::Realtime, None, _) => clock_time(ClockId::Realtime)?,
            // Processor time tells of the host as well.
            (_, _, Some(clock)) => clock.now(),
            (ClockId::Monotonic, _, None) => whole_nanoseconds(self.start.elapsed()),
            (host, _, None) => clock_time(host)?,
        })
    }

    pub(crate) fn resolution(&self, id: u32) -> Result<u64, Errno> {
        Ok(match (host_clock(id)?, &self.wall, &self.monotonic) {
            (ClockId::Realtime, Some(clock), _) => whole_nanoseconds(clock.resolution()),
            (ClockId::Realtime, None, _) => clock_step(ClockId::Realtime)?,
            (_, _, Some(clock)) => clock.resolution(),
            (host, _, None) => clock_step(host)?,
        })
    }

    /// Whether nobody has to wait for time to pass.
    pub(crate) fn can_skip(&self) -> bool {
        self.skip(0)
    }

    /// Makes time pass, where that is possible.
    pub(crate) fn skip(&self, nanoseconds: u64) -> bool {
        self.monotonic.as_ref().is_some_and(|clock| clock.skip(nanoseconds))
    }

    /// Whether the clock `id` is one that can be waited for.
    pub(crate) fn check_waitable(id: u32) -> Result<(), Errno> {
        match id {
            REALTIME | MONOTONIC => Ok(()),
            PROCESS_CPUTIME_ID | THREAD_CPUTIME_ID => Err(Errno::NOTSUP),
            _ => Err(Errno::INVAL),
        }
    }
}

fn host_clock(id: u32) -> Result<ClockId, Errno> {
    match id {
        REALTIME => Ok(ClockId::Realtime),
        MONOTONIC => Ok(ClockId::Monotonic),
        PROCESS_CPUTIME_ID => Ok(ClockId::ProcessCPUTime),
        THREAD_CPUTIME_ID => Ok(ClockId::ThreadCPUTime),
        _ => Err(Errno::INVAL),
    }
}

fn whole_nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

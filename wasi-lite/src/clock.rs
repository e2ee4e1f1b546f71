//! `clock_*`: the clocks.

use crate::WasiCtx;
use crate::errno::{Errno, Result};
use crate::guest::Guest;
use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};
use std::time::Instant;

const REALTIME: u32 = 0;
pub(crate) const MONOTONIC: u32 = 1;
const PROCESS_CPUTIME_ID: u32 = 2;
const THREAD_CPUTIME_ID: u32 = 3;

/// The guest's clocks.
pub(crate) struct Clocks {
    /// When the monotonic clock showed zero. The guest isn't told how long the machine has been up.
    start: Instant,
}

impl Clocks {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// What the clock `id` shows, in nanoseconds.
    pub(crate) fn now(&self, id: u32) -> Result<u64, Errno> {
        Ok(match id {
            MONOTONIC => u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX),
            id => nanoseconds(clock_gettime(host_clock(id)?)),
        })
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

fn nanoseconds(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

impl WasiCtx {
    pub(crate) fn clock_res_get(&mut self, guest: &mut Guest<'_>, id: u32, resolution: u32) -> Result {
        Ok(guest.store_u64(resolution, nanoseconds(clock_getres(host_clock(id)?)))?)
    }

    pub(crate) fn clock_time_get(
        &mut self,
        guest: &mut Guest<'_>,
        id: u32,
        _precision: u64,
        time: u32,
    ) -> Result {
        Ok(guest.store_u64(time, self.clocks.now(id)?)?)
    }
}

#[cfg(test)]
mod tests {
    use crate::errno::Errno;
    use crate::tests::{Sandbox, get_u64};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    #[test]
    fn clocks_show_the_time() {
        let mut sandbox = Sandbox::new();
        let now = |sandbox: &mut Sandbox, id| {
            sandbox.call(|ctx, guest| ctx.clock_time_get(guest, id, 1, 8)).unwrap();
            Duration::from_nanos(get_u64(&sandbox.memory, 8))
        };
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let real = now(&mut sandbox, 0);
        assert!(real >= before && real < before + Duration::from_secs(60));
        let monotonic = now(&mut sandbox, 1);
        assert!(monotonic < Duration::from_secs(60), "starts with the context");
        std::thread::sleep(Duration::from_millis(2));
        assert!(now(&mut sandbox, 1) >= monotonic + Duration::from_millis(2));
        let cpu = now(&mut sandbox, 2);
        assert!(cpu > Duration::ZERO && cpu >= now(&mut sandbox, 3));
        for id in 0..4 {
            sandbox.call(|ctx, guest| ctx.clock_res_get(guest, id, 16)).unwrap();
            assert!((1..=1_000_000_000).contains(&get_u64(&sandbox.memory, 16)), "clock {id}");
        }
    }

    #[test]
    fn mistakes_are_reported() {
        let mut sandbox = Sandbox::new();
        let end = u32::try_from(sandbox.memory.len()).unwrap();
        sandbox.fails(Errno::INVAL, |ctx, guest| ctx.clock_time_get(guest, 4, 0, 0));
        sandbox.fails(Errno::INVAL, |ctx, guest| ctx.clock_res_get(guest, u32::MAX, 0));
        sandbox.fails(Errno::FAULT, |ctx, guest| ctx.clock_time_get(guest, 0, 0, end - 7));
        sandbox.fails(Errno::FAULT, |ctx, guest| ctx.clock_res_get(guest, 0, end));
    }
}

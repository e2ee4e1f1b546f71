//! Time and chance for runs that shall be repeated.

use super::clocks::{HostMonotonicClock, HostWallClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A clock that depends on nothing but how often it was looked at, so that a guest sees the same times in every run.
///
/// It begins at zero, which as a wall clock is the beginning of 2000; each look at it takes a microsecond, and what the
/// guest waits for is there at once. Clones are the same clock.
///
/// ```
/// use dunlin_wasi_lite::{HostMonotonicClock, ReplayClock};
/// let clock = ReplayClock::new();
/// assert_eq!((clock.now(), clock.now()), (1000, 2000));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReplayClock(Arc<AtomicU64>);

/// The beginning of 2000, in seconds: late enough for guests that take the year 1970 for a clock that isn't set.
const WALL_START: Duration = Duration::from_secs(946_684_800);
const STEP: u64 = 1000;

impl ReplayClock {
    /// A clock at its beginning.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts it forward and returns what it shows then.
    fn pass(&self, nanoseconds: u64) -> u64 {
        let later = |now: u64| Some(now.saturating_add(nanoseconds));
        let (Ok(now) | Err(now)) = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
        now.saturating_add(nanoseconds)
    }
}

impl HostMonotonicClock for ReplayClock {
    fn resolution(&self) -> u64 {
        STEP
    }

    fn now(&self) -> u64 {
        self.pass(STEP)
    }

    fn skip(&self, nanoseconds: u64) -> bool {
        self.pass(nanoseconds);
        true
    }
}

impl HostWallClock for ReplayClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(STEP)
    }

    fn now(&self) -> Duration {
        WALL_START + Duration::from_nanos(self.pass(STEP))
    }
}

/// A source of bytes that look random and are the same for the same `seed`. Nothing secret should be made of them.
///
/// ```
/// let (mut one, mut two) = ([0; 20], [0; 20]);
/// dunlin_wasi_lite::replay_random(3)(&mut one);
/// dunlin_wasi_lite::replay_random(3)(&mut two);
/// assert_eq!(one, two);
/// ```
pub fn replay_random(seed: u64) -> impl FnMut(&mut [u8]) + Send + Sync + 'static {
    // SplitMix64.
    let mut state = seed;
    move |bytes| {
        for chunk in bytes.chunks_mut(8) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

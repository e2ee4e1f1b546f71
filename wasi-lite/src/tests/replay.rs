//! Time and chance that are the same in every run.

use super::*;
use crate::{HostMonotonicClock, HostWallClock};
use std::time::{Duration, Instant};

/// What a guest learns of time and chance.
fn learned(sandbox: &mut Sandbox) -> Vec<u64> {
    let mut learned = Vec::new();
    for id in 0..4 {
        sandbox.call(|ctx, guest| ctx.clock_time_get(guest, id, 0, 0)).unwrap();
        learned.push(get_u64(&sandbox.memory, 0));
        sandbox.call(|ctx, guest| ctx.clock_res_get(guest, id, 0)).unwrap();
        learned.push(get_u64(&sandbox.memory, 0));
    }
    sandbox.call(|ctx, guest| ctx.random_get(guest, 0, 16)).unwrap();
    learned.extend([get_u64(&sandbox.memory, 0), get_u64(&sandbox.memory, 8)]);
    learned
}

#[test]
fn runs_are_the_same() {
    let mut sandboxes = [7, 7, 8].map(|seed| Sandbox::with(WasiCtx::builder().deterministic(seed).build()));
    let [one, same, other] = &mut sandboxes;
    for _ in 0..3 {
        let learned_by_one = learned(one);
        assert_eq!(learned_by_one, learned(same));
        let learned_by_other = learned(other);
        assert_eq!(learned_by_one[..8], learned_by_other[..8], "time doesn't depend on the seed");
        assert_ne!(learned_by_one[8..], learned_by_other[8..]);
    }
}

fn sleep(sandbox: &mut Sandbox, id: u32, until: u64, flags: u16) -> Result {
    let mut subscription = [0; 48];
    subscription[16..20].copy_from_slice(&id.to_le_bytes());
    subscription[24..32].copy_from_slice(&until.to_le_bytes());
    subscription[40..42].copy_from_slice(&flags.to_le_bytes());
    sandbox.memory[64..112].copy_from_slice(&subscription);
    sandbox.call(|ctx, guest| ctx.poll_oneoff(guest, 64, 128, 1, 0))
}

#[test]
fn nobody_waits_for_time_to_pass() {
    let mut sandbox = Sandbox::with(WasiCtx::builder().deterministic(0).build());
    let now = |sandbox: &mut Sandbox, id| {
        sandbox.call(|ctx, guest| ctx.clock_time_get(guest, id, 0, 0)).unwrap();
        get_u64(&sandbox.memory, 0)
    };
    let (start, hour) = (Instant::now(), 3_600_000_000_000);
    let begin = now(&mut sandbox, 1);
    sleep(&mut sandbox, 1, hour, 0).unwrap();
    // A look when it begins, one when it ends, and this one.
    assert_eq!(now(&mut sandbox, 1), begin + hour + 3000);
    let before = [now(&mut sandbox, 0), now(&mut sandbox, 1)];
    sleep(&mut sandbox, 1, hour, 0).unwrap();
    for (id, before) in (0..).zip(before) {
        assert!((hour..hour + 1_000_000_000).contains(&(now(&mut sandbox, id) - before)));
    }
    for (id, before) in (0..).zip(before) {
        sleep(&mut sandbox, id, before + 3 * hour, 1).unwrap();
        assert!(now(&mut sandbox, id) >= before + 3 * hour);
    }
    assert!(start.elapsed() < Duration::from_secs(60));
    sandbox.interrupt();
    assert_eq!(sleep(&mut sandbox, 1, hour, 0), Err(Fail::Interrupted));
}

#[test]
fn clocks_of_the_embedder() {
    struct Stopped;
    impl HostWallClock for Stopped {
        fn resolution(&self) -> Duration {
            Duration::from_millis(2)
        }
        fn now(&self) -> Duration {
            Duration::from_secs(5)
        }
    }
    impl HostMonotonicClock for Stopped {
        fn resolution(&self) -> u64 {
            3
        }
        fn now(&self) -> u64 {
            4
        }
    }
    let ctx = WasiCtx::builder()
        .wall_clock(Stopped)
        .monotonic_clock(Stopped)
        .secure_random(|bytes| bytes.fill(9))
        .build();
    let mut sandbox = Sandbox::with(ctx);
    let nines = u64::from_le_bytes([9; 8]);
    assert_eq!(learned(&mut sandbox), [5_000_000_000, 2_000_000, 4, 3, 4, 3, 4, 3, nines, nines]);
    sleep(&mut sandbox, 1, 4, 1).unwrap();
}

#[test]
fn one_clock_of_the_embedder_leaves_the_other() {
    /// Its steps and what it shows are times that no host's clock has.
    struct Slow;
    impl HostMonotonicClock for Slow {
        fn resolution(&self) -> u64 {
            1 << 40
        }
        fn now(&self) -> u64 {
            7
        }
    }
    let mut sandbox = Sandbox::with(WasiCtx::builder().monotonic_clock(Slow).build());
    let learned = learned(&mut sandbox);
    assert!(learned[0] > 1_000_000_000_000_000_000 && learned[1] <= 1_000_000_000, "the host's: {learned:?}");
    assert_eq!(learned[2..8], [7, 1 << 40, 7, 1 << 40, 7, 1 << 40]);
}

#[test]
fn a_clock_is_put_forward() {
    let clock = crate::ReplayClock::new();
    assert_eq!((HostMonotonicClock::now(&clock), HostMonotonicClock::resolution(&clock)), (1000, 1000));
    assert!(clock.skip(0));
    assert!(clock.clone().skip(5));
    assert_eq!(HostMonotonicClock::now(&clock), 2005);
    assert_eq!(HostWallClock::now(&clock), Duration::new(946_684_800, 3005));
    assert_eq!(HostWallClock::resolution(&clock), Duration::from_micros(1));
    assert!(clock.skip(u64::MAX));
    assert_eq!(HostMonotonicClock::now(&clock), u64::MAX, "it stays at its end");
}

#[test]
fn chance_is_splitmix64() {
    // As its authors' program prints them for the seeds 0 and 1234567.
    for (seed, numbers) in [
        (0, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]),
        (1_234_567, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]),
    ] {
        let mut bytes = [0; 20];
        let mut random = crate::replay_random(seed);
        random(&mut bytes);
        assert_eq!(bytes[..], numbers.map(u64::to_le_bytes).concat()[..20], "the last is cut");
        random(&mut bytes[..8]);
        assert_ne!(bytes[..8], numbers[2].to_le_bytes(), "what was cut off is gone");
    }
}

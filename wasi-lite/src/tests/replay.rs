//! Time and chance that are the same in every run, and what a guest's doings cost the budget.

use super::*;
use crate::{HostMonotonicClock, HostWallClock, ReadPipe, WritePipe};
use dunlin::Kind;
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
fn what_a_guest_makes_the_host_keep_is_paid_for() {
    let out = WritePipe::in_memory(1 << 20);
    let mut sandbox = Sandbox::writable();
    let root = sandbox.root();
    sandbox.ctx = WasiCtx::builder()
        .stdin(ReadPipe::from("x"))
        .stdout(out.clone())
        .preopened_dir(&root, "/", DirPerms::all(), FilePerms::all())
        .unwrap()
        .build();
    sandbox.budget = Budget::new(20_000);
    assert_eq!(sandbox.budget.used(), 0);
    let fd = sandbox.open("file", CREAT, READ).unwrap();
    let one = sandbox.budget.used_for(Kind::Host);
    assert!(one > 0);
    sandbox.close(fd).unwrap();
    let fd = sandbox.open("file", CREAT, READ).unwrap();
    sandbox.close(fd).unwrap();
    assert_eq!(sandbox.budget.used(), one, "the table stays, and is used again");
    // Waiting for much takes much, for as long as it takes.
    sandbox.memory.resize(1 << 20, 0);
    sandbox.fails(Errno::NOMEM, |ctx, guest| ctx.poll_oneoff(guest, 4096, 500_000, 1000, 0));
    sandbox.call(|ctx, guest| ctx.poll_oneoff(guest, 4096, 500_000, 10, 0)).unwrap();
    assert_eq!(sandbox.budget.used(), one);
    // Output that is kept.
    let mut written = 0;
    let fail = loop {
        match sandbox.write(1, &[&[7; 1000]]) {
            Ok(count) => written += count as usize,
            Err(fail) => break fail,
        }
        assert!(sandbox.budget.used() >= written as u64);
    };
    assert_eq!(fail, Fail::Errno(Errno::NOMEM));
    assert!((4000..20_000).contains(&written), "{written}");
    assert_eq!(out.contents().len(), written);
    // Descriptors, until there is room for no more; nothing was made on the disk for the last one.
    let mut opened = 0;
    let name = |number: u32| format!("new{number}");
    while let Ok(fd) = sandbox.open(&name(opened), CREAT, READ) {
        assert!(fd > DIR);
        opened += 1;
    }
    assert!(opened > 0 && !root.join(name(opened)).exists());
    let Sandbox { ctx, budget, .. } = sandbox;
    drop(ctx);
    assert!(budget.used() >= written as u64, "whoever holds the pipe holds its bytes");
    drop(out);
    assert_eq!(budget.used(), 0);
}

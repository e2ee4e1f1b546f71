//! `clock_*`, `poll_oneoff`, `sched_yield`, `random_get`, `proc_raise`.

#![no_std]
#![no_main]

mod guest;
use guest::*;

const MS: u64 = 1_000_000;
const CLOCK: u8 = 0;
const FD_READ: u8 = 1;
const FD_WRITE: u8 = 2;

/// As `subscription` lies in memory.
#[repr(C)]
#[derive(Clone, Copy)]
struct Subscription {
    userdata: u64,
    tag: u64,
    /// The clock, or the descriptor.
    id: u64,
    timeout: u64,
    precision: u64,
    flags: u64,
}

/// As `event` lies in memory.
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Debug)]
struct Event {
    userdata: u64,
    error: u16,
    tag: u8,
    nbytes: u64,
    flags: u16,
}

fn clock(userdata: u64, id: u32, timeout: u64, flags: u64) -> Subscription {
    Subscription { userdata, tag: CLOCK.into(), id: id.into(), timeout, precision: 0, flags }
}

fn on_fd(userdata: u64, tag: u8, fd: u32) -> Subscription {
    Subscription { userdata, tag: tag.into(), id: fd.into(), timeout: 0, precision: 0, flags: 0 }
}

#[track_caller]
fn poll<const N: usize>(subscriptions: [Subscription; N]) -> ([Event; N], u32) {
    let (mut events, mut count) = ([Event::default(); N], 0);
    is(poll_oneoff(at(&subscriptions), at_mut(&mut events), N as u32, at_mut(&mut count)), OK);
    (seen(&events), seen(&count))
}

fn now(id: u32) -> u64 {
    let mut time = 0;
    is(clock_time_get(id, 0, at_mut(&mut time)), OK);
    seen(&time)
}

#[unsafe(no_mangle)]
extern "C" fn _start() {
    // Clocks.
    for id in 0..4 {
        let mut resolution = 0_u64;
        is(clock_res_get(id, at_mut(&mut resolution)), OK);
        yes((1..=1_000_000_000).contains(&seen(&resolution)));
        let before = now(id);
        yes(now(id) >= before);
        is(clock_time_get(id, 0, NOWHERE), FAULT);
        is(clock_res_get(id, NOWHERE), FAULT);
    }
    yes(now(0) > 1_600_000_000_000_000_000);
    is(clock_time_get(4, 0, at(&[0_u64])), INVAL);
    is(clock_res_get(4, at(&[0_u64])), INVAL);

    // Time that passes: the earliest of several, from now and until then.
    for id in [0, 1] {
        let before = now(1);
        let (events, count) = poll([clock(1, id, 5_000 * MS, 0), clock(2, id, 20 * MS, 0)]);
        is((count, events[0]), (1, Event { userdata: 2, ..Event::default() }));
        yes(now(1) - before >= 20 * MS);
        let before = now(1);
        let (events, count) = poll([clock(3, id, now(id) + 20 * MS, 1)]);
        is((count, events[0].userdata), (1, 3));
        yes(now(1) - before >= 19 * MS);
        is(poll([clock(4, id, 1, 1)]).1, 1);
    }
    // What is ready, and what never will be.
    let fd = open("waiting.cleanup", CREAT | TRUNC, READ | WRITE, 0);
    is(write(fd, b"12345"), 5);
    let mut position = 0_u64;
    is(fd_seek(fd, 1, 0, at_mut(&mut position)), OK);
    let (events, count) = poll([
        clock(1, 1, 5_000 * MS, 0),
        on_fd(2, FD_READ, fd),
        on_fd(3, FD_WRITE, fd),
        on_fd(4, FD_WRITE, 1),
    ]);
    is(count, 3);
    is((events[0].userdata, events[0].tag, events[0].error, events[0].nbytes), (2, FD_READ, 0, 4));
    is((events[1].userdata, events[1].tag, events[1].error), (3, FD_WRITE, 0));
    is((events[2].userdata, events[2].tag, events[2].error), (4, FD_WRITE, 0));
    let (events, count) =
        poll([on_fd(1, FD_READ, NONE), on_fd(2, FD_READ, DIR), clock(3, 7, 0, 0), clock(4, 2, 0, 0)]);
    is(count, 4);
    is(events.map(|event| u32::from(event.error)), [BADF, BADF, INVAL, NOTSUP]);
    let (subscription, event, mut count) = (clock(1, 1, 0, 0), Event::default(), 0);
    is(poll_oneoff(at(&subscription), at(&event), 0, at_mut(&mut count)), INVAL);
    is(poll_oneoff(NOWHERE, at(&event), 1, at_mut(&mut count)), FAULT);
    is(poll_oneoff(at(&subscription), NOWHERE, 1, at_mut(&mut count)), FAULT);
    is(poll_oneoff(at(&subscription), at(&event), 1, NOWHERE), FAULT);
    is(poll_oneoff(at(&subscription), at(&event), u32::MAX, at_mut(&mut count)), FAULT);
    is(poll_oneoff(at(&on_fd(1, 3, fd)), at(&event), 1, at_mut(&mut count)), INVAL);
    is(fd_close(fd), OK);
    is(unlink("waiting.cleanup"), OK);

    // The rest.
    is(sched_yield(), OK);
    is(proc_raise(6), NOTSUP);
    let mut bytes = [0_u8; 1000];
    is(random_get(at_mut(&mut bytes), 1000), OK);
    let bytes = seen(&bytes);
    yes(bytes.chunks(100).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
    yes(bytes[..500] != bytes[500..]);
    is(random_get(NOWHERE, 100), FAULT);
    is(random_get(0, 0), OK);
}

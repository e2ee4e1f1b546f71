use super::*;
use crate::{HostWallClock, ReadPipe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const SUBSCRIPTIONS: u32 = 4096;
const EVENTS: u32 = 8192;

/// A subscription, as it lies in memory.
pub(super) fn clock(userdata: u64, id: u32, timeout: Duration, flags: u16) -> [u8; 48] {
    let mut bytes = [0xee; 48];
    bytes[0..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[8] = 0;
    bytes[16..20].copy_from_slice(&id.to_le_bytes());
    bytes[24..32].copy_from_slice(&(timeout.as_nanos() as u64).to_le_bytes());
    bytes[40..42].copy_from_slice(&flags.to_le_bytes());
    bytes
}

pub(super) fn fd(userdata: u64, eventtype: u8, fd: u32) -> [u8; 48] {
    let mut bytes = [0xee; 48];
    bytes[0..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[8] = eventtype;
    bytes[16..20].copy_from_slice(&fd.to_le_bytes());
    bytes
}

#[derive(Debug, PartialEq)]
pub(super) struct Event {
    pub(super) userdata: u64,
    pub(super) error: u16,
    pub(super) eventtype: u8,
    pub(super) nbytes: u64,
    pub(super) hangup: bool,
}

pub(super) fn event(userdata: u64, eventtype: u8, nbytes: u64, hangup: bool) -> Event {
    Event { userdata, error: 0, eventtype, nbytes, hangup }
}

fn failed(userdata: u64, eventtype: u8, error: Errno) -> Event {
    Event { userdata, error: error as u16, eventtype, nbytes: 0, hangup: false }
}

pub(super) fn poll(sandbox: &mut Sandbox, subscriptions: &[[u8; 48]]) -> Result<Vec<Event>> {
    let bytes = subscriptions.concat();
    sandbox.memory[SUBSCRIPTIONS as usize..][..bytes.len()].copy_from_slice(&bytes);
    let count = subscriptions.len() as u32;
    sandbox.call(|ctx, guest| ctx.poll_oneoff(guest, SUBSCRIPTIONS, EVENTS, count, 0))?;
    let events = (0..get_u32(&sandbox.memory, 0) as usize).map(|index| {
        let bytes = &sandbox.memory[EVENTS as usize + index * 32..][..32];
        Event {
            userdata: get_u64(bytes, 0),
            error: get_u16(bytes, 8),
            eventtype: bytes[10],
            nbytes: get_u64(bytes, 16),
            hangup: get_u16(bytes, 24) == 1,
        }
    });
    Ok(events.collect())
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn sleeping() {
    let mut sandbox = Sandbox::new();
    let start = Instant::now();
    let events =
        poll(&mut sandbox, &[clock(1, 1, 2000 * MS, 0), clock(2, 1, 30 * MS, 0), clock(3, 0, 2000 * MS, 0)]);
    assert_eq!(events.unwrap(), [event(2, 0, 0, false)]);
    assert!((30 * MS..1500 * MS).contains(&start.elapsed()));
    let events = poll(&mut sandbox, &[clock(1, 0, Duration::ZERO, 0), clock(2, 1, Duration::ZERO, 0)]);
    assert_eq!(events.unwrap(), [event(1, 0, 0, false), event(2, 0, 0, false)]);
}

#[test]
fn sleeping_until_a_time() {
    let mut sandbox = Sandbox::new();
    for id in [0, 1] {
        sandbox.call(|ctx, guest| ctx.clock_time_get(guest, id, 0, 0)).unwrap();
        let now = Duration::from_nanos(get_u64(&sandbox.memory, 0));
        let start = Instant::now();
        let events = poll(&mut sandbox, &[clock(7, id, now + 30 * MS, 1)]).unwrap();
        assert_eq!(events, [event(7, 0, 0, false)]);
        assert!((25 * MS..1500 * MS).contains(&start.elapsed()), "{:?}", start.elapsed());
        // A time that has passed already.
        let start = Instant::now();
        poll(&mut sandbox, &[clock(7, id, now, 1)]).unwrap();
        assert!(start.elapsed() < 1500 * MS);
    }
}

/// A wall clock that shows one of these times after the other, in milliseconds, and then goes on from the last.
struct Jumping(Vec<u64>, AtomicUsize, Instant);

impl HostWallClock for Jumping {
    fn resolution(&self) -> Duration {
        MS
    }

    fn now(&self) -> Duration {
        let look = self.1.fetch_add(1, Ordering::Relaxed);
        match self.0.get(look) {
            Some(time) => MS * *time as u32,
            None => MS * self.0[self.0.len() - 1] as u32 + self.2.elapsed(),
        }
    }
}

#[test]
fn clocks_that_jump() {
    let with = |times: &[u64]| {
        let clock = Jumping(times.to_vec(), AtomicUsize::new(0), Instant::now());
        Sandbox::with(WasiCtx::builder().wall_clock(clock).build())
    };
    let ended = [event(1, 0, 0, false)];
    // A span of time is the same, whether the clock is put back or forward meanwhile.
    for times in [[5_000_000, 1_000_000], [1_000_000, 5_000_000]] {
        let start = Instant::now();
        assert_eq!(poll(&mut with(&times), &[clock(1, 0, 20 * MS, 0)]).unwrap(), ended);
        assert!(start.elapsed() >= 20 * MS);
    }
    // A point in time comes when the clock shows it: at once, or later than it seemed.
    assert_eq!(poll(&mut with(&[2_000_001]), &[clock(1, 0, 2_000_000 * MS, 1)]).unwrap(), ended);
    let mut sandbox = with(&[1_999_990, 1_999_970, 1_999_980, 2_000_000]);
    let start = Instant::now();
    assert_eq!(poll(&mut sandbox, &[clock(1, 0, 2_000_000 * MS, 1)]).unwrap(), ended);
    assert!(start.elapsed() >= 60 * MS);
}

#[test]
fn an_interruption_ends_sleeping() {
    let mut sandbox = Sandbox::new();
    let interrupter = sandbox.interrupter();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(30 * MS);
        { interrupter }.write_all(&[0]).unwrap();
    });
    let start = Instant::now();
    assert_eq!(poll(&mut sandbox, &[clock(1, 1, Duration::from_nanos(u64::MAX), 0)]), Err(Fail::Interrupted));
    assert!(start.elapsed() < Duration::from_secs(60));
    thread.join().unwrap();
}

#[test]
fn files_are_ready() {
    let mut sandbox = Sandbox::writable();
    let file = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    sandbox.write(file, &[b"abcdef"]).unwrap();
    sandbox.seek(file, 2, 0).unwrap();
    let hour = clock(1, 1, 3_600_000 * MS, 0);
    let events = poll(&mut sandbox, &[hour, fd(2, 1, file), fd(3, 2, file)]).unwrap();
    assert_eq!(events, [event(2, 1, 4, false), event(3, 2, 4096, false)]);
    sandbox.seek(file, 0, 2).unwrap();
    assert_eq!(poll(&mut sandbox, &[fd(2, 1, file)]).unwrap(), [event(2, 1, 0, true)]);
}

#[test]
fn standard_streams_in_memory_are_ready() {
    let mut sandbox = Sandbox::with(WasiCtx::builder().stdin(ReadPipe::from("x")).build());
    let events = poll(&mut sandbox, &[fd(1, 1, 0), fd(2, 2, 1), fd(3, 2, 2)]).unwrap();
    assert_eq!(events, [event(1, 1, 1, false), event(2, 2, 1, false), event(3, 2, 1, false)]);
    let mut sandbox = Sandbox::new();
    assert_eq!(poll(&mut sandbox, &[fd(1, 1, 0)]).unwrap(), [event(1, 1, 0, true)]);
}

#[test]
fn fifos_are_waited_for() {
    let mut sandbox = Sandbox::writable();
    let path = sandbox.root().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .unwrap();
    let reader = sandbox.open("fifo", 0, READ).unwrap();
    let mut writer = std::fs::File::options().write(true).open(&path).unwrap();
    let events = poll(&mut sandbox, &[fd(1, 1, reader), clock(2, 1, 20 * MS, 0)]).unwrap();
    assert_eq!(events, [event(2, 0, 0, false)], "nothing to read yet");
    let thread = std::thread::spawn(move || {
        std::thread::sleep(20 * MS);
        writer.write_all(b"abc").unwrap();
        writer
    });
    let events = poll(&mut sandbox, &[fd(1, 1, reader), clock(2, 1, 60_000 * MS, 0)]).unwrap();
    assert_eq!(events, [event(1, 1, 3, false)]);
    sandbox.read(reader, &[9]).unwrap();
    drop(thread.join().unwrap());
    assert_eq!(poll(&mut sandbox, &[fd(1, 1, reader)]).unwrap(), [event(1, 1, 0, true)]);
}

#[test]
fn mistakes_are_events_of_their_own() {
    let mut sandbox = Sandbox::writable();
    let file = sandbox.open("file", CREAT, READ).unwrap();
    let events = poll(
        &mut sandbox,
        &[
            fd(1, 1, 99),
            fd(2, 2, file),
            fd(3, 1, DIR),
            clock(4, 9, MS, 0),
            clock(5, 2, MS, 0),
            clock(6, 1, 60_000 * MS, 0),
        ],
    );
    assert_eq!(
        events.unwrap(),
        [
            failed(1, 1, Errno::BADF),
            failed(2, 2, Errno::BADF),
            failed(3, 1, Errno::BADF),
            failed(4, 0, Errno::INVAL),
            failed(5, 0, Errno::NOTSUP),
        ]
    );
    assert_eq!(poll(&mut sandbox, &[]), Err(Fail::Errno(Errno::INVAL)), "nothing to wait for");
    assert_eq!(poll(&mut sandbox, &[fd(1, 3, 0)]), Err(Fail::Errno(Errno::INVAL)), "no such event");
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.poll_oneoff(guest, 0, 0, u32::MAX, 0));
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.poll_oneoff(guest, 0, 65_530, 1, 0));
    sandbox.memory.resize(1 << 20, 0);
    sandbox.fails(Errno::INVAL, |ctx, guest| ctx.poll_oneoff(guest, 0, 0, 4097, 0));
}

#[test]
fn as_many_subscriptions_as_there_may_be() {
    let mut sandbox = Sandbox::new();
    sandbox.memory.resize(1 << 20, 0);
    let (subscriptions, events) = (1 << 18, 1 << 19);
    for index in 0..4097 {
        let bytes = clock(index as u64, 1, Duration::ZERO, 0);
        sandbox.memory[subscriptions as usize + index * 48..][..48].copy_from_slice(&bytes);
    }
    sandbox.call(|ctx, guest| ctx.poll_oneoff(guest, subscriptions, events, 4096, 0)).unwrap();
    assert_eq!(get_u32(&sandbox.memory, 0), 4096);
    for index in 0..4096 {
        assert_eq!(get_u64(&sandbox.memory, events as usize + index * 32), index as u64);
    }
    sandbox.fails(Errno::INVAL, |ctx, guest| ctx.poll_oneoff(guest, subscriptions, events, 4097, 0));
}

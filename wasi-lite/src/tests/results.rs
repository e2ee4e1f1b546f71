//! Where results lie in the guest's memory, and every byte of them.

use super::poll::{clock, fd as on};
use super::*;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Calls that store a result of so many bytes where they are told.
type Call = fn(&mut WasiCtx, &mut Guest<'_>, u32) -> Result;

const FILE: u32 = 5;
const LISTENER: u32 = 4;
const STREAM: u32 = 6;
/// Where there is a subscription.
const SUBSCRIPTION: u32 = 20_000;

/// A file, a listener and a connection, with what the calls below read.
fn open() -> (Sandbox, TcpStream) {
    let mut sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.write_all(b"abc").unwrap();
    let again = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    sandbox.ctx = WasiCtxBuilder::new()
        .args(&["a"])
        .env("B", "c")
        .preopened_dir(sandbox.root(), "/", DirPerms::all(), FilePerms::all())
        .unwrap()
        .preopened_socket(listener)
        .unwrap()
        .build();
    assert_eq!(sandbox.open("file", CREAT, READ | WRITE).unwrap(), FILE);
    sandbox.symlink("file", "link").unwrap();
    sandbox.call(|ctx, guest| ctx.sock_accept(guest, LISTENER, 0, 0)).unwrap();
    assert_eq!(sandbox.result(), STREAM);
    drop(again);
    sandbox.iovs(&[1]);
    sandbox.path("link");
    sandbox.memory[SUBSCRIPTION as usize..][..48].copy_from_slice(&clock(77, 1, Duration::ZERO, 0));
    (sandbox, client)
}

fn calls() -> Vec<(&'static str, u32, Call)> {
    vec![
        ("args_sizes_get argc", 4, |ctx, guest, at| ctx.args_sizes_get(guest, at, 0)),
        ("args_sizes_get size", 4, |ctx, guest, at| ctx.args_sizes_get(guest, 0, at)),
        ("args_get argv", 4, |ctx, guest, at| ctx.args_get(guest, at, 0)),
        ("args_get argv_buf", 2, |ctx, guest, at| ctx.args_get(guest, 0, at)),
        ("environ_sizes_get count", 4, |ctx, guest, at| ctx.environ_sizes_get(guest, at, 0)),
        ("environ_sizes_get size", 4, |ctx, guest, at| ctx.environ_sizes_get(guest, 0, at)),
        ("environ_get environ", 4, |ctx, guest, at| ctx.environ_get(guest, at, 0)),
        ("environ_get environ_buf", 4, |ctx, guest, at| ctx.environ_get(guest, 0, at)),
        ("clock_res_get", 8, |ctx, guest, at| ctx.clock_res_get(guest, 0, at)),
        ("clock_time_get", 8, |ctx, guest, at| ctx.clock_time_get(guest, 0, 0, at)),
        ("fd_fdstat_get", 24, |ctx, guest, at| ctx.fd_fdstat_get(guest, FILE, at)),
        ("fd_filestat_get", 64, |ctx, guest, at| ctx.fd_filestat_get(guest, FILE, at)),
        ("fd_prestat_get", 8, |ctx, guest, at| ctx.fd_prestat_get(guest, DIR, at)),
        ("fd_prestat_dir_name", 1, |ctx, guest, at| ctx.fd_prestat_dir_name(guest, DIR, at, 1)),
        ("fd_read", 4, |ctx, guest, at| ctx.fd_read(guest, FILE, IOVS, 1, at)),
        ("fd_pread", 4, |ctx, guest, at| ctx.fd_pread(guest, FILE, IOVS, 1, 0, at)),
        ("fd_write", 4, |ctx, guest, at| ctx.fd_write(guest, FILE, IOVS, 1, at)),
        ("fd_pwrite", 4, |ctx, guest, at| ctx.fd_pwrite(guest, FILE, IOVS, 1, 0, at)),
        ("fd_readdir buf", 100, |ctx, guest, at| ctx.fd_readdir(guest, DIR, at, 100, 0, 0)),
        ("fd_readdir bufused", 4, |ctx, guest, at| ctx.fd_readdir(guest, DIR, BUF, 100, 0, at)),
        ("fd_seek", 8, |ctx, guest, at| ctx.fd_seek(guest, FILE, 0, 0, at)),
        ("fd_tell", 8, |ctx, guest, at| ctx.fd_tell(guest, FILE, at)),
        ("path_filestat_get", 64, |ctx, guest, at| ctx.path_filestat_get(guest, DIR, 0, PATH, 4, at)),
        ("path_open", 4, |ctx, guest, at| ctx.path_open(guest, DIR, FOLLOW, PATH, 4, 0, READ, 0, 0, at)),
        ("path_readlink buf", 4, |ctx, guest, at| ctx.path_readlink(guest, DIR, PATH, 4, at, 4, 0)),
        ("path_readlink bufused", 4, |ctx, guest, at| ctx.path_readlink(guest, DIR, PATH, 4, BUF, 4, at)),
        ("poll_oneoff events", 32, |ctx, guest, at| ctx.poll_oneoff(guest, SUBSCRIPTION, at, 1, 0)),
        ("poll_oneoff nevents", 4, |ctx, guest, at| ctx.poll_oneoff(guest, SUBSCRIPTION, 0, 1, at)),
        ("random_get", 16, |ctx, guest, at| ctx.random_get(guest, at, 16)),
        ("sock_recv datalen", 4, |ctx, guest, at| ctx.sock_recv(guest, STREAM, IOVS, 1, 0, at, 0)),
        ("sock_recv roflags", 2, |ctx, guest, at| ctx.sock_recv(guest, STREAM, IOVS, 1, 0, 0, at)),
        ("sock_send", 4, |ctx, guest, at| ctx.sock_send(guest, STREAM, IOVS, 1, 0, at)),
        ("sock_accept", 4, |ctx, guest, at| ctx.sock_accept(guest, LISTENER, 0, at)),
    ]
}

#[test]
fn results_may_lie_at_the_very_end() {
    let (mut sandbox, _client) = open();
    let end = u32::try_from(sandbox.memory.len()).unwrap();
    for (name, size, call) in calls() {
        let before = sandbox.memory.clone();
        for missing in 1..=size.min(8) {
            let at = end - size + missing;
            let result = sandbox.done(|ctx, guest| call(ctx, guest, at));
            assert_eq!(result, Err(Errno::FAULT), "{name}, {missing} bytes missing");
            assert!(sandbox.memory == before, "{name}, {missing} bytes missing: others are stored");
        }
        assert_eq!(sandbox.done(|ctx, guest| call(ctx, guest, end - size)), Ok(()), "{name}");
    }
}

/// What a call stores in so many bytes, of which it must write each.
fn stored(
    sandbox: &mut Sandbox,
    len: usize,
    call: impl Fn(&mut WasiCtx, &mut Guest<'_>) -> Result,
) -> Vec<u8> {
    let [zeros, ones] = [0, 0xff].map(|byte| {
        sandbox.memory[..len + 1].fill(byte);
        sandbox.call(&call).unwrap();
        assert_eq!(sandbox.memory[len], byte, "that is behind it");
        sandbox.memory[..len].to_vec()
    });
    assert_eq!(zeros, ones);
    zeros
}

#[test]
fn every_byte_of_a_result_is_written() {
    let (mut sandbox, _client) = open();
    let stat = stored(&mut sandbox, 24, |ctx, guest| ctx.fd_fdstat_get(guest, FILE, 0));
    let rights = Rights::FILE.bits().to_le_bytes();
    assert_eq!(stat, [&[4, 0, 0, 0, 0, 0, 0, 0], &rights[..], &rights].concat());
    let prestat = stored(&mut sandbox, 8, |ctx, guest| ctx.fd_prestat_get(guest, DIR, 0));
    assert_eq!(prestat, [0, 0, 0, 0, 1, 0, 0, 0]);
    let clock_event = stored(&mut sandbox, 32, |ctx, guest| ctx.poll_oneoff(guest, SUBSCRIPTION, 0, 1, 1000));
    assert_eq!(clock_event, [&[77, 0, 0, 0, 0, 0, 0, 0][..], &[0; 24]].concat());
    sandbox.memory[SUBSCRIPTION as usize..][..48].copy_from_slice(&on(0x0102, 1, 99));
    let failed = stored(&mut sandbox, 32, |ctx, guest| ctx.poll_oneoff(guest, SUBSCRIPTION, 0, 1, 1000));
    assert_eq!(failed, [&[2, 1, 0, 0, 0, 0, 0, 0, 8, 0, 1][..], &[0; 21]].concat());
    // The head of an entry, and its name.
    let entry = stored(&mut sandbox, 25, |ctx, guest| ctx.fd_readdir(guest, DIR, 0, 25, 0, 1000));
    assert_eq!(entry[21..24], [0; 3]);
    let filestat = stored(&mut sandbox, 64, |ctx, guest| ctx.fd_filestat_get(guest, FILE, 0));
    assert_eq!(filestat[16..32], [4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    stored(&mut sandbox, 56, |ctx, guest| {
        guest.snapshot = Snapshot::Unstable;
        ctx.fd_filestat_get(guest, FILE, 0)
    });
}

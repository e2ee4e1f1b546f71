//! What the system is asked for, where only a system that refuses it shows that.

use super::refusing::refusing;
use super::*;
#[cfg(target_arch = "arm")]
use nix::libc::SYS_arm_fadvise64_64 as SYS_fadvise64;
#[cfg(not(target_arch = "arm"))]
use nix::libc::SYS_fadvise64;
use nix::libc::{SYS_close, SYS_fallocate, SYS_fdatasync, SYS_fsync, c_long};
use rustix::io::Errno as Os;
use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

/// A rule for a system call with these arguments, from the one of this number on.
fn with_arguments(first: u8, arguments: &[u64]) -> Vec<SeccompRule> {
    let equal = |(number, value): (u8, &u64)| {
        SeccompCondition::new(number, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, *value).unwrap()
    };
    vec![SeccompRule::new((first..).zip(arguments).map(equal).collect()).unwrap()]
}

#[test]
fn syncing_and_advising() {
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    for fd in [fd, DIR] {
        assert_eq!(sandbox.call(|ctx, guest| ctx.fd_sync(guest, fd)), Ok(()));
        assert_eq!(sandbox.call(|ctx, guest| ctx.fd_datasync(guest, fd)), Ok(()));
    }
    sandbox.fails(Errno::INVAL, |ctx, guest| ctx.fd_sync(guest, 1));
    sandbox.fails(Errno::BADF, |ctx, guest| ctx.fd_datasync(guest, 9));
    for advice in 0..6 {
        assert_eq!(sandbox.call(|ctx, guest| ctx.fd_advise(guest, fd, 0, 10, advice)), Ok(()));
    }
    sandbox.fails(Errno::INVAL, |ctx, guest| ctx.fd_advise(guest, fd, 0, 0, 6));
    sandbox.fails(Errno::BADF, |ctx, guest| ctx.fd_advise(guest, DIR, 0, 0, 0));
}

#[test]
fn synchronizing_is_left_to_the_system() {
    type Call = fn(&mut WasiCtx, &mut Guest<'_>, u32) -> Result;
    let calls: [(c_long, Call, Call); 2] = [
        (SYS_fsync, WasiCtx::fd_sync, WasiCtx::fd_datasync),
        (SYS_fdatasync, WasiCtx::fd_datasync, WasiCtx::fd_sync),
    ];
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    for (refused, call, other) in calls {
        refusing([(refused, vec![])], Os::NOSPC, || {
            for fd in [fd, DIR] {
                sandbox.fails(Errno::NOSPC, |ctx, guest| call(ctx, guest, fd));
                assert_eq!(sandbox.call(|ctx, guest| other(ctx, guest, fd)), Ok(()));
            }
        });
    }
}

#[test]
fn advice_is_passed_on() {
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    // WASI's numbers, and Linux's.
    for (advice, passed) in [(0, 0), (1, 2), (2, 1), (3, 3), (4, 4), (5, 5)] {
        refusing([(SYS_fadvise64, with_arguments(1, &[7, 9, passed]))], Os::NOSPC, || {
            for (len, given) in [(9, advice), (9, (advice + 1) % 6), (8, advice)] {
                let result = sandbox.done(|ctx, guest| ctx.fd_advise(guest, fd, 7, len, given));
                let expected = if (len, given) == (9, advice) { Err(Errno::NOSPC) } else { Ok(()) };
                assert_eq!(result, expected, "{advice} {len} {given}");
            }
        });
    }
}

#[test]
fn space_is_reserved_by_the_system() {
    let mut sandbox = Sandbox::writable();
    let fd = sandbox.open("file", CREAT, READ | WRITE).unwrap();
    refusing([(SYS_fallocate, with_arguments(1, &[0, 5, 11]))], Os::NOSPC, || {
        sandbox.fails(Errno::NOSPC, |ctx, guest| ctx.fd_allocate(guest, fd, 5, 11));
        assert_eq!(sandbox.fstat(fd).unwrap().size, 0);
        sandbox.call(|ctx, guest| ctx.fd_allocate(guest, fd, 11, 5)).unwrap();
        assert_eq!(sandbox.fstat(fd).unwrap().size, 16);
    });
}

#[test]
fn what_closing_says_is_the_guests_to_know() {
    let mut sandbox = Sandbox::writable();
    // As file systems over a network do when they can't keep what was written.
    for (os, errno) in [(Os::NOSPC, Errno::NOSPC), (Os::DQUOT, Errno::DQUOT), (Os::IO, Errno::IO)] {
        let fd = sandbox.open("file", CREAT, WRITE).unwrap();
        sandbox.write(fd, &[b"abc"]).unwrap();
        refusing([(SYS_close, vec![])], os, || {
            assert_eq!(sandbox.close(fd), Err(errno));
            // As on Linux, it is closed all the same.
            assert_eq!(sandbox.close(fd), Err(Errno::BADF));
        });
        // Where no call can be refused, it is open still.
        let _ = sandbox.close(fd);
        assert_eq!(sandbox.open("file", 0, READ), Ok(fd));
        sandbox.close(fd).unwrap();
    }
}

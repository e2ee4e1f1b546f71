//! `fd_read`, `fd_write`, `fd_pread`, `fd_pwrite`, `fd_seek`, `fd_tell`, `fd_close`, `fd_renumber`.

#![no_std]
#![no_main]

mod guest;
use guest::*;

/// What the four transfers answer to wrong arguments; `fd` may be read and written.
fn wrong(fd: u32, read_only: u32, write_only: u32) {
    let buf = [0_u8; 8];
    let (good, bad) = ([at(&buf), 8], [NOWHERE, 100]);
    let mut n = 0;
    let n = at_mut(&mut n);
    type Call = fn(u32, u32, u32, u32) -> u32;
    let pread: Call = |fd, iovs, len, n| fd_pread(fd, iovs, len, 0, n);
    let pwrite: Call = |fd, iovs, len, n| fd_pwrite(fd, iovs, len, 0, n);
    for (call, other) in
        [(fd_read as Call, write_only), (fd_write, read_only), (pread, write_only), (pwrite, read_only)]
    {
        is(call(NONE, at(&good), 1, n), BADF);
        is(call(DIR, at(&good), 1, n), BADF);
        is(call(other, at(&good), 1, n), BADF);
        is(call(fd, at(&bad), 1, n), FAULT);
        is(call(fd, NOWHERE, 1, n), FAULT);
        is(call(fd, at(&good), 1, NOWHERE), FAULT);
        is(call(fd, at(&good), 1025, n), INVAL);
    }
    for call in [pread, pwrite] {
        let stdio = if call(0, at(&good), 1, n) == BADF { 1 } else { 0 };
        is(call(stdio, at(&good), 1, n), SPIPE);
    }
    is(fd_pread(fd, at(&good), 1, u64::MAX, n), INVAL);
    is(fd_pwrite(fd, at(&good), 1, u64::MAX, n), INVAL);
}

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let fd = open("io.cleanup", CREAT | TRUNC, READ | WRITE, 0);
    // Several buffers, some of them empty.
    let (one, two) = (*b"abc", *b"defgh");
    let iovs = [at(&one), 3, 0, 0, at(&two), 5];
    let mut n = 0;
    is(fd_write(fd, at(&iovs), 3, at_mut(&mut n)), OK);
    is(seen(&n), 8);
    let mut position = 0_u64;
    is(fd_tell(fd, at_mut(&mut position)), OK);
    is(seen(&position), 8);
    is(fd_seek(fd, 2, 0, at_mut(&mut position)), OK);
    let mut buf = [0; 16];
    is(read(fd, &mut buf[..4]), 4);
    is(&buf[..4], b"cdef");
    is(fd_seek(fd, -3, 1, at_mut(&mut position)), OK);
    is(seen(&position), 3);
    is(fd_seek(fd, -1, 2, at_mut(&mut position)), OK);
    is(seen(&position), 7);
    is(read(fd, &mut buf), 1);
    is(read(fd, &mut buf), 0);
    // At an offset, the position stays.
    let iovs = [at_mut(&mut buf), 3];
    is(fd_pread(fd, at(&iovs), 1, 1, at_mut(&mut n)), OK);
    is((seen(&n), &seen(&buf)[..3]), (3, &b"bcd"[..]));
    let iovs = [at(&two), 2];
    is(fd_pwrite(fd, at(&iovs), 1, 10, at_mut(&mut n)), OK);
    is(seen(&n), 2);
    is(fd_tell(fd, at_mut(&mut position)), OK);
    is(seen(&position), 8);
    is(filestat(fd).size, 12);
    is(read(fd, &mut buf), 4);
    is(&seen(&buf)[..4], b"\0\0de");

    let read_only = open("io.cleanup", 0, READ, 0);
    let write_only = open("io.cleanup", 0, WRITE, 0);
    wrong(fd, read_only, write_only);
    is(filestat(fd).size, 12);

    is(fd_seek(fd, -1, 0, at_mut(&mut position)), INVAL);
    is(fd_seek(fd, 0, 3, at_mut(&mut position)), INVAL);
    is(fd_seek(NONE, 0, 0, at_mut(&mut position)), BADF);
    is(fd_seek(DIR, 0, 0, at_mut(&mut position)), BADF);
    is(fd_seek(1, 0, 0, at_mut(&mut position)), SPIPE);
    is(fd_seek(fd, 0, 0, NOWHERE), FAULT);
    is(fd_tell(NONE, at_mut(&mut position)), BADF);
    is(fd_tell(DIR, at_mut(&mut position)), BADF);
    is(fd_tell(0, at_mut(&mut position)), SPIPE);
    is(fd_tell(fd, NOWHERE), FAULT);

    // Appending goes to the end, wherever the position is.
    let appending = open("io.cleanup", 0, READ | WRITE, APPEND);
    is(write(appending, b"end"), 3);
    is(fd_tell(appending, at_mut(&mut position)), OK);
    is(seen(&position), 15);
    is(fd_fdstat_set_flags(appending, 0), OK);
    is(fd_seek(appending, 0, 0, at_mut(&mut position)), OK);
    is(write(appending, b"begin"), 5);
    is(filestat(appending).size, 15);

    // Numbers.
    is(fd_renumber(read_only, write_only), OK);
    is(fd_close(read_only), BADF);
    is(read(write_only, &mut buf[..5]), 5);
    is(&seen(&buf)[..5], b"begin");
    is(fd_renumber(NONE, fd), BADF);
    is(fd_renumber(fd, NONE), BADF);
    is(open("io.cleanup", 0, READ, 0), read_only);
    is(fd_renumber(fd, fd), OK);
    for fd in [fd, read_only, write_only, appending] {
        is(fd_close(fd), OK);
        is(fd_close(fd), BADF);
    }
    is(unlink("io.cleanup"), OK);
}

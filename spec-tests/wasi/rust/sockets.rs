//! `sock_*` where there are no sockets.

#![no_std]
#![no_main]

mod guest;
use guest::*;

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let (buf, n) = ([0_u8; 8], [0_u32]);
    let (iovs, n) = ([at(&buf), 8], at(&n));
    let file = open("sockets.cleanup", CREAT, READ | WRITE, 0);
    for (fd, errno) in [(0, NOTSOCK), (1, NOTSOCK), (DIR, NOTSOCK), (file, NOTSOCK), (NONE, BADF)] {
        is(sock_accept(fd, 0, n), errno);
        is(sock_recv(fd, at(&iovs), 1, 0, n, n), errno);
        is(sock_send(fd, at(&iovs), 1, 0, n), errno);
        is(sock_shutdown(fd, 1), errno);
    }
    is(fd_close(file), OK);
    is(unlink("sockets.cleanup"), OK);
}

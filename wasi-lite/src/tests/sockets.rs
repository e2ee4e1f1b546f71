use super::poll::{clock, event, fd as on, poll};
use super::*;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

const LISTENER: u32 = 3;
const PEEK: u32 = 1;
const WAITALL: u32 = 2;

fn listening() -> (Sandbox, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (Sandbox::with(WasiCtx::builder().preopened_socket(listener).unwrap().build()), address)
}

impl Sandbox {
    fn accept(&mut self, fdflags: u32) -> Result<u32> {
        self.call(|ctx, guest| ctx.sock_accept(guest, LISTENER, fdflags, 0))?;
        Ok(self.result())
    }

    fn recv(&mut self, fd: u32, lens: &[usize], flags: u32) -> Result<Vec<u8>> {
        let (iovs, len) = self.iovs(lens);
        self.call(|ctx, guest| ctx.sock_recv(guest, fd, iovs, len, flags, 0, 8))?;
        assert_eq!(get_u16(&self.memory, 8), 0);
        Ok(self.read_bytes())
    }

    fn send(&mut self, fd: u32, bytes: &[u8], flags: u32) -> Result<u32> {
        self.memory[BUF as usize..][..bytes.len()].copy_from_slice(bytes);
        let (iovs, len) = self.iovs(&[bytes.len()]);
        self.call(|ctx, guest| ctx.sock_send(guest, fd, iovs, len, flags, 0))?;
        Ok(self.result())
    }

    fn shutdown(&mut self, fd: u32, how: u32) -> Result<(), Errno> {
        self.done(|ctx, guest| ctx.sock_shutdown(guest, fd, how))
    }
}

#[test]
fn a_connection() {
    let (mut sandbox, address) = listening();
    let mut client = TcpStream::connect(address).unwrap();
    let fd = sandbox.accept(0).unwrap();
    assert_eq!(fd, 4);
    client.write_all(b"abcdef").unwrap();
    assert_eq!(sandbox.recv(fd, &[2, 9], PEEK).unwrap(), b"ab");
    assert_eq!(sandbox.recv(fd, &[0, 3], 0).unwrap(), b"abc");
    assert_eq!(sandbox.read(fd, &[1]).unwrap(), b"d");
    assert_eq!(sandbox.send(fd, b"one ", 0), Ok(4));
    assert_eq!(sandbox.write(fd, &[b"t", b"wo"]), Ok(3));
    // What arrives piecemeal is waited for.
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        client.write_all(b"gh").unwrap();
        client
    });
    assert_eq!(sandbox.recv(fd, &[3, 1], WAITALL).unwrap(), b"efgh");
    let mut client = thread.join().unwrap();
    sandbox.shutdown(fd, 2).unwrap();
    let mut received = String::new();
    client.read_to_string(&mut received).unwrap();
    assert_eq!(received, "one two");
    assert_eq!(sandbox.write(fd, &[b"x"]), Err(Fail::Errno(Errno::PIPE)));
    drop(client);
    assert_eq!(sandbox.recv(fd, &[9], WAITALL).unwrap(), b"");
    sandbox.close(fd).unwrap();
    assert_eq!(sandbox.recv(fd, &[9], 0), Err(Fail::Errno(Errno::BADF)));
}

#[test]
fn directions_are_closed_one_by_one() {
    for (how, reads, writes) in [(1, false, true), (2, true, false), (3, false, false)] {
        let (mut sandbox, address) = listening();
        let mut client = TcpStream::connect(address).unwrap();
        let fd = sandbox.accept(NONBLOCK).unwrap();
        sandbox.shutdown(fd, how).unwrap();
        let received = sandbox.recv(fd, &[9], 0);
        // At its end at once, or not yet.
        assert_eq!(received, if reads { Err(Fail::Errno(Errno::AGAIN)) } else { Ok(vec![]) }, "{how}");
        let sent = sandbox.send(fd, b"abc", 0);
        assert_eq!(sent, if writes { Ok(3) } else { Err(Fail::Errno(Errno::PIPE)) }, "{how}");
        sandbox.close(fd).unwrap();
        let mut arrived = Vec::new();
        client.read_to_end(&mut arrived).unwrap();
        assert_eq!(arrived, if writes { &b"abc"[..] } else { b"" }, "{how}");
    }
}

#[test]
fn all_is_as_much_as_there_is_where_nobody_waits() {
    let (mut sandbox, address) = listening();
    let mut client = TcpStream::connect(address).unwrap();
    let fd = sandbox.accept(0).unwrap();
    client.write_all(b"abcde").unwrap();
    let peek = |sandbox: &mut Sandbox, flags| {
        let peeked = sandbox.recv(fd, &[3, 9], flags).unwrap();
        assert_eq!(peeked, b"abc", "one buffer, and it stays there");
    };
    peek(&mut sandbox, PEEK);
    peek(&mut sandbox, PEEK | WAITALL);
    sandbox.call(|ctx, guest| ctx.fd_fdstat_set_flags(guest, fd, NONBLOCK)).unwrap();
    assert_eq!(sandbox.recv(fd, &[2, 9], WAITALL).unwrap(), b"abcde");
    assert_eq!(sandbox.recv(fd, &[2, 9], WAITALL), Err(Fail::Errno(Errno::AGAIN)));
}

#[test]
fn what_waits_can_be_interrupted_or_refused() {
    let (mut sandbox, address) = listening();
    sandbox.call(|ctx, guest| ctx.fd_fdstat_set_flags(guest, LISTENER, NONBLOCK)).unwrap();
    assert_eq!(sandbox.accept(0), Err(Fail::Errno(Errno::AGAIN)));
    sandbox.call(|ctx, guest| ctx.fd_fdstat_set_flags(guest, LISTENER, 0)).unwrap();
    let _client = TcpStream::connect(address).unwrap();
    let fd = sandbox.accept(NONBLOCK).unwrap();
    for flags in [0, PEEK, WAITALL] {
        assert_eq!(sandbox.recv(fd, &[9], flags), Err(Fail::Errno(Errno::AGAIN)));
    }
    sandbox.call(|ctx, guest| ctx.fd_fdstat_set_flags(guest, fd, 0)).unwrap();
    sandbox.interrupt();
    assert_eq!(sandbox.accept(0), Err(Fail::Interrupted));
    for flags in [0, PEEK, WAITALL] {
        assert_eq!(sandbox.recv(fd, &[9], flags), Err(Fail::Interrupted));
    }
}

#[test]
fn the_hosts_own_sockets_wait_for_nobody() {
    let (mut sandbox, address) = listening();
    let _client = TcpStream::connect(address).unwrap();
    let fd = sandbox.accept(0).unwrap();
    for fd in [LISTENER, fd] {
        let socket = sandbox.ctx.fds.socket(fd).unwrap();
        let flags = rustix::fs::fcntl_getfl(socket.as_fd()).unwrap();
        assert!(flags.contains(rustix::fs::OFlags::NONBLOCK), "{fd}");
    }
}

#[test]
fn sockets_look_like_sockets() {
    let (mut sandbox, address) = listening();
    let _client = TcpStream::connect(address).unwrap();
    let fd = sandbox.accept(0).unwrap();
    for (fd, rights) in [(LISTENER, Rights::LISTENER), (fd, Rights::CONNECTION)] {
        let (filetype, flags, base, inheriting) = sandbox.fdstat(fd).unwrap();
        assert_eq!((filetype, flags, base), (Filetype::SocketStream as u8, 0, rights.bits()));
        assert_eq!(inheriting, Rights::CONNECTION.bits());
        assert_eq!(sandbox.fstat(fd).unwrap().filetype, Filetype::SocketStream as u8);
        assert_eq!(sandbox.seek(fd, 0, 0), Err(Errno::SPIPE));
        assert_eq!(sandbox.open_with((fd, 0), "x", 0, READ, 0), Err(Errno::NOTDIR));
        sandbox.fails(Errno::BADF, |ctx, guest| ctx.fd_filestat_set_size(guest, fd, 0));
        sandbox.fails(Errno::INVAL, |ctx, guest| ctx.fd_sync(guest, fd));
        sandbox.fails(Errno::BADF, |ctx, guest| ctx.fd_prestat_get(guest, fd, 0));
    }
    assert_eq!(sandbox.pread(fd, &[9], 0), Err(Fail::Errno(Errno::SPIPE)));
}

#[test]
fn mistakes() {
    let (mut sandbox, address) = listening();
    let client = TcpStream::connect(address).unwrap();
    let fd = sandbox.accept(0).unwrap();
    sandbox.fails(Errno::INVAL, |ctx, guest| ctx.sock_accept(guest, fd, 0, 0));
    sandbox.fails(Errno::INVAL, |ctx, guest| ctx.sock_accept(guest, LISTENER, APPEND, 0));
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.sock_accept(guest, LISTENER, 0, 65_533));
    // Nothing has been taken from the stream then.
    (&client).write_all(b"abc").unwrap();
    let (iovs, len) = sandbox.iovs(&[9]);
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.sock_recv(guest, fd, iovs, len, 0, 0, 65_535));
    sandbox.fails(Errno::FAULT, |ctx, guest| ctx.sock_recv(guest, fd, iovs, len, 0, 65_533, 8));
    assert_eq!(sandbox.recv(fd, &[9], 0).unwrap(), b"abc");
    assert_eq!(sandbox.recv(LISTENER, &[9], 0), Err(Fail::Errno(Errno::NOTCONN)));
    assert_eq!(sandbox.read(LISTENER, &[9]), Err(Fail::Errno(Errno::NOTCONN)));
    assert_eq!(sandbox.send(LISTENER, b"x", 0), Err(Fail::Errno(Errno::NOTCONN)));
    assert_eq!(sandbox.shutdown(LISTENER, 1), Err(Errno::NOTCONN));
    assert_eq!(sandbox.recv(fd, &[9], 4), Err(Fail::Errno(Errno::INVAL)));
    assert_eq!(sandbox.send(fd, b"x", 1), Err(Fail::Errno(Errno::INVAL)));
    assert_eq!(sandbox.shutdown(fd, 0), Err(Errno::INVAL));
    assert_eq!(sandbox.shutdown(fd, 4), Err(Errno::INVAL));
    for other in [1, 17] {
        let errno = if other == 1 { Errno::NOTSOCK } else { Errno::BADF };
        sandbox.fails(errno, |ctx, guest| ctx.sock_accept(guest, other, 0, 0));
        assert_eq!(sandbox.recv(other, &[9], 0), Err(Fail::Errno(errno)));
        assert_eq!(sandbox.send(other, b"x", 0), Err(Fail::Errno(errno)));
        assert_eq!(sandbox.shutdown(other, 1), Err(errno));
    }
    // Rights that were given up are gone, for new connections as well.
    let base = Rights::CONNECTION - Rights::SOCK_SHUTDOWN;
    sandbox.call(|ctx, guest| ctx.fd_fdstat_set_rights(guest, fd, base.bits(), 0)).unwrap();
    assert_eq!(sandbox.shutdown(fd, 1), Err(Errno::NOTCAPABLE));
    let base = (Rights::LISTENER - Rights::SOCK_ACCEPT).bits();
    sandbox.call(|ctx, guest| ctx.fd_fdstat_set_rights(guest, LISTENER, base, 0)).unwrap();
    sandbox.fails(Errno::NOTCAPABLE, |ctx, guest| ctx.sock_accept(guest, LISTENER, 0, 0));
}

#[test]
fn sockets_are_waited_for() {
    let (mut sandbox, address) = listening();
    let soon = clock(9, 1, Duration::from_millis(20), 0);
    let late = clock(9, 1, Duration::from_secs(60), 0);
    assert_eq!(poll(&mut sandbox, &[on(1, 1, LISTENER), soon]).unwrap(), [event(9, 0, 0, false)]);
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        TcpStream::connect(address).unwrap()
    });
    let events = poll(&mut sandbox, &[on(1, 1, LISTENER), late]).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].userdata, events[0].error), (1, 0));
    let mut client = thread.join().unwrap();
    let fd = sandbox.accept(0).unwrap();
    assert_eq!(poll(&mut sandbox, &[on(1, 1, fd), soon]).unwrap(), [event(9, 0, 0, false)]);
    assert_eq!(poll(&mut sandbox, &[on(1, 1, fd), on(2, 2, fd), late]).unwrap(), [event(2, 2, 4096, false)]);
    client.write_all(b"abc").unwrap();
    assert_eq!(poll(&mut sandbox, &[on(1, 1, fd), late]).unwrap(), [event(1, 1, 3, false)]);
}

#[test]
fn a_connection_that_is_reset() {
    let (mut sandbox, address) = listening();
    let client = TcpStream::connect(address).unwrap();
    let fd = sandbox.accept(0).unwrap();
    assert_eq!(sandbox.send(fd, b"nobody reads this", 0), Ok(17));
    let mut first = [0];
    client.peek(&mut first).unwrap();
    // What has arrived and isn't read makes the system reset the connection.
    drop(client);
    assert_eq!(sandbox.recv(fd, &[9], 0), Err(Fail::Errno(Errno::CONNRESET)));
    assert_eq!(sandbox.recv(fd, &[9], 0).unwrap(), b"", "it is told once");
    assert_eq!(sandbox.send(fd, b"x", 0), Err(Fail::Errno(Errno::PIPE)));
    sandbox.close(fd).unwrap();
    // The listener goes on.
    let _client = TcpStream::connect(address).unwrap();
    assert_eq!(sandbox.accept(0), Ok(fd));
}

#[test]
fn an_interruption_ends_sending() {
    let (mut sandbox, address) = listening();
    let _client = TcpStream::connect(address).unwrap();
    let fd = sandbox.accept(0).unwrap();
    let (iovs, len) = sandbox.iovs(&[20_000]);
    // Nobody receives, so at some time there is no more room.
    sandbox.call(|ctx, guest| ctx.fd_fdstat_set_flags(guest, fd, NONBLOCK)).unwrap();
    while sandbox.call(|ctx, guest| ctx.sock_send(guest, fd, iovs, len, 0, 0)).is_ok() {}
    sandbox.call(|ctx, guest| ctx.fd_fdstat_set_flags(guest, fd, 0)).unwrap();
    let interrupter = sandbox.interrupter();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        { interrupter }.write_all(&[0]).unwrap();
    });
    // The system may find some more room meanwhile.
    let sent = loop {
        let sent = sandbox.call(|ctx, guest| ctx.sock_send(guest, fd, iovs, len, 0, 0));
        if sent.is_err() {
            break sent;
        }
    };
    assert_eq!(sent, Err(Fail::Interrupted));
    thread.join().unwrap();
}

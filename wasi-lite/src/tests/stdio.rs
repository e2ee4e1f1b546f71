use super::*;
use crate::fds::{Fd, FdKind};
use crate::host::streams::{read_stream, write_stream};
use crate::{ReadPipe, WritePipe};
use std::io::Read;
use std::time::Duration;

#[test]
fn pipes_in_memory() {
    let (out, err) = (WritePipe::in_memory(8), WritePipe::in_memory(100));
    let mut sandbox = Sandbox::with(
        WasiCtx::builder().stdin(ReadPipe::from("input")).stdout(out.clone()).stderr(err.clone()).build(),
    );
    assert_eq!(sandbox.read(0, &[0, 3, 9]).unwrap(), b"inp", "one buffer at a time");
    assert_eq!(sandbox.read(0, &[9]).unwrap(), b"ut");
    assert_eq!(sandbox.read(0, &[9]).unwrap(), b"");
    assert_eq!(sandbox.write(1, &[b"he", b"llo"]), Ok(5));
    assert_eq!(sandbox.write(2, &[b"error"]), Ok(5));
    assert_eq!(sandbox.write(1, &[b" world"]), Ok(3), "as much as there is room for");
    assert_eq!(sandbox.write(1, &[b"x"]), Err(Fail::Errno(Errno::NOSPC)));
    assert_eq!((out.contents(), err.contents()), (b"hello wo".to_vec(), b"error".to_vec()));
    assert_eq!(sandbox.read(1, &[9]), Err(Fail::Errno(Errno::BADF)));
    assert_eq!(sandbox.write(0, &[b"x"]), Err(Fail::Errno(Errno::BADF)));
    assert_eq!(sandbox.pread(0, &[9], 0), Err(Fail::Errno(Errno::SPIPE)));
    assert_eq!(sandbox.pwrite(1, &[b"x"], 0), Err(Fail::Errno(Errno::SPIPE)));
}

#[test]
fn nothing_is_granted_without_being_asked_for() {
    let mut sandbox = Sandbox::new();
    assert_eq!(sandbox.read(0, &[9]).unwrap(), b"");
    assert_eq!(sandbox.write(1, &[b"lost"]), Ok(4));
    assert_eq!(sandbox.write(2, &[b"lost"]), Ok(4));
    sandbox.fails(Errno::BADF, |ctx, guest| ctx.fd_prestat_get(guest, 3, 0));
    for fd in 0..3 {
        let (filetype, flags, base, inheriting) = sandbox.fdstat(fd).unwrap();
        let expected = (if fd == 0 { READ } else { WRITE }) | Rights::POLL_FD_READWRITE.bits();
        assert_eq!((filetype, flags, base, inheriting), (0, 0, expected, expected));
        let zeros = Stat { ino: 0, filetype: 0, nlink: 0, size: 0, atim: 0, mtim: 0 };
        assert_eq!(sandbox.fstat(fd), Ok(zeros));
    }
}

#[test]
fn readers_and_writers_of_the_embedder() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut sandbox = Sandbox::with(
        WasiCtx::builder()
            .stdin(ReadPipe::new(&b"abc"[..]))
            .stdout(WritePipe::new(writer))
            .stderr(WritePipe::new(Full))
            .build(),
    );
    assert_eq!(sandbox.read(0, &[9]).unwrap(), b"abc");
    assert_eq!(sandbox.write(1, &[b"abc", b"def"]), Ok(6));
    let mut buf = [0; 6];
    reader.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"abcdef");
    assert_eq!(sandbox.write(2, &[b"x"]), Err(Fail::Errno(Errno::PIPE)));
}

#[test]
fn of_a_write_that_fails_the_guest_learns_how_much_was_taken() {
    /// Takes three bytes at a time, and then nothing any more.
    struct Some(Vec<std::io::Result<usize>>);
    impl Write for Some {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            assert!(!bytes.is_empty(), "nothing is left to be written");
            self.0.pop().unwrap_or_else(|| Err(std::io::ErrorKind::WouldBlock.into()))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let interrupted = || Err(std::io::ErrorKind::Interrupted.into());
    let writer = Some(vec![Ok(0), Ok(3), interrupted(), Ok(3)]);
    let mut sandbox = Sandbox::with(WasiCtx::builder().stdout(WritePipe::new(writer)).build());
    assert_eq!(sandbox.write(1, &[b"0123456789"]), Ok(6));
    assert_eq!(sandbox.write(1, &[b"6789"]), Err(Fail::Errno(Errno::AGAIN)));
    let mut sandbox =
        Sandbox::with(WasiCtx::builder().stdout(WritePipe::new(Some(vec![Ok(2), Ok(3)]))).build());
    assert_eq!(sandbox.write(1, &[b"01234"]), Ok(5));
    for last in [Ok(0), Err(std::io::ErrorKind::BrokenPipe.into())] {
        let writer = Some(vec![last, Ok(1)]);
        let mut sandbox = Sandbox::with(WasiCtx::builder().stdout(WritePipe::new(writer)).build());
        assert_eq!(sandbox.write(1, &[b"0123456789"]), Ok(1));
    }
    let writer = Some(vec![Ok(0)]);
    let mut sandbox = Sandbox::with(WasiCtx::builder().stdout(WritePipe::new(writer)).build());
    assert_eq!(sandbox.write(1, &[b"x"]), Err(Fail::Errno(Errno::IO)));
}

/// Both ends of a pipe, neither of which waits: as whoever shares it may have set them.
fn pipe_that_doesnt_wait() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&reader, true).unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    (reader, writer)
}

#[test]
fn the_guest_waits_for_streams_that_dont() {
    let (reader, mut writer) = pipe_that_doesnt_wait();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        writer.write_all(b"abc").unwrap();
        std::thread::sleep(Duration::from_millis(30));
    });
    let mut buf = [0; 8];
    assert_eq!(read_stream(Interrupt::by(None), reader.as_fd(), &mut buf, false), Ok(3));
    assert_eq!(read_stream(Interrupt::by(None), reader.as_fd(), &mut buf, false), Ok(0), "its end");
    thread.join().unwrap();
    // Two writers, each of which may find that the other came first.
    let (reader, writer) = pipe_that_doesnt_wait();
    let bytes = vec![7; 300_000];
    std::thread::scope(|scope| {
        let writer = &writer;
        for _ in 0..2 {
            scope.spawn(|| {
                assert_eq!(write_stream(Interrupt::by(None), writer.as_fd(), &bytes, false), Ok(bytes.len()));
            });
        }
        let (mut all, mut buf) = (0, vec![0; 10_000]);
        while all < 2 * bytes.len() {
            all += read_stream(Interrupt::by(None), reader.as_fd(), &mut buf, false).unwrap();
        }
        assert_eq!(all, 2 * bytes.len());
    });
    // A socket takes a part of a write.
    let (mut one, other) = std::os::unix::net::UnixStream::pair().unwrap();
    other.set_nonblocking(true).unwrap();
    let thread = std::thread::spawn(move || {
        let mut all = Vec::new();
        one.read_to_end(&mut all).unwrap();
        all.len()
    });
    assert_eq!(write_stream(Interrupt::by(None), other.as_fd(), &[7; 1_000_000], false), Ok(1_000_000));
    drop(other);
    assert_eq!(thread.join().unwrap(), 1_000_000);
}

#[test]
fn a_pipe_that_breaks_half_way() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let thread = std::thread::spawn(move || {
        // Enough for one more write than the pipe holds.
        reader.read_exact(&mut [0; 8192]).unwrap();
    });
    let written = write_stream(Interrupt::by(None), writer.as_fd(), &[7; 1 << 20], false).unwrap();
    thread.join().unwrap();
    assert!((8192..1 << 20).contains(&written) && written.is_multiple_of(4096), "{written}");
    assert_eq!(write_stream(Interrupt::by(None), writer.as_fd(), b"x", false), Err(Fail::Errno(Errno::PIPE)));
}

#[test]
fn a_broken_pipe_is_the_guests_to_notice() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let result = write_stream(Interrupt::by(None), writer.as_fd(), b"abc", false);
    assert_eq!(result, Err(Fail::Errno(Errno::PIPE)));
}

#[test]
fn all_of_a_large_write_arrives() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    let thread = std::thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        all
    });
    assert_eq!(write_stream(Interrupt::by(None), writer.as_fd(), &bytes, false), Ok(bytes.len()));
    drop(writer);
    assert_eq!(thread.join().unwrap(), bytes);
}

#[test]
fn nonblocking_streams() {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut buf = [0; 8];
    let read = |buf: &mut [u8]| read_stream(Interrupt::by(None), reader.as_fd(), buf, true);
    assert_eq!(read(&mut buf), Err(Fail::Errno(Errno::AGAIN)));
    // The pipe fills up, without the call waiting.
    let written = write_stream(Interrupt::by(None), writer.as_fd(), &[7; 1 << 20], true).unwrap();
    assert!((4096..1 << 20).contains(&written));
    assert_eq!(write_stream(Interrupt::by(None), writer.as_fd(), b"x", true), Err(Fail::Errno(Errno::AGAIN)));
    assert_eq!(read(&mut buf), Ok(8));
}

#[test]
fn an_interruption_ends_waiting_for_input() {
    let (reader, _open) = std::io::pipe().unwrap();
    let (interrupt, mut interrupter) = std::io::pipe().unwrap();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        interrupter.write_all(&[0]).unwrap();
        interrupter
    });
    let result = read_stream(Interrupt::by(Some(interrupt.as_fd())), reader.as_fd(), &mut [0; 8], false);
    assert_eq!(result, Err(Fail::Interrupted));
    thread.join().unwrap();
}

#[test]
fn flags_of_standard_streams() {
    let mut sandbox = Sandbox::new();
    sandbox.call(|ctx, guest| ctx.fd_fdstat_set_flags(guest, 0, NONBLOCK)).unwrap();
    assert_eq!(sandbox.fdstat(0).unwrap().1, NONBLOCK as u16);
    assert!(sandbox.ctx.fds.get(0).is_ok_and(|fd: &Fd| fd.nonblock && matches!(fd.kind, FdKind::Stdio(_))));
    sandbox.fails(Errno::INVAL, |ctx, guest| ctx.fd_fdstat_set_flags(guest, 0, 1 << 5));
}

#[test]
fn a_guest_is_stopped_before_it_reads() {
    let mut sandbox = Sandbox::with(WasiCtx::builder().stop_at_stdin().build());
    for _ in 0..2 {
        assert_eq!(sandbox.read(0, &[9]), Err(Fail::Interrupted));
        // A subscription to it.
        sandbox.memory[4096..4096 + 48].fill(0);
        sandbox.memory[4096 + 8] = 1;
        let polled = sandbox.call(|ctx, guest| ctx.poll_oneoff(guest, 4096, 8192, 1, 12288));
        assert_eq!(polled, Err(Fail::Interrupted));
    }
}

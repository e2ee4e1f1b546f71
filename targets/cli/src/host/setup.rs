//! The process's set-up that must come before any output.

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::stdio::{stderr, stdin, stdout};
use signal_hook::consts::SIGXFSZ;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::sync::atomic::AtomicBool;

/// Opens those of the standard streams that are closed. Before `main`, Rust's standard library opens `/dev/null` in
/// their place, and aborts silently if there is none, so this is called earlier. Without `/dev/null`, standard input is
/// at its end, and writes to the others fail as if they were closed.
pub extern "C" fn open_standard_streams() {
    for (number, stream) in [stdin(), stdout(), stderr()].into_iter().enumerate() {
        if rustix::io::fcntl_getfd(stream) != Err(Errno::BADF) {
            continue;
        }
        // The system gives what is opened the lowest number that is free, which is this one.
        let null = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty());
        if let Ok(opened) = null.or_else(|_| if number == 0 { at_its_end() } else { not_writable() }) {
            let _ = opened.into_raw_fd();
        }
    }
}

fn at_its_end() -> Result<OwnedFd, Errno> {
    rustix::pipe::pipe().map(|(reader, _writer)| reader)
}

fn not_writable() -> Result<OwnedFd, Errno> {
    rustix::fs::open("/", OFlags::RDONLY, Mode::empty())
}

/// Makes writes beyond `RLIMIT_FSIZE` fail, instead of a signal that ends the process.
pub(crate) fn survive_file_size_limit() {
    static REACHED: AtomicBool = AtomicBool::new(false);
    // If that fails, the default stays.
    let _ = signal_hook::flag::register(SIGXFSZ, &REACHED);
}

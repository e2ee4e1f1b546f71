//! How the command starts on Unix: by C's `main`, because Rust's would first find out where this thread's stack ends,
//! for a message about its overflow. For that, the C library reads and parses the list of all mappings, at every start.

use nix::sys::signal::{SigHandler, Signal, signal};
use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::panic::catch_unwind;

/// What Rust's programs exit with after a panic.
const PANICKED: c_int = 101;

// SAFETY: no other symbol of a Rust program has this name, and the C library calls it with these arguments.
#[allow(unsafe_code, reason = "see above")]
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    dunlin_cli::open_standard_streams();
    // SAFETY: there is no handler that could be unsafe.
    // A pipe that nobody reads from is an error of the write then.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
    // The first is the program's own name.
    let arguments: Vec<OsString> = (1..count as usize)
        .map(|index| {
            // SAFETY: the C library passes as many pointers to strings, which live as long as the process.
            let argument = unsafe { CStr::from_ptr(*arguments.add(index)) };
            OsStr::from_bytes(argument.to_bytes()).to_owned()
        })
        .collect();
    let code = catch_unwind(|| dunlin_cli::main(arguments)).map_or(PANICKED, c_int::from);
    // Unlike a return, this flushes the standard output of Rust's library.
    std::process::exit(code)
}

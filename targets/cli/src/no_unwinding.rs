//! What takes the place of the unwinder where a panic ends the process (see `targets/build.sh`): with it, and what Rust's library
//! shows backtraces by, a program is a quarter of a megabyte larger. A panic's message is printed all the same.
#![allow(
    unsafe_code,
    reason = "each symbol is defined once, since the linker has been told to take the first"
)]

use std::ffi::{c_int, c_void};

/// Finds no frames.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_: *const c_void, _: *mut c_void) -> c_int {
    0
}

/// What cleans up before unwinding goes on; it never begins.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume(_: *mut c_void) -> ! {
    std::process::abort()
}

//! The `dunlin` command.
#![deny(unsafe_code)]

use std::process::ExitCode;

// SAFETY: the loader calls what is in this section before `main`, with three arguments that such a function may ignore. This one
// needs nothing that Rust's library sets up.
#[allow(unsafe_code, reason = "nothing else is called early enough")]
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = dunlin_cli::open_standard_streams;

fn main() -> ExitCode {
    // Not `std::env::args`, which panics at an argument that isn't UTF-8.
    ExitCode::from(dunlin_cli::main(std::env::args_os().skip(1)))
}

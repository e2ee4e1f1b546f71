//! The `dunlin` command.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // Not `std::env::args`, which panics at an argument that isn't UTF-8.
    ExitCode::from(dunlin_cli::main(std::env::args_os().skip(1)))
}

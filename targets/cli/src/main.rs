//! The `dunlin` command.
#![deny(unsafe_code)]
#![cfg_attr(all(unix, not(test)), no_main)]

#[cfg(all(unix, not(test)))]
mod start;

#[cfg(not(unix))]
fn main() {
    dunlin_cli::open_standard_streams();
    // The first is the program's own name.
    std::process::exit(dunlin_cli::main(std::env::args_os().skip(1)).into())
}

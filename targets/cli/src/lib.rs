//! The `dunlin` command, as a library so that it can be tested without a process.
//!
//! `args` makes options of the command line, and `commands` has a file for each command, which does what they say.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod failure;
mod guest;
mod host;
mod modules;
mod output;

use failure::Failure;
use std::ffi::OsString;

pub use host::open_standard_streams;

/// Does what the arguments (without the program's own name) ask for, and gives the exit code.
pub fn main(args: impl IntoIterator<Item = OsString, IntoIter: 'static>) -> u8 {
    execute(args).unwrap_or_else(|failure| {
        output::complain(&failure);
        failure.code
    })
}

fn execute(args: impl IntoIterator<Item = OsString, IntoIter: 'static>) -> Result<u8, Failure> {
    host::reserve::check()?;
    host::survive_file_size_limit();
    commands::execute(args::parse(args)?)
}

//! The `dunlin` command, as a library so that it can be tested without a process.
#![forbid(unsafe_code)]

mod args;
mod compile;
mod destination;
mod entry;
mod failure;
mod grants;
mod inspect;
mod json;
mod load;
mod look;
mod outcome;
mod output;
mod precompiled;
mod reserve;
mod run;
mod scan;
mod shape;
mod strangers;
mod streams;
mod tiering;
mod validate;
mod values;
mod version;
mod wasi;
#[cfg(feature = "text")]
mod wast;
mod watchdog;

#[cfg(feature = "text")]
use args::WastOptions;
use args::{Command, InspectOptions};
use failure::Failure;
use std::ffi::OsString;

pub use streams::open_standard_streams;

/// Does what the arguments (without the program's own name) ask for, and gives the exit code.
pub fn main(args: impl IntoIterator<Item = OsString, IntoIter: 'static>) -> u8 {
    execute(args).unwrap_or_else(|failure| {
        output::complain(&failure);
        failure.code
    })
}

fn execute(args: impl IntoIterator<Item = OsString, IntoIter: 'static>) -> Result<u8, Failure> {
    reserve::check()?;
    streams::survive_file_size_limit();
    match args::parse(args)? {
        Command::Help(text) => output::print(&text)?,
        Command::Version => output::print(&version::version())?,
        Command::Run(options) => return run::run(&options),
        Command::Compile(options) => compile::compile(&options)?,
        Command::Inspect(InspectOptions { module, json, budget: false }) => inspect::inspect(&module, json)?,
        Command::Inspect(InspectOptions { module, json, budget: true }) => inspect::budget(&module, json)?,
        Command::Validate(options) => return validate::validate(&options.modules),
        #[cfg(feature = "text")]
        Command::Wast(WastOptions { paths, json, tiering }) => {
            return Ok(u8::from(!wast::wast(&paths, json, &tiering)?));
        }
        #[cfg(not(feature = "text"))]
        Command::Wast(_) => {
            return Err(Failure::usage(
                "this build of dunlin has no 'wast': build it with the feature 'text'",
            ));
        }
    }
    Ok(0)
}

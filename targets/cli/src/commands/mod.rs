//! What each command does.

#[cfg(feature = "debug-info")]
mod addr2line;
#[cfg(feature = "hosts")]
mod claims;
#[cfg(feature = "jit")]
mod compile;
#[cfg(feature = "manual")]
mod completions;
#[cfg(feature = "explore")]
mod explore;
#[cfg(feature = "inspect")]
mod inspect;
#[cfg(feature = "hosts")]
mod lambda;
#[cfg(feature = "manual")]
mod man;
#[cfg(feature = "hosts")]
mod policy;
#[cfg(feature = "hosts")]
mod pull;
#[cfg(feature = "hosts")]
mod push;
#[cfg(feature = "record")]
mod replay;
mod run;
#[cfg(feature = "hosts")]
mod serve;
#[cfg(feature = "hosts")]
mod sign;
#[cfg(feature = "snapshot")]
mod snapshot;
mod validate;
mod version;
#[cfg(feature = "text")]
mod wast;

use crate::args::Command;
use crate::failure::Failure;
use crate::output::print;

/// Carries out a command, and gives the exit code.
pub(crate) fn execute(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Help(text) => print(&text)?,
        Command::Version => print(&version::version())?,
        Command::Run(options) => return run::run(&options),
        #[cfg(feature = "record")]
        Command::Replay(options) => return replay::replay(*options),
        #[cfg(feature = "jit")]
        Command::Compile(options) => compile::compile(&options)?,
        #[cfg(feature = "debug-info")]
        Command::Addr2line(options) => addr2line::addr2line(&options)?,
        #[cfg(feature = "explore")]
        Command::Explore(options) => explore::explore(&options)?,
        #[cfg(feature = "inspect")]
        Command::Inspect(options) => inspect::inspect(&options)?,
        Command::Validate(options) => return validate::validate(&options),
        #[cfg(feature = "manual")]
        Command::Completions(options) => completions::completions(&options)?,
        #[cfg(feature = "manual")]
        Command::Man => man::man()?,
        #[cfg(feature = "hosts")]
        Command::Claims(options) => return Ok(u8::from(!claims::claims(&options)?)),
        #[cfg(feature = "hosts")]
        Command::Sign(options) => sign::sign(&options)?,
        #[cfg(feature = "hosts")]
        Command::Policy(options) => return policy::policy(&options),
        #[cfg(feature = "hosts")]
        Command::Lambda(options) => return lambda::lambda(*options),
        #[cfg(feature = "hosts")]
        Command::Pull(options) => pull::pull(&options)?,
        #[cfg(feature = "hosts")]
        Command::Push(options) => push::push(&options)?,
        #[cfg(feature = "hosts")]
        Command::Serve(options) => serve::serve(*options)?,
        #[cfg(feature = "snapshot")]
        Command::Snapshot(options) => snapshot::snapshot(&options)?,
        #[cfg(feature = "text")]
        Command::Wast(options) => return Ok(u8::from(!wast::wast(&options)?)),
    }
    Ok(0)
}

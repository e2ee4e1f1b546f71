//! `dunlin replay`

#[cfg(feature = "record")]
use super::run;
use crate::args::ReplayOptions;
use crate::failure::Failure;

/// Runs a recorded program again, reports its end, and gives the exit code.
#[cfg(feature = "record")]
pub(crate) fn replay(options: ReplayOptions) -> Result<u8, Failure> {
    run::run(&run::replayed(options)?)
}

/// Other builds don't get here.
#[cfg(not(feature = "record"))]
pub(crate) fn replay(_: ReplayOptions) -> Result<u8, Failure> {
    Err(Failure::usage("this build of dunlin replays nothing: build it with the feature 'record'"))
}

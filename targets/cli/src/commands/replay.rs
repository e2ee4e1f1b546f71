//! `dunlin replay`

use super::run;
use crate::args::ReplayOptions;
use crate::failure::Failure;

/// Runs a recorded program again, reports its end, and gives the exit code.
pub(crate) fn replay(options: ReplayOptions) -> Result<u8, Failure> {
    run::run(&run::replayed(options)?)
}

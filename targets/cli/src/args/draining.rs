//! Options about requests that outlive a server.

use super::table::{Opt, OptionGroup};
use super::values::set;
use crate::failure::Failure;
use std::path::PathBuf;

/// Where requests go that are in flight at the end.
#[derive(Debug, Default)]
pub(crate) struct Draining {
    pub(crate) folder: Option<PathBuf>,
    /// How many bytes they may have there, with their answers.
    pub(crate) size: Option<u64>,
}

impl Draining {
    pub(super) fn complete(&self) -> Result<(), Failure> {
        match self.size.is_some() && self.folder.is_none() {
            true => Err(Failure::usage("--drain-size is for requests that are kept: --drain says where")),
            false => Ok(()),
        }
    }
}

/// Options of a command that has these among them.
pub(super) trait Drains: Sized + 'static {
    fn draining(&mut self) -> &mut Draining;

    const DRAIN: OptionGroup<Self> = OptionGroup {
        title: "Requests that outlive the server",
        options: &[
            Opt::value(
                "--drain DIR",
                |o: &mut Self, given| set(&mut o.draining().folder, given.path()),
                "Of programs: where requests in flight are kept at the end, from where the next server takes them up.",
            ),
            Opt::value(
                "--drain-size SIZE",
                |o: &mut Self, given| set(&mut o.draining().size, given.size()),
                "How much they may take there, with their answers, 1GiB if it isn't given.",
            ),
        ],
    };
}

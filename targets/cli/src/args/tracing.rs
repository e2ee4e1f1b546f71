//! `--trace`: what of a guest is shown while it runs.

use super::values::Given;
use crate::failure::Failure;
use crate::host::files::split_once;
use std::path::PathBuf;

/// What the option says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tracing {
    /// Whether calls of WASI's functions are shown, and where.
    #[cfg_attr(not(feature = "trace"), allow(dead_code, reason = "it is refused then"))]
    pub(crate) wasi: Option<TraceTo>,
}

/// Where lines go.
#[derive(Debug, PartialEq)]
#[cfg_attr(not(feature = "trace"), allow(dead_code, reason = "as above"))]
pub(crate) enum TraceTo {
    Stderr,
    File(PathBuf),
}

impl Tracing {
    /// `--trace wasi` or `--trace wasi=FILE`
    pub(super) fn trace(&mut self, given: Given<'_>) -> Result<(), Failure> {
        if !cfg!(feature = "trace") {
            return Err(Failure::usage(format_args!(
                "this build of dunlin shows no calls, so there is no {}: build it with the feature 'trace'",
                given.option
            )));
        }
        let to = match split_once(given.value, "=") {
            None if given.value == "wasi" => TraceTo::Stderr,
            Some((what, file)) if what == "wasi" && !file.is_empty() => TraceTo::File(file.into()),
            _ => return Err(given.refusal("wasi or wasi=FILE")),
        };
        self.wasi = Some(to);
        Ok(())
    }
}

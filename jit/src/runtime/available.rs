//! Whether machine code can be run on this machine.

use super::{arch, chunk, faults};
use crate::unavailable::Unavailable;

/// Prepares this process to run machine code.
///
/// # Errors
/// If this machine can't run it.
pub(crate) fn prepare_process() -> Result<(), Unavailable> {
    if let Some(missing) = arch::missing_feature() {
        return Err(Unavailable(format!("it takes {missing}")));
    }
    faults::install().map_err(|error| Unavailable(format!("no signal handlers: {error}")))?;
    chunk::probe_code().map_err(|error| {
        Unavailable(format!(
            "the system doesn't let a process execute what it has written, as SELinux, seccomp and PR_SET_MDWE can \
             have it ({error})"
        ))
    })
}

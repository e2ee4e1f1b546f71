//! Calls that stop on their way, and go on.

use crate::guest::wasi::Wasi;
use dunlin::{Error, ResumableCall, Store, SuspendedCall, Val};

/// Goes on with a call until it is over, or `goes_on` says of a stop that it was the last one: the stop's reason is then the call's
/// end.
pub(super) fn go_on(
    store: &mut Store<Wasi>,
    mut call: ResumableCall,
    results: &mut [Val],
    mut goes_on: impl FnMut(&mut Store<Wasi>, &SuspendedCall) -> Result<bool, Error>,
) -> Result<(), Error> {
    loop {
        let suspended = match call {
            ResumableCall::Finished => return Ok(()),
            ResumableCall::Suspended(suspended) => suspended,
        };
        if !goes_on(store, &suspended)? {
            return Err(suspended.into_reason());
        }
        call = suspended.resume(&mut *store, results)?;
    }
}

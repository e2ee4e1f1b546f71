//! What Windows says of a terminal.

use std::io::{IsTerminal, stderr};
use winapi_util::HandleRef;
use winapi_util::console::screen_buffer_info;

/// How many columns there are, if standard error is a terminal; 80 if it doesn't say.
pub(crate) fn columns_of_stderr() -> Option<usize> {
    if !stderr().is_terminal() {
        return None;
    }
    let columns = screen_buffer_info(HandleRef::stderr()).map_or(0, |screen| screen.size().0);
    Some(usize::try_from(columns).ok().filter(|&columns| columns > 0).unwrap_or(80))
}

//! What the system says of a terminal.

use rustix::termios::tcgetwinsize;
use std::io::{IsTerminal, stderr};

/// How many columns there are, if standard error is a terminal; 80 if it doesn't say.
pub(crate) fn columns_of_stderr() -> Option<usize> {
    let stderr = stderr();
    if !stderr.is_terminal() {
        return None;
    }
    let columns = tcgetwinsize(&stderr).map_or(0, |size| size.ws_col);
    Some(if columns == 0 { 80 } else { columns.into() })
}

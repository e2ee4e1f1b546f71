//! How `format_err!` finds out whether its argument is an error or a message.
//!
//! A method call prefers a receiver as it is to a reference to it, so errors get `OfError` and all else `OfMessage`.

use super::Error;
use core::fmt::Display;

/// Of something that `?` makes an error of.
pub trait OfError {
    /// The error.
    fn into_error(self) -> Error;
}

impl<E: Into<Error>> OfError for E {
    fn into_error(self) -> Error {
        self.into()
    }
}

/// Of something that has a `Display`.
pub trait OfMessage {
    /// An error that consists of the message.
    fn into_error(self) -> Error;
}

impl<T: Display + ?Sized> OfMessage for &T {
    fn into_error(self) -> Error {
        Error::msg(self)
    }
}

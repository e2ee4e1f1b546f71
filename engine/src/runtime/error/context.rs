//! What was being attempted, added to results on their way up.

use super::{Error, Result};
use core::fmt::Display;

/// Adds to an error what was being attempted, as [`Error::context`] does; and makes an error of a `None`.
///
/// ```
/// use dunlin::error::Context;
/// fn port(text: &str) -> dunlin::Result<u16> {
///     text.parse().with_context(|| format!("the port {text:?}"))
/// }
/// assert_eq!(port("x").unwrap_err().to_string(), "the port \"x\": invalid digit found in string");
/// let missing = None::<u16>.context("no port").unwrap_err();
/// assert_eq!(missing.to_string(), "no port");
/// ```
pub trait Context<T> {
    /// Puts `context` and a colon before the error's message; of a `None`, it is the message.
    ///
    /// # Errors
    ///
    /// If there was an error, or nothing.
    fn context(self, context: impl Display) -> Result<T>;

    /// The same, with a context that is made only if it is needed.
    ///
    /// # Errors
    ///
    /// If there was an error, or nothing.
    fn with_context<C: Display>(self, context: impl FnOnce() -> C) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn context(self, context: impl Display) -> Result<T> {
        self.map_err(|error| error.into().context(context))
    }

    fn with_context<C: Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.map_err(|error| error.into().context(context()))
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, context: impl Display) -> Result<T> {
        self.ok_or_else(|| Error::msg(context))
    }

    fn with_context<C: Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.ok_or_else(|| Error::msg(context()))
    }
}

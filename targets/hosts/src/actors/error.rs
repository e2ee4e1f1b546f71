//! What is wrong with tokens.

use std::fmt;

/// Why a module has no token that holds.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TokenError {
    /// It isn't a module.
    NotAModule,
    /// It has none.
    Missing,
    /// It has more than one.
    Several,
    /// It can't be read, for this reason.
    Malformed(&'static str),
    /// The account that it names didn't sign it.
    Forged,
    /// It was good until this time, in seconds since 1970.
    Expired(u64),
    /// It will hold from this time on, in seconds since 1970.
    NotYet(u64),
    /// It was made for another module.
    OtherModule,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenError::NotAModule => f.write_str("this isn't a WebAssembly module"),
            TokenError::Missing => f.write_str("the module has no token: it isn't signed"),
            TokenError::Several => f.write_str("the module has more than one token"),
            TokenError::Malformed(why) => write!(f, "the module's token can't be read: {why}"),
            TokenError::Forged => f.write_str("the module's token isn't signed by the account that it names"),
            TokenError::Expired(when) => write!(f, "the module's token has expired at {when} s after 1970"),
            TokenError::NotYet(when) => write!(f, "the module's token holds from {when} s after 1970 on"),
            TokenError::OtherModule => {
                f.write_str("the module's token was made for other bytes: its hash differs")
            }
        }
    }
}

impl std::error::Error for TokenError {}

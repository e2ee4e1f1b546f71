//! What stands on the host's side: streams, clocks, random bytes.

pub(crate) mod clocks;
pub(crate) mod escapes;
pub(crate) mod random;
pub(crate) mod replay;
pub(crate) mod stdio;
pub(crate) mod streams;

//! What a guest is given: the host functions, and the compiled tier; and what stops it.

pub(crate) mod tier;
pub(crate) mod wasi;
pub(crate) mod watchdog;

//! What a guest is given: the host functions, and the compiled tier.

pub(crate) mod tier;
pub(crate) mod wasi;

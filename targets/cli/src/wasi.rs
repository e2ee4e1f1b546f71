//! What Dunlin provides to a guest: WASI, as the options allow.

use crate::args::RunOptions;
use crate::failure::Failure;
use dunlin::{Engine, Error, ExternType, Linker};

/// The data of the guest's store.
pub(crate) type Wasi = ();

pub(crate) fn context(_options: &RunOptions) -> Result<Wasi, Failure> {
    Ok(())
}

pub(crate) fn linker(engine: &Engine) -> Result<Linker<Wasi>, Error> {
    Ok(Linker::new(engine))
}

pub(crate) fn exit_code(_: &Error) -> Option<u32> {
    None
}

pub(crate) fn purpose(_: &str) -> &'static str {
    "?"
}

pub(crate) struct Provided;
impl Provided {
    pub(crate) fn new(_: &Engine) -> Result<Self, Error> {
        Ok(Provided)
    }
    pub(crate) fn get(&self, _: &str, _: &str) -> Option<ExternType> {
        None
    }
}

//! A build without `--from`, which the command line then refuses.

use super::entry::EntryPoint;
use crate::args::RunOptions;
use crate::failure::Failure;
use crate::guest::wasi::Wasi;
use dunlin::{Engine, Error, Instance, Linker, Module, Store, SuspendedCall, Val};
use std::path::Path;

/// A snapshot, of which there is none.
pub(super) enum Initialised {}

/// What begins, which is nothing.
#[expect(dead_code, reason = "nothing makes one")]
pub(super) enum Begins {
    Call(SuspendedCall),
    Function(Instance, EntryPoint),
}

impl Initialised {
    pub(super) fn open(_: &Path, _: &Engine, _: &mut Wasi) -> Result<Self, Failure> {
        Err(Failure::usage("this build of dunlin reads no snapshots"))
    }

    pub(super) fn begin(
        self,
        _: (&mut Store<Wasi>, &Linker<Wasi>),
        _: &Module,
        _: &RunOptions,
    ) -> Result<Begins, Failure> {
        match self {}
    }
}

pub(super) fn go_on(_: &mut Store<Wasi>, call: SuspendedCall) -> Result<Vec<Val>, Error> {
    Err(call.into_reason())
}

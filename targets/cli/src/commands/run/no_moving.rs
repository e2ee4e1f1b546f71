//! A build without `--snapshot` and `--resume`, which the command line then refuses.

use crate::args::RunOptions;
use crate::failure::Failure;
use crate::guest::wasi::Wasi;
use crate::guest::watchdog::Watchdog;
use dunlin::{Engine, Error, Func, Linker, Module, Store, Val};
use std::path::Path;

/// Snapshots, of which there are none.
pub(super) enum Snapshots {}

impl Snapshots {
    #[expect(clippy::unnecessary_wraps, reason = "other builds may fail")]
    pub(super) fn of(_: &RunOptions) -> Result<Option<Self>, Failure> {
        Ok(None)
    }

    pub(super) fn call(
        &self,
        _: (&mut Store<Wasi>, &Linker<Wasi>),
        _: &Watchdog,
        _: Func,
        _: &[Val],
        _: &mut [Val],
    ) -> Result<(), Error> {
        match *self {}
    }
}

/// A snapshot, of which there is none.
pub(super) enum Resumed {}

impl Resumed {
    pub(super) fn open(_: &Path, _: &Engine, _: &mut Wasi) -> Result<Self, Failure> {
        Err(Failure::usage("this build of dunlin reads no snapshots"))
    }

    pub(super) fn go_on(
        self,
        _: (&mut Store<Wasi>, &Linker<Wasi>),
        _: &Module,
        _: Option<u64>,
        _: Option<&Snapshots>,
        _: &Watchdog,
    ) -> Result<Result<Vec<Val>, Error>, Failure> {
        match self {}
    }
}

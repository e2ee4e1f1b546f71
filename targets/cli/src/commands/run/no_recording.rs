//! A build without `--record` and `dunlin replay`, which the command line then refuses.

use super::outcome::RunOutcome;
use crate::args::RunOptions;
use crate::failure::Failure;
use crate::guest::wasi::Wasi;
use crate::guest::watchdog::Watchdog;
use dunlin::{Engine, Error, Func, Linker, Module, ResumableCall, Store, SuspendedCall, Val};

/// Records, of which there are none.
pub(super) enum Tape {}

impl Tape {
    #[expect(clippy::unnecessary_wraps, reason = "other builds may fail")]
    pub(super) fn of(_: &RunOptions, _: &Engine) -> Result<Option<Self>, Failure> {
        Ok(None)
    }

    pub(super) fn link(&self, _: &mut Linker<Wasi>, _: &Module) -> Result<(), Error> {
        match *self {}
    }

    pub(super) fn begin(
        &mut self,
        _: (&mut Store<Wasi>, &Linker<Wasi>),
        _: &Module,
    ) -> Result<Option<SuspendedCall>, Failure> {
        match *self {}
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

    pub(super) fn go_on(
        &self,
        _: (&mut Store<Wasi>, &Linker<Wasi>),
        _: &Watchdog,
        _: ResumableCall,
        _: &mut [Val],
    ) -> Result<(), Error> {
        match *self {}
    }

    pub(super) fn end(self, _: &mut Store<Wasi>, _: Result<(), &Error>) -> Option<RunOutcome> {
        match self {}
    }
}

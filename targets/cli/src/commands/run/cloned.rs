//! `--from`: programs that begin behind their initialisation.

use super::entry::{self, EntryPoint};
use super::moving::warn_of_changes;
use crate::args::RunOptions;
use crate::failure::Failure;
use crate::guest::wasi::Wasi;
use crate::modules::snapshot_file::Opened;
use dunlin::{Engine, Error, Instance, Linker, Module, ResumableCall, Store, SuspendedCall, Val};
use std::path::Path;

/// A snapshot that `dunlin snapshot` has made.
pub(super) struct Initialised(Opened);

/// What it is that begins.
pub(super) enum Begins {
    /// The call in which it stopped.
    Call(SuspendedCall),
    /// A function that hasn't been called.
    Function(Instance, EntryPoint),
}

impl Initialised {
    /// Opens it, and gives the program what it had open.
    pub(super) fn open(path: &Path, engine: &Engine, wasi: &mut Wasi) -> Result<Self, Failure> {
        let opened = Opened::open("--from", path, engine.budget())?;
        let changed = wasi.adopt(opened.embedder(), engine.budget());
        warn_of_changes(opened.name(), changed)?;
        Ok(Self(opened))
    }

    /// Makes the program of it.
    pub(super) fn begin(
        self,
        (store, linker): (&mut Store<Wasi>, &Linker<Wasi>),
        module: &Module,
        options: &RunOptions,
    ) -> Result<Begins, Failure> {
        let (restored, name) = self.0.restore((&mut *store, linker), module)?;
        let _ = store.set_fuel(options.limits.fuel.unwrap_or(u64::MAX));
        match (restored.call, restored.instances.last()) {
            (Some(_), _) if options.invoke.is_some() || options.start.is_some() => {
                Err(Failure::usage(format_args!(
                    "{name}: the program was begun there already, so --invoke and --start can't begin it"
                )))
            }
            (Some(call), _) => Ok(Begins::Call(call)),
            (None, Some(instance)) => {
                let entry = entry::find(module, options)?;
                // That is what was done before.
                Ok(Begins::Function(*instance, EntryPoint { initialize: false, ..entry }))
            }
            (None, None) => Err(Failure::unusable(format_args!("{name}: nothing is there"))),
        }
    }
}

/// Goes on with a call to its end.
pub(super) fn go_on(store: &mut Store<Wasi>, call: SuspendedCall) -> Result<Vec<Val>, Error> {
    let mut results = vec![Val::I32(0); call.func().ty(&*store).results().len()];
    match call.resume(&mut *store, &mut results)? {
        ResumableCall::Finished => Ok(results),
        ResumableCall::Suspended(suspended) => Err(suspended.into_reason()),
    }
}

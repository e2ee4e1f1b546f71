//! `--from`: programs that begin behind their initialisation.

use super::entry::{self, EntryPoint};
use super::moving::{failed, warn_of_changes};
use crate::args::RunOptions;
use crate::failure::{Failure, io_reason};
use crate::guest::wasi::Wasi;
use dunlin::{Engine, Error, Instance, Linker, Module, ResumableCall, Snapshot, Store, SuspendedCall, Val};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// A snapshot that `dunlin snapshot` has made.
pub(super) struct Initialised {
    name: String,
    snapshot: Snapshot<BufReader<File>>,
}

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
        let name = format!("--from {}", path.display());
        let file = File::open(path)
            .map_err(|error| Failure::unusable(format_args!("{name}: {}", io_reason(&error))))?;
        let snapshot = Snapshot::open(engine.budget(), BufReader::with_capacity(64 << 10, file));
        let snapshot = snapshot.map_err(|error| failed(&name, error))?;
        let changed = wasi.adopt(snapshot.embedder(), engine.budget());
        let changed = changed.map_err(|error| Failure::unusable(format_args!("{name}: {error}")))?;
        warn_of_changes(&name, &changed);
        Ok(Self { name, snapshot })
    }

    /// Makes the program of it.
    pub(super) fn begin(
        self,
        (store, linker): (&mut Store<Wasi>, &Linker<Wasi>),
        module: &Module,
        options: &RunOptions,
    ) -> Result<Begins, Failure> {
        let Self { name, snapshot } = self;
        let restored =
            snapshot.restore(&mut *store, linker, &[module]).map_err(|error| failed(&name, error))?;
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

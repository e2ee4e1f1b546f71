//! `--snapshot` and `--resume`: programs that go on elsewhere, or later.

use super::stopping;
use crate::args::RunOptions;
use crate::failure::{Failure, io_reason};
use crate::guest::wasi::Wasi;
use crate::guest::watchdog::Watchdog;
use crate::host::signals::{HAS_SIGUSR1, ask_for_snapshots};
use crate::modules::snapshot_file::{Opened, Written};
use crate::output::complain;
use dunlin::{
    Engine, Error, Func, InterruptHandle, Linker, Module, ResumableCall, Store, SuspendedCall, Trap, Val,
};
use std::cell::RefCell;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::time::Duration;

/// When snapshots are made.
pub(super) struct Snapshots {
    file: Written,
    on_signal: bool,
    on_timeout: bool,
    on_fuel: bool,
    every: Option<Duration>,
}

impl Snapshots {
    /// As the options say; `None` if they want none.
    pub(super) fn of(options: &RunOptions) -> Result<Option<Self>, Failure> {
        let Some(path) = &options.moving.file else { return Ok(None) };
        if options.moving.on_signal && !HAS_SIGUSR1 {
            return Err(Failure::usage("--snapshot-on SIGUSR1: this system has no such signal"));
        }
        let file = Written::open("--snapshot", path)?;
        let on = &options.moving;
        let (on_signal, on_timeout, on_fuel, every) = (on.on_signal, on.on_timeout, on.on_fuel, on.every);
        Ok(Some(Self { file, on_signal, on_timeout, on_fuel, every }))
    }

    /// Has the program stop for them from now on.
    fn watch(&self, handle: InterruptHandle) -> Result<(), Failure> {
        let ask = move || handle.request_snapshot();
        let failed = |error: io::Error| {
            Failure::unusable(format_args!("--snapshot: there can be no thread: {}", io_reason(&error)))
        };
        if self.on_signal {
            ask_for_snapshots(ask.clone()).map_err(failed)?;
        }
        if let Some(every) = self.every {
            let thread = std::thread::Builder::new().name("snapshots".into()).stack_size(128 << 10);
            let ask_again = move || loop {
                std::thread::sleep(every);
                ask();
            };
            thread.spawn(ask_again).map_err(failed)?;
        }
        Ok(())
    }

    /// Calls a function, which stops for snapshots.
    pub(super) fn call(
        &self,
        (store, linker): (&mut Store<Wasi>, &Linker<Wasi>),
        watchdog: &Watchdog,
        func: Func,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<(), Error> {
        self.watch(store.interrupt_handle()).map_err(Error::msg)?;
        let call = func.call_resumable(&mut *store, params, results)?;
        self.go_on((store, linker), watchdog, call, results)
    }

    fn go_on(
        &self,
        (store, linker): (&mut Store<Wasi>, &Linker<Wasi>),
        watchdog: &Watchdog,
        call: ResumableCall,
        results: &mut [Val],
    ) -> Result<(), Error> {
        stopping::go_on(store, call, results, |store, suspended| {
            let goes_on = suspended.wants_snapshot() && watchdog.reason().is_none();
            let is_made = match suspended.reason().trap() {
                _ if goes_on => true,
                Some(Trap::Interrupt) => self.on_timeout,
                Some(Trap::OutOfFuel) => self.on_fuel,
                _ => false,
            };
            if is_made {
                make(&self.file, (store, linker), suspended);
            }
            Ok(goes_on)
        })
    }
}

/// Writes a snapshot, and says whether there is one. If that fails, the one before stays, and the program goes on or ends as it would.
pub(super) fn make(
    file: &Written,
    (store, linker): (&mut Store<Wasi>, &Linker<Wasi>),
    call: &SuspendedCall,
) -> bool {
    let state = match store.data_mut().save() {
        Ok(state) => state,
        Err(error) => {
            complain(format_args!("warning: no snapshot was made: {error}"));
            return false;
        }
    };
    let store = RefCell::new(store);
    let written = file.write(&|to| call.snapshot(&mut **store.borrow_mut(), linker, &state, to));
    if let Err(failure) = &written {
        complain(format_args!("warning: no snapshot was made: {}", failure.message));
    }
    written.is_ok()
}

/// A snapshot that a program is to go on from.
pub(super) struct Resumed(Opened);

impl Resumed {
    /// Opens it, and gives the program what it had open.
    pub(super) fn open(path: &Path, engine: &Engine, wasi: &mut Wasi) -> Result<Self, Failure> {
        let opened = Opened::open("--resume", path, engine.budget())?;
        let changed = wasi.restore(opened.embedder(), engine.budget());
        warn_of_changes(opened.name(), changed)?;
        Ok(Self(opened))
    }

    /// Goes on from it. The outer error is that it can't.
    pub(super) fn go_on(
        self,
        (store, linker): (&mut Store<Wasi>, &Linker<Wasi>),
        module: &Module,
        fuel: Option<u64>,
        snapshots: Option<&Snapshots>,
        watchdog: &Watchdog,
    ) -> Result<Result<Vec<Val>, Error>, Failure> {
        let (restored, name) = self.0.restore((&mut *store, linker), module)?;
        let call = restored.call;
        let call =
            call.ok_or_else(|| Failure::unusable(format_args!("{name}: no program is suspended there")))?;
        if let Some(fuel) = fuel {
            let _ = store.set_fuel(fuel);
        }
        let mut results = vec![Val::I32(0); call.func().ty(&*store).results().len()];
        if let Some(snapshots) = snapshots {
            snapshots.watch(store.interrupt_handle())?;
        }
        let ended = match call.resume(&mut *store, &mut results) {
            Err(error) => Err(error),
            Ok(ResumableCall::Finished) => Ok(()),
            Ok(call) => match (snapshots, call) {
                (Some(snapshots), call) => snapshots.go_on((store, linker), watchdog, call, &mut results),
                (None, ResumableCall::Suspended(suspended)) => Err(suspended.into_reason()),
                (None, ResumableCall::Finished) => Ok(()),
            },
        };
        Ok(ended.map(|()| results))
    }
}

/// Says which of the files that a snapshot has open have changed since, or why one can't be opened.
pub(super) fn warn_of_changes(name: &str, changed: Result<Vec<String>, impl Display>) -> Result<(), Failure> {
    let changed = changed.map_err(|error| Failure::unusable(format_args!("{name}: {error}")))?;
    for file in changed {
        complain(format_args!("warning: {name}: the file '{}' has changed", file.escape_debug()));
    }
    Ok(())
}

//! `--record`: what a program is given from outside; and `dunlin replay`, which runs it again from that.

mod black_box;
mod replayer;
mod settings;

use super::outcome::RunOutcome;
use super::stopping;
use crate::args::RunOptions;
use crate::failure::Failure;
use crate::guest::wasi::Wasi;
use crate::guest::watchdog::Watchdog;
use crate::output::complain;
use black_box::BlackBox;
use dunlin::{
    Budget, Engine, Error, Func, HostErrors, Linker, Module, ResumableCall, Store, SuspendedCall, Val,
};
use dunlin_wasi_lite::I32Exit;
use replayer::Replayer;

pub(super) use replayer::open;
pub(super) use settings::options_of;

/// A run that is recorded, or replayed.
pub(super) enum Tape {
    Records(BlackBox),
    Replays(Box<Replayer>),
}

/// Exit codes are what the host's errors are about.
fn errors() -> HostErrors {
    HostErrors {
        number: |error| error.downcast_ref::<I32Exit>().map(|exit| exit.0 as u32),
        error: |code| Error::host(I32Exit(code.cast_signed())),
    }
}

impl Tape {
    /// As the options say; `None` if they want neither. The files are opened.
    pub(super) fn of(options: &RunOptions, engine: &Engine) -> Result<Option<Self>, Failure> {
        let budget: &Budget = engine.budget();
        if let Some(replay) = &options.recording.replay {
            return Ok(Some(Tape::Replays(Box::new(Replayer::open(replay, budget)?))));
        }
        let black_box = options.recording.file.as_deref().map(|file| BlackBox::open(file, options));
        Ok(black_box.transpose()?.map(Tape::Records))
    }

    /// Has host functions recorded, or answered for.
    pub(super) fn link(&self, linker: &mut Linker<Wasi>, module: &Module) -> Result<(), Error> {
        match self {
            Tape::Records(_) => linker.record_host_funcs().map(|_| ()),
            Tape::Replays(_) => linker.replay_host_funcs(module).map(|_| ()),
        }
    }

    /// Begins. Gives the call that a replay goes on with, if it doesn't begin with the program.
    pub(super) fn begin(
        &mut self,
        (store, linker): (&mut Store<Wasi>, &Linker<Wasi>),
        module: &Module,
    ) -> Result<Option<SuspendedCall>, Failure> {
        match self {
            Tape::Records(black_box) => black_box.begin(store, module).map(|()| None),
            Tape::Replays(replayer) => replayer.begin((store, linker), module),
        }
    }

    /// Calls a function.
    pub(super) fn call(
        &self,
        (store, linker): (&mut Store<Wasi>, &Linker<Wasi>),
        watchdog: &Watchdog,
        func: Func,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<(), Error> {
        let stops = match self {
            Tape::Records(black_box) => black_box.rotates(store),
            Tape::Replays(replayer) => replayer.stops(store)?,
        };
        if !stops {
            return func.call(&mut *store, params, results);
        }
        let call = func.call_resumable(&mut *store, params, results)?;
        self.go_on((store, linker), watchdog, call, results)
    }

    /// Goes on with a call, and whenever it has stopped for what is wanted of it.
    pub(super) fn go_on(
        &self,
        (store, linker): (&mut Store<Wasi>, &Linker<Wasi>),
        watchdog: &Watchdog,
        call: ResumableCall,
        results: &mut [Val],
    ) -> Result<(), Error> {
        stopping::go_on(store, call, results, |store, suspended| match self {
            Tape::Records(black_box) => {
                Ok(watchdog.reason().is_none() && black_box.rotate((store, linker), suspended))
            }
            Tape::Replays(replayer) => replayer.stopped((store, linker), suspended),
        })
    }

    /// The program has ended. Gives what becomes of the run, if that isn't the program's own end.
    pub(super) fn end(self, store: &mut Store<Wasi>, result: Result<(), &Error>) -> Option<RunOutcome> {
        match self {
            Tape::Records(_) => {
                if let Err(error) = store.end_record(result) {
                    complain(format_args!(
                        "warning: --record: the record ends before the program did: {error}"
                    ));
                }
                None
            }
            Tape::Replays(replayer) => replayer.end(store, result),
        }
    }
}

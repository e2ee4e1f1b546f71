//! An execution of a program, which may be stopped and kept.

use super::Program;
use crate::server::Failure;
use crate::services::log::{Level, Log};
use crate::wagi::drain::{Drain, Id, Kept};
use crate::wagi::input::Input;
use dunlin::{Error, ResumableCall, Store, SuspendedCall, Val};
use dunlin_wasi_lite::{I32Exit, WasiCtx};
use std::time::Instant;

/// How an execution ended.
pub(in crate::wagi) enum Ended {
    /// The program is over.
    Over,
    /// It goes on in another server.
    Kept(Id),
}

/// What is needed to keep a request while its program executes.
pub(super) struct Movable<'m> {
    pub(super) drain: &'m Drain,
    /// What it is called, if it was drained before.
    pub(super) id: Option<Id>,
    pub(super) route: &'m str,
    pub(super) input: Input,
    /// What the program has printed; `None` if that can't be moved, since somebody has it.
    pub(super) printed: &'m dyn Fn() -> Option<Vec<u8>>,
    /// When its time is up.
    pub(super) until: Instant,
    pub(super) log: &'m dyn Log,
}

impl Movable<'_> {
    /// Keeps a program that has stopped. If it can't be, the log says why, and it has to go on here.
    fn keep(&self, program: &Program, store: &mut Store<WasiCtx>, call: &SuspendedCall) -> Option<Id> {
        let printed = (self.printed)()?;
        let wasi = store.data_mut().save();
        let kept = wasi.map_err(Into::into).and_then(|wasi| {
            let left = self.until.saturating_duration_since(Instant::now());
            let kept =
                Kept { route: self.route, left, printed: &printed, input: self.input.rest(), wasi: &wasi };
            let budget = program.module().engine().budget();
            self.drain.keep(self.id, &kept, call, (store, &program.linker), budget)
        });
        kept.inspect_err(|error| {
            let line = format!("a request isn't kept, and goes on: {error}");
            self.log.write(Level::Warn, self.route, &line);
        })
        .ok()
    }
}

impl Program {
    /// Calls the program in a store.
    pub(super) fn execute(
        &self,
        store: &mut Store<WasiCtx>,
        movable: Option<&Movable<'_>>,
    ) -> Result<Ended, Error> {
        let (instance, is_initialized) = self.prepared.instance(store)?;
        let function = |store: &Store<WasiCtx>, name: &str| {
            instance
                .get_func(store, name)
                .ok_or_else(|| Error::msg(format_args!("there is no function {name}")))
        };
        if !is_initialized
            && self.entrypoint != "_start"
            && instance.get_typed_func::<(), ()>(&*store, "_initialize").is_ok()
        {
            function(store, "_initialize")?.call(&mut *store, &[], &mut [])?;
        }
        let entrypoint = function(store, &self.entrypoint)?;
        let mut results = vec![Val::I32(0); entrypoint.ty(&*store).results().len()];
        let Some(movable) = movable else {
            return entrypoint.call(store, &[], &mut results).map(|()| Ended::Over);
        };
        let _attended = movable.drain.attend(store.interrupt_handle());
        let call = entrypoint.call_resumable(&mut *store, &[], &mut results)?;
        self.go_on(store, call, &mut results, movable)
    }

    /// Goes on with a call until it ends or is kept.
    pub(super) fn go_on(
        &self,
        store: &mut Store<WasiCtx>,
        mut call: ResumableCall,
        results: &mut [Val],
        movable: &Movable<'_>,
    ) -> Result<Ended, Error> {
        loop {
            let suspended = match call {
                ResumableCall::Finished => return Ok(Ended::Over),
                ResumableCall::Suspended(suspended) => suspended,
            };
            if !suspended.wants_snapshot() {
                return Err(suspended.into_reason());
            }
            if let Some(id) = movable.keep(self, store, &suspended) {
                return Ok(Ended::Kept(id));
            }
            call = suspended.resume(&mut *store, results)?;
        }
    }
}

/// What the end of an execution means for its request.
pub(super) fn outcome(ended: Result<Ended, Error>) -> Result<Ended, Failure> {
    let error = match ended {
        Ok(ended) => return Ok(ended),
        Err(error) => error,
    };
    match error.downcast_ref::<I32Exit>() {
        Some(I32Exit(0)) => Ok(Ended::Over),
        Some(I32Exit(code)) => {
            Err(Failure::guest("exit code", format_args!("it ended with exit code {code}")))
        }
        None => Err(error.into()),
    }
}

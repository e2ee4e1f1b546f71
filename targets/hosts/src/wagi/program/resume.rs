//! A program that goes on with a request that was drained.

use super::Program;
use super::execute::{Ended, Movable, outcome};
use crate::deadline::Deadlines;
use crate::server::{Bytes, Failure, ServerOptions};
use crate::services::held::Held;
use crate::services::log::{GuestLog, Level, Log};
use crate::wagi::drain::{Drain, Id, Kept, Printing, Stage};
use crate::wagi::input::Input;
use crate::wagi::output::MOST;
use dunlin::{Error, Snapshot, Store, SuspendedCall, Val};
use dunlin_wasi_lite::{ReadPipe, WasiCtx, WasiCtxBuilder, WritePipe};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Instant;

/// A request that was drained, and is about to go on.
pub(in crate::wagi) struct Drained<'d> {
    pub(in crate::wagi) drain: &'d Drain,
    pub(in crate::wagi) id: Id,
    /// Where its program stands.
    store: Store<WasiCtx>,
    call: SuspendedCall,
    route: String,
    input: Input,
    /// Where it prints.
    answer: Printing,
    until: Instant,
    log: Arc<dyn Log>,
}

type Refused = Box<dyn std::error::Error + Send + Sync>;

impl Program {
    /// Makes a program stand where it has stopped. It gets what this one is granted, and at most what `options` and its own limits say.
    pub(in crate::wagi) fn restore<'d>(
        &self,
        snapshot: Snapshot<impl Read>,
        (drain, id): (&'d Drain, Id),
        options: &ServerOptions,
    ) -> Result<Drained<'d>, Refused> {
        let engine = self.module().engine();
        let (limits, log) = (self.limits(&options.limits), &options.log);
        let kept = Kept::read(snapshot.embedder()).ok_or("what lies beside its instance is damaged")?;
        let until = Instant::now() + kept.left.min(limits.time);
        let route = kept.route.to_owned();
        let input = Input::new(Bytes::from_owner(Held::copy(engine.budget(), kept.input)?));
        let mut answer = Printing::new(drain.folder().write(id, Stage::Answered)?);
        answer.write_all(kept.printed)?;
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdin(ReadPipe::new(input.clone()))
            .stdout(WritePipe::new(answer.clone()))
            .stderr(WritePipe::new(GuestLog::new(log.clone(), &*route)));
        self.preopen(&mut wasi)?;
        let budget = engine.budget().sub_budget(limits.memory);
        let mut wasi = wasi.build();
        for file in wasi.restore(kept.wasi, &budget)? {
            let line = format!("{}: the file '{}' has changed", id.in_log(), file.escape_debug());
            log.write(Level::Warn, &route, &line);
        }
        let mut store = Store::with_budget(engine, &budget, wasi)?;
        let restored = snapshot
            .restore(&mut store, &self.linker, &[self.module()])
            .map_err(Error::into_boxed_dyn_error)?;
        let call = restored.call.ok_or("no program is suspended there")?;
        if let (Ok(left), Some(most)) = (store.get_fuel(), limits.fuel) {
            store.set_fuel(left.min(most))?;
        }
        Ok(Drained { drain, id, store, call, route, input, answer, until, log: log.clone() })
    }

    /// Has it go on until it ends, and keeps its answer; or until draining begins, and keeps that.
    pub(in crate::wagi) fn resume(&self, drained: Drained<'_>, deadlines: &Deadlines) -> std::io::Result<()> {
        let Drained { drain, id, mut store, call, route, input, answer, until, log } = drained;
        let printed = || answer.printed(MOST);
        let movable =
            Movable { drain, id: Some(id), route: &route, input, printed: &printed, until, log: &*log };
        let mut results = vec![Val::I32(0); call.func().ty(&store).results().len()];
        let result = {
            let _deadline = deadlines.interrupt_at(until, store.interrupt_handle());
            let _attended = drain.attend(store.interrupt_handle());
            let call = call.resume(&mut store, &mut results);
            call.and_then(|call| self.go_on(&mut store, call, &mut results, &movable))
        };
        // What its standard error still has is told before its end.
        drop(store);
        let Some(file) = answer.end() else { return Ok(()) };
        match outcome(result) {
            // It is written where it was.
            Ok(Ended::Kept(_)) => Ok(()),
            Ok(Ended::Over) => file.finish(),
            Err(Failure { status, message, .. }) => {
                log.write(Level::Error, &route, &format!("{}: {status}: {message}", id.in_log()));
                let mut file = file.again()?;
                write!(
                    file,
                    "status: {}\ncontent-type: text/plain; charset=utf-8\n\n{status}\n",
                    status.as_u16()
                )?;
                file.finish()
            }
        }
    }
}

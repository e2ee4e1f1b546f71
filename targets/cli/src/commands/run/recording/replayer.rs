//! Running a program again from its record.

use super::black_box::beside;
use super::errors;
use crate::args::Replay;
use crate::commands::run::moving;
use crate::commands::run::outcome::RunOutcome;
use crate::failure::{EXIT_UNUSABLE, Failure, io_reason};
use crate::guest::wasi::Wasi;
use crate::host::streams::write_all;
use crate::modules::snapshot_file::Written;
use crate::output::{complain, patience};
use dunlin::{Budget, Error, Linker, Module, Record, ReplayEnd, Store, SuspendedCall, Trap};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

/// A record that is replayed.
pub(in super::super) struct Replayer {
    name: String,
    record: Option<Record>,
    until: Option<u64>,
    /// Where a snapshot is still to be made.
    snapshot_at: Cell<Option<u64>>,
    snapshot: Option<Written>,
}

/// Opens a record: the segment before the last as well, if it is there.
pub(in super::super) fn open(path: &Path, budget: &Budget) -> Result<Record, Failure> {
    let failed = |error: Error| Failure::unusable(format_args!("{}: {error}", path.display()));
    let file = |path: &Path| File::open(path).map(BufReader::new);
    let unreadable =
        |error: io::Error| Failure::unusable(format_args!("{}: {}", path.display(), io_reason(&error)));
    let older = beside(path, ".old");
    let last = match file(path) {
        // The process was killed while it put the new segment in the old one's place.
        Err(error) if error.kind() == io::ErrorKind::NotFound && older.exists() => {
            return Record::open(budget, file(&older).map_err(unreadable)?).map_err(failed);
        }
        last => Record::open(budget, last.map_err(unreadable)?).map_err(failed)?,
    };
    if last.segment() > 0
        && let Ok(before) = file(&older)
        && let Ok(mut before) = Record::open(budget, before)
        && before.segment() + 1 == last.segment()
        && before.digest() == last.digest()
        && before.embedder() == last.embedder()
    {
        before.then(file(path).map_err(unreadable)?, budget).map_err(failed)?;
        return Ok(before);
    }
    Ok(last)
}

impl Replayer {
    pub(super) fn open(replay: &Replay, budget: &Budget) -> Result<Self, Failure> {
        let record = open(&replay.file, budget)?;
        let snapshot = replay.snapshot.as_deref().map(|path| Written::open("--snapshot", path));
        Ok(Self {
            name: replay.file.display().to_string(),
            record: Some(record),
            until: replay.until,
            snapshot_at: Cell::new(replay.snapshot_at),
            snapshot: snapshot.transpose()?,
        })
    }

    fn failed(&self, error: Error) -> Failure {
        let kind = error.kind();
        Failure::of(kind, error.context(&self.name))
    }

    pub(super) fn begin(
        &mut self,
        (store, linker): (&mut Store<Wasi>, &Linker<Wasi>),
        module: &Module,
    ) -> Result<Option<SuspendedCall>, Failure> {
        let Some(mut record) = self.record.take() else { return Ok(None) };
        if module.digest() != Some(record.digest()) {
            return Err(Failure::unusable(format_args!("{}: it is the record of another module", self.name)));
        }
        let restored = match record.segment() {
            0 => None,
            _ => {
                let restored = record.restore(&mut *store, linker, &[module]);
                let call = restored.map_err(|error| self.failed(error))?.call;
                Some(call.ok_or_else(|| self.failed(Error::msg("no program is suspended there")))?)
            }
        };
        let out = |stream, bytes: &[u8]| match stream {
            2 => write_all(&io::stderr(), bytes, patience()),
            _ => write_all(&io::stdout(), bytes, patience()),
        };
        store.replay(module, record, errors(), out).map_err(|error| self.failed(error))?;
        if restored.is_some() {
            complain(format_args!("the replay begins at {}", store.replay_position()));
            self.stops(store).map_err(|error| self.failed(error))?;
        }
        Ok(restored)
    }

    /// Whether the program is to stop somewhere and go on, which it does from now on.
    pub(super) fn stops(&self, store: &mut Store<Wasi>) -> Result<bool, Error> {
        let snapshot_at = self.snapshot_at.get().filter(|at| self.until.is_none_or(|until| *at <= until));
        store.replay_until(snapshot_at.or(self.until))?;
        Ok(snapshot_at.is_some())
    }

    /// Makes a snapshot, if the program has stopped for that, which then goes on.
    pub(super) fn stopped(
        &self,
        (store, linker): (&mut Store<Wasi>, &Linker<Wasi>),
        call: &SuspendedCall,
    ) -> Result<bool, Error> {
        let (Some(_), Some(file)) = (self.snapshot_at.get(), &self.snapshot) else { return Ok(false) };
        if call.reason().trap() != Some(Trap::OutOfFuel) || !store.is_replay_at_goal() {
            return Ok(false);
        }
        self.snapshot_at.set(None);
        let at = store.replay_position();
        if moving::make(file, (&mut *store, linker), call) {
            complain(format_args!("the snapshot is of position {at}"));
        }
        self.stops(store)?;
        Ok(true)
    }

    pub(super) fn end(&self, store: &mut Store<Wasi>, result: Result<(), &Error>) -> Option<RunOutcome> {
        if self.snapshot_at.get().is_some() {
            complain("warning: no snapshot was made: the replay doesn't come to that position");
        }
        let position = store.replay_position();
        let backtrace = result.err().and_then(|error| error.backtrace().cloned());
        let (code, sentence) = match store.end_replay(result) {
            ReplayEnd::Same => return None,
            ReplayEnd::Stopped(Trap::Interrupt) => return Some(RunOutcome::Timeout(backtrace)),
            ReplayEnd::Stopped(trap) => {
                return Some(RunOutcome::Trapped(format!("the program trapped: {trap}"), backtrace));
            }
            ReplayEnd::Reached => (0, format!("the replay stops at {position}")),
            ReplayEnd::RecordEnds(None) => (0, format!("the record breaks off at {position}")),
            ReplayEnd::RecordEnds(Some(why)) => {
                (0, format!("the record ends at {position}: {}", why.escape_debug()))
            }
            ReplayEnd::Diverged(what) => (EXIT_UNUSABLE, what),
            ReplayEnd::Unreadable(why) => (EXIT_UNUSABLE, format!("{}: {why}", self.name)),
            end => (EXIT_UNUSABLE, format!("{end:?}")),
        };
        Some(RunOutcome::Replayed { code, sentence, backtrace })
    }
}

//! Records of what a program is given from outside, and replays from them.

use super::linker::Linker;
use crate::memory::{Buf, Kind};
use crate::runtime::record::{CallNotes, Head, HostErrors, Outcome, Reader, Recording, Replaying, Tape};
use crate::runtime::record::{Verdict, Writer};
use crate::runtime::store::HostFunc;
use crate::tier::RelaxedSimd;
use crate::{
    AsContextMut, Budget, Caller, Error, ExternType, Memory, Module, Restored, Snapshot, Store,
    SuspendedCall, Trap,
};
use alloc::boxed::Box;
use alloc::string::String;
use std::fmt;
use std::io::{self, Read, Write};

/// A record that is being read.
///
/// Records are treated like modules: they may come from anywhere, and a forged one can't do more than the program's imports could.
pub struct Record {
    from: Reader,
    head: Head,
    then: Option<Reader>,
}

impl Record {
    /// Begins to read a record. `budget` pays for a buffer, and for what the embedder kept.
    ///
    /// # Errors
    ///
    /// If it isn't one, or one of another version, or if its beginning is damaged.
    pub fn open(budget: &Budget, from: impl Read + Send + Sync + 'static) -> Result<Self, Error> {
        let mut from = Reader::new(budget, Box::new(from))?;
        let head = Head::read(&mut from, budget)?;
        Ok(Self { from, head, then: None })
    }

    /// The SHA-256 digest of the module.
    pub fn digest(&self) -> [u8; 32] {
        self.head.digest
    }

    /// What the embedder kept in it.
    pub fn embedder(&self) -> &[u8] {
        &self.head.embedder
    }

    /// The number of this segment. The first one, 0, begins with the program, and others with a [snapshot](Record::restore).
    pub fn segment(&self) -> u64 {
        self.head.segment
    }

    /// How much fuel the program had used where this begins.
    pub fn position(&self) -> u64 {
        self.head.position
    }

    /// Makes the guests where this segment begins: see [`Snapshot::restore`].
    ///
    /// # Errors
    ///
    /// As for [`Snapshot::open`] and [`Snapshot::restore`].
    ///
    /// # Panics
    ///
    /// As for [`Snapshot::restore`].
    pub fn restore<S: AsContextMut>(
        &mut self,
        mut store: S,
        linker: &Linker<S::Data>,
        modules: &[&Module],
    ) -> Result<Restored, Error>
    where
        S::Data: 'static,
    {
        let mut store = store.as_context_mut();
        let budget = store.budget().clone();
        Snapshot::open(&budget, &mut self.from)?.restore(&mut store, linker, modules)
    }

    /// Goes on with the next segment where this one ends. Whether it is the next one is found out there.
    pub fn then(&mut self, next: impl Read + Send + Sync + 'static, budget: &Budget) -> Result<(), Error> {
        self.then = Some(Reader::new(budget, Box::new(next))?);
        Ok(())
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("segment", &self.head.segment).finish_non_exhaustive()
    }
}

/// How a replay ended.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ReplayEnd {
    /// As the recorded program did, at the same place.
    Same,
    /// Where the recorded program was stopped from outside: interrupted, or refused memory.
    Stopped(Trap),
    /// Where it was to stop: see [`Store::replay_until`].
    Reached,
    /// Where the record ends: because the process did, or for this reason.
    RecordEnds(Option<String>),
    /// Otherwise than the record: a sentence that says where, and how.
    Diverged(String),
    /// Where the record couldn't be read on, for this reason.
    Unreadable(String),
}

impl<T: 'static> Store<T> {
    /// Records from now on what a guest is given by the host functions of a [linker that has them
    /// recorded](Linker::record_host_funcs): results, errors, and the bytes that they write in memories; besides, whether memories
    /// and tables could grow. `engine/docs/record.md` has the format. `module` is what will be instantiated, first and only, and
    /// `embedder` is kept for whoever replays it.
    ///
    /// What a host function does to the guest in other ways isn't in it: to tables and globals, by calling the guest, or by memory
    /// that it has by [`Memory::data_ptr`]. Calls of the guest that do so end the record, if that is noticed.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Config, Engine, HostErrors, Linker, Module, Record, ReplayEnd, Store};
    /// # use std::sync::{Arc, Mutex};
    /// # #[derive(Clone, Default)] struct File(Arc<Mutex<Vec<u8>>>);
    /// # impl std::io::Write for File {
    /// #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.0.lock().unwrap().write(bytes) }
    /// #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
    /// # }
    /// let text = r#"(module (import "host" "dice" (func $dice (result i32)))
    ///     (func (export "roll") (result i32) (i32.add (call $dice) (call $dice))))"#;
    /// let engine = Engine::new(Config::new().recordable())?;
    /// let module = Module::new(&engine, text)?;
    /// let mut linker = Linker::new(&engine);
    /// linker.func_wrap("host", "dice", || std::process::id() as i32 % 6 + 1)?.record_host_funcs()?;
    /// let mut store = Store::new(&engine, ());
    /// store.set_fuel(1000)?;
    /// let file = File::default();
    /// store.record(&module, b"", HostErrors::default(), file.clone())?;
    /// let roll = linker.instantiate(&mut store, &module)?.get_typed_func::<(), i32>(&store, "roll")?;
    /// let rolled = roll.call(&mut store, ())?;
    /// store.end_record(Ok(()))?;
    ///
    /// // Elsewhere: nothing needs to be there that the program was given.
    /// let record = Record::open(engine.budget(), std::io::Cursor::new(file.0.lock().unwrap().clone()))?;
    /// let mut linker = Linker::new(&engine);
    /// linker.replay_host_funcs(&module)?;
    /// let mut store = Store::new(&engine, ());
    /// store.replay(&module, record, HostErrors::default(), |_, _| Ok(()))?;
    /// let roll = linker.instantiate(&mut store, &module)?.get_typed_func::<(), i32>(&store, "roll")?;
    /// assert_eq!(roll.call(&mut store, ())?, rolled);
    /// assert_eq!(store.end_replay(Ok(())), ReplayEnd::Same);
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the engine isn't [configured](crate::Config::recordable) for it, if the module has a shared memory, whose other users
    /// can't be recorded, or if writing fails.
    pub fn record(
        &mut self,
        module: &Module,
        embedder: &[u8],
        errors: HostErrors,
        to: impl Write + Send + Sync + 'static,
    ) -> Result<(), Error> {
        let digest = suitable(module)?;
        let mut context = self.as_context_mut();
        let inner = context.inner_mut();
        let budget = inner.budget.clone();
        let mut kept = Buf::new(&budget, Kind::Host);
        kept.try_extend_from_slice(embedder)?;
        let head = Head { digest, segment: 0, position: 0, embedder: kept };
        let to = Writer::new(&budget, Box::new(to))?;
        let start = inner.get_fuel()?;
        inner.tape = Some(Box::new(Tape::Records(Recording::new(&budget, to, head, errors, start)?)));
        Ok(())
    }

    /// From now on, a call that is resumable is interrupted when the record has so many bytes: see
    /// [`SuspendedCall::continue_record`].
    pub fn bound_record(&mut self, bytes: u64) {
        if let Some(Tape::Records(tape)) = self.as_context_mut().inner_mut().tape.as_deref_mut() {
            tape.bound = bytes;
        }
    }

    /// Whether the record has as many bytes as it may have.
    pub fn is_record_full(&self) -> bool {
        use crate::AsContext;
        matches!(self.as_context().inner().tape.as_deref(), Some(Tape::Records(tape)) if tape.is_full())
    }

    /// Records nothing more, for this reason, which the record says.
    pub fn stop_record(&mut self, why: Error) {
        let mut context = self.as_context_mut();
        let inner = context.inner_mut();
        let position = inner.position();
        if let Some(Tape::Records(tape)) = inner.tape.as_deref_mut() {
            tape.give_up(position, why);
        }
    }

    /// Ends the record, and says in it how the program ended.
    ///
    /// # Errors
    ///
    /// If the record isn't whole, with the reason: something happened that can't be recorded, or writing failed.
    pub fn end_record(&mut self, result: Result<(), &Error>) -> Result<(), Error> {
        let mut context = self.as_context_mut();
        let inner = context.inner_mut();
        let position = inner.position();
        let ended = match inner.tape.as_deref_mut() {
            Some(Tape::Records(tape)) => tape.end(position, result),
            _ => Ok(()),
        };
        inner.tape = None;
        ended
    }

    /// Has host functions that are [answered for](Linker::replay_host_funcs) give what they gave when `record` was made. `out`
    /// takes what the program passed out through streams, by their numbers.
    ///
    /// The store gets its fuel from the record, and may not be given any.
    ///
    /// # Errors
    ///
    /// If it is the record of another module, if the engine isn't configured for it, or if the record is damaged.
    pub fn replay(
        &mut self,
        module: &Module,
        record: Record,
        errors: HostErrors,
        out: impl FnMut(u8, &[u8]) -> io::Result<()> + Send + Sync + 'static,
    ) -> Result<(), Error> {
        let Record { from, head, then } = record;
        if suitable(module)? != head.digest {
            return Err(Error::msg("the record is another module's"));
        }
        let mut context = self.as_context_mut();
        let inner = context.inner_mut();
        let budget = inner.budget.clone();
        let position = head.position;
        let mut tape = Replaying::new(&budget, from, head, then, errors, Box::new(out))?;
        tape.start = position.wrapping_add(inner.get_fuel()?);
        inner.tape = Some(Box::new(Tape::Replays(tape)));
        inner.aim()
    }

    /// Has the program stop, out of fuel, where it has used so much; or at its end. Then it can go on, if the call is resumable.
    ///
    /// # Errors
    ///
    /// If it is beyond that already.
    pub fn replay_until(&mut self, position: Option<u64>) -> Result<(), Error> {
        let mut context = self.as_context_mut();
        let inner = context.inner_mut();
        let now = inner.position();
        if let Some(Tape::Replays(tape)) = inner.tape.as_deref_mut() {
            if position.is_some_and(|position| position < now) {
                return Err(Error::msg(format_args!("the program has used {now} units of fuel already")));
            }
            tape.set_until(position);
        }
        inner.aim()
    }

    /// Whether the program is where it was to stop.
    pub fn is_replay_at_goal(&self) -> bool {
        use crate::AsContext;
        matches!(self.as_context().inner().tape.as_deref(), Some(Tape::Replays(tape)) if tape.is_at_goal())
    }

    /// How much fuel the program has used since its beginning, while it is recorded or replayed.
    pub fn replay_position(&self) -> u64 {
        use crate::AsContext;
        self.as_context().inner().position()
    }

    /// Says how the replay ended: whether the program did what it did when it was recorded.
    pub fn end_replay(&mut self, result: Result<(), &Error>) -> ReplayEnd {
        let mut context = self.as_context_mut();
        let inner = context.inner_mut();
        let position = inner.position();
        let Some(Tape::Replays(tape)) = inner.tape.as_deref_mut() else { return ReplayEnd::Reached };
        match tape.end(position, result) {
            Verdict::Same(Outcome::Trap(trap @ (Trap::Interrupt | Trap::OutOfBudget))) => {
                ReplayEnd::Stopped(trap)
            }
            Verdict::Same(_) => ReplayEnd::Same,
            Verdict::Reached => ReplayEnd::Reached,
            Verdict::RecordEnds(why) => ReplayEnd::RecordEnds(why),
            Verdict::Diverged(what) => ReplayEnd::Diverged(what),
            Verdict::Unreadable(why) => ReplayEnd::Unreadable(why),
        }
    }
}

/// The digest of a module that can be recorded.
fn suitable(module: &Module) -> Result<[u8; 32], Error> {
    let config = module.engine().config();
    let digest = module
        .digest()
        .filter(|_| config.consume_fuel && config.canonical_nans)
        .filter(|_| config.relaxed_simd == RelaxedSimd::DETERMINISTIC);
    let digest = digest.ok_or_else(|| Error::msg("the engine isn't configured by Config::recordable"))?;
    if module.shared().data.memories.iter().any(|memory| memory.is_shared()) {
        return Err(Error::msg("what others do in a shared memory can't be recorded"));
    }
    Ok(digest)
}

impl SuspendedCall {
    /// Goes on recording in another segment, which begins with a [snapshot](SuspendedCall::snapshot), and ends the one before.
    ///
    /// # Errors
    ///
    /// As for [`SuspendedCall::snapshot`]; then the record goes on where it was, and what was written to `to` is of no use.
    ///
    /// # Panics
    ///
    /// As for [`SuspendedCall::snapshot`].
    pub fn continue_record<S: AsContextMut>(
        &self,
        mut store: S,
        linker: &Linker<S::Data>,
        to: impl Write + Send + Sync + 'static,
    ) -> Result<(), Error>
    where
        S::Data: 'static,
    {
        let mut store = store.as_context_mut();
        let position = store.inner().position();
        let to = Writer::new(&store.budget().clone(), Box::new(to))?;
        // The snapshot takes the store.
        let mut tape = store.inner_mut().tape.take();
        let continued = match tape.as_deref_mut() {
            Some(Tape::Records(tape)) => {
                tape.go_on(to, position, |to| self.snapshot(&mut store, linker, b"", to))
            }
            _ => Err(Error::msg("nothing is recorded")),
        };
        store.inner_mut().tape = tape;
        continued
    }
}

impl<T: 'static> Linker<T> {
    /// Has calls of all host functions that are defined so far recorded, in stores that [record](Store::record). Elsewhere they do what
    /// they did.
    ///
    /// # Errors
    ///
    /// If the budget has no room.
    pub fn record_host_funcs(&mut self) -> Result<&mut Self, Error> {
        self.replace_hosts(|engine, number, names, host| HostFunc::recorded(engine, host, number, names))?;
        Ok(self)
    }

    /// Defines each function that `module` imports as one that answers from the record that is [replayed](Store::replay), in
    /// place of what was defined by its names.
    ///
    /// # Errors
    ///
    /// If the budget has no room.
    pub fn replay_host_funcs(&mut self, module: &Module) -> Result<&mut Self, Error> {
        for import in module.imports() {
            if let ExternType::Func(ty) = import.ty() {
                let names = (import.module(), import.name());
                let host = HostFunc::replayed(module.engine(), ty, names)?;
                self.redefine_host(import.module(), import.name(), host)?;
            }
        }
        Ok(self)
    }
}

impl<T> Caller<'_, T> {
    /// For a host function that knows what it uses of a memory: what to note that with, if its call is recorded. It must be [given
    /// back](Caller::put_call_notes) before the function returns.
    ///
    /// Without notes, what [`Memory::write`] changes is recorded, and of memories that the function gets by [`Memory::data_mut`] and
    /// its like, whatever differs from a copy that is made then.
    // Each function of WASI calls it, and rarely gets any.
    #[inline(never)]
    pub fn call_notes(&mut self, memory: &Memory) -> Option<CallNotes> {
        let mut store = self.as_context_mut();
        let handle = memory.obj(store.inner()).inner.handle;
        match store.inner_mut().tape.as_deref_mut() {
            Some(Tape::Records(tape)) => Some(CallNotes::new(tape.take_notes()?, handle)),
            _ => None,
        }
    }

    /// Gives notes back.
    #[inline(never)]
    pub fn put_call_notes(&mut self, notes: CallNotes) {
        if let Some(Tape::Records(tape)) = self.as_context_mut().inner_mut().tape.as_deref_mut() {
            tape.put_notes(notes.into_inner());
        }
    }
}

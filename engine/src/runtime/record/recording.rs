//! Writing what comes from outside.

use super::event::{CALL, CONTINUED, END, GAVE_UP, NAME, Outcome, REFUSED, put_extent, put_text};
use super::format::{Writer, put_leb};
use super::head::Head;
use super::notes::{Extent, Notes};
use super::{HostErrors, Part};
use crate::memory::{Budget, Buf, Kind, MemoryError, try_text};
use crate::runtime::error::Error;

/// How many calls are lost, at most, if the process is killed.
const UNWRITTEN: u32 = 64;

/// What is known of the memory that a host function which is being called has used.
enum Noted {
    /// What the store's methods have seen; whole memories that the function could change are compared with copies.
    ByMethods,
    /// The function itself has the notes, and will give them back.
    Itself,
}

/// A memory as it was before the host could change it.
struct Copy {
    memory: u32,
    bytes: Buf<u8>,
}

/// A record that is being written.
pub(crate) struct Recording {
    budget: Budget,
    to: Writer,
    head: Head,
    errors: HostErrors,
    /// The fuel that there was at the beginning, if none had been added since.
    pub(crate) start: u64,
    /// How many bytes a segment may have before another one is asked for, once that is possible.
    pub(crate) bound: u64,
    /// The number of each function in the segment, and one more; 0 for none yet.
    numbers: Buf<u32>,
    named: u32,
    event: Buf<u8>,
    args: Buf<u64>,
    notes: Notes,
    copies: Buf<Copy>,
    /// The call that is going on, if there is one, and where that is.
    call: Option<Noted>,
    called_at: u64,
    /// Why nothing is recorded any more.
    stopped: Option<Error>,
    ended: bool,
    /// How many calls are in the buffer, at most.
    unwritten: u32,
}

impl Recording {
    pub(crate) fn new(
        budget: &Budget,
        to: Writer,
        head: Head,
        errors: HostErrors,
        start: u64,
    ) -> Result<Self, Error> {
        let mut this = Self {
            budget: budget.clone(),
            to,
            head,
            errors,
            start,
            bound: u64::MAX,
            numbers: Buf::new(budget, Kind::Host),
            named: 0,
            event: Buf::new(budget, Kind::Host),
            args: Buf::new(budget, Kind::Host),
            notes: Notes::new(budget),
            copies: Buf::new(budget, Kind::Host),
            call: None,
            called_at: 0,
            stopped: None,
            ended: false,
            unwritten: 0,
        };
        this.head.write(&mut this.to, budget)?;
        this.to.part(Part::Events)?;
        Ok(this)
    }

    /// Whether calls are recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.stopped.is_none() && !self.ended
    }

    /// Whether a segment is full.
    pub(crate) fn is_full(&self) -> bool {
        self.is_on() && self.to.written >= self.bound
    }

    /// Goes on in another segment, which a snapshot begins that `snapshot` writes.
    pub(crate) fn go_on(
        &mut self,
        mut to: Writer,
        position: u64,
        snapshot: impl FnOnce(&mut Writer) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (segment, before) = (self.head.segment, self.head.position);
        (self.head.segment, self.head.position) = (segment + 1, position);
        let begun = (|| {
            self.head.write(&mut to, &self.budget)?;
            to.part(Part::Snapshot)?;
            snapshot(&mut to)?;
            to.part(Part::Events)
        })();
        if let Err(error) = begun {
            (self.head.segment, self.head.position) = (segment, before);
            return Err(error);
        }
        to.written = 0;
        self.write(|this| this.begin(CONTINUED, position));
        self.to = to;
        self.numbers.clear();
        self.named = 0;
        Ok(())
    }

    /// Writes an event that `event` makes, and all that is in the buffer.
    fn write(&mut self, event: impl FnOnce(&mut Self) -> Result<(), Error>) {
        if !self.is_on() {
            return;
        }
        self.event.clear();
        let written = event(self).and_then(|()| {
            self.to.bytes(&self.event)?;
            self.flush()
        });
        if let Err(error) = written {
            self.stopped = Some(error.context("the record can't be written"));
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.unwritten = 0;
        self.to.flush()
    }

    fn begin(&mut self, event: u8, position: u64) -> Result<(), Error> {
        self.event.try_push(event)?;
        put_leb(&mut self.event, position)
    }

    /// Nothing can be recorded any more, for this reason.
    #[cold]
    pub(crate) fn give_up(&mut self, position: u64, why: Error) {
        let text = try_text(&why).unwrap_or_default();
        self.write(|this| {
            this.begin(GAVE_UP, position)?;
            put_text(&mut this.event, &text)
        });
        self.stopped.get_or_insert(why);
    }

    /// The program has ended. An error is why not everything was recorded.
    pub(crate) fn end(&mut self, position: u64, result: Result<(), &Error>) -> Result<(), Error> {
        let outcome = Outcome::of(result, self.errors);
        self.write(|this| {
            this.begin(END, position)?;
            outcome.put(&mut this.event)
        });
        self.ended = true;
        self.stopped.take().map_or(Ok(()), Err)
    }

    /// A memory or a table couldn't grow.
    pub(crate) fn refused_growth(&mut self, position: u64) {
        self.write(|this| this.begin(REFUSED, position));
    }

    /// A host function is about to be called. False if that isn't recorded.
    pub(crate) fn begin_call(
        &mut self,
        position: u64,
        (module, name): (&str, &str),
        args: impl Iterator<Item = u64>,
    ) -> bool {
        if !self.is_on() {
            return false;
        }
        if self.call.is_some() {
            let why = format_args!("the host called the guest, which called '{module}.{name}'");
            self.give_up(self.called_at, Error::msg(why));
            return false;
        }
        self.args.clear();
        self.notes.clear();
        self.copies.clear();
        for arg in args {
            if let Err(error) = self.args.try_push(arg) {
                self.give_up(position, error.into());
                return false;
            }
        }
        (self.call, self.called_at) = (Some(Noted::ByMethods), position);
        true
    }

    /// What was begun isn't recorded.
    pub(crate) fn forget_call(&mut self) {
        self.call = None;
    }

    /// The function says itself what it uses. `None` if nobody wants to know.
    pub(crate) fn take_notes(&mut self) -> Option<Notes> {
        let noted = self.call.as_mut().filter(|noted| matches!(noted, Noted::ByMethods))?;
        *noted = Noted::Itself;
        Some(std::mem::replace(&mut self.notes, Notes::new(&self.budget)))
    }

    pub(crate) fn put_notes(&mut self, notes: Notes) {
        self.notes = notes;
        if self.call.is_some() {
            self.call = Some(Noted::ByMethods);
        }
    }

    /// The host writes to a memory.
    pub(crate) fn wrote(&mut self, memory: u32, at: usize, len: usize) {
        if let Some(Noted::ByMethods) = self.call {
            self.notes.wrote(Extent { memory, at: at as u64, len: len as u64 });
        }
    }

    /// The host may write anywhere in a memory that holds these bytes.
    pub(crate) fn may_write(&mut self, memory: u32, bytes: &[u8]) {
        let known = self.copies.iter().any(|copy| copy.memory == memory);
        if matches!(self.call, Some(Noted::ByMethods)) && !known {
            let mut copy = Buf::new(&self.budget, Kind::Host);
            let copied = copy.try_extend_from_slice(bytes);
            let copied = copied.and_then(|()| self.copies.try_push(Copy { memory, bytes: copy }));
            if let Err(error) = copied {
                self.notes.failed = Some(error);
            }
        }
    }

    /// The function returned: with results or an error, and what it wrote in memories.
    pub(crate) fn end_call<'m>(
        &mut self,
        (before, position): (u64, u64),
        (func, names): (u32, (&str, &str)),
        result: Result<impl Iterator<Item = u64>, &Error>,
        memory: impl Fn(u32) -> Option<&'m [u8]>,
    ) {
        let Some(noted) = self.call.take().filter(|_| self.is_on()) else { return };
        let (module, name) = names;
        if position != before {
            let why = format_args!("'{module}.{name}' called the guest, or changed its fuel");
            return self.give_up(before, Error::msg(why));
        }
        if let Noted::Itself = noted {
            return self.give_up(before, Error::msg(format_args!("'{module}.{name}' kept its notes")));
        }
        let compared = self.compare(&memory);
        if let Some(error) = self.notes.failed.take().or(compared.err()) {
            return self.give_up(before, error.into());
        }
        let outcome = match &result {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::of(Err(error), self.errors),
        };
        let written = self.put_call(before, (func, names), &memory);
        let written = written.and_then(|()| {
            outcome.put(&mut self.event)?;
            if let Ok(results) = result {
                let at = self.args.len();
                for slot in results {
                    self.args.try_push(slot)?;
                }
                put_leb(&mut self.event, (self.args.len() - at) as u64)?;
                for slot in at..self.args.len() {
                    put_leb(&mut self.event, self.args[slot])?;
                }
            }
            self.to.bytes(&self.event)?;
            self.unwritten += 1;
            if self.unwritten >= UNWRITTEN { self.flush() } else { Ok(()) }
        });
        if let Err(error) = written {
            self.stopped = Some(error.context("the record can't be written"));
        }
    }

    /// What differs in memories that the host had as a whole.
    fn compare<'m>(&mut self, memory: impl Fn(u32) -> Option<&'m [u8]>) -> Result<(), MemoryError> {
        /// Differences that are nearer to each other are one.
        const GAP: usize = 64;
        for Copy { memory: number, bytes } in self.copies.iter() {
            let now = memory(*number).unwrap_or_default();
            let pieces = bytes.chunks(GAP).zip(now.chunks(GAP)).enumerate();
            for (at, (_, now)) in pieces.filter(|(_, (then, now))| then != now) {
                let extent = Extent { memory: *number, at: (at * GAP) as u64, len: now.len() as u64 };
                self.notes.wrote(extent);
            }
        }
        self.notes.failed.take().map_or(Ok(()), Err)
    }

    /// All of a call's event but its outcome.
    fn put_call<'m>(
        &mut self,
        position: u64,
        (func, (module, name)): (u32, (&str, &str)),
        memory: impl Fn(u32) -> Option<&'m [u8]>,
    ) -> Result<(), Error> {
        self.event.clear();
        let func = func as usize;
        if self.numbers.len() <= func {
            self.numbers.try_resize(func + 1, 0)?;
        }
        if self.numbers[func] == 0 {
            self.named += 1;
            self.numbers[func] = self.named;
            self.event.try_push(NAME)?;
            put_text(&mut self.event, module)?;
            put_text(&mut self.event, name)?;
        }
        self.begin(CALL, position)?;
        let Self { event, notes, .. } = self;
        put_leb(event, u64::from(self.numbers[func]) - 1)?;
        put_leb(event, self.args.len() as u64)?;
        for arg in self.args.iter() {
            put_leb(event, *arg)?;
        }
        put_leb(event, notes.reads.len() as u64)?;
        for extent in notes.reads.iter() {
            put_extent(event, *extent)?;
        }
        if !notes.reads.is_empty() {
            event.try_extend_from_slice(&notes.sum.clone().finalize().to_le_bytes())?;
        }
        put_leb(event, notes.outs.len() as u64)?;
        for (stream, extent) in notes.outs.iter() {
            event.try_push(*stream)?;
            put_extent(event, *extent)?;
        }
        put_leb(event, notes.writes.len() as u64)?;
        for extent in notes.writes.iter() {
            put_extent(event, *extent)?;
        }
        for Extent { memory: number, at, len } in notes.writes.iter() {
            self.to.bytes(event)?;
            event.clear();
            let bytes = memory(*number).and_then(|bytes| bytes.get(*at as usize..)?.get(..*len as usize));
            self.to.bytes(bytes.ok_or_else(|| Error::msg("a host function wrote beyond a memory's end"))?)?;
        }
        Ok(())
    }
}

//! Answers from a record, and whether the program still does what it did.

use super::event::{Event, Outcome, What};
use super::format::{Reader, Stop};
use super::head::Head;
use super::notes::Extent;
use super::{HostErrors, Part};
use crate::memory::Budget;
use crate::module::trap::Trap;
use crate::runtime::error::{Error, ErrorKind};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::string::ToString;
use core::fmt::{self, Display};
use crc32fast::Hasher;
use std::io;

/// Takes what went out through a stream.
pub(crate) type Sink = Box<dyn FnMut(u8, &[u8]) -> io::Result<()> + Send + Sync>;

/// How a replay ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// As the recorded run did.
    Same(Outcome),
    /// Where it was to stop.
    Reached,
    /// Where the record breaks off, or the recording gave up, for this reason.
    RecordEnds(Option<String>),
    /// Otherwise than the recorded run: a sentence.
    Diverged(String),
    /// The record couldn't be read on, for this reason.
    Unreadable(String),
}

/// The error that ends a program whose replay is over: its record is, or it does something else.
#[derive(Debug)]
struct Over;

impl Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the replay is over")
    }
}

impl std::error::Error for Over {}

/// A program that is given answers from a record.
pub(crate) struct Replaying {
    budget: Budget,
    from: Reader,
    /// The next segment.
    then: Option<Reader>,
    head: Head,
    next: Event,
    errors: HostErrors,
    pub(crate) start: u64,
    /// Where it stops for whoever wants that.
    until: u64,
    sink: Sink,
    verdict: Option<Verdict>,
}

/// Up to where a program may execute.
pub(crate) struct Goal(pub(crate) u64);

impl Replaying {
    pub(crate) fn new(
        budget: &Budget,
        mut from: Reader,
        head: Head,
        then: Option<Reader>,
        errors: HostErrors,
        sink: Sink,
    ) -> Result<Self, Error> {
        let mut next = Event::new(budget);
        next.position = head.position;
        match from.skip_to(Part::Events) {
            Err(Stop::Failed(error)) => return Err(error),
            Ok(()) | Err(Stop::End) => {}
        }
        let budget = budget.clone();
        let start = head.position;
        let mut this =
            Self { budget, from, then, head, next, errors, start, until: u64::MAX, sink, verdict: None };
        this.read_next()?;
        Ok(this)
    }

    /// Goes on to the next event.
    fn read_next(&mut self) -> Result<(), Error> {
        let read = self.read_on();
        if let Err(error) = &read {
            self.verdict = Some(Verdict::Unreadable(error.to_string()));
        }
        read
    }

    /// Reads the next event, from the next segment if this one is over.
    fn read_on(&mut self) -> Result<(), Error> {
        self.next.read(&mut self.from, &self.budget)?;
        // Whoever was killed while the next segment began has left this one without an end.
        if self.next.what == What::Continued
            && let Some(mut then) = self.then.take()
        {
            let head = Head::read(&mut then, &self.budget)?;
            let follows = head.digest == self.head.digest
                && head.segment.checked_sub(1) == Some(self.head.segment)
                && head.position == self.next.position
                && *head.embedder == *self.head.embedder;
            if !follows {
                return Err(Error::of_kind(ErrorKind::Invalid, "the second record doesn't follow the first"));
            }
            (self.from, self.head) = (then, head);
            self.next.names.clear();
            match self.from.skip_to(Part::Events) {
                Err(Stop::Failed(error)) => return Err(error),
                Ok(()) | Err(Stop::End) => {}
            }
            self.next.read(&mut self.from, &self.budget)?;
        }
        Ok(())
    }

    pub(crate) fn set_until(&mut self, until: Option<u64>) {
        self.until = until.unwrap_or(u64::MAX);
    }

    /// Up to where the program may execute now: to the next event. Whoever goes beyond does something else.
    pub(crate) fn goal(&self) -> Goal {
        Goal(self.next.position.min(self.until))
    }

    fn over(&mut self, verdict: Verdict) -> Error {
        self.verdict.get_or_insert(verdict);
        Error::host(Over)
    }

    #[cold]
    fn diverged(&mut self, position: u64, what: impl Display) -> Error {
        self.over(Verdict::Diverged(format!("the replay differs from the record at {position}: {what}")))
    }

    /// What the record has next, for a sentence.
    fn has(&self) -> String {
        let position = self.next.position;
        match &self.next.what {
            What::Call => {
                let (module, name) = self.next.name();
                format!("'{}.{}' is called at {position}", module.escape_debug(), name.escape_debug())
            }
            What::Refused => format!("a memory or a table can't grow at {position}"),
            What::End(outcome) => format!("the program {outcome} at {position}"),
            What::Continued | What::GaveUp(_) | What::Nothing => format!("it ends at {position}"),
        }
    }

    /// A host function is called. Gives the slots of its results.
    pub(crate) fn answer<'m>(
        &mut self,
        position: u64,
        (module, name): (&str, &str),
        args: impl Iterator<Item = u64> + Clone,
        mut memory: impl FnMut(u32) -> Option<&'m mut [u8]>,
    ) -> Result<(), Error> {
        if self.verdict.is_some() {
            return Err(Error::host(Over));
        }
        if position == self.next.position && position <= self.until {
            match &self.next.what {
                // It was stopped while it waited here.
                What::End(Outcome::Trap(Trap::Interrupt)) => return Err(Trap::Interrupt.into()),
                What::Nothing | What::Continued => return Err(self.over(Verdict::RecordEnds(None))),
                What::GaveUp(why) => {
                    let why = why.clone();
                    return Err(self.over(Verdict::RecordEnds(Some(why))));
                }
                _ => {}
            }
        }
        if position != self.next.position
            || self.next.what != What::Call
            || self.next.name() != (module, name)
        {
            let has = self.has();
            let (module, name) = (module.escape_debug(), name.escape_debug());
            let what = format_args!("it calls '{module}.{name}', and in the record {has}");
            return Err(self.diverged(position, what));
        }
        if !args.clone().eq(self.next.args.iter().copied()) {
            let differs = args.clone().zip(self.next.args.iter()).position(|(arg, was)| arg != *was);
            let at = differs.unwrap_or_default();
            let (is, was) = (args.clone().nth(at), self.next.args.get(at).copied());
            let (is, was) = (is.unwrap_or_default(), was.unwrap_or_default());
            let what = format!("argument {at} of '{module}.{name}' is {is:#x}, and was {was:#x}");
            return Err(self.diverged(position, what));
        }
        if let Err(what) = self.passes(&mut memory) {
            return Err(self.diverged(position, format_args!("'{module}.{name}' is called, and {what}")));
        }
        let mut bytes = &self.next.bytes[..];
        for Extent { memory: number, at, len } in self.next.writes.iter() {
            let (now, later) = bytes.split_at(*len as usize);
            let Some(into) = part(memory(*number), *at, *len) else {
                let why = "what the host wrote doesn't fit the memory";
                return Err(self.diverged(position, format_args!("'{module}.{name}' is called, and {why}")));
            };
            into.copy_from_slice(now);
            bytes = later;
        }
        self.next.outcome.error(self.errors)
    }

    /// Compares and passes on what the guest hands over.
    fn passes<'m>(&mut self, memory: &mut impl FnMut(u32) -> Option<&'m mut [u8]>) -> Result<(), String> {
        let mut sum = Hasher::new();
        for Extent { memory: number, at, len } in self.next.reads.iter() {
            sum.update(part(memory(*number), *at, *len).ok_or("what it passes isn't in the memory")?);
        }
        if !self.next.reads.is_empty() && sum.finalize() != self.next.sum {
            return Err("the bytes that it passes are others".into());
        }
        for (stream, Extent { memory: number, at, len }) in self.next.outs.iter() {
            let bytes = part(memory(*number), *at, *len).ok_or("what it prints isn't in the memory")?;
            // Who doesn't want to see it any more doesn't stop the replay.
            let _ = (self.sink)(*stream, bytes);
        }
        Ok(())
    }

    /// Whether the program is to end.
    pub(crate) fn is_over(&self) -> bool {
        self.verdict.is_some()
    }

    /// The slots of the results that [`Replaying::answer`] spoke of.
    pub(crate) fn results(&self) -> &[u64] {
        &self.next.results
    }

    /// Goes on to the next event, once the answer was given.
    pub(crate) fn answered(&mut self) -> Result<(), Error> {
        self.read_next()
    }

    /// Whether a memory or a table that asks for more at this position is refused that.
    pub(crate) fn refuses_growth(&mut self, position: u64) -> Result<bool, Error> {
        let refuses = self.next.what == What::Refused && self.next.position == position;
        if refuses {
            self.read_next()?;
        }
        Ok(refuses)
    }

    /// It was refused here, though not in the record.
    #[cold]
    pub(crate) fn cannot_grow(&mut self, position: u64) -> Error {
        self.diverged(position, "there is no room here for a memory or a table to grow, and there was")
    }

    /// Whether the program is where it was to stop.
    pub(crate) fn is_at_goal(&self) -> bool {
        self.until < self.next.position
    }

    /// The program has ended.
    pub(crate) fn end(&mut self, position: u64, result: Result<(), &Error>) -> Verdict {
        if let Some(verdict) = self.verdict.clone() {
            return verdict;
        }
        let outcome = Outcome::of(result, self.errors);
        let out_of_fuel = outcome == Outcome::Trap(Trap::OutOfFuel);
        if out_of_fuel && self.until < self.next.position {
            return Verdict::Reached;
        }
        let verdict = match &self.next.what {
            What::End(was) if outcome == *was && position == self.next.position => Verdict::Same(was.clone()),
            // What ended it then doesn't come here, but the fuel up to there is used up.
            What::End(was @ Outcome::Trap(Trap::Interrupt | Trap::OutOfBudget)) if out_of_fuel => {
                Verdict::Same(was.clone())
            }
            What::Nothing | What::Continued if out_of_fuel => Verdict::RecordEnds(None),
            What::GaveUp(why) if out_of_fuel => Verdict::RecordEnds(Some(why.clone())),
            _ => {
                let is = if out_of_fuel { "it executes on".into() } else { format!("it {outcome}") };
                let what = format!("{is}, and in the record {}", self.has());
                let _ = self.diverged(position, what);
                self.verdict.clone().unwrap_or(Verdict::Reached)
            }
        };
        self.verdict.get_or_insert(verdict).clone()
    }
}

/// A part of a memory.
fn part(bytes: Option<&mut [u8]>, at: u64, len: u64) -> Option<&mut [u8]> {
    let (at, len) = (usize::try_from(at).ok()?, usize::try_from(len).ok()?);
    bytes?.get_mut(at..)?.get_mut(..len)
}

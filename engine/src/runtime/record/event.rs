//! Events: host calls, growth that was refused, and the end.

use super::format::{Reader, Stop, put_leb};
use super::notes::Extent;
use super::{HostErrors, wrong};
use crate::memory::{Budget, Buf, Kind, MemoryError, try_text};
use crate::module::trap::Trap;
use crate::runtime::error::Error;
use alloc::string::String;

/// Bounds on what an event consists of: what a host function can have at most, and more ranges than WASI ever needs.
const SLOTS: u32 = 4096;
const EXTENTS: u32 = 1 << 20;
/// The bytes of a message, and of a name.
const TEXT: usize = 4096;

pub(super) const NAME: u8 = 0;
pub(super) const CALL: u8 = 1;
pub(super) const REFUSED: u8 = 2;
pub(super) const END: u8 = 3;
pub(super) const CONTINUED: u8 = 4;
pub(super) const GAVE_UP: u8 = 5;

/// How a call ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Done,
    Trap(Trap),
    /// With an error that the embedder has a number for.
    Number(u32),
    Text(String),
}

impl Outcome {
    pub(crate) fn of(result: Result<(), &Error>, errors: HostErrors) -> Self {
        let Err(error) = result else { return Outcome::Done };
        if let Some(trap) = error.trap() {
            return Outcome::Trap(trap);
        }
        if let Some(number) = (errors.number)(error) {
            return Outcome::Number(number);
        }
        let mut text = try_text(error).unwrap_or_default();
        let end = (0..=TEXT.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        Outcome::Text(text)
    }

    pub(super) fn error(&self, errors: HostErrors) -> Result<(), Error> {
        match self {
            Outcome::Done => Ok(()),
            Outcome::Trap(trap) => Err((*trap).into()),
            Outcome::Number(number) => Err((errors.error)(*number)),
            Outcome::Text(text) => Err(Error::msg(text)),
        }
    }

    pub(super) fn put(&self, to: &mut Buf<u8>) -> Result<(), Error> {
        match self {
            Outcome::Done => to.try_push(0)?,
            Outcome::Trap(trap) => to.try_extend_from_slice(&[1, *trap as u8])?,
            Outcome::Number(number) => {
                to.try_push(2)?;
                put_leb(to, (*number).into())?;
            }
            Outcome::Text(text) => {
                to.try_push(3)?;
                put_text(to, text)?;
            }
        }
        Ok(())
    }

    fn read(from: &mut Reader, budget: &Budget) -> Result<Self, Stop> {
        match from.u8()? {
            0 => Ok(Outcome::Done),
            1 => {
                let trap = Trap::numbered(from.u8()?);
                trap.map(Outcome::Trap).ok_or_else(|| wrong("a trap is unknown").into())
            }
            2 => Ok(Outcome::Number(from.leb32()?)),
            3 => Ok(Outcome::Text(text(from, budget)?)),
            _ => Err(wrong("an outcome is unknown").into()),
        }
    }
}

/// How something ended, for a sentence: "it ..., ".
impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Done => f.write_str("returns"),
            Outcome::Trap(trap) => write!(f, "traps: {trap}"),
            Outcome::Number(number) => write!(f, "ends with code {number}"),
            Outcome::Text(text) => write!(f, "fails: {}", text.escape_debug()),
        }
    }
}

pub(super) fn put_text(to: &mut Buf<u8>, text: &str) -> Result<(), Error> {
    put_leb(to, text.len() as u64)?;
    Ok(to.try_extend_from_slice(text.as_bytes())?)
}

pub(super) fn put_extent(to: &mut Buf<u8>, extent: Extent) -> Result<(), Error> {
    put_leb(to, extent.memory.into())?;
    put_leb(to, extent.at)?;
    put_leb(to, extent.len)
}

fn utf8(from: &mut Reader, budget: &Budget) -> Result<Buf<u8>, Stop> {
    let len = from.leb()?;
    if len > TEXT as u64 {
        return Err(wrong("a text is too long").into());
    }
    let mut bytes = Buf::new(budget, Kind::Host);
    from.append(&mut bytes, len)?;
    match std::str::from_utf8(&bytes) {
        Ok(_) => Ok(bytes),
        Err(_) => Err(wrong("a text isn't UTF-8").into()),
    }
}

fn text(from: &mut Reader, budget: &Budget) -> Result<String, Stop> {
    let bytes = utf8(from, budget)?;
    let text = try_text(std::str::from_utf8(&bytes).unwrap_or_default());
    text.map_err(|error| Stop::Failed(MemoryError::OutOfMemory(error).into()))
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// A host function was called; the fields say which, and all else.
    Call,
    /// A memory or a table couldn't grow.
    Refused,
    /// The program ended.
    End(Outcome),
    /// The record goes on in another segment.
    Continued,
    /// Nothing more was recorded, for this reason.
    GaveUp(String),
    /// The record breaks off.
    Nothing,
}

/// The next event of a replay.
pub(super) struct Event {
    pub(super) what: What,
    pub(super) position: u64,
    pub(super) func: u32,
    pub(super) args: Buf<u64>,
    pub(super) reads: Buf<Extent>,
    pub(super) sum: u32,
    pub(super) outs: Buf<(u8, Extent)>,
    pub(super) writes: Buf<Extent>,
    pub(super) bytes: Buf<u8>,
    pub(super) results: Buf<u64>,
    pub(super) outcome: Outcome,
    /// The functions, by their numbers.
    pub(super) names: Buf<[Buf<u8>; 2]>,
}

impl Event {
    pub(super) fn new(budget: &Budget) -> Self {
        Self {
            what: What::Nothing,
            position: 0,
            func: 0,
            args: Buf::new(budget, Kind::Host),
            reads: Buf::new(budget, Kind::Host),
            sum: 0,
            outs: Buf::new(budget, Kind::Host),
            writes: Buf::new(budget, Kind::Host),
            bytes: Buf::new(budget, Kind::Host),
            results: Buf::new(budget, Kind::Host),
            outcome: Outcome::Done,
            names: Buf::new(budget, Kind::Host),
        }
    }

    /// The names of the function that is called.
    pub(super) fn name(&self) -> (&str, &str) {
        let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        self.names.get(self.func as usize).map_or(("", ""), |[module, name]| (text(module), text(name)))
    }

    /// Reads the next one. It is `Nothing` where the record breaks off.
    pub(super) fn read(&mut self, from: &mut Reader, budget: &Budget) -> Result<(), Error> {
        let before = self.position;
        match self.read_event(from, budget) {
            Ok(()) if self.position < before => Err(wrong("time goes back")),
            Ok(()) => Ok(()),
            Err(Stop::End) => {
                (self.what, self.position) = (What::Nothing, before);
                Ok(())
            }
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn read_event(&mut self, from: &mut Reader, budget: &Budget) -> Result<(), Stop> {
        let kind = loop {
            match from.u8()? {
                NAME => {
                    let names = [utf8(from, budget)?, utf8(from, budget)?];
                    self.names.try_push(names)?;
                }
                kind => break kind,
            }
        };
        self.position = from.leb()?;
        self.what = match kind {
            CALL => {
                self.read_call(from, budget)?;
                What::Call
            }
            REFUSED => What::Refused,
            END => What::End(Outcome::read(from, budget)?),
            CONTINUED => What::Continued,
            GAVE_UP => What::GaveUp(text(from, budget)?),
            _ => return Err(wrong("an event is unknown").into()),
        };
        Ok(())
    }

    fn read_call(&mut self, from: &mut Reader, budget: &Budget) -> Result<(), Stop> {
        self.func = from.leb32()?;
        if self.func as usize >= self.names.len() {
            return Err(wrong("a function has no name").into());
        }
        slots(from, &mut self.args)?;
        self.reads.clear();
        for _ in 0..count(from, EXTENTS)? {
            self.reads.try_push(extent(from)?)?;
        }
        let mut sum = [0; 4];
        if !self.reads.is_empty() {
            from.fill(&mut sum)?;
        }
        self.sum = u32::from_le_bytes(sum);
        self.outs.clear();
        for _ in 0..count(from, EXTENTS)? {
            self.outs.try_push((from.u8()?, extent(from)?))?;
        }
        self.writes.clear();
        for _ in 0..count(from, EXTENTS)? {
            self.writes.try_push(extent(from)?)?;
        }
        self.bytes.clear();
        for at in 0..self.writes.len() {
            let len = self.writes[at].len;
            from.append(&mut self.bytes, len)?;
        }
        self.outcome = Outcome::read(from, budget)?;
        self.results.clear();
        if self.outcome == Outcome::Done {
            slots(from, &mut self.results)?;
        }
        Ok(())
    }
}

fn count(from: &mut Reader, most: u32) -> Result<u32, Stop> {
    let count = from.leb32()?;
    if count > most {
        return Err(wrong(format_args!("{count} things where at most {most} may be")).into());
    }
    Ok(count)
}

fn slots(from: &mut Reader, into: &mut Buf<u64>) -> Result<(), Stop> {
    into.clear();
    for _ in 0..count(from, SLOTS)? {
        into.try_push(from.leb()?)?;
    }
    Ok(())
}

fn extent(from: &mut Reader) -> Result<Extent, Stop> {
    let (memory, at, len) = (from.leb32()?, from.leb()?, from.leb()?);
    Ok(Extent { memory, at, len })
}

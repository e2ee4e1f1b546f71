//! The `name` section, parsed byte by byte as it passes.
//!
//! Nothing in it can make a module fail to load: what is malformed ends the parsing, and what the budget
//! has no room for is dropped.

use super::framing::Leb;
use crate::memory::limits::{MAX_NAME_BYTES, MAX_NAMES_BYTES};
use crate::memory::{Budget, Buf, Charge, Kind, MemoryError};
use crate::module::names::{FuncName, Names};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

const MODULE: u8 = 0;
const FUNCTIONS: u8 = 1;

#[derive(Debug)]
pub(super) struct NameSection {
    phase: NamePhase,
    /// The bytes of a number that has only begun.
    leb: [u8; 5],
    leb_len: usize,
    /// What is left of the subsection.
    left: u32,
    last_subsection: Option<u8>,
    last_index: Option<u32>,
    module: Buf<u8>,
    text: Buf<u8>,
    funcs: Buf<FuncName>,
}

#[derive(Debug, Clone, Copy)]
enum NamePhase {
    /// No name section has begun.
    Before,
    SubsectionId,
    SubsectionSize {
        id: u8,
    },
    SkipSubsection,
    ModuleLen,
    FuncCount,
    FuncIndex {
        remaining: u32,
    },
    FuncLen {
        remaining: u32,
        index: u32,
    },
    /// In a name, of which `left` bytes are to come; `kept` are kept.
    Text {
        whose: Whose,
        len: u32,
        left: u32,
    },
    /// Whatever follows is ignored.
    Over,
}

#[derive(Debug, Clone, Copy)]
enum Whose {
    Module,
    Func { remaining: u32, index: u32 },
}

impl NameSection {
    pub(super) fn new(budget: &Budget) -> NameSection {
        NameSection {
            phase: NamePhase::Before,
            leb: [0; 5],
            leb_len: 0,
            left: 0,
            last_subsection: None,
            last_index: None,
            module: Buf::new(budget, Kind::Names),
            text: Buf::new(budget, Kind::Names),
            funcs: Buf::new(budget, Kind::Names),
        }
    }

    /// A name section begins. Gives false, and does nothing, for a second one.
    pub(super) fn begin(&mut self) -> bool {
        let first = matches!(self.phase, NamePhase::Before);
        if first {
            self.phase = NamePhase::SubsectionId;
        }
        first
    }

    /// Takes the next bytes of the section.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !matches!(self.phase, NamePhase::Over) {
            match self.step(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(Stop::Malformed) => self.over(),
                Err(Stop::Memory) => {
                    self.module.discard();
                    self.text.discard();
                    self.funcs.discard();
                    self.phase = NamePhase::Over;
                }
            }
        }
    }

    /// Ends the parsing; an unfinished name is dropped.
    fn over(&mut self) {
        match self.phase {
            NamePhase::Text { whose: Whose::Module, .. } => self.module.clear(),
            NamePhase::Text { whose: Whose::Func { .. }, .. } => self.text.truncate(self.kept_text()),
            _ => {}
        }
        self.phase = NamePhase::Over;
    }

    /// How many bytes of the text belong to finished names.
    fn kept_text(&self) -> usize {
        self.funcs.last().map_or(0, |name| (name.start + name.len) as usize)
    }

    /// Takes at least one byte of `bytes`, which is not empty.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Stop> {
        match self.phase {
            NamePhase::SubsectionId => {
                let id = bytes[0];
                if self.last_subsection.is_some_and(|last| id <= last) {
                    return Err(Stop::Malformed);
                }
                self.last_subsection = Some(id);
                self.phase = NamePhase::SubsectionSize { id };
                return Ok(1);
            }
            NamePhase::SubsectionSize { id } => {
                if let Some(size) = self.number(bytes[0])? {
                    self.left = size;
                    self.phase = match id {
                        _ if size == 0 => NamePhase::SubsectionId,
                        MODULE => NamePhase::ModuleLen,
                        FUNCTIONS => NamePhase::FuncCount,
                        _ => NamePhase::SkipSubsection,
                    };
                }
                return Ok(1);
            }
            _ => {}
        }
        let within = &bytes[..bytes.len().min(self.left as usize)];
        let count = self.step_inside(within)?;
        self.left -= count as u32;
        if self.left == 0 {
            match self.phase {
                NamePhase::SkipSubsection | NamePhase::FuncIndex { remaining: 0 } => {
                    self.phase = NamePhase::SubsectionId
                }
                NamePhase::SubsectionId => {}
                _ => return Err(Stop::Malformed),
            }
        }
        Ok(count)
    }

    /// Takes at least one byte of `bytes`, which are in a subsection.
    fn step_inside(&mut self, bytes: &[u8]) -> Result<usize, Stop> {
        match self.phase {
            NamePhase::ModuleLen => {
                if let Some(len) = self.number(bytes[0])? {
                    self.begin_text(Whose::Module, len)?;
                }
            }
            NamePhase::FuncCount => {
                if let Some(remaining) = self.number(bytes[0])? {
                    self.phase = NamePhase::FuncIndex { remaining };
                }
            }
            NamePhase::FuncIndex { remaining } => {
                if remaining == 0 {
                    return Err(Stop::Malformed);
                }
                if let Some(index) = self.number(bytes[0])? {
                    if self.last_index.is_some_and(|last| index <= last) {
                        return Err(Stop::Malformed);
                    }
                    self.last_index = Some(index);
                    self.phase = NamePhase::FuncLen { remaining: remaining - 1, index };
                }
            }
            NamePhase::FuncLen { remaining, index } => {
                if let Some(len) = self.number(bytes[0])? {
                    self.begin_text(Whose::Func { remaining, index }, len)?;
                }
            }
            NamePhase::Text { whose, len, left } => return self.text(whose, len, left, bytes),
            _ => return Ok(bytes.len()),
        }
        Ok(1)
    }

    /// Goes on with a number; gives it when it is complete.
    fn number(&mut self, byte: u8) -> Result<Option<u32>, Stop> {
        self.leb[self.leb_len] = byte;
        self.leb_len += 1;
        match Leb::read(&self.leb[..self.leb_len]) {
            Leb::Done(value, _) => {
                self.leb_len = 0;
                Ok(Some(value))
            }
            Leb::More => Ok(None),
            Leb::Invalid(..) => Err(Stop::Malformed),
        }
    }

    fn begin_text(&mut self, whose: Whose, len: u32) -> Result<(), Stop> {
        self.phase = NamePhase::Text { whose, len, left: len };
        if len == 0 { self.end_text(whose, len) } else { Ok(()) }
    }

    fn text(&mut self, whose: Whose, len: u32, left: u32, bytes: &[u8]) -> Result<usize, Stop> {
        let now = &bytes[..bytes.len().min(left as usize)];
        let kept = len.min(MAX_NAME_BYTES).saturating_sub(len - left) as usize;
        let keep = &now[..now.len().min(kept)];
        let into = match whose {
            Whose::Module => &mut self.module,
            Whose::Func { .. } if self.text.len() + keep.len() > MAX_NAMES_BYTES => {
                return Err(Stop::Malformed);
            }
            Whose::Func { .. } => &mut self.text,
        };
        let most = into.len().saturating_add(self.left as usize).min(MAX_NAMES_BYTES);
        into.try_extend_streamed(keep, most)?;
        let left = left - now.len() as u32;
        self.phase = NamePhase::Text { whose, len, left };
        if left == 0 {
            self.end_text(whose, len)?;
        }
        Ok(now.len())
    }

    fn end_text(&mut self, whose: Whose, len: u32) -> Result<(), Stop> {
        match whose {
            Whose::Module => {
                let kept = valid_len(&self.module, len).ok_or(Stop::Malformed)?;
                self.module.truncate(kept);
                // Nothing may follow it.
                self.phase = NamePhase::SubsectionId;
            }
            Whose::Func { remaining, index } => {
                let start = self.kept_text();
                let kept = valid_len(&self.text[start..], len).ok_or(Stop::Malformed)?;
                self.text.truncate(start + kept);
                if kept > 0 {
                    self.funcs.try_push(FuncName { index, start: start as u32, len: kept as u32 })?;
                }
                self.phase = NamePhase::FuncIndex { remaining };
            }
        }
        Ok(())
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> u64 {
        self.module.held() + self.text.held() + self.funcs.held()
    }

    /// The names, if there was room for them.
    pub(super) fn finish(mut self) -> Names {
        self.over();
        self.boxed().unwrap_or_default()
    }

    fn boxed(self) -> Result<Names, MemoryError> {
        let text = |buf: Buf<u8>| -> Result<(Box<str>, Charge), MemoryError> {
            let (bytes, charge) = buf.into_boxed()?;
            Ok((String::from_utf8(Vec::from(bytes)).unwrap_or_default().into_boxed_str(), charge))
        };
        let (module, mut charge) = text(self.module)?;
        let (names, text_charge) = text(self.text)?;
        let (funcs, funcs_charge) = self.funcs.into_boxed()?;
        charge.merge(text_charge);
        charge.merge(funcs_charge);
        let module = (!module.is_empty()).then_some(module);
        Ok(Names { module, funcs, text: names, charge: Some(charge) })
    }
}

/// How many bytes of a name of `len` bytes, of which `kept` are kept, are whole characters.
fn valid_len(kept: &[u8], len: u32) -> Option<usize> {
    match str::from_utf8(kept) {
        Ok(_) => Some(kept.len()),
        // The cut may have split the last character.
        Err(error) if error.error_len().is_none() && kept.len() < len as usize => Some(error.valid_up_to()),
        Err(_) => None,
    }
}

/// Why the parsing ends.
enum Stop {
    Malformed,
    Memory,
}

impl From<MemoryError> for Stop {
    fn from(_: MemoryError) -> Stop {
        Stop::Memory
    }
}

//! Translated code: where it is kept, how it becomes executable, how a place in it is found again.
//!
//! Code is a sequence of 64-bit words: a prologue of two (see [`crate::exec::control`]), then cells. While it is
//! made, a cell's first word is its op's number; *linking* replaces that by the handler's address.

use crate::budget::{Buf, Charge, Kind};
use crate::error::Error;
use crate::exec::Dispatch;
use crate::module::{ModuleInner, ModuleShared};
use crate::ops::{Field, OPS, Op, SpecialOp, layout};
use crate::translate::{self, Translated};
use crate::trap::Trap;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

/// What code begins with.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Prologue {
    /// Size of the frame in bytes.
    pub(crate) frame: u32,
    /// Fuel for an entry.
    pub(crate) cost: u32,
    /// Slot of the frame's header.
    pub(crate) header: u32,
    /// How many slots behind the header are to be zeroed.
    pub(crate) zeros: u32,
}

/// Words before the first cell.
pub(crate) const PROLOGUE: usize = size_of::<Prologue>() / 8;

impl Prologue {
    /// Of the code that begins at `entry`.
    #[inline(always)]
    pub(crate) fn at(entry: *const u64) -> *const Self {
        entry.cast()
    }

    /// That these words of code begin with.
    pub(crate) fn of(words: &[u64]) -> Self {
        let (low, high) = (|n: usize| words[n] as u32, |n: usize| (words[n] >> 32) as u32);
        Self { frame: low(0), cost: high(0), header: low(1), zeros: high(1) }
    }

    /// As words of code.
    pub(crate) fn words(&self) -> [u64; PROLOGUE] {
        [self.frame as u64 | (self.cost as u64) << 32, self.header as u64 | (self.zeros as u64) << 32]
    }
}

/// The prologue of a function that isn't translated: its frame fits no stack, so that whoever enters goes to the
/// cold path.
pub(crate) static LAZY: [u64; PROLOGUE] = [u32::MAX as u64, 0];

pub(crate) fn is_lazy(entry: *const u64) -> bool {
    core::ptr::eq(entry, LAZY.as_ptr())
}

/// A module's entry table, and the code that its entries point to.
pub(crate) struct CodeTable {
    entries: Box<[AtomicPtr<u64>]>,
    made: Mutex<Buf<Code>>,
    _charge: Charge,
}

/// The functions of a module that have code, by address.
pub(crate) struct CodeMap {
    ranges: Vec<(core::ops::Range<*const u64>, u32)>,
}

impl CodeMap {
    /// Which function (of those that the module defines) the cell at `ip` belongs to, and its place there in words.
    pub(crate) fn find(&self, ip: *const u64) -> Option<(u32, usize)> {
        let after = self.ranges.partition_point(|(range, _)| range.start <= ip);
        let (range, index) = self.ranges.get(after.checked_sub(1)?)?;
        range.contains(&ip).then(|| (*index, (ip as usize - range.start as usize) / 8))
    }
}

/// The code of some modules, each looked over once, and again when it has more.
#[derive(Default)]
pub(crate) struct CodeMaps {
    known: Vec<(*const ModuleShared, CodeMap)>,
}

impl CodeMaps {
    /// [`CodeMap::find`] in a module's code.
    pub(crate) fn find(&mut self, module: &ModuleShared, ip: *const u64) -> Option<(u32, usize)> {
        let at = self.known.iter().position(|(known, _)| core::ptr::eq(*known, module));
        if let Some(at) = at
            && let found @ Some(_) = self.known[at].1.find(ip)
        {
            return found;
        }
        let map = module.code.map();
        let found = map.find(ip);
        match at {
            Some(at) => self.known[at].1 = map,
            None => self.known.push((module, map)),
        }
        found
    }

    /// How much memory this takes.
    pub(crate) fn bytes(&self) -> u64 {
        let ranges: usize = self.known.iter().map(|(_, map)| size_of_val(&*map.ranges)).sum();
        (ranges + size_of_val(&*self.known)) as u64
    }
}

struct Code {
    index: u32,
    words: Box<[u64]>,
    _charge: Charge,
}

impl CodeTable {
    pub(crate) fn new(data: &ModuleInner, budget: &crate::Budget) -> Result<Self, Error> {
        let n = data.funcs.len() - data.imported_funcs as usize;
        let mut entries = Buf::with_capacity(budget, Kind::Metadata, n)?;
        for _ in 0..n {
            entries.try_push(AtomicPtr::new(LAZY.as_ptr().cast_mut()))?;
        }
        let (entries, charge) = entries.into_boxed();
        Ok(Self { entries, made: Mutex::new(Buf::new(budget, Kind::Cells)), _charge: charge })
    }

    pub(crate) fn entries(&self) -> *const AtomicPtr<u64> {
        self.entries.as_ptr()
    }

    /// Where all code made so far lies, to find cells in.
    pub(crate) fn map(&self) -> CodeMap {
        let made = self.made();
        let mut ranges = Vec::new();
        if ranges.try_reserve_exact(made.len()).is_ok() {
            ranges.extend(made.iter().map(|code| (code.words.as_ptr_range(), code.index)));
            ranges.sort_unstable_by_key(|(range, _)| range.start);
        }
        CodeMap { ranges }
    }

    /// How many functions are translated, and into how many bytes.
    pub(crate) fn translated(&self) -> (usize, u64) {
        let made = self.made();
        (made.len(), made.iter().map(|code| code.words.len() as u64 * 8).sum())
    }

    fn made(&self) -> MutexGuard<'_, Buf<Code>> {
        self.made.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl ModuleShared {
    /// The code of the function with this index among those that the module defines, translated if need be.
    ///
    /// # Errors
    /// If there is no memory for it, or its bytes are gone.
    pub(crate) fn translated(&self, index: u32) -> Result<*const u64, Error> {
        let mut made = self.code.made();
        let entry = &self.code.entries[index as usize];
        let present = entry.load(Ordering::Acquire).cast_const();
        if !is_lazy(present) {
            return Ok(present);
        }
        let Translated { mut words, .. } = self.translate(index, None)?;
        if self.engine.checks_translation() {
            crate::check::check(&words, self).unwrap_or_else(|why| {
                panic!("translated code of function {index} is wrong: {why}\n{}", disassemble(&words))
            });
        }
        link(&mut words, self.engine.dispatch());
        let (words, charge) = words.into_boxed();
        made.try_push(Code { index, words, _charge: charge })?;
        let start = made.last().expect("just pushed").words.as_ptr();
        entry.store(start.cast_mut(), Ordering::Release);
        Ok(start)
    }

    /// Translates a function. With `place`, a word of its code, the result says which instruction that came from.
    pub(crate) fn translate(&self, index: u32, place: Option<usize>) -> Result<Translated, Error> {
        let env = translate::Env::new(self);
        let offset = self.data.bodies.file_offset(index);
        let func = self.data.imported_funcs + index;
        self.data
            .bodies
            .with_body(index, |body| translate::translate(&env, func, body, offset, place))
            .map_err(|e| match e {
                crate::bodies::BodyError::Memory(e) => e.into(),
                _ => Error::from(Trap::ModuleChanged),
            })?
    }

    /// The offset in the module of the instruction that the cell at `word` came from. Nothing is kept for this:
    /// translation gives the same cells again.
    pub(crate) fn offset_of(&self, index: u32, word: usize) -> Option<u64> {
        self.translate(index, Some(word)).ok()?.offset
    }

    /// Where the header of a function's frames is.
    pub(crate) fn header(&self, index: u32) -> u32 {
        let ty = self.data.func_type(self.data.imported_funcs + index);
        translate::header_of(ty)
    }
}

/// Puts handlers' addresses in place of op numbers: where there is one, a handler for the cell and the next.
fn link(words: &mut [u64], dispatch: Dispatch) {
    let mut at = PROLOGUE;
    while at < words.len() {
        let op = Op(words[at] as u16);
        let next = at + 2 + extension(op, words[at + 1]);
        let fused = words.get(next).and_then(|&word| dispatch.fused(op, Op(word as u16)));
        words[at] = fused.unwrap_or_else(|| dispatch.handler(op));
        at = next;
    }
}

/// How many extension words a cell has.
pub(crate) fn extension(op: Op, operands: u64) -> usize {
    static LENGTHS: OnceLock<[u8; OPS]> = OnceLock::new();
    if op == SpecialOp::BrTable.op() || op == SpecialOp::BrTableAcc.op() {
        return (operands >> 32) as usize + 1;
    }
    LENGTHS.get_or_init(|| std::array::from_fn(|op| layout(Op(op as u16)).1 as u8))[op.0 as usize] as usize
}

/// Field `n` of an operand word.
pub(crate) fn field(operands: u64, n: usize) -> u16 {
    (operands >> (16 * n)) as u16
}

/// Unlinked code for people to read.
pub(crate) fn disassemble(words: &[u64]) -> String {
    use core::fmt::Write;
    let mut s = String::new();
    let mut at = PROLOGUE;
    let Prologue { frame, cost, .. } = Prologue::of(words);
    let _ = writeln!(s, "frame {frame} bytes, cost {cost}");
    while at < words.len() {
        let (op, operands) = (Op(words[at] as u16), words[at + 1]);
        let (name, form) = op.name();
        let (fields, _) = layout(op);
        let _ = write!(s, "{at:6}  {name}.{form}");
        for (n, kind) in fields.iter().enumerate() {
            let _ = match kind {
                Field::W | Field::W2 => write!(s, " ->{}", field(operands, n)),
                Field::R | Field::R2 => write!(s, " r{}", field(operands, n)),
                Field::X => write!(s, " {}", field(operands, n)),
                Field::N if n == 2 => write!(s, " {}", (operands >> 32) as u32 as i32),
                Field::T if n == 2 => write!(s, " @{}", at as i64 + (operands >> 32) as u32 as i32 as i64),
                Field::N | Field::T | Field::__ => Ok(()),
            };
        }
        let ext = extension(op, operands);
        for word in &words[at + 2..(at + 2 + ext).min(words.len())] {
            let _ = write!(s, " {word:#x}");
        }
        s.push('\n');
        at += 2 + ext;
    }
    s
}

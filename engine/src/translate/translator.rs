//! The translator's state, and how it writes cells.

use super::error::Error;
use super::frames::{ALWAYS, Arrivals, ControlFrame, Enclosed, Handler};
use super::operand::{Accumulator, Entry, Location, Shifts};
use super::plain;
use super::regions::Regions;
use crate::memory::{Budget, Buf, Kind};
use crate::module::ModuleInner;
use crate::module::types::{FuncType, ValType};
use crate::ops::frame::{HEADER, MAX_SLOTS, VmLayout, header_of};
use crate::ops::{Class, Op};
use crate::value::relaxed::RelaxedSimd;
use wasmparser::BinaryReader;

/// In a field that the cell's op doesn't read, or that is set later.
pub(super) const UNUSED: u16 = 0;

/// What translation needs to know of a module and its engine.
pub(crate) struct Env<'m> {
    pub(crate) data: &'m ModuleInner,
    /// The engine-wide number of each type.
    pub(crate) sigs: &'m [u32],
    pub(crate) layout: VmLayout,
    pub(crate) budget: &'m Budget,
    pub(crate) settings: Settings,
}

/// What of an engine's configuration decides how cells look.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) canonical_nans: bool,
    pub(crate) relaxed_simd: RelaxedSimd,
    pub(crate) consume_fuel: bool,
    /// Whether there is a cell before each instruction to stop at.
    pub(crate) guest_debug: bool,
    /// Loops of bodies of so many bytes or more may be compiled alone, so there is a cell at each to enter their code by.
    pub(crate) islands_from: u32,
}

/// A function's cells, not linked yet.
pub(crate) struct Translated {
    /// Cells, then the handler table.
    pub(crate) words: Buf<u64>,
    /// Where the table begins.
    pub(crate) table: usize,
    /// The offset in the module of the instruction that was asked for.
    pub(crate) offset: Option<u64>,
    /// What is charged for in the middle, if that was asked for.
    pub(crate) charges: Option<Buf<Charged>>,
    /// The cell that was asked for.
    pub(crate) cell: Option<OperandsAt>,
    /// The loop that was asked for.
    pub(crate) enclosed: Option<Enclosed>,
    /// What is known at the instruction that was asked for.
    pub(crate) state: Option<StateAt>,
}

/// The state of a frame before an instruction: where values are, and of what classes.
pub(crate) struct StateAt {
    /// The offset of the instruction in the module.
    pub(crate) offset: u64,
    pub(crate) locals: Buf<(u16, Class)>,
    /// From the bottom of the stack.
    pub(crate) operands: Buf<(u16, Class)>,
}

/// A cell, and where operands are when it is executed.
pub(crate) struct OperandsAt {
    /// The cell's words.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// From the bottom of the stack, each with its own slot. The topmost ones, which the cell takes, may be missing.
    pub(crate) operands: Buf<(u16, Held)>,
    /// The slot, if there is one, that holds what the accumulator of each class does.
    pub(crate) mirrors: [Option<u16>; Class::COUNT],
}

/// Where an operand is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Held {
    /// In this slot: its own, or a local's.
    Slot(u16),
    /// A constant.
    Bits([u64; 2]),
    /// Only in the accumulator of its class.
    Accumulator(Class),
}

impl OperandsAt {
    /// At the cell that begins at word `start`, and is the last yet.
    fn new(t: &Translator<'_>, start: usize) -> Result<Self, Error> {
        let mut operands = Buf::with_capacity(t.env.budget, Kind::CompilerScratch, t.stack.len())?;
        for entry in t.stack.iter() {
            let held = match entry.at {
                Location::Slot => Held::Slot(entry.slot),
                Location::Local(slot) => Held::Slot(slot),
                Location::Const(bits) => Held::Bits(bits),
                Location::Acc => Held::Accumulator(entry.class),
            };
            operands.try_push((entry.slot, held))?;
        }
        Ok(Self { start, end: t.words.len(), operands, mirrors: t.accs.map(|acc| acc.mirrors) })
    }
}

impl Translated {
    /// The first of what is charged for that is what is searched for, if [`Wanted::Charges`] was asked for.
    pub(crate) fn charge(&self, is_it: impl Fn(&Charged) -> bool) -> Option<Charged> {
        self.charges.as_deref()?.iter().copied().find(is_it)
    }
}

/// What fuel is charged for in the middle of a function: a loop, or an arm.
#[derive(Clone, Copy)]
pub(crate) struct Charged {
    pub(crate) is_loop: bool,
    /// The offset in the module of the loop, or of the instruction that the arm follows.
    pub(crate) offset: u64,
    /// The word of the first cell that is paid for.
    pub(crate) word: usize,
    pub(crate) cost: u32,
}

/// What of a translation is wanted.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    Cells,
    /// The offset of the instruction that this word came from.
    OffsetOf(usize),
    /// What is charged for in the middle: loops and, if fuel is counted, arms.
    Charges,
    /// Where the last cell of the instruction at this offset is, and where operands are there.
    Operands(u64),
    /// The same of the instruction's last cell that begins at this word or before it.
    #[cfg_attr(not(feature = "coredump"), expect(dead_code, reason = "for core dumps"))]
    OperandsAt(u64, usize),
    /// The first instruction from this offset on that can be reached, and the state before it. For debugging.
    StateAt(u64),
    /// The loop whose header is this word, what is around it, and what is charged for in it.
    Loop(usize),
}

/// Makes one function's cells.
pub(crate) struct Translator<'a> {
    pub(super) env: &'a Env<'a>,
    pub(super) plain: &'static plain::Plain,
    pub(super) words: Buf<u64>,
    /// Where the last cell begins, if the next may be fused with it: nothing can jump between.
    pub(super) last: Option<usize>,
    /// Slot and class of each local.
    pub(super) locals: Buf<(u16, Class)>,
    pub(super) stack: Buf<Entry>,
    /// Entries below this are in their slots.
    pub(super) settled: usize,
    pub(super) accs: [Accumulator; Class::COUNT],
    pub(super) shifts: Shifts,
    pub(super) frames: Buf<ControlFrame>,
    /// The clauses of the handler table.
    pub(super) handlers: Buf<Handler>,
    /// What is charged for, if fuel is counted.
    pub(super) regions: Option<Regions>,
    /// Otherwise, instructions to be added to what a turn takes, and how often they are expected (see `turns`).
    pub(super) pending: u32,
    pub(super) often: u32,
    /// The function's entry and its loops, as `regions` has them.
    pub(super) arrivals: Buf<Arrivals>,
    /// The first slot for operands, and the most slots used so far.
    pub(super) first_operand: u32,
    pub(super) max_slots: u32,
    pub(super) header: u32,
    pub(super) ty: &'a FuncType,
    /// Offset of the current instruction in the module.
    pub(super) at: u64,
    /// The word whose instruction is asked for, and that instruction's offset.
    pub(super) place: Option<usize>,
    pub(super) found: Option<u64>,
    /// What is charged for in the middle, if that is asked for. Loops' costs are filled in last.
    pub(super) charges: Option<Buf<Charged>>,
    /// The instruction whose last cell is asked for, and that cell.
    pub(super) cell_of: Option<u64>,
    /// The cell begins here at the latest.
    pub(super) cell_until: usize,
    pub(super) cell: Option<OperandsAt>,
    /// Whether the function's loops may be compiled alone.
    pub(super) has_islands: bool,
    /// The header of the loop that is asked for, and what is known of it.
    pub(super) enclosed_at: Option<usize>,
    pub(super) enclosed: Option<Enclosed>,
    /// The offset from which on an instruction is asked for, and what is known of the first.
    pub(super) state_at: Option<u64>,
    pub(super) state: Option<StateAt>,
}

/// The class of wasmparser's type; one that Dunlin doesn't have is in no valid body.
pub(super) fn class_of(ty: wasmparser::ValType) -> Class {
    ValType::from_wasmparser(ty).map_or(Class::Int, Class::of)
}

impl<'a> Translator<'a> {
    pub(super) fn new(env: &'a Env<'a>, func: u32, offset: u64, wanted: Wanted) -> Self {
        let (place, charges) = match wanted {
            Wanted::Cells | Wanted::Operands(_) | Wanted::OperandsAt(..) | Wanted::StateAt(_) => (None, None),
            Wanted::OffsetOf(place) => (Some(place), None),
            Wanted::Charges | Wanted::Loop(_) => (None, Some(Buf::new(env.budget, Kind::CompilerScratch))),
        };
        let (cell_of, cell_until) = match wanted {
            Wanted::Operands(offset) => (Some(offset), usize::MAX),
            Wanted::OperandsAt(offset, word) => (Some(offset), word),
            _ => (None, 0),
        };
        let ty = env.data.func_type(func);
        Translator {
            env,
            plain: plain::plain(),
            words: Buf::new(env.budget, Kind::Cells),
            last: None,
            locals: Buf::new(env.budget, Kind::CompilerScratch),
            stack: Buf::new(env.budget, Kind::CompilerScratch),
            settled: 0,
            accs: [Accumulator::default(); Class::COUNT],
            shifts: Shifts::default(),
            frames: Buf::new(env.budget, Kind::CompilerScratch),
            handlers: Buf::new(env.budget, Kind::CompilerScratch),
            regions: None,
            pending: 0,
            often: ALWAYS,
            arrivals: Buf::new(env.budget, Kind::CompilerScratch),
            first_operand: 0,
            max_slots: 0,
            header: header_of(ty),
            ty,
            at: offset,
            place,
            found: None,
            charges,
            cell_of,
            cell_until,
            cell: None,
            has_islands: false,
            enclosed_at: if let Wanted::Loop(header) = wanted { Some(header) } else { None },
            enclosed: None,
            state_at: if let Wanted::StateAt(offset) = wanted { Some(offset) } else { None },
            state: None,
        }
    }

    pub(super) fn read_locals(&mut self, reader: &mut BinaryReader<'_>) -> Result<(), Error> {
        let mut slot = 0;
        for ty in self.ty.params() {
            slot = self.local(slot, Class::of(ty))?;
        }
        slot = self.header + HEADER;
        for _ in 0..reader.read_var_u32().map_err(|_| Error::changed())? {
            let n = reader.read_var_u32().map_err(|_| Error::changed())?;
            let ty: wasmparser::ValType = reader.read().map_err(|_| Error::changed())?;
            let class = class_of(ty);
            for _ in 0..n {
                slot = self.local(slot, class)?;
            }
        }
        self.first_operand = slot;
        self.need(slot)
    }

    fn local(&mut self, slot: u32, class: Class) -> Result<u32, Error> {
        self.need(slot + class.slots())?;
        self.locals.try_push((slot as u16, class))?;
        Ok(slot + class.slots())
    }

    /// Notes that the frame reaches to slot `end`.
    pub(super) fn need(&mut self, end: u32) -> Result<(), Error> {
        if end > MAX_SLOTS {
            return Err(Error::too_many_slots());
        }
        self.max_slots = self.max_slots.max(end);
        Ok(())
    }

    /// Writes a cell and returns where it begins.
    pub(super) fn emit(&mut self, op: Op, fields: [u16; 4]) -> Result<usize, Error> {
        let at = self.words.len();
        if self.place.is_some_and(|place| place >= at) {
            self.found = Some(self.at);
        }
        let [a, b, c, d] = fields.map(u64::from);
        self.words.try_extend_from_slice(&[op.0 as u64, a | b << 16 | c << 32 | d << 48])?;
        self.last = Some(at);
        if self.cell_of == Some(self.at) && at <= self.cell_until {
            self.cell = Some(OperandsAt::new(self, at)?);
        }
        Ok(at)
    }

    /// Adds an extension word to the last cell.
    pub(super) fn extend(&mut self, word: u64) -> Result<(), Error> {
        self.words.try_push(word)?;
        if let Some(cell) = &mut self.cell
            && self.cell_of == Some(self.at)
        {
            cell.end = self.words.len();
        }
        Ok(())
    }

    /// Marks a place that branches come to: nothing is known about accumulators, nothing may be fused across.
    pub(super) fn label(&mut self) {
        self.last = None;
        self.accs = Default::default();
        self.shifts = Shifts::default();
    }
}

/// The fields `c d` of a 32-bit number.
pub(super) fn halves(n: u32) -> [u16; 2] {
    [n as u16, (n >> 16) as u16]
}

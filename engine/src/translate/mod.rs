//! WebAssembly to cells, one function at a time, when it is first called.
//!
//! One pass over a body that is known to be valid. It keeps a model of the operand stack (`stack`) that knows for
//! each operand whether it is in its own slot, still only in an accumulator, or just the name of a local or a
//! constant; most `local.get`s, constants and `local.set`s thus need no cell. Translation is deterministic: the
//! same body gives the same cells, which is how a cell's place in the module is found without keeping it.
//!
//! At every label, operands are in the slots of their heights: see ARCHITECTURE.md, *canonical state*.

mod admit;
mod call;
pub(crate) mod check;
mod control;
mod decode;
mod error;
mod memory;
mod numeric;
mod rotate;
mod stack;
mod variable;

pub(crate) use admit::Translatable;
pub(crate) use error::{Cause, Error};

use crate::memory::alloc::Buf;
use crate::memory::budget::Kind;
use crate::module::ModuleInner;
use crate::module::types::{FuncType, ValType};
use crate::ops::cells::{PROLOGUE, Prologue};
use crate::ops::frame::{HEADER, MAX_SLOTS, VmLayout, header_of, slots};
use crate::ops::{Class, Op};
use control::{Frame, Region};
use rotate::Shifts;
use stack::{Accumulator, Entry, Place};
use wasmparser::{BinaryReader, Operator};

/// What translation needs to know of a module and its engine.
pub(crate) struct Env<'m> {
    pub(crate) data: &'m ModuleInner,
    /// The engine-wide number of each type.
    pub(crate) sigs: &'m [u32],
    pub(crate) layout: VmLayout,
    pub(crate) budget: &'m crate::Budget,
    pub(crate) settings: Settings,
}

/// What of an engine's configuration decides how cells look.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) canonical_nans: bool,
    pub(crate) consume_fuel: bool,
}

/// A function's cells, not linked yet.
pub(crate) struct Translated {
    pub(crate) words: Buf<u64>,
    /// The offset in the module of the instruction that was asked for.
    pub(crate) offset: Option<u64>,
    /// The loops, if they were asked for: where each is in the module, its header's word, and what a turn costs.
    pub(crate) loops: Option<Buf<(u64, usize, u32)>>,
    /// Where the cell that was asked for begins and ends.
    pub(crate) cell: Option<(usize, usize)>,
}

/// What of a translation is wanted.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    Cells,
    /// The offset of the instruction that this word came from.
    OffsetOf(usize),
    /// Where loops are and what they cost.
    Loops,
    /// Where the last cell of the instruction at this offset is.
    CellOf(u64),
}

/// Makes one function's cells.
pub(crate) struct Translator<'a> {
    env: &'a Env<'a>,
    plain: &'static decode::Plain,
    words: Buf<u64>,
    /// Where the last cell begins, if the next may be fused with it: nothing can jump between.
    last: Option<usize>,
    /// Slot and class of each local.
    locals: Buf<(u16, Class)>,
    stack: Buf<Entry>,
    /// Entries below this are in their slots.
    settled: usize,
    accs: [Accumulator; Class::COUNT],
    shifts: Shifts,
    frames: Buf<Frame>,
    regions: Buf<Region>,
    /// The first slot for operands, and the most slots used so far.
    first_operand: u32,
    max_slots: u32,
    header: u32,
    ty: &'a FuncType,
    /// Offset of the current instruction in the module.
    at: u64,
    /// The word whose instruction is asked for, and that instruction's offset.
    place: Option<usize>,
    found: Option<u64>,
    /// The loops, if they are asked for: where each is, its header's word, and its region.
    loops: Option<Buf<(u64, usize, usize)>>,
    /// The instruction whose last cell is asked for, and where that begins and ends.
    cell_of: Option<u64>,
    cell: Option<(usize, usize)>,
}

/// Translates the body of function `func` (imports counted), whose first byte is at `offset` in the module.
///
/// # Errors
/// If there is no memory for it.
pub(crate) fn translate(
    env: &Env<'_>,
    func: u32,
    body: &[u8],
    offset: u64,
    wanted: Wanted,
) -> Result<Translated, Error> {
    let (place, loops) = match wanted {
        Wanted::Cells | Wanted::CellOf(_) => (None, None),
        Wanted::OffsetOf(place) => (Some(place), None),
        Wanted::Loops => (None, Some(Buf::new(env.budget, Kind::CompilerScratch))),
    };
    let ty = env.data.func_type(func);
    let mut t = Translator {
        env,
        plain: decode::plain(),
        words: Buf::new(env.budget, Kind::Cells),
        last: None,
        locals: Buf::new(env.budget, Kind::CompilerScratch),
        stack: Buf::new(env.budget, Kind::CompilerScratch),
        settled: 0,
        accs: [Accumulator::default(); Class::COUNT],
        shifts: Shifts::default(),
        frames: Buf::new(env.budget, Kind::CompilerScratch),
        regions: Buf::new(env.budget, Kind::CompilerScratch),
        first_operand: 0,
        max_slots: 0,
        header: header_of(ty),
        ty,
        at: offset,
        place,
        found: None,
        loops,
        cell_of: if let Wanted::CellOf(offset) = wanted { Some(offset) } else { None },
        cell: None,
    };
    let mut reader = BinaryReader::new_features(body, offset, env.data.features.wasmparser());
    t.read_locals(&mut reader)?;
    t.begin()?;
    while !reader.eof() {
        t.at = reader.original_position();
        t.instruction(&mut reader, body)?;
    }
    t.end()
}

/// The class of wasmparser's type; one that Dunlin doesn't have is in no valid body.
fn class_of(ty: wasmparser::ValType) -> Class {
    ValType::from_wasmparser(ty).map_or(Class::Int, Class::of)
}

impl<'a> Translator<'a> {
    fn read_locals(&mut self, reader: &mut BinaryReader<'_>) -> Result<(), Error> {
        let mut slot = 0;
        for &ty in self.ty.params() {
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
    fn need(&mut self, end: u32) -> Result<(), Error> {
        if end > MAX_SLOTS {
            return Err(Error::too_many_slots());
        }
        self.max_slots = self.max_slots.max(end);
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Error> {
        for word in Prologue::default().words() {
            self.words.try_push(word)?;
        }
        self.regions.try_push(Region::default())?;
        self.frames.try_push(Frame::function())?;
        Ok(())
    }

    fn end(mut self) -> Result<Translated, Error> {
        self.patch_regions();
        let locals = self.header + HEADER;
        let prologue = Prologue {
            // A frame always has room for what `accumulate` reads.
            frame: (self.max_slots.max(locals) + 2) * 8,
            cost: self.regions[0].cost,
            header: self.header,
            zeros: self.first_operand - locals,
        };
        self.words[..PROLOGUE].copy_from_slice(&prologue.words());
        let regions = &self.regions;
        let loops = match self.loops {
            None => None,
            Some(found) => {
                let mut loops = Buf::new(self.env.budget, Kind::CompilerScratch);
                for &(offset, header, region) in found.iter() {
                    loops.try_push((offset, header, regions[region].cost))?;
                }
                Some(loops)
            }
        };
        Ok(Translated { words: self.words, offset: self.found, loops, cell: self.cell })
    }

    /// Writes a cell and returns where it begins.
    fn emit(&mut self, op: Op, fields: [u16; 4]) -> Result<usize, Error> {
        let at = self.words.len();
        if self.place.is_some_and(|place| place >= at) {
            self.found = Some(self.at);
        }
        let [a, b, c, d] = fields.map(u64::from);
        self.words.try_extend_from_slice(&[op.0 as u64, a | b << 16 | c << 32 | d << 48])?;
        self.last = Some(at);
        if self.cell_of == Some(self.at) {
            self.cell = Some((at, self.words.len()));
        }
        Ok(at)
    }

    /// Adds an extension word to the last cell.
    fn extend(&mut self, word: u64) -> Result<(), Error> {
        self.words.try_push(word)?;
        if let Some((_, end)) = &mut self.cell
            && self.cell_of == Some(self.at)
        {
            *end = self.words.len();
        }
        Ok(())
    }

    /// Marks a place that branches come to: nothing is known about accumulators, nothing may be fused across.
    fn label(&mut self) {
        self.last = None;
        self.accs = Default::default();
        self.shifts = Shifts::default();
    }

    /// Translates an instruction that can be reached and that the table of opcodes doesn't have.
    fn operator(&mut self, operator: &Operator<'_>) -> Result<(), Error> {
        use Operator as O;
        if !matches!(operator, O::End | O::Else) {
            self.charge();
        }
        match *operator {
            O::I64Const { value } => self.push_const(Class::Int, value as u64),
            O::F32Const { value } => self.push_const(Class::F32, value.bits() as u64),
            O::F64Const { value } => self.push_const(Class::F64, value.bits()),
            O::V128Const { value } => {
                let bits = value.i128() as u128;
                self.push(Class::V128, Place::Const([bits as u64, (bits >> 64) as u64]))
            }
            O::RefNull { .. } => self.push_const(Class::Int, 0),
            O::RefFunc { function_index } => {
                self.bulk(crate::ops::SpecialOp::RefFunc, 0, 1, function_index, 0)
            }
            O::GlobalGet { global_index } => self.global_get(global_index),
            O::GlobalSet { global_index } => self.global_set(global_index),
            O::Drop => {
                self.pop();
                Ok(())
            }
            O::Select | O::TypedSelect { .. } => self.select(),
            O::I32Eqz => self.eqz(crate::ops::IntCompareOp::I32Eq),
            O::I64Eqz => self.eqz(crate::ops::IntCompareOp::I64Eq),
            // Slots keep an i32 zero-extended.
            O::I64ExtendI32U | O::Nop => Ok(()),
            _ => match crate::ops::select(operator) {
                Some(selected) => self.selected(&selected),
                None => self.structured(operator),
            },
        }
    }

    /// Control, calls, and what is rare.
    fn structured(&mut self, operator: &Operator<'_>) -> Result<(), Error> {
        use crate::ops::SpecialOp as S;
        use Operator as O;
        match *operator {
            O::Unreachable => self.unreachable(),
            O::Block { blockty } => self.block(blockty),
            O::Loop { blockty } => self.loop_(blockty),
            O::If { blockty } => self.if_(blockty),
            O::Else => self.else_(),
            O::End => self.end_block(),
            O::Br { relative_depth } => self.br(relative_depth),
            O::BrIf { relative_depth } => self.br_if(relative_depth),
            O::BrTable { ref targets } => self.br_table(targets),
            O::Return => self.return_(),
            O::Call { function_index } => self.call(function_index),
            O::CallIndirect { type_index, table_index } => self.call_indirect(type_index, table_index),
            O::ReturnCall { function_index } => self.return_call(function_index),
            O::ReturnCallIndirect { type_index, table_index } => {
                self.return_call_indirect(type_index, table_index)
            }
            O::MemorySize { mem } => self.memory_size(mem),
            O::MemoryGrow { mem } => self.bulk(S::MemoryGrow, 1, 1, mem, 0),
            O::MemoryFill { mem } => self.bulk(S::MemoryFill, 3, 0, mem, 0),
            O::MemoryCopy { dst_mem, src_mem } => self.bulk(S::MemoryCopy, 3, 0, dst_mem, src_mem),
            O::MemoryInit { data_index, mem } => self.bulk(S::MemoryInit, 3, 0, mem, data_index),
            O::DataDrop { data_index } => self.bulk(S::DataDrop, 0, 0, data_index, 0),
            O::TableGet { table } => self.bulk(S::TableGet, 1, 1, table, 0),
            O::TableSet { table } => self.bulk(S::TableSet, 2, 0, table, 0),
            O::TableSize { table } => self.bulk(S::TableSize, 0, 1, table, 0),
            O::TableGrow { table } => self.bulk(S::TableGrow, 2, 1, table, 0),
            O::TableFill { table } => self.bulk(S::TableFill, 3, 0, table, 0),
            O::TableCopy { dst_table, src_table } => self.bulk(S::TableCopy, 3, 0, dst_table, src_table),
            O::TableInit { elem_index, table } => self.bulk(S::TableInit, 3, 0, table, elem_index),
            O::ElemDrop { elem_index } => self.bulk(S::ElemDrop, 0, 0, elem_index, 0),
            O::V128Bitselect => self.bitselect(),
            O::I8x16Shuffle { lanes } => self.shuffle(lanes),
            _ => Err(Error::changed()),
        }
    }
}

//! The format of code: a prologue, then cells.
//!
//! Code is a sequence of 64-bit words: a prologue of two (see [`crate::runtime::exec::control`]), then cells. While it is
//! made, a cell's first word is its op's number; *linking* replaces that by the handler's address.

use super::handlers::{Catches, Clause, NO_SLOT, clauses};
use super::{Field, OPS, Op, SpecialOp, layout};
use alloc::string::String;

/// The words at a function's entry, before its first cell.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Prologue {
    /// Size of the frame in bytes.
    pub(crate) frame: u32,
    /// Fuel charged at entry.
    pub(crate) cost: u32,
    /// Slot of the frame's header.
    pub(crate) header: u32,
    /// How many slots behind the header are zeroed at entry: the locals that aren't parameters.
    pub(crate) zeros: u32,
}

/// Words before the first cell.
pub(crate) const PROLOGUE: usize = size_of::<Prologue>() / 8;

/// Words of a cell without extension.
pub(crate) const CELL: usize = 2;

impl Prologue {
    /// The prologue of the code at `entry`.
    #[inline(always)]
    pub(crate) fn at(entry: *const u64) -> *const Self {
        entry.cast()
    }

    /// The prologue at the beginning of these words of code.
    pub(crate) fn of(words: &[u64]) -> Self {
        let (low, high) = (|n: usize| words[n] as u32, |n: usize| (words[n] >> 32) as u32);
        Self { frame: low(0), cost: high(0), header: low(1), zeros: high(1) }
    }

    /// As words of code.
    pub(crate) fn words(&self) -> [u64; PROLOGUE] {
        [self.frame as u64 | (self.cost as u64) << 32, self.header as u64 | (self.zeros as u64) << 32]
    }
}

/// The prologue of every function without code. Its frame fits no stack, so the stack check of a call sends it to the
/// cold path.
pub(crate) static LAZY: [u64; PROLOGUE] = [u32::MAX as u64, 0];

pub(crate) fn is_lazy(entry: *const u64) -> bool {
    core::ptr::eq(entry, LAZY.as_ptr())
}

/// How many extension words a cell has.
pub(crate) fn extension(op: Op, operands: u64) -> usize {
    static LENGTHS: [u8; OPS] = lengths();
    if op == SpecialOp::BrTable.op() || op == SpecialOp::BrTableAcc.op() {
        return (operands >> 32) as usize + 1;
    }
    LENGTHS[op.0 as usize] as usize
}

/// How many extension words the cells of each op have; for `br_table`, how many at least.
const fn lengths() -> [u8; OPS] {
    let mut lengths = [0; OPS];
    let mut op = 0;
    while op < OPS {
        lengths[op] = layout(Op(op as u16)).1 as u8;
        op += 1;
    }
    lengths
}

/// Field `n` of an operand word.
pub(crate) fn field(operands: u64, n: usize) -> u16 {
    (operands >> (16 * n)) as u16
}

/// Disassembles unlinked code, whose handler table begins at word `table`.
pub(crate) fn disassemble(words: &[u64], table: usize) -> String {
    use core::fmt::Write;
    let mut s = String::new();
    let mut at = PROLOGUE;
    let Prologue { frame, cost, .. } = Prologue::of(words);
    let _ = writeln!(s, "frame {frame} bytes, cost {cost}");
    while at < table {
        let (op, operands) = (Op(words[at] as u16), words[at + 1]);
        let (fields, _) = layout(op);
        let _ = write!(s, "{at:6}  {op}");
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
        for word in &words[at + 2..(at + 2 + ext).min(table)] {
            let _ = write!(s, " {word:#x}");
        }
        s.push('\n');
        at += 2 + ext;
    }
    for Clause { start, end, depth, catches, target, slot, reference } in clauses(&words[table..]) {
        let _ = write!(s, "  [{start}, {end}) depth {depth}: ");
        let _ = match catches {
            Catches::Tag(tag) => write!(s, "tag in word {tag} -> @{target}, values ->{slot}"),
            Catches::All => write!(s, "all -> @{target}"),
            Catches::Delegated(to) => write!(s, "all -> depth {to}"),
        };
        if reference != NO_SLOT {
            let _ = write!(s, ", reference ->{reference}");
        }
        s.push('\n');
    }
    s
}

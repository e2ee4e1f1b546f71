//! An independent verifier of translated code, run before the code is linked: in debug builds, in the test suites and
//! while fuzzing.
//!
//! It shares nothing with the translator but the op table. For a function's cells it proves:
//! - every first word is an op, and the cells, with their extension words, fill the code exactly;
//! - every field that the op table declares as a slot (`R`, `R2`, `W`, `W2`) names slots of the frame, and so do the
//!   zeroed locals;
//! - every branch, of a `br_table` too, lands on the first word of a cell, and so does every clause of the handler table,
//!   whose slots are of the frame;
//! - the last cell doesn't fall through;
//! - the indices of direct calls, imported calls, the tables of indirect calls, `memory.size`, global accesses and tags name
//!   what the module has.
//!
//! It doesn't prove:
//! - anything about types, or which value a slot or an accumulator holds when a cell reads it;
//! - fields that the op table declares as `X`: where the frame of a call, the arguments of a tail call, the operands of
//!   a bulk op and the values of `ReturnValues` are, and where a header is;
//! - the memory of an access other than to memory 0, the indices of bulk ops, and the type number of an indirect call;
//! - the fuel that cells charge, nor the frame size that the prologue claims.
//!
//! Wrong results are found by the test suites, not here.

use crate::module::ModuleInner;
use crate::ops::cells::{PROLOGUE, Prologue, disassemble, extension, field};
use crate::ops::frame::HEADER;
use crate::ops::frame::VmLayout;
use crate::ops::handlers::{Catches, Clause, NO_SLOT, clauses};
use crate::ops::{Field, OPS, Op, SpecialOp as S, layout};
use alloc::string::String;
use alloc::vec::Vec;

/// Checks the code of the function with this index, and panics if it is wrong.
pub(crate) type TranslationCheck = fn(u32, &[u64], usize, &ModuleInner, &VmLayout);

/// A [`TranslationCheck`] that shows what is wrong.
pub(crate) fn require(index: u32, words: &[u64], table: usize, data: &ModuleInner, context: &VmLayout) {
    check(words, table, data, context).unwrap_or_else(|why| {
        let cells = disassemble(words, table);
        panic!("translated code of function {index} is wrong: {why}\n{cells}")
    });
}

/// Checks a function's unlinked code, whose handler table begins at word `table`.
///
/// # Errors
/// What is wrong, and at which word.
pub(crate) fn check(all: &[u64], table: usize, data: &ModuleInner, context: &VmLayout) -> Result<(), String> {
    let (words, table) = all.split_at(table);
    let prologue = Prologue::of(words);
    let slots = (prologue.frame / 8) as usize;
    let starts = cells(words)?;
    let zeroed = (prologue.header + HEADER + prologue.zeros) as usize;
    if zeroed > slots {
        return Err(format!("slots up to {zeroed} are zeroed in a frame of {slots}"));
    }
    let lands = |at: usize, distance: i64| {
        let to = at as i64 + distance;
        match usize::try_from(to).ok().and_then(|to| starts.get(to)) {
            Some(true) => Ok(()),
            _ => Err(format!("the branch at {at} goes to {to}, which is no cell")),
        }
    };
    let mut at = PROLOGUE;
    let mut last = PROLOGUE;
    while at < words.len() {
        let (op, operands) = (Op(words[at] as u16), words[at + 1]);
        let (fields, _) = layout(op);
        for (n, kind) in fields.iter().enumerate() {
            let width = match kind {
                Field::R | Field::W => 1,
                Field::R2 | Field::W2 => 2,
                _ => continue,
            };
            if field(operands, n) as usize + width > slots {
                return Err(format!("the cell at {at} uses slot {} of {slots}", field(operands, n)));
            }
        }
        if fields[2] == Field::T {
            lands(at, (operands >> 32) as u32 as i32 as i64)?;
        }
        let ext = extension(op, operands);
        if op == S::BrTable.op() || op == S::BrTableAcc.op() {
            for &word in &words[at + 2..at + 2 + ext] {
                lands(at, word as i64)?;
            }
        }
        indices(op, at, words, data, context)?;
        last = at;
        at += 2 + ext;
    }
    for clause in clauses(table) {
        handler(&clause, &starts, slots, context).map_err(|why| format!("{clause:?} {why}"))?;
    }
    if !ends(Op(words[last] as u16)) {
        return Err(format!("control runs off the end after the cell at {last}"));
    }
    Ok(())
}

/// Checks a clause of the handler table.
fn handler(clause: &Clause, starts: &[bool], slots: usize, context: &VmLayout) -> Result<(), &'static str> {
    if !(PROLOGUE as u32..=clause.end).contains(&clause.start) || clause.end as usize > starts.len() {
        return Err("protects other words than the cells'");
    }
    if let Catches::Delegated(depth) = clause.catches {
        return if depth < clause.depth { Ok(()) } else { Err("delegates inwards") };
    }
    if starts.get(clause.target as usize) != Some(&true) {
        return Err("goes to no cell");
    }
    if let Catches::Tag(tag) = clause.catches
        && !(context.tags..context.words).contains(&tag)
    {
        return Err("names no tag");
    }
    if clause.slot as usize > slots || (clause.reference != NO_SLOT && clause.reference as usize >= slots) {
        return Err("uses slots beyond the frame");
    }
    Ok(())
}

/// Which words are the first of a cell.
fn cells(words: &[u64]) -> Result<Vec<bool>, String> {
    let mut starts = vec![false; words.len()];
    let mut at = PROLOGUE;
    while at < words.len() {
        if words[at] >= OPS as u64 || at + 1 >= words.len() {
            return Err(format!("the word at {at} is no op"));
        }
        starts[at] = true;
        at += 2 + extension(Op(words[at] as u16), words[at + 1]);
    }
    if at != words.len() { Err("the last cell is cut off".into()) } else { Ok(starts) }
}

/// Whether control never goes on to the next cell.
fn ends(op: Op) -> bool {
    [
        S::Unreachable,
        S::Throw,
        S::ThrowRef,
        S::Br,
        S::BrBack,
        S::BrTable,
        S::BrTableAcc,
        S::Return,
        S::ReturnInt,
        S::ReturnF32,
        S::ReturnF64,
        S::ReturnV128,
        S::ReturnIntAcc,
        S::ReturnF32Acc,
        S::ReturnF64Acc,
        S::ReturnV128Acc,
        S::ReturnIntImm,
        S::ReturnValues,
        S::ReturnCall,
        S::ReturnCallImport,
        S::ReturnCallIndirect,
        S::ReturnCallRef,
    ]
    .iter()
    .any(|end| end.op() == op)
}

/// Checks the indices that the module documentation lists.
fn indices(op: Op, at: usize, words: &[u64], data: &ModuleInner, context: &VmLayout) -> Result<(), String> {
    let n = (words[at + 1] >> 32) as u32;
    let between = |n: u32, from: u32, to: u32, what: &str| {
        if (from..to).contains(&n) { Ok(()) } else { Err(format!("the cell at {at} names {what} {n}")) }
    };
    let defined = data.funcs.len() as u32 - data.imported_funcs;
    let is = |ops: &[S]| ops.iter().any(|o| o.op() == op);
    if is(&[S::Call]) {
        between(n, 0, defined, "function")
    } else if is(&[S::CallImport]) {
        between(n, context.funcs, context.tables, "import")
    } else if is(&[S::ReturnCall]) {
        between(words[at + 2] as u32, 0, defined, "function")
    } else if is(&[S::CallIndirect, S::CallIndirectAcc, S::ReturnCallIndirect]) {
        between(words[at + 2] as u32, context.tables, context.memories, "table")
    } else if is(&[S::MemorySize, S::MemorySizeSlot]) {
        between(n, context.memories, context.globals, "memory")
    } else if (S::GlobalGetInt.op().0..=S::GlobalGetV128Slot.op().0).contains(&op.0)
        || (S::GlobalSetAccInt.op().0..=S::GlobalSetV128.op().0).contains(&op.0)
    {
        between(n, context.globals, context.tags, "global")
    } else if is(&[S::Throw]) {
        between(n, context.tags, context.words, "tag")
    } else {
        Ok(())
    }
}

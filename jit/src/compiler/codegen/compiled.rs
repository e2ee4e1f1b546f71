//! One piece of machine code, before it is linked.

use crate::code::{ENTRY, Handler, INLINED, Inlined, Piece};
use crate::compiler::decline::Decline;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::{ExternalName, Function, UserExternalName};
use cranelift_codegen::{CompiledCode, FinalizedMachExceptionHandler, FinalizedRelocTarget};
use dunlin::tier::Entry;
use std::collections::{BTreeMap, HashMap};

/// A piece of machine code.
pub(crate) struct Compiled {
    pub(crate) piece: Piece,
    /// For a function: what the interpreter needs to enter it.
    pub(crate) entry: Option<Entry>,
    /// The types whose trampolines and stubs it relies on.
    pub(crate) types: Vec<u32>,
    pub(super) code: Vec<u8>,
    pub(super) align: u32,
    /// Relocations: offset, kind, addend, and the function's index.
    pub(super) relocations: Vec<(u32, Reloc, i64, u32)>,
    pub(super) traps: Vec<(u32, u8)>,
    /// Offsets of sites, and the positions in the module that they come from.
    pub(super) sites: Vec<(u32, u32)>,
    /// Inlined places, by number.
    pub(super) inlined: Vec<Inlined>,
    /// Clauses for its calls, sorted by them.
    pub(super) handlers: Vec<Handler>,
    /// The size of its native frame, and whether it calls anything.
    pub(super) frame: u32,
    pub(super) calls: bool,
}

impl Compiled {
    /// What Cranelift has generated for a function in CLIF.
    ///
    /// # Errors
    /// If the code refers to what it can't be linked with.
    pub(super) fn new(piece: Piece, compiled: &CompiledCode, func: &Function) -> Result<Self, Decline> {
        let buffer = &compiled.buffer;
        let sites = match piece {
            Piece::Func(_) | Piece::Loop(..) | Piece::Island(..) => sites(compiled),
            _ => Vec::new(),
        };
        Ok(Self {
            piece,
            entry: None,
            types: Vec::new(),
            code: buffer.data().to_vec(),
            // About as much as processors fetch at a time.
            align: buffer.alignment.max(32),
            relocations: relocations(compiled, func)?,
            traps: buffer.traps().iter().map(|trap| (trap.offset, trap.code.as_raw().get())).collect(),
            sites,
            inlined: Vec::new(),
            handlers: handlers(compiled)?,
            // What lies below the frame pointer, plus the saved frame pointer and the return address.
            frame: buffer.frame_layout().map_or(0, |frame| frame.frame_to_fp_offset) + 16,
            calls: buffer.call_sites().next().is_some(),
        })
    }

    /// Its approximate heap size in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let lists = self.relocations.capacity() * size_of::<(u32, Reloc, i64, u32)>()
            + (self.traps.capacity() + self.sites.capacity()) * 8
            + self.types.capacity() * size_of::<u32>()
            + self.inlined.capacity() * size_of::<Inlined>()
            + self.handlers.capacity() * size_of::<Handler>();
        (self.code.capacity() + lists + size_of::<Self>()) as u64
    }

    /// The functions that it calls directly, by their index among those that the module defines.
    pub(crate) fn callees(&self) -> impl Iterator<Item = u32> {
        self.relocations.iter().map(|(.., index)| *index)
    }

    /// Keeps and renumbers the inlined places that sites refer to.
    pub(super) fn keep_inlined(&mut self, all: &[Inlined]) {
        let mut numbers = HashMap::new();
        for (_, position) in &mut self.sites {
            *position = keep(*position, all, &mut numbers, &mut self.inlined);
        }
    }
}

fn keep(position: u32, all: &[Inlined], numbers: &mut HashMap<u32, u32>, kept: &mut Vec<Inlined>) -> u32 {
    if position & INLINED == 0 || position == ENTRY {
        return position;
    }
    if let Some(known) = numbers.get(&position) {
        return *known;
    }
    let found = all[(position & !INLINED) as usize];
    let at = keep(found.at, all, numbers, kept);
    kept.push(Inlined { at, ..found });
    let number = INLINED | (kept.len() as u32 - 1);
    numbers.insert(position, number);
    number
}

/// Relocations: offset, kind, addend, and the function's index.
fn relocations(compiled: &CompiledCode, func: &Function) -> Result<Vec<(u32, Reloc, i64, u32)>, Decline> {
    let names = func.params.user_named_funcs();
    let mut relocations = Vec::new();
    for relocation in compiled.buffer.relocs() {
        let name = match &relocation.target {
            FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => name,
            // Cranelift calls a library function for what the processor can't do.
            FinalizedRelocTarget::ExternalName(ExternalName::LibCall(_)) => {
                return Err(Decline::Unsupported("an instruction that the processor lacks"));
            }
            other => return Err(Decline::Compiler(format!("a relocation to {other:?}"))),
        };
        let UserExternalName { index, .. } = names[*name];
        relocations.push((relocation.offset, relocation.kind, relocation.addend, index));
    }
    Ok(relocations)
}

/// Offsets of calls and of instructions that may trap, and the positions in the module that they come from.
fn sites(compiled: &CompiledCode) -> Vec<(u32, u32)> {
    let buffer = &compiled.buffer;
    let ranges = buffer.get_srclocs_sorted();
    let position = |at: u32| {
        let after = ranges.partition_point(|range| range.start <= at);
        let range = ranges[..after].last().filter(|range| at < range.end && !range.loc.is_default())?;
        Some((at, range.loc.bits()))
    };
    let traps = buffer.traps().iter().map(|trap| trap.offset);
    // Calls are recorded at the byte before the return address, which itself may be a trapping instruction.
    let calls = buffer.call_sites().map(|call| call.ret_addr - 1);
    let sites: BTreeMap<u32, u32> = traps.chain(calls).filter_map(position).collect();
    sites.into_iter().collect()
}

/// Clauses for calls.
fn handlers(compiled: &CompiledCode) -> Result<Vec<Handler>, Decline> {
    let mut handlers = Vec::new();
    for call in compiled.buffer.call_sites() {
        for handler in call.exception_handlers {
            let (FinalizedMachExceptionHandler::Tag(catches, landing), Some(frame)) =
                (handler, call.frame_offset)
            else {
                return Err(Decline::Compiler(format!("a handler of another kind: {handler:?}")));
            };
            handlers.push(Handler { at: call.ret_addr, catches: catches.as_u32(), landing: *landing, frame });
        }
    }
    // Calls come in this order already; a call's clauses stay in theirs.
    handlers.sort_by_key(|handler| handler.at);
    Ok(handlers)
}

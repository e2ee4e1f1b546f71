//! Links pieces of machine code: lays them out, applies relocations, and builds the code map.

use super::compiled::Compiled;
use crate::charged_vec::{ChargedVec, no_charge};
use crate::code::{CodeMap, CodeMapBuilder, ENTRY, Handler, INLINED, MapError, MapRoom, Piece, Placed};
use crate::compiler::decline::Decline;
use cranelift_codegen::binemit::Reloc;
use dunlin::tier::View;
use dunlin::{Charge, Kind};
use std::ops::Deref;

/// Pieces that are to be linked. They are charged, and so is what linking them takes.
pub(crate) struct Pieces<'v> {
    view: View<'v>,
    list: ChargedVec<Compiled>,
    charge: Charge,
}

impl<'v> Pieces<'v> {
    pub(crate) fn new(view: View<'v>) -> Self {
        let (budget, kind) = (view.cache(), Kind::CompilerScratch);
        Self { view, list: ChargedVec::new(budget, kind), charge: no_charge(budget, kind) }
    }

    /// Adds a piece, which was charged elsewhere until now.
    ///
    /// # Errors
    /// If there is no room for it, or for linking it.
    pub(crate) fn push(&mut self, piece: Compiled) -> Result<(), Decline> {
        let bytes = held(&piece);
        if self.view.room() < bytes {
            return Err(Decline::Budget);
        }
        self.list.reserve(1)?;
        self.charge.grow(bytes).map_err(|_| Decline::Budget)?;
        self.list.push(piece)?;
        Ok(())
    }

    /// Keeps only the first `count` pieces.
    pub(crate) fn truncate(&mut self, count: usize) {
        while self.list.len() > count {
            if let Some(piece) = self.list.pop() {
                self.charge.shrink(held(&piece));
            }
        }
    }

    /// Sorts functions by index.
    pub(crate) fn sort(&mut self) {
        self.list.sort_unstable_by_key(|piece| match piece.piece {
            Piece::Func(index) => index,
            _ => u32::MAX,
        });
    }

    /// Links the pieces. Every function that one of them calls directly must be among them, or a detour for it.
    ///
    /// # Errors
    /// If a relocation can't be applied, or the code is too large.
    pub(crate) fn link(self) -> Result<Batch, Decline> {
        let Self { list, mut charge, .. } = self;
        let wrong = |error: MapError| Decline::Compiler(error.to_string());
        let mut code = with_room(list.iter().map(|piece| aligned(piece) as usize).sum())?;
        let mut pieces = with_room(list.len())?;
        // The offsets of functions, by index.
        let mut starts = with_room(list.len())?;
        let mut map = CodeMapBuilder::with_room(room(&list)).map_err(wrong)?;
        let mut inlined = 0;
        for piece in &*list {
            code.resize(code.len().next_multiple_of(piece.align as usize), 0);
            let start = u32::try_from(code.len()).map_err(|_| Decline::TooLarge)?;
            code.extend_from_slice(&piece.code);
            let end = start + piece.code.len() as u32;
            pieces.push(Placed { piece: piece.piece, at: start, entry: piece.entry });
            if let Piece::Func(index) | Piece::Detour(index) = piece.piece {
                starts.push((index, start));
            }
            if let Piece::Func(index) | Piece::Loop(index, _) | Piece::Island(index, _) = piece.piece {
                map.function(start, end, index).map_err(wrong)?;
            }
            for (at, trap) in &piece.traps {
                map.trap(start + at, *trap).map_err(wrong)?;
            }
            let first = inlined;
            let number = |position| match position {
                ENTRY => position,
                _ if position & INLINED != 0 => position + first,
                _ => position,
            };
            for found in &piece.inlined {
                map.inlined(found.index, found.offset, number(found.at)).map_err(wrong)?;
                inlined += 1;
            }
            for (at, position) in &piece.sites {
                map.site(start + at, number(*position)).map_err(wrong)?;
            }
            for handler in &piece.handlers {
                let (at, landing) = (start + handler.at, start + handler.landing);
                map.handler(Handler { at, landing, ..*handler }).map_err(wrong)?;
            }
        }
        starts.sort_unstable();
        for (piece, placed) in list.iter().zip(&pieces) {
            for (at, kind, addend, index) in &piece.relocations {
                let found = starts.binary_search_by_key(index, |(index, _)| *index);
                let (_, to) = starts
                    [found.map_err(|_| Decline::Compiler(format!("function {index} isn't in its batch")))?];
                apply(&mut code, placed.at + at, *kind, *addend, to)?;
            }
        }
        drop((list, starts));
        let map = map.build();
        let held = code.capacity() + map.heap_bytes() + pieces.capacity() * size_of::<Placed>();
        charge.shrink(charge.bytes().saturating_sub(held as u64));
        Ok(Batch { code, map, pieces, charge })
    }
}

impl Deref for Pieces<'_> {
    type Target = [Compiled];

    fn deref(&self) -> &[Compiled] {
        &self.list
    }
}

/// Linked pieces, with their charge.
pub(crate) struct Batch {
    pub(crate) code: Vec<u8>,
    pub(crate) map: CodeMap,
    pub(crate) pieces: Vec<Placed>,
    pub(crate) charge: Charge,
}

/// An empty list with capacity for `count` items, which were charged already.
fn with_room<T>(count: usize) -> Result<Vec<T>, Decline> {
    let mut list = Vec::new();
    match list.try_reserve_exact(count) {
        Ok(()) => Ok(list),
        Err(_) => Err(Decline::System("there is no memory to put code together".into())),
    }
}

/// The most bytes of code for a piece, with padding for its alignment.
fn aligned(piece: &Compiled) -> u64 {
    piece.code.len() as u64 + u64::from(piece.align)
}

/// The code map's size for some pieces.
fn room(pieces: &[Compiled]) -> MapRoom {
    let mut room = MapRoom::default();
    for piece in pieces {
        room.functions += 1;
        room.traps += piece.traps.len();
        room.sites += piece.sites.len();
        room.inlined += piece.inlined.len();
        room.handlers += piece.handlers.len();
    }
    room
}

/// A piece's heap size, and what linking it may take.
fn held(piece: &Compiled) -> u64 {
    let linked = size_of::<Placed>() + size_of::<(u32, u32)>();
    piece.bytes() + aligned(piece) + room(std::slice::from_ref(piece)).bytes() + linked as u64
}

/// Applies a PC-relative relocation: writes the distance to `to` into the instruction at `at`.
fn apply(code: &mut [u8], at: u32, kind: Reloc, addend: i64, to: u32) -> Result<(), Decline> {
    let distance = i64::from(to) + addend - i64::from(at);
    let word = &mut code[at as usize..at as usize + 4];
    let bytes: [u8; 4] = word.try_into().expect("four bytes");
    let value = match kind {
        Reloc::X86CallPCRel4 | Reloc::X86PCRel4 => {
            i32::try_from(distance).map_err(|_| Decline::TooLarge)? as u32
        }
        Reloc::Arm64Call => {
            // The field has 26 bits, and counts instructions.
            let instructions = distance >> 2;
            if !(-(1 << 25)..1 << 25).contains(&instructions) {
                return Err(Decline::TooLarge);
            }
            u32::from_le_bytes(bytes) & !0x03ff_ffff | (instructions as u32 & 0x03ff_ffff)
        }
        other => return Err(Decline::Compiler(format!("a relocation of kind {other:?}"))),
    };
    word.copy_from_slice(&value.to_le_bytes());
    Ok(())
}

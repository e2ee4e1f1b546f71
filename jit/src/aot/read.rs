//! Reads precompiled files from a stream.

use super::bytes::{Malformed, Take};
use super::format::{Checksum, FORMAT, HEAD, MAGIC};
use super::mismatch::Mismatch;
use super::settings::Settings;
use crate::charged_vec::{ChargedVec, NoMemory};
use crate::code::{CodeMap, Piece, Placed};
use dunlin::tier::Entry;
use dunlin::{Budget, Charge, Kind};
use std::io::{self, Read};

/// What a stream turned out to contain.
#[derive(Debug)]
pub enum Opened<R> {
    /// Something else, probably a module.
    Other(io::Chain<io::Cursor<Vec<u8>>, R>),
    /// A precompiled file.
    Precompiled(Reader<R>),
}

/// Detects a precompiled file. No more is read than it takes to see that it isn't one.
///
/// # Errors
/// If reading fails, or the header of a precompiled file is truncated.
pub fn open<R: Read>(mut reader: R) -> io::Result<Opened<R>> {
    let mut head = Vec::with_capacity(HEAD);
    while head.len() < MAGIC.len() {
        let mut byte = [0];
        match reader.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => head.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if !MAGIC.starts_with(&head) {
            break;
        }
    }
    if head != MAGIC {
        return Ok(Opened::Other(io::Cursor::new(head).chain(reader)));
    }
    let mut rest = [0; HEAD - MAGIC.len()];
    reader.read_exact(&mut rest)?;
    let mut take = Take(&rest);
    let cut = |Malformed| io::Error::from(io::ErrorKind::UnexpectedEof);
    let (left, expected) = (take.u64().map_err(cut)?, take.array().map_err(cut)?);
    let mut sum = Checksum::new();
    sum.add(&left.to_le_bytes());
    head.extend_from_slice(&rest);
    Ok(Opened::Precompiled(Reader { reader, head, left, sum, expected }))
}

/// A precompiled file that is being read. [`Read`] yields the module.
pub struct Reader<R> {
    reader: R,
    head: Vec<u8>,
    left: u64,
    sum: Checksum,
    expected: [u8; 16],
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(into.len(), |left| left.min(into.len()));
        let count = self.reader.read(&mut into[..wanted])?;
        self.sum.add(&into[..count]);
        self.left -= count as u64;
        Ok(count)
    }
}

impl<R: Read> Reader<R> {
    /// Whether the module that was compiled has been read completely and unchanged. Another one must not be run in its
    /// place.
    pub fn is_intact(&self) -> bool {
        self.left == 0 && self.sum.finish() == self.expected
    }

    /// Reads what follows the module, which must have been read.
    ///
    /// # Errors
    /// If it is damaged, of another version, or doesn't fit the budget.
    pub fn code(mut self, budget: &Budget) -> Result<Precompiled, Mismatch> {
        if !self.is_intact() {
            return Err(Mismatch::Damaged);
        }
        let unpaid = |error: dunlin::OutOfBudget| Mismatch::Memory(error.to_string());
        let mut charge = budget.charge(Kind::MachineCode, 0).map_err(unpaid)?;
        let mut bytes = Vec::new();
        const STEP: usize = 64 << 10;
        loop {
            if bytes.len() == bytes.capacity() {
                let (before, more) = (bytes.capacity() as u64, bytes.capacity().max(STEP));
                charge.grow(more as u64).map_err(unpaid)?;
                // While it moves, there are two.
                let _moving = budget.charge(Kind::MachineCode, before).map_err(unpaid)?;
                bytes.try_reserve_exact(more).map_err(|error| Mismatch::Memory(error.to_string()))?;
            }
            let room = (bytes.capacity() - bytes.len()).min(STEP);
            let before = bytes.len();
            match (&mut self.reader).take(room as u64).read_to_end(&mut bytes) {
                Ok(_) if bytes.len() == before => break,
                Ok(_) => {}
                Err(error) => return Err(Mismatch::Unreadable(error.to_string())),
            }
        }
        Precompiled::parse(&self.head, bytes, charge)
    }
}

impl<R> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Machine code that was compiled ahead of time, with its settings.
#[derive(Debug)]
pub struct Precompiled {
    settings: Settings,
    pub(super) pieces: ChargedVec<Placed>,
    pub(super) map: CodeMap,
    /// The range of the code in `bytes`.
    code: std::ops::Range<usize>,
    bytes: Vec<u8>,
    _charge: Charge,
}

/// The tags of pieces.
pub(super) mod tag {
    pub(crate) const FUNC: u8 = 0;
    pub(crate) const TRAMPOLINE: u8 = 1;
    pub(crate) const STUB: u8 = 2;
    pub(crate) const DETOUR: u8 = 3;
    pub(crate) const BRIDGE: u8 = 4;
}

impl Precompiled {
    fn parse(head: &[u8], bytes: Vec<u8>, charge: Charge) -> Result<Self, Mismatch> {
        let damaged = |Malformed| Mismatch::Damaged;
        let mut take = Take(&bytes);
        let version = take.array::<4>().map_err(damaged)?;
        // The version comes first: the checksum's position and range are part of the format.
        if u32::from_le_bytes(version) != FORMAT {
            return Err(Mismatch::Format);
        }
        let sum = take.array::<16>().map_err(damaged)?;
        if sum != Checksum::of(&[head, &version, take.0]) {
            return Err(Mismatch::Damaged);
        }
        let settings = Settings::read(&mut take).map_err(damaged)?;
        // What follows is only meaningful to the engine that wrote it.
        if !settings.is_of_this_engine() {
            return Err(Mismatch::Engine(settings.engine));
        }
        let memory = |error: NoMemory| Mismatch::Memory(error.to_string());
        let mut pieces = ChargedVec::new(charge.budget(), Kind::MachineCode);
        let count = take.u32().map_err(damaged)?;
        // An entry has at least nine bytes.
        let most = take.0.len() / 9;
        pieces.reserve(most.min(count as usize)).map_err(memory)?;
        for _ in 0..count {
            let (tag, index) = (take.u8().map_err(damaged)?, take.u32().map_err(damaged)?);
            let at = take.u32().map_err(damaged)?;
            let mut entry = None;
            let piece = match tag {
                tag::FUNC => {
                    let (frame, header) = (take.u32().map_err(damaged)?, take.u32().map_err(damaged)?);
                    entry = Some(Entry { frame, header });
                    Piece::Func(index)
                }
                tag::TRAMPOLINE => Piece::Trampoline(index),
                tag::STUB => Piece::Stub(index),
                tag::DETOUR => Piece::Detour(index),
                tag::BRIDGE => Piece::Bridge,
                _ => return Err(Mismatch::Damaged),
            };
            pieces.push(Placed { piece, at, entry }).map_err(memory)?;
        }
        let block = take.block().map_err(damaged)?;
        let mut charge = charge;
        let bytes_to_read = CodeMap::bytes_to_read(block.len());
        charge.grow(bytes_to_read).map_err(|error| Mismatch::Memory(error.to_string()))?;
        let map = CodeMap::from_bytes(block).map_err(|_| Mismatch::Damaged)?;
        charge.shrink(bytes_to_read - map.heap_bytes() as u64);
        let len = take.block().map_err(damaged)?.len();
        if !take.0.is_empty() || pieces.iter().any(|placed| placed.at as usize >= len) {
            return Err(Mismatch::Damaged);
        }
        let code = bytes.len() - len..bytes.len();
        Ok(Self { settings, pieces, map, code, bytes, _charge: charge })
    }

    /// The settings that it was compiled with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many functions are compiled.
    pub fn functions(&self) -> usize {
        self.pieces.iter().filter(|placed| placed.entry.is_some()).count()
    }

    /// The machine code.
    pub fn code(&self) -> &[u8] {
        &self.bytes[self.code.clone()]
    }
}

//! DWARF, read in place: for some offsets, the functions and lines that they belong to.
//!
//! Nothing is indexed, since what an index takes isn't bounded by the size of hostile DWARF: many units may share a list,
//! and a line's program has a byte for a row. Instead, all units are passed once for all offsets that are asked for.
//! What `gimli` allocates is in proportion to the tables of one unit, which are measured first (`tables`), and how much is
//! done is counted (`work`).

mod bounds;
mod chain;
mod functions;
mod lines;
mod search;
mod tables;
mod types;
mod unit;
mod work;

use crate::DebugInfoError;
use crate::module::Sections;
use bounds::Allowance;
use chain::Chain;
use gimli::{Dwarf, EndianSlice, LittleEndian};
use std::io::{Read, Seek};
use types::Bytes;
pub use types::FrameSymbol;
use unit::Units;

/// A module's debug information: the DWARF in its custom sections.
pub struct DebugInfo {
    sections: Sections,
    allowance: Allowance,
}

impl DebugInfo {
    /// Reads the debug sections of a module in the binary format; `None` if it has none. This, and each
    /// [`symbols`](Self::symbols), takes `limit` bytes of memory at most: about as many as the debug sections have is
    /// enough for usual modules, and 2 MiB more.
    ///
    /// # Errors
    ///
    /// If it can't be read, or is no module, or doesn't fit the limit.
    pub fn read(file: &mut (impl Read + Seek), limit: u64) -> Result<Option<Self>, DebugInfoError> {
        let sections = Sections::read(file, limit.saturating_sub(Allowance::LEAST))?;
        if sections.get(gimli::SectionId::DebugInfo).is_empty() {
            return Ok(None);
        }
        let allowance = Allowance::of(limit - sections.bytes());
        Ok(Some(Self { sections, allowance }))
    }

    /// For each of these offsets of instructions, counted from the start of the module as [`dunlin::FrameInfo`] gives
    /// them: the functions that it belongs to, the innermost first. All but the last are inlined in the one that
    /// follows. There are none if nothing is known of an offset; damaged DWARF is as far known as it can be read.
    pub fn symbols(&self, offsets: &[u64]) -> Vec<Vec<FrameSymbol>> {
        let code = &self.sections.code;
        let mut chains: Vec<Chain> = offsets
            .iter()
            .map(|offset| Chain::new(code.contains(offset).then(|| offset - code.start)))
            .collect();
        let dwarf = self.dwarf();
        let mut work = self.allowance.work();
        let units = Units { dwarf: &dwarf, allowance: self.allowance };
        // It ends where the rest can't be read or would take too long. What was found stays.
        let _ = units.find(&mut chains, &mut work);
        chains.into_iter().map(Chain::into_symbols).collect()
    }

    /// How many bytes its sections have.
    pub fn bytes(&self) -> u64 {
        self.sections.bytes()
    }

    fn dwarf(&self) -> Dwarf<Bytes<'_>> {
        let load = |id| Ok::<_, gimli::Error>(EndianSlice::new(self.sections.get(id), LittleEndian));
        Dwarf::load(load).expect("no section fails to load")
    }
}

impl std::fmt::Debug for DebugInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DebugInfo").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

//! What the tables of a unit may take.

use super::tables;
use super::types::Bytes;
use super::work::Work;
use gimli::{DebugAbbrevOffset, DebugLineOffset, Dwarf, Result};

/// How many bytes each of the tables may take that `gimli` makes of a unit as a whole.
#[derive(Clone, Copy)]
pub(super) struct Allowance {
    abbreviations: usize,
    line_header: usize,
    results: usize,
}

/// No usual unit's tables take more, so it makes no sense to allow more.
const MOST: u64 = 64 << 20;

impl Allowance {
    /// What is needed in any case: that is enough for units of usual programs in C and Rust.
    pub(super) const LEAST: u64 = 2 << 20;

    /// What may be had of so many bytes. Two units are held at once, where a function's name is in another unit, and
    /// names are demangled in what is left.
    pub(super) fn of(bytes: u64) -> Self {
        let bytes = bytes.min(MOST) as usize;
        Self { abbreviations: bytes / 8, line_header: bytes / 8, results: bytes / 4 }
    }

    /// What may be done for one question.
    pub(super) fn work(self) -> Work {
        // About a second's. A hundred megabytes of DWARF have some ten million entries, few units of which are entered.
        Work::new(1 << 26, self.results)
    }

    /// Whether the abbreviations of a unit may be parsed.
    pub(super) fn admits_abbreviations(
        self,
        dwarf: &Dwarf<Bytes<'_>>,
        at: DebugAbbrevOffset,
        work: &mut Work,
    ) -> Result<bool> {
        Ok(tables::abbreviations(dwarf, at, work)? <= self.abbreviations)
    }

    /// Whether the header of a unit's line program may be parsed.
    pub(super) fn admits_lines(
        self,
        dwarf: &Dwarf<Bytes<'_>>,
        at: DebugLineOffset,
        work: &mut Work,
    ) -> Result<bool> {
        Ok(tables::line_header(dwarf, at, work)? <= self.line_header)
    }
}

//! Units, and which of them an offset belongs to.

use super::bounds::Allowance;
use super::types::{Bytes, Entry, Unit};
use super::work::{TOO_MUCH, Work};
use gimli::{AttributeValue, DebugInfoOffset, Dwarf, Error, Result, UnitHeader, UnitOffset};

/// All units of the module.
pub(super) struct Units<'d, 'a> {
    pub(super) dwarf: &'d Dwarf<Bytes<'a>>,
    pub(super) allowance: Allowance,
}

impl<'a> Units<'_, 'a> {
    /// Parses a unit's tables, if they aren't too large.
    pub(super) fn open(&self, header: UnitHeader<Bytes<'a>>, work: &mut Work) -> Result<Option<Unit<'a>>> {
        if !self.allowance.admits_abbreviations(self.dwarf, header.debug_abbrev_offset(), work)? {
            return Ok(None);
        }
        let abbreviations = self.dwarf.abbreviations(&header)?;
        let root = header.entry(&abbreviations, header.root_offset())?;
        if let Some(AttributeValue::DebugLineRef(at)) = root.attr_value(gimli::DW_AT_stmt_list)
            && !self.allowance.admits_lines(self.dwarf, at, work)?
        {
            return Ok(None);
        }
        Unit::new_with_abbreviations(self.dwarf, header, abbreviations).map(Some)
    }

    /// Visits the ranges of addresses that an entry says it covers.
    pub(super) fn for_each_range(
        &self,
        unit: &Unit<'a>,
        entry: &Entry<'a>,
        work: &mut Work,
        mut visit: impl FnMut(u64, u64),
    ) -> Result<()> {
        if let Some(ranges) = entry.attr_value(gimli::DW_AT_ranges)
            && let Some(mut ranges) = self.dwarf.attr_ranges(unit, ranges)?
        {
            while let Some(range) = ranges.next()? {
                work.steps(1)?;
                visit(range.begin, range.end);
            }
            return Ok(());
        }
        let (Some(low), Some(high)) =
            (entry.attr_value(gimli::DW_AT_low_pc), entry.attr_value(gimli::DW_AT_high_pc))
        else {
            return Ok(());
        };
        let Some(begin) = self.dwarf.attr_address(unit, low)? else { return Ok(()) };
        let end = match high.udata_value() {
            Some(size) => begin.checked_add(size),
            None => self.dwarf.attr_address(unit, high)?,
        };
        visit(begin, end.unwrap_or(begin));
        Ok(())
    }

    /// The unit that an entry of the whole section is in, and where it is there.
    pub(super) fn containing(&self, at: DebugInfoOffset, work: &mut Work) -> Result<(Unit<'a>, UnitOffset)> {
        let mut headers = self.dwarf.units();
        while let Some(header) = headers.next()? {
            work.steps(1)?;
            if let Some(offset) = at.to_unit_offset(&header) {
                let unit = self.open(header, work)?.ok_or(TOO_MUCH)?;
                return Ok((unit, offset));
            }
        }
        Err(Error::NoEntryAtGivenOffset(at.0 as u64))
    }
}

//! The functions around an address: the one whose code it is in, and those that were inlined there.

use super::chain::{Chain, Line, cut};
use super::lines;
use super::types::{Entry, Unit};
use super::unit::Units;
use super::work::Work;
use crate::demangle::demangle;
use gimli::{AttributeValue, Result};

/// How often an entry may refer to another for its name.
const MAX_REFERENCES: usize = 8;

/// Finds the functions of a unit that contain these addresses. They are nested in the order of the unit's entries.
pub(super) fn find<'a>(
    units: &Units<'_, 'a>,
    unit: &Unit<'a>,
    chains: &mut [&mut Chain],
    work: &mut Work,
) -> Result<()> {
    let mut entries = unit.entries();
    while let Some(entry) = entries.next_dfs()? {
        work.steps(1)?;
        let is_inlined = match entry.tag() {
            gimli::DW_TAG_subprogram => false,
            gimli::DW_TAG_inlined_subroutine => true,
            _ => continue,
        };
        let mut within = vec![false; chains.len()];
        units.for_each_range(unit, entry, work, |begin, end| {
            for (chain, within) in chains.iter().zip(&mut within) {
                *within |= chain.is_between(begin, end);
            }
        })?;
        if !within.contains(&true) {
            continue;
        }
        let name = name(units, unit, entry, work)?;
        let call = if is_inlined { lines::call(units, unit, entry) } else { Line::default() };
        for (chain, _) in chains.iter_mut().zip(within).filter(|(_, within)| *within) {
            if !chain.is_full() {
                let name = name.clone().and_then(|name| work.keep(name));
                chain.add(name, call.kept(work));
            }
        }
    }
    Ok(())
}

/// The name of a function: that of its linkage, which says the most; or that of the entry that it refers to.
fn name<'a>(
    units: &Units<'_, 'a>,
    unit: &Unit<'a>,
    entry: &Entry<'a>,
    work: &mut Work,
) -> Result<Option<String>> {
    let (mut elsewhere, mut entry) = (None::<Unit<'a>>, entry.clone());
    let mut plain = None;
    for _ in 0..MAX_REFERENCES {
        let of = elsewhere.as_ref().unwrap_or(unit);
        let text = |name| {
            let value = entry.attr_value(name)?;
            let text = units.dwarf.attr_string(of, value).ok()?;
            Some(cut(&text))
        };
        let linkage = text(gimli::DW_AT_linkage_name).or_else(|| text(gimli::DW_AT_MIPS_linkage_name));
        if let Some(linkage) = linkage {
            return Ok(Some(demangle(&linkage)));
        }
        plain = plain.or_else(|| text(gimli::DW_AT_name));
        let reference = entry.attr_value(gimli::DW_AT_abstract_origin);
        entry = match reference.or_else(|| entry.attr_value(gimli::DW_AT_specification)) {
            Some(AttributeValue::UnitRef(at)) => of.entry(at)?,
            Some(AttributeValue::DebugInfoRef(at)) => {
                let (other, at) = units.containing(at, work)?;
                let entry = other.entry(at)?;
                elsewhere = Some(other);
                entry
            }
            _ => break,
        };
    }
    Ok(plain)
}

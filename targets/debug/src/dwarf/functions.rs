//! The functions around an address: the one whose code it is in, and those that were inlined there.

use super::bounds::Work;
use super::lines::{self, Line};
use super::types::{Entry, FrameSymbol, Unit};
use super::unit::Units;
use crate::demangle::demangle;
use gimli::{AttributeValue, Result};

/// How deeply functions may be inlined in each other; those within are left out.
const MAX_INLINED: usize = 64;

/// How often an entry may refer to another for its name.
const MAX_REFERENCES: usize = 8;

/// Longer names are cut.
const LONGEST_NAME: usize = 4 << 10;

/// What is known of an address.
pub(super) struct Chain {
    address: Option<u64>,
    /// The functions found, outermost first. The second and the others were inlined at these places.
    functions: Vec<(Option<String>, Line)>,
    /// The line of the address itself.
    line: Option<Line>,
}

impl Chain {
    /// `None` is an address that isn't in the code.
    pub(super) fn new(address: Option<u64>) -> Self {
        Self { address, functions: Vec::new(), line: None }
    }

    /// Whether it is worth looking for.
    pub(super) fn is_open(&self) -> bool {
        self.address.is_some() && self.functions.is_empty()
    }

    /// Whether the address is in this range. No function begins at 0, but the linker may put those there that it left out.
    pub(super) fn is_between(&self, begin: u64, end: u64) -> bool {
        begin != 0 && self.address.is_some_and(|address| (begin..end).contains(&address))
    }

    /// The address's line, for the one who finds it.
    pub(super) fn line_mut(&mut self) -> &mut Option<Line> {
        &mut self.line
    }

    /// The functions with their lines, innermost first.
    pub(super) fn into_symbols(self) -> Vec<FrameSymbol> {
        let (names, calls): (Vec<_>, Vec<_>) = self.functions.into_iter().unzip();
        let names = if names.is_empty() { vec![None] } else { names };
        // Where each function executes is where the next inner one was inlined.
        let places = std::iter::once(self.line.unwrap_or_default()).chain(calls.into_iter().skip(1).rev());
        let symbols = names.into_iter().rev().zip(places);
        let symbols =
            symbols.map(|(name, Line { file, line, column })| FrameSymbol { name, file, line, column });
        symbols.filter(|symbol| !symbol.is_empty()).collect()
    }
}

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
            if chain.functions.len() < MAX_INLINED {
                let name = name.clone().and_then(|name| work.keep(name));
                chain.functions.push((name, call.kept(work)));
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

/// A name, or the beginning of one that is too long.
pub(super) fn cut(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(LONGEST_NAME)]).into_owned()
}

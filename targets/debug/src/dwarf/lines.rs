//! Source lines: of addresses, by a unit's line program; of calls that were inlined, by their entries.

use super::chain::{Chain, Line, cut};
use super::types::{Bytes, Entry, Unit};
use super::unit::Units;
use super::work::Work;
use gimli::{AttributeValue, ColumnType, FileEntry, LineProgramHeader, LineRow, Result};

/// Finds the lines of these addresses. A row of the program is for the addresses up to the next row's.
pub(super) fn find<'a>(
    units: &Units<'_, 'a>,
    unit: &Unit<'a>,
    chains: &mut [&mut Chain],
    work: &mut Work,
) -> Result<()> {
    let Some(program) = unit.line_program.clone() else { return Ok(()) };
    let mut rows = program.rows();
    let mut last: Option<(u64, LineRow)> = None;
    while let Some((header, row)) = rows.next_row()? {
        work.steps(1)?;
        if let Some((begin, last)) = &last {
            for chain in chains.iter_mut() {
                if chain.line_mut().is_none() && chain.is_between(*begin, row.address()) {
                    *chain.line_mut() = Some(of_row(units, unit, header, last).kept(work));
                }
            }
        }
        last = (!row.end_sequence()).then(|| (row.address(), *row));
    }
    Ok(())
}

fn of_row<'a>(
    units: &Units<'_, 'a>,
    unit: &Unit<'a>,
    header: &LineProgramHeader<Bytes<'a>>,
    row: &LineRow,
) -> Line {
    let column = match row.column() {
        ColumnType::LeftEdge => None,
        ColumnType::Column(column) => u32::try_from(column.get()).ok(),
    };
    Line {
        file: row.file(header).and_then(|file| path(units, unit, header, file)),
        line: row.line().and_then(|line| u32::try_from(line.get()).ok()),
        column,
    }
}

/// Where an inlined function was called.
pub(super) fn call<'a>(units: &Units<'_, 'a>, unit: &Unit<'a>, entry: &Entry<'a>) -> Line {
    let number = |name| {
        let value = entry.attr_value(name)?.udata_value()?;
        u32::try_from(value).ok().filter(|number| *number != 0)
    };
    let index = match entry.attr_value(gimli::DW_AT_call_file) {
        Some(AttributeValue::FileIndex(index)) => Some(index),
        other => other.and_then(|value| value.udata_value()),
    };
    let file = unit.line_program.as_ref().zip(index).and_then(|(program, index)| {
        let header = program.header();
        path(units, unit, header, header.file(index)?)
    });
    Line { file, line: number(gimli::DW_AT_call_line), column: number(gimli::DW_AT_call_column) }
}

/// The path of a source file, from the folder in which the compiler was started.
fn path<'a>(
    units: &Units<'_, 'a>,
    unit: &Unit<'a>,
    header: &LineProgramHeader<Bytes<'a>>,
    file: &FileEntry<Bytes<'a>>,
) -> Option<String> {
    let text = |value| units.dwarf.attr_string(unit, value).ok().map(|text| cut(&text));
    let name = text(file.path_name())?;
    let folder = file.directory(header).and_then(text).unwrap_or_default();
    let start = unit.comp_dir.map(|folder| cut(&folder)).unwrap_or_default();
    let path = joined(&joined(&start, &folder), &name);
    Some(path.strip_prefix("./").map(str::to_owned).unwrap_or(path))
}

/// A path from within a folder.
fn joined(folder: &str, path: &str) -> String {
    let is_absolute = path.starts_with('/') || path.get(1..3).is_some_and(|drive| drive == ":\\");
    if is_absolute || folder.is_empty() || folder == path {
        return path.to_owned();
    }
    let slash = if folder.ends_with('/') || path.is_empty() { "" } else { "/" };
    format!("{folder}{slash}{path}")
}

//! How much `gimli` allocates for the tables of a unit. It makes them as a whole, of counts that the file says.

use super::types::Bytes;
use super::work::Work;
use gimli::constants as dw;
use gimli::{DebugAbbrevOffset, DebugLineOffset, DwForm, Dwarf, Error, Format, Reader, Result, Section};

/// A list that grows holds its elements twice, and once more while it moves.
const GROWTH: usize = 3;

/// Bytes of one abbreviation, and of an attribute: in the table, and in the entry that is being looked at.
const ABBREVIATION: usize = 128;
const ATTRIBUTE: usize = 16;
const ENTRY_ATTRIBUTE: usize = 48;

/// Bytes of a file's name and of a folder's, and of the description of either.
const FILE: usize = 160;
const FOLDER: usize = 32;
const DESCRIPTION: usize = 8;

/// What the abbreviations at this place take.
pub(super) fn abbreviations(
    dwarf: &Dwarf<Bytes<'_>>,
    at: DebugAbbrevOffset,
    work: &mut Work,
) -> Result<usize> {
    let mut table = *dwarf.debug_abbrev.reader();
    table.skip(at.0)?;
    let (mut bytes, mut most) = (0, 0);
    while table.read_uleb128()? != 0 {
        table.read_uleb128()?;
        table.read_u8()?;
        let mut attributes = 0;
        loop {
            work.steps(1)?;
            let (name, form) = (table.read_uleb128()?, table.read_uleb128()?);
            if form == u64::from(dw::DW_FORM_implicit_const.0) {
                table.read_sleb128()?;
            }
            if (name, form) == (0, 0) {
                break;
            }
            attributes += 1;
        }
        bytes += ABBREVIATION + attributes * ATTRIBUTE;
        most = attributes.max(most);
    }
    Ok((bytes + most * ENTRY_ATTRIBUTE) * GROWTH)
}

/// What the header of the line program at this place takes.
pub(super) fn line_header(dwarf: &Dwarf<Bytes<'_>>, at: DebugLineOffset, work: &mut Work) -> Result<usize> {
    let mut header = *dwarf.debug_line.reader();
    header.skip(at.0)?;
    let (length, format) = header.read_initial_length()?;
    header.truncate(length)?;
    let version = header.read_u16()?;
    if version >= 5 {
        header.skip(2)?;
    }
    let length = header.read_length(format)?;
    header.truncate(length)?;
    // The least length of an instruction, and since version 4 how many operations it has; whether rows begin statements;
    // two numbers for special opcodes; and the lengths of the others.
    header.skip(if version >= 4 { 5 } else { 4 })?;
    let opcodes = header.read_u8()?;
    header.skip(usize::from(opcodes.saturating_sub(1)))?;
    let (folders, files) =
        if version >= 5 { described(&mut header, format, work)? } else { listed(&mut header, work)? };
    Ok((folders * FOLDER + files * FILE) * GROWTH + 2 * usize::from(u8::MAX) * DESCRIPTION)
}

/// How many folders and files there are in the tables of versions 2 to 4, which end at an empty name.
fn listed(header: &mut Bytes<'_>, work: &mut Work) -> Result<(usize, usize)> {
    let (mut folders, mut files) = (0, 0);
    while !header.read_null_terminated_slice()?.is_empty() {
        work.steps(1)?;
        folders += 1;
    }
    while !header.read_null_terminated_slice()?.is_empty() {
        work.steps(1)?;
        files += 1;
        for _ in 0..3 {
            header.read_uleb128()?;
        }
    }
    Ok((folders, files))
}

/// The same in version 5, where counts come first. Each element has a byte at least.
fn described(header: &mut Bytes<'_>, format: Format, work: &mut Work) -> Result<(usize, usize)> {
    let forms = forms(header)?;
    let folders = count(header)?;
    for _ in 0..folders {
        for form in &forms {
            work.steps(1)?;
            skip(header, *form, format)?;
        }
    }
    self::forms(header)?;
    Ok((folders, count(header)?))
}

fn forms(header: &mut Bytes<'_>) -> Result<Vec<DwForm>> {
    let count = header.read_u8()?;
    (0..count)
        .map(|_| {
            header.read_uleb128()?;
            header.read_uleb128_u16().map(DwForm)
        })
        .collect()
}

/// A count of elements. What says more than there can be fails when it is read, after as many.
fn count(header: &mut Bytes<'_>) -> Result<usize> {
    let count = header.read_uleb128()?;
    Ok(header.len().min(usize::try_from(count).unwrap_or(usize::MAX)))
}

/// Skips a value of a table. Forms that take no bytes don't occur there, and are refused.
fn skip(header: &mut Bytes<'_>, form: DwForm, format: Format) -> Result<()> {
    let bytes = match form {
        dw::DW_FORM_string => return header.read_null_terminated_slice().map(drop),
        dw::DW_FORM_udata | dw::DW_FORM_strx => return header.read_uleb128().map(drop),
        dw::DW_FORM_line_strp | dw::DW_FORM_strp => usize::from(format.word_size()),
        dw::DW_FORM_data1 | dw::DW_FORM_strx1 => 1,
        dw::DW_FORM_data2 | dw::DW_FORM_strx2 => 2,
        dw::DW_FORM_strx3 => 3,
        dw::DW_FORM_data4 | dw::DW_FORM_strx4 => 4,
        dw::DW_FORM_data8 => 8,
        dw::DW_FORM_data16 => 16,
        dw::DW_FORM_block => usize::try_from(header.read_uleb128()?).unwrap_or(usize::MAX),
        form => return Err(Error::UnknownForm(form)),
    };
    header.skip(bytes)
}

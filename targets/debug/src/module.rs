//! The sections of a module's file: only debug sections are read, everything else is sought over.

use crate::DebugInfoError;
use gimli::SectionId;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// The debug sections that are used, and where the code is.
#[derive(Default)]
pub(crate) struct Sections {
    found: Vec<(SectionId, Vec<u8>)>,
    /// The contents of the code section, by their offsets in the module. Addresses in DWARF count from its start.
    pub(crate) code: Range<u64>,
}

const USED: [SectionId; 9] = [
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
];

/// The longest name of a section that is looked at: none of those above is longer.
const LONGEST_NAME: u64 = 32;

impl Sections {
    /// Reads the debug sections, whose bytes together may be `limit` at most.
    pub(crate) fn read(file: &mut (impl Read + Seek), limit: u64) -> Result<Self, DebugInfoError> {
        let end = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        let mut header = [0; 8];
        file.read_exact(&mut header)?;
        if header != *b"\0asm\x01\0\0\0" {
            return Err(DebugInfoError::NoModule);
        }
        let (mut sections, mut taken, mut at) = (Self::default(), 0, 8);
        while at < end {
            let mut id = [0];
            file.read_exact(&mut id)?;
            let (size, length) = uleb(file)?;
            let contents = at + 1 + length;
            at = contents + size;
            if at > end {
                return Err(DebugInfoError::NoModule);
            }
            if id[0] == CODE {
                sections.code = contents..at;
            } else if id[0] == CUSTOM
                && let Some((section, bytes)) = custom(file, size)?
            {
                taken += bytes;
                if taken > limit {
                    return Err(DebugInfoError::TooLarge(taken));
                }
                sections.found.push((section, read(file, bytes)?));
            }
            file.seek(SeekFrom::Start(at))?;
        }
        Ok(sections)
    }

    /// The bytes of a section, none if there is no such section.
    pub(crate) fn get(&self, id: SectionId) -> &[u8] {
        self.found.iter().find(|(found, _)| *found == id).map_or(&[], |(_, bytes)| bytes)
    }

    /// The bytes that they take.
    pub(crate) fn bytes(&self) -> u64 {
        self.found.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }
}

/// Section ids.
const CUSTOM: u8 = 0;
const CODE: u8 = 10;

/// Reads the name of a custom section of this size: which of the sections it is, and how many bytes follow.
fn custom(file: &mut impl Read, size: u64) -> Result<Option<(SectionId, u64)>, DebugInfoError> {
    let (length, prefix) = uleb(file)?;
    if prefix + length > size {
        return Err(DebugInfoError::NoModule);
    }
    if length > LONGEST_NAME {
        return Ok(None);
    }
    let name = read(file, length)?;
    let section = USED.into_iter().find(|id| id.name().as_bytes() == name);
    Ok(section.map(|id| (id, size - prefix - length)))
}

/// Reads exactly so many bytes. There is never room for more than the file has.
fn read(file: &mut impl Read, bytes: u64) -> Result<Vec<u8>, DebugInfoError> {
    let mut read = Vec::new();
    let length = usize::try_from(bytes).map_err(|_| DebugInfoError::OutOfMemory)?;
    read.try_reserve_exact(length).map_err(|_| DebugInfoError::OutOfMemory)?;
    // The first allocation is the only one: `read_to_end` looks for more where it has filled what there is.
    read.resize(length, 0);
    file.read_exact(&mut read)?;
    Ok(read)
}

/// An unsigned LEB128 number of 32 bits, and how many bytes it has.
fn uleb(file: &mut impl Read) -> Result<(u64, u64), DebugInfoError> {
    let mut value = 0;
    for length in 0..5 {
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        value |= u64::from(byte[0] & 0x7f) << (7 * length);
        if byte[0] & 0x80 == 0 {
            return Ok((value, length + 1));
        }
    }
    Err(DebugInfoError::NoModule)
}

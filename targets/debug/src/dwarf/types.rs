//! The types of `gimli` as they are used here, and what is found.

use gimli::{EndianSlice, LittleEndian};

pub(super) type Bytes<'a> = EndianSlice<'a, LittleEndian>;
pub(super) type Unit<'a> = gimli::Unit<Bytes<'a>>;
pub(super) type Entry<'a> = gimli::DebuggingInformationEntry<Bytes<'a>>;

/// A function at a place in the code, or one that the compiler has inlined there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameSymbol {
    pub(crate) name: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
}

impl FrameSymbol {
    /// The function's name, demangled.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The source file.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line in that file, from 1.
    pub fn line(&self) -> Option<u32> {
        self.line
    }

    /// The column in that line, from 1.
    pub fn column(&self) -> Option<u32> {
        self.column
    }

    pub(super) fn is_empty(&self) -> bool {
        self.name.is_none() && self.file.is_none()
    }
}

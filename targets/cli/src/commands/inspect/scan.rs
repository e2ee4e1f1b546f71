//! Contents and features of a module, collected while it is read. It also handles modules that need features that the
//! engine doesn't have.

mod input;
mod scanner;

use dunlin::Feature;
use scanner::Scanner;
use std::io::{self, Read};
use wasmparser::{MemoryType, TableType};

/// A memory or a table, and whether it is imported.
pub(crate) struct Declared<T> {
    /// Its type.
    pub(crate) ty: T,
    /// Whether it is imported.
    pub(crate) imported: bool,
}

/// An import or an export.
#[derive(Clone)]
pub(crate) struct External {
    /// Of an import, the module that it comes from.
    pub(crate) module: String,
    /// Its name.
    pub(crate) name: String,
    /// `function`, `table`, `memory`, `global` or `tag`.
    pub(crate) kind: &'static str,
    /// Its type, in words.
    pub(crate) ty: String,
}

/// A section.
pub(crate) struct Section {
    /// Its number: 0 for a custom one.
    pub(crate) id: u8,
    /// The name of a custom one.
    pub(crate) name: String,
    /// Where its contents begin in the module.
    pub(crate) offset: u64,
    /// How many bytes they have.
    pub(crate) size: u32,
}

/// What was found.
#[derive(Default)]
pub(crate) struct Scan {
    /// The features that the module needs.
    pub(crate) features: Vec<Feature>,
    pub(crate) imports: Vec<External>,
    pub(crate) exports: Vec<External>,
    /// All memories, by index.
    pub(crate) memories: Vec<Declared<MemoryType>>,
    /// All tables, by index.
    pub(crate) tables: Vec<Declared<TableType>>,
    /// The sections, as far as they are listed.
    pub(crate) sections: Vec<Section>,
    /// How many functions it has itself.
    pub(crate) functions: u32,
    /// Its name, if it has one.
    pub(crate) name: Option<String>,
    /// Its bytes.
    pub(crate) size: u64,
}

/// Why a module can't be looked through.
#[derive(Debug)]
pub(crate) enum ScanError {
    /// It can't be read.
    Read(io::Error),
    /// It isn't valid, whatever features there are.
    Invalid(String),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Invalid("unexpected end-of-file".into()),
            _ => Self::Read(error),
        }
    }
}

impl From<wasmparser::Error> for ScanError {
    fn from(error: wasmparser::Error) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// Looks through a module, and validates it with all features that there are. No more is held than its largest section
/// other than code and custom ones, or its largest function.
pub(crate) fn scan(reader: impl Read) -> Result<Scan, ScanError> {
    let mut scanner = Scanner::new(reader);
    scanner.module()?;
    Ok(scanner.finish())
}

#[cfg(all(test, feature = "text"))]
mod tests;

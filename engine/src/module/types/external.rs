//! The types of what a module imports and exports.

use super::{FuncType, GlobalType, MemoryType, TableType, TagType};
use core::fmt;

/// The type of something that is imported or exported.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A table.
    Table(TableType),
    /// A linear memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag.
    Tag(TagType),
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExternType::Func(ty) => write!(f, "function {ty}"),
            ExternType::Table(ty) => fmt::Display::fmt(ty, f),
            ExternType::Memory(ty) => fmt::Display::fmt(ty, f),
            ExternType::Global(ty) => fmt::Display::fmt(ty, f),
            ExternType::Tag(ty) => fmt::Display::fmt(ty, f),
        }
    }
}

/// Something a module imports.
#[derive(Debug, Clone)]
pub struct ImportType<'m> {
    module: &'m str,
    name: &'m str,
    ty: ExternType,
}

impl<'m> ImportType<'m> {
    pub(crate) fn new(module: &'m str, name: &'m str, ty: ExternType) -> ImportType<'m> {
        ImportType { module, name, ty }
    }

    /// The first of the two names: whom it is imported from.
    pub fn module(&self) -> &'m str {
        self.module
    }

    /// The second of the two names: what is imported.
    pub fn name(&self) -> &'m str {
        self.name
    }

    /// The type the module wants it to have.
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

/// Something a module exports.
#[derive(Debug, Clone)]
pub struct ExportType<'m> {
    name: &'m str,
    ty: ExternType,
}

impl<'m> ExportType<'m> {
    pub(crate) fn new(name: &'m str, ty: ExternType) -> ExportType<'m> {
        ExportType { name, ty }
    }

    /// The name it is exported by.
    pub fn name(&self) -> &'m str {
        self.name
    }

    /// Its type.
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

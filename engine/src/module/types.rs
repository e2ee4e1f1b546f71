//! The types of values, functions, memories, tables, globals and tags, and of what a module imports and exports.

mod declared;
mod external;
mod func;
mod list;
mod memory;
mod plain;
mod questions;
mod tag;
mod value;

pub(crate) use declared::DeclaredType;
pub use external::{ExportType, ExternType, ImportType};
pub use func::FuncType;
pub use list::ValTypes;
pub use memory::MemoryType;
pub(crate) use plain::PlainType;
pub use tag::TagType;
pub(crate) use value::TooManyTypes;
pub use value::{HeapType, RefType, TypeNumber, ValType};

use crate::words::Count;
use core::fmt;

/// Writes `exactly 3 pages`, `3 to 7 pages` or `at least 1 page`.
fn write_limits(
    f: &mut fmt::Formatter<'_>,
    minimum: u64,
    maximum: Option<u64>,
    what: &'static str,
) -> fmt::Result {
    match maximum {
        Some(maximum) if maximum == minimum => write!(f, "exactly {}", Count(minimum, what)),
        Some(maximum) => write!(f, "{minimum} to {}", Count(maximum, what)),
        None => write!(f, "at least {}", Count(minimum, what)),
    }
}

/// The type of a table: what it holds, and its size in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TableType {
    pub(crate) element: RefType,
    pub(crate) minimum: u64,
    pub(crate) maximum: Option<u64>,
    pub(crate) is_64: bool,
}

impl TableType {
    /// A table of at least `minimum` elements of the reference type `element`, which may grow to `maximum`.
    pub fn new(element: RefType, minimum: u32, maximum: Option<u32>) -> TableType {
        TableType { is_64: false, ..TableType::new64(element, minimum.into(), maximum.map(u64::from)) }
    }

    /// The same, with 64-bit indices.
    pub fn new64(element: RefType, minimum: u64, maximum: Option<u64>) -> TableType {
        TableType { element, minimum, maximum, is_64: true }
    }

    /// The type of the elements.
    pub fn element(&self) -> RefType {
        self.element
    }

    /// The elements such a table has at first.
    pub fn minimum(&self) -> u64 {
        self.minimum
    }

    /// The elements such a table may grow to, if that is bounded by the type.
    pub fn maximum(&self) -> Option<u64> {
        self.maximum
    }

    /// Whether its indices are 64-bit.
    pub fn is_64(&self) -> bool {
        self.is_64
    }
}

impl fmt::Display for TableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} table of ", if self.is_64 { "64-bit " } else { "" }, self.element)?;
        write_limits(f, self.minimum, self.maximum, "elements")
    }
}

/// Whether a global may be assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutability {
    /// It keeps its first value.
    Const,
    /// It may be assigned.
    Var,
}

/// The type of a global: the type of its value, and whether it may be assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GlobalType {
    pub(crate) content: ValType,
    pub(crate) mutability: Mutability,
}

impl GlobalType {
    /// A global holding a `content`.
    pub fn new(content: ValType, mutability: Mutability) -> GlobalType {
        GlobalType { content, mutability }
    }

    /// The type of the value.
    pub fn content(&self) -> ValType {
        self.content
    }

    /// Whether the global may be assigned.
    pub fn mutability(&self) -> Mutability {
        self.mutability
    }
}

impl fmt::Display for GlobalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mutability {
            Mutability::Const => write!(f, "{} global", self.content),
            Mutability::Var => write!(f, "mutable {} global", self.content),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn types_read_well() {
        let ty = FuncType::new([ValType::I32, ValType::I64], [ValType::F32]);
        assert_eq!(ty.to_string(), "(i32, i64) -> (f32)");
        assert_eq!(ExternType::from(ty).to_string(), "function (i32, i64) -> (f32)");
        assert_eq!(FuncType::new([], []).to_string(), "() -> ()");
        assert_eq!(MemoryType::new(1, None).to_string(), "memory of at least 1 page");
        assert_eq!(MemoryType::new(1, Some(4)).to_string(), "memory of 1 to 4 pages");
        let bytes = MemoryType { page_size_log2: 0, ..MemoryType::new64(5, Some(6)) };
        assert_eq!(bytes.to_string(), "64-bit memory of 5 to 6 pages of 1 byte");
        assert_eq!(
            TableType::new(RefType::FUNCREF, 2, Some(2)).to_string(),
            "funcref table of exactly 2 elements"
        );
        assert_eq!(GlobalType::new(ValType::V128, Mutability::Var).to_string(), "mutable v128 global");
    }

    #[test]
    fn a_parameter_is_not_a_result() {
        assert_ne!(FuncType::new([ValType::I32], []), FuncType::new([], [ValType::I32]));
    }
}

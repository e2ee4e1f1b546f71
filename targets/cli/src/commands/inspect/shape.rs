//! Types in words, also those that the engine doesn't have. The others are written as the engine writes them.

use crate::output::count;
use wasmparser::{FuncType, GlobalType, HeapType, MemoryType, RefType, TableType, UnpackedIndex, ValType};

/// `(i32, i64) -> (f32)`
pub(crate) fn function(ty: &FuncType) -> String {
    format!("{} -> {}", list(ty.params()), list(ty.results()))
}

/// `(i32, i64)`
pub(crate) fn list(types: &[ValType]) -> String {
    let types: Vec<_> = types.iter().map(|ty| value(*ty)).collect();
    format!("({})", types.join(", "))
}

/// `mutable i32 global`
pub(crate) fn global(ty: &GlobalType) -> String {
    let shared = if ty.shared { "shared " } else { "" };
    let mutable = if ty.mutable { "mutable " } else { "" };
    format!("{shared}{mutable}{} global", value(ty.content_type))
}

/// `memory of 1 to 2 pages`
pub(crate) fn memory(ty: &MemoryType) -> String {
    let shared = if ty.shared { "shared " } else { "" };
    let wide = if ty.memory64 { "64-bit " } else { "" };
    format!("{shared}{wide}memory of {}", limits(ty.initial, ty.maximum, "page"))
}

/// `funcref table of 1 element`
pub(crate) fn table(ty: &TableType) -> String {
    let shared = if ty.shared { "shared " } else { "" };
    let wide = if ty.table64 { "64-bit " } else { "" };
    format!(
        "{shared}{wide}{} table of {}",
        reference(ty.element_type),
        limits(ty.initial, ty.maximum, "element")
    )
}

/// `at least 1 page`
pub(crate) fn limits(minimum: u64, maximum: Option<u64>, unit: &str) -> String {
    match maximum {
        Some(maximum) if maximum == minimum => format!("exactly {}", count(minimum, unit)),
        Some(maximum) => format!("{minimum} to {}", count(maximum, unit)),
        None => format!("at least {}", count(minimum, unit)),
    }
}

/// `i32`, `(ref null 3)`
fn value(ty: ValType) -> String {
    match ty {
        ValType::Ref(ty) => reference(ty),
        other => other.to_string(),
    }
}

/// `funcref`, `(ref 3)`
pub(crate) fn reference(ty: RefType) -> String {
    let null = if ty.is_nullable() { "null " } else { "" };
    let index = |index: UnpackedIndex| match index {
        UnpackedIndex::Module(index) | UnpackedIndex::RecGroup(index) => index.to_string(),
        other => other.to_string(),
    };
    match ty.heap_type() {
        HeapType::Abstract { .. } => ty.to_string(),
        HeapType::Concrete(ty) => format!("(ref {null}{})", index(ty)),
        HeapType::Exact(ty) => format!("(ref {null}exact {})", index(ty)),
    }
}

//! Dunlin.

// Not everything is used from outside yet.
#![allow(dead_code)]

mod bodies;
mod budget;
mod const_expr;
mod features;
mod limits;
mod module;
mod names;
mod stream;
mod types;
mod value;

pub use budget::{Budget, Charge, Kind, OutOfBudget};
pub use types::{
    ExportType, ExternType, FuncType, GlobalType, ImportType, MemoryType, Mutability, TableType, ValType,
};

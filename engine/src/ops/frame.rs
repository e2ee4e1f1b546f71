//! What code knows of the places that it works on: frames and contexts.

use super::Class;
use crate::module::ModuleInner;
use crate::module::types::{FuncType, ValTypes};

/// Slots of a frame's header: where to return to, and the caller's frame.
pub(crate) const HEADER: u32 = 2;

/// The most slots that a frame may have: a cell names them by 16 bits.
pub(crate) const MAX_SLOTS: u32 = 65_535;

/// The slot at which the header of frames of this type begins.
pub(crate) fn header_of(ty: &FuncType) -> u32 {
    slots(ty.params()).max(slots(ty.results()))
}

pub(crate) fn slots(types: ValTypes<'_>) -> u32 {
    types.map(|ty| Class::of(ty).slots()).sum()
}

/// Words of a context before the pointer arrays.
pub(crate) const CONTEXT_WORDS: u32 = 11;

/// Where the pointer arrays behind a context(crate::runtime::vmctx::VmCtx) begin, in words from its start.
///
/// The order is: imported functions (`*mut FuncObj`), tables (`*mut TableObj`), memories (`*mut MemoryObj`),
/// globals (`*mut GlobalObj`), tags (`*mut TagObj`); each array covers its whole index space, except functions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VmLayout {
    pub(crate) funcs: u32,
    pub(crate) tables: u32,
    pub(crate) memories: u32,
    pub(crate) globals: u32,
    pub(crate) tags: u32,
    /// Size of the whole block.
    pub(crate) words: u32,
}

impl VmLayout {
    pub(crate) fn new(module: &ModuleInner) -> Self {
        let funcs = CONTEXT_WORDS;
        let tables = funcs + module.imported_funcs;
        let memories = tables + module.tables.len() as u32;
        let globals = memories + module.memories.len() as u32;
        let tags = globals + module.globals.len() as u32;
        Self { funcs, tables, memories, globals, tags, words: tags + module.tags.len() as u32 }
    }
}

//! The memory flags (aliasing, trapping, alignment) of each kind of access.

use cranelift_codegen::ir::{AliasRegionData, Endianness, Function, MemFlagsData};
use std::borrow::Cow;

/// Memory flags by what is accessed. Each kind of memory is an alias region: no two of them overlap.
#[derive(Clone, Copy)]
pub(crate) struct AccessFlags {
    /// A linear memory, where an access that is out of bounds faults.
    pub(crate) memory: MemFlagsData,
    /// A linear memory, where the access is known or has been checked to be in bounds.
    pub(crate) memory_checked: MemFlagsData,
    /// The engine's state: contexts, and the objects that they point to, except for globals.
    pub(crate) vm: MemFlagsData,
    /// The part of the engine's state that never changes while an instance lives.
    pub(crate) vm_readonly: MemFlagsData,
    /// A table's elements.
    pub(crate) table: MemFlagsData,
    /// A global's value.
    pub(crate) global: MemFlagsData,
    /// Frames on the value stack.
    pub(crate) slots: MemFlagsData,
}

/// The number of a module's globals that have alias regions of their own. It is bounded because Cranelift visits all
/// regions at each instruction that may trap.
const OWN_REGIONS: u32 = 32;

/// The number of the first such region; those below are the kinds of memory.
pub(crate) const FIRST_OWN_GLOBAL: u32 = 100;

/// The flags for the `own`th global that the module defines, which can't alias any other global.
pub(crate) fn own_global(func: &mut Function, own: u32) -> MemFlagsData {
    let index = own.min(OWN_REGIONS);
    let description = Cow::Borrowed("a global");
    let region = AliasRegionData { user_id: FIRST_OWN_GLOBAL + index, description };
    MemFlagsData::trusted().with_alias_region(Some(func.dfg.alias_regions.insert(region)))
}

impl AccessFlags {
    pub(crate) fn new(func: &mut Function) -> AccessFlags {
        let mut region = |user_id, description| {
            let description = Cow::Borrowed(description);
            Some(func.dfg.alias_regions.insert(AliasRegionData { user_id, description }))
        };
        let memory =
            MemFlagsData::new().with_endianness(Endianness::Little).with_alias_region(region(1, "memory"));
        let vm = MemFlagsData::trusted().with_alias_region(region(2, "vm"));
        AccessFlags {
            memory,
            memory_checked: memory.with_notrap(),
            vm,
            vm_readonly: vm.with_readonly().with_can_move(),
            table: MemFlagsData::trusted().with_alias_region(region(3, "table")),
            global: MemFlagsData::trusted().with_alias_region(region(4, "global")),
            // Not aligned: a vector takes two slots, whose address is only a multiple of 8.
            slots: MemFlagsData::new().with_notrap().with_alias_region(region(5, "slots")),
        }
    }
}

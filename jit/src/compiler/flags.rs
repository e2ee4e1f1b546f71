//! What Cranelift may assume of each kind of memory access.

use cranelift_codegen::ir::{AliasRegionData, Endianness, Function, MemFlagsData};
use std::borrow::Cow;

/// An access's flags, by what it goes to. Each kind of memory is an alias region: no two of them overlap.
#[derive(Clone, Copy)]
pub(crate) struct Flags {
    /// A linear memory, where the access itself finds out whether it is in bounds.
    pub(crate) memory: MemFlagsData,
    /// A linear memory, where the access is known to be in bounds.
    pub(crate) memory_checked: MemFlagsData,
    /// The engine's own state: contexts, and the objects behind them except for globals.
    pub(crate) vm: MemFlagsData,
    /// Of that, what never changes while an instance lives.
    pub(crate) vm_readonly: MemFlagsData,
    /// A table's elements.
    pub(crate) table: MemFlagsData,
    /// A global's value.
    pub(crate) global: MemFlagsData,
    /// Frames on the value stack.
    pub(crate) slots: MemFlagsData,
}

/// So many of a module's globals have regions of their own: Cranelift looks at all regions at each instruction that may trap.
const OWN_REGIONS: u32 = 32;

/// A global that the module defines, which is no other one: the module's `own`th.
pub(crate) fn own_global(func: &mut Function, own: u32) -> MemFlagsData {
    let index = own.min(OWN_REGIONS);
    let description = Cow::Borrowed("a global");
    let region = AliasRegionData { user_id: 100 + index, description };
    MemFlagsData::trusted().with_alias_region(Some(func.dfg.alias_regions.insert(region)))
}

impl Flags {
    pub(crate) fn new(func: &mut Function) -> Flags {
        let mut region = |user_id, description| {
            let description = Cow::Borrowed(description);
            Some(func.dfg.alias_regions.insert(AliasRegionData { user_id, description }))
        };
        let memory =
            MemFlagsData::new().with_endianness(Endianness::Little).with_alias_region(region(1, "memory"));
        let vm = MemFlagsData::trusted().with_alias_region(region(2, "vm"));
        Flags {
            memory,
            memory_checked: memory.with_notrap(),
            vm,
            vm_readonly: vm.with_readonly().with_can_move(),
            table: MemFlagsData::trusted().with_alias_region(region(3, "table")),
            global: MemFlagsData::trusted().with_alias_region(region(4, "global")),
            // A vector takes two slots, whose address is a multiple of 8 only.
            slots: MemFlagsData::new().with_notrap().with_alias_region(region(5, "slots")),
        }
    }
}

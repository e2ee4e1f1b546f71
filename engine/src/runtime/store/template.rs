//! Templates: the initial bytes of a memory, which instances share until they write.

use crate::memory::{Budget, Charge, Kind};
use crate::module::{DataMode, DataSegment, ModuleInner};
use crate::sys::{Snapshot, page_size};

/// From how many bytes of segments on there is a template: fewer are copied as fast.
const LEAST: u64 = 256 << 10;

/// The initial bytes of a module's only memory, charged once.
#[derive(Debug)]
pub(crate) struct Template {
    pub(super) snapshot: Snapshot,
    _charge: Charge,
}

impl Template {
    /// The template of a module whose active segments are large and can be placed whatever the imports are. `None` where
    /// that isn't so, or the budget or the system refuses: then segments are copied for each instance.
    pub(crate) fn of(module: &ModuleInner, budget: &Budget) -> Option<Self> {
        let [ty] = *module.memories else { return None };
        // What is in an imported table can be called, and look at the memory, before data segments are there.
        if module.one_instance || ty.is_shared || module.imported_memories > 0 || module.imported_tables > 0 {
            return None;
        }
        let active =
            module.data.iter().enumerate().filter(|(_, segment)| !matches!(segment.mode, DataMode::Passive));
        let place = |segment: &DataSegment| match &segment.mode {
            DataMode::Active { memory: 0, offset } => offset.as_i32().map(u64::from),
            _ => None,
        };
        let (mut total, mut end) = (0, 0);
        for (_, segment) in active.clone() {
            let len = u64::from(segment.len);
            (total, end) = (total + len, end.max(place(segment)? + len));
        }
        let len = end.checked_next_multiple_of(page_size() as u64)?;
        if total < LEAST || len > ty.sizes().minimum {
            return None;
        }
        let parts =
            active.filter_map(|(index, segment)| Some((place(segment)?, module.data_payload(index as u32))));
        let charge = budget.charge(Kind::Memory, len).ok()?;
        let snapshot = Snapshot::new(usize::try_from(len).ok()?, parts).ok()?;
        Some(Self { snapshot, _charge: charge })
    }
}

//! The locals of interpreted frames, for core dumps. They are in their slots at every cell.

use super::walk::Frame;
use crate::memory::{Budget, Buf, Kind, MemoryError};
use crate::module::types::ValType;
use crate::ops::Class;
use crate::ops::frame::HEADER;
use crate::runtime::coredump::CoreValue;
use crate::runtime::loaded::ModuleShared;
use wasmparser::BinaryReader;

/// The locals of a frame; `None` if there is no memory for them.
///
/// # Safety
/// The frame hasn't changed since the execution stopped in it.
pub(super) unsafe fn of(frame: &Frame<'_>, budget: &Budget) -> Option<Buf<CoreValue>> {
    let mut values = Buf::new(budget, Kind::Host);
    let visited = visit(frame.module.shared(), frame.func, budget, &mut |ty, slot| {
        // SAFETY: the slot is one of the frame's.
        values.try_push(CoreValue::of(ty, unsafe { *frame.sp.add(slot as usize) }))
    });
    visited?;
    Some(values)
}

/// How many locals a function (imports counted) has; `None` if its body can't be read.
pub(crate) fn count(module: &ModuleShared, func: u32, budget: &Budget) -> Option<u32> {
    let mut count = 0;
    visit(module, func, budget, &mut |_, _| {
        count += 1;
        Ok(())
    })?;
    Some(count)
}

/// Visits the locals of a function, with their types (`None` is one that Dunlin doesn't have) and slots: its parameters
/// lie before the frame's header, and the others behind it.
fn visit(
    module: &ModuleShared,
    func: u32,
    budget: &Budget,
    visit: &mut dyn FnMut(Option<ValType>, u32) -> Result<(), MemoryError>,
) -> Option<()> {
    let index = func - module.data.imported_funcs;
    let mut slot = 0;
    for ty in module.data.func_type(func).params() {
        visit(Some(ty), slot).ok()?;
        slot += Class::of(ty).slots();
    }
    slot = module.header(index) + HEADER;
    let declared = module.data.bodies.with_body(index, budget, |body| {
        let mut reader = BinaryReader::new_features(body, 0, module.data.features.of_bodies());
        for _ in 0..reader.read_var_u32().ok()? {
            let count = reader.read_var_u32().ok()?;
            let ty = ValType::from_wasmparser(reader.read().ok()?);
            for _ in 0..count {
                visit(ty, slot).ok()?;
                slot += ty.map_or(1, |ty| Class::of(ty).slots());
            }
        }
        Some(())
    });
    declared.ok()?
}

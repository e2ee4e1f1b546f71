//! The locals and operands of interpreted frames, for core dumps. Locals are in their slots at every cell; where operands are,
//! [`Operands`] knows.

use super::operands::Operands;
use super::regs::Regs;
use super::walk::Frame;
use crate::memory::{Budget, Buf, Kind, MemoryError, Shared};
use crate::module::types::ValType;
use crate::ops::Class;
use crate::ops::frame::HEADER;
use crate::runtime::coredump::{CoreValue, FrameValues};
use crate::runtime::loaded::ModuleShared;
use crate::translate::Held;
use wasmparser::BinaryReader;

/// What is kept of the frames of an execution that has stopped. `regs` are the registers there. It gives `None` if there is
/// no memory for the locals.
///
/// # Safety
/// What it gives is called with frames of that execution, which haven't changed since.
pub(super) unsafe fn values(
    budget: &Budget,
    regs: Option<Regs>,
) -> impl FnMut(&Frame<'_>) -> Option<Shared<FrameValues>> {
    let mut operands = Operands::new(budget);
    move |frame| {
        let regs = regs.filter(|regs| (regs.ip, regs.sp) == (frame.ip, frame.sp) && !frame.calls);
        // SAFETY: the caller keeps the contract.
        let (locals, operands) =
            unsafe { (locals_of(frame, budget)?, operands_of(frame, &mut operands, regs.as_ref(), budget)) };
        Shared::try_new(Kind::Host, FrameValues { locals, operands }).ok()
    }
}

/// The locals of a frame; `None` if there is no memory for them.
///
/// # Safety
/// The frame hasn't changed since the execution stopped in it.
unsafe fn locals_of(frame: &Frame<'_>, budget: &Budget) -> Option<Buf<CoreValue>> {
    let mut values = Buf::new(budget, Kind::Host);
    let visited = visit(frame.module.shared(), frame.func, budget, &mut |ty, slot| {
        // SAFETY: the slot is one of the frame's.
        values.try_push(CoreValue::of(ty, unsafe { *frame.sp.add(slot as usize) }))
    });
    visited?;
    Some(values)
}

/// The operands of a frame; `None` if there is no memory to find them. `regs` are the registers, if it stopped there.
///
/// # Safety
/// As for [`locals_of`].
unsafe fn operands_of(
    frame: &Frame<'_>,
    operands: &mut Operands<'_>,
    regs: Option<&Regs>,
    budget: &Budget,
) -> Option<Buf<CoreValue>> {
    let mut values = Buf::new(budget, Kind::Host);
    for (ty, held) in operands.at(frame)? {
        let bits = match *held {
            // SAFETY: the slot is one of the frame's.
            Some(Held::Slot(slot)) => Some(unsafe { *frame.sp.add(slot.into()) }),
            Some(Held::Bits([low, _])) => Some(low),
            Some(Held::Accumulator(class)) => regs.map(|regs| regs.accumulator(class)[0]),
            None => None,
        };
        let value = bits.map_or(CoreValue::Missing, |bits| CoreValue::of(Some(*ty), bits));
        values.try_push(value).ok()?;
    }
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

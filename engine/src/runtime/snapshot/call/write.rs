//! The call, written.

use super::{AWAITS, CALLS, INNERMOST_FRAME, Why, callee_of, kind_of_frame, load, operand};
use crate::module::types::FuncType;
use crate::runtime::error::Error;
use crate::runtime::exec::{Frozen, FrozenFrame, Innermost};
use crate::runtime::snapshot::names::Name;
use crate::runtime::snapshot::site::Sites;
use crate::runtime::snapshot::write::Encoder;
use crate::runtime::snapshot::{Part, refused};

/// # Safety
/// As for [`Encoder`].
impl Encoder<'_, '_> {
    /// The store's fuel, and the call.
    pub(in super::super) unsafe fn call(
        &mut self,
        frozen: Option<&Frozen>,
        sites: &mut Sites,
    ) -> Result<(), Error> {
        self.to.part(Part::Call)?;
        // SAFETY: the caller's contract.
        let fuel = unsafe { (*self.store).get_fuel() };
        self.to.u8(fuel.is_ok().into())?;
        self.to.u64(fuel.unwrap_or(0))?;
        let Some(call) = self.call else { return self.to.u8(0) };
        self.to.u8(1)?;
        let name = self.names.func(call.func.as_ptr())?;
        self.to.name(name)?;
        // SAFETY: the caller's contract.
        let why = Why::of(call.reason, unsafe { &(*self.store).budget })?;
        why.write(&mut self.to)?;
        let Some(frozen) = frozen else {
            self.to.u32(0)?;
            // SAFETY: function objects live as long as the store.
            let ty = unsafe { (*self.store).engine.known_type(call.func.as_ref().sig) };
            let args = call.args();
            // SAFETY: the arguments are those of the function.
            return unsafe { self.calls(name, &ty, args.as_ptr()) };
        };
        self.to.u32(frozen.frames.len() as u32)?;
        for (number, frame) in frozen.frames.iter().enumerate().rev() {
            // SAFETY: a frozen execution stays as it is.
            unsafe { self.frame(frame, (number == 0).then_some(frozen), sites)? };
        }
        match frozen.innermost {
            Innermost::Before | Innermost::Owes => self.to.u8(INNERMOST_FRAME),
            Innermost::Awaits(func) => {
                self.to.u8(AWAITS)?;
                let name = self.names.func(func)?;
                self.to.name(name)
            }
            // SAFETY: the arguments are those of the function; objects live as long as the store.
            Innermost::Calls(callee, args) => unsafe {
                let (name, ty) = callee_of(&mut self.names, &*self.store, callee)?;
                self.calls(name, &ty, args)
            },
        }
    }

    unsafe fn calls(&mut self, name: Name, ty: &FuncType, args: *const u64) -> Result<(), Error> {
        self.to.u8(CALLS)?;
        self.to.name(name)?;
        let mut slot = 0;
        for ty in ty.params() {
            // SAFETY: the caller's contract.
            unsafe { self.to.value(&mut self.names, ty, load(args.add(slot as usize), ty))? };
            slot += ty.slots();
        }
        Ok(())
    }

    unsafe fn frame(
        &mut self,
        frame: &FrozenFrame,
        innermost: Option<&Frozen>,
        sites: &mut Sites,
    ) -> Result<(), Error> {
        let FrozenFrame { vm, sp, func, offset } = *frame;
        // SAFETY: the caller's contract.
        let (instance, budget) = unsafe { (&*(*vm).instance, (*self.store).budget.clone()) };
        let shared = instance.module.shared();
        let kind = kind_of_frame(innermost);
        let site = sites.at(&instance.module, func, offset)?;
        let operands = site.operands_at(kind).ok_or_else(|| refused("a frame is where it can't be read"))?;
        self.to.u32(self.names.number(instance))?;
        self.to.u32(func)?;
        self.to.u32((offset - shared.data.bodies.file_offset(func - shared.data.imported_funcs)) as u32)?;
        self.to.u8(kind)?;
        self.to.u32(site.locals.len() as u32)?;
        for (ty, slot) in site.locals(shared) {
            // SAFETY: the frame has this slot.
            let value = unsafe { load(sp.add(slot as usize), ty) };
            self.to.value(&mut self.names, ty, value)?;
        }
        self.to.u32(operands.len() as u32)?;
        for (number, (ty, slot)) in site.operands(operands).enumerate() {
            // SAFETY: a frozen execution stays as it is.
            let value = unsafe { operand(frame, innermost, site, (number, ty, slot), &budget)? };
            self.to.value(&mut self.names, ty, value)?;
        }
        Ok(())
    }
}

//! Values, as C has them.

use crate::boundary::{c_types, exports};
use crate::failure::{Failure, Result};
use crate::foreign;
use crate::object::{Object, is_no_memory, wasm_ref_t};
use crate::pointers::Out;
use crate::store::StoreRef;
use crate::types::Kinds;
use dunlin::{HeapType, Val, ValType};
use std::ptr::{null_mut, with_exposed_provenance, with_exposed_provenance_mut};

/// A value: its kind, and C's union as the bits that are in it.
#[repr(C)]
pub struct wasm_val_t {
    kind: u8,
    of: u64,
}

impl wasm_val_t {
    pub(crate) const I32_ZERO: Self = Self { kind: Kinds::I32, of: 0 };

    pub(crate) fn try_clone(&self) -> Option<Self> {
        let of = match self.reference() {
            Some(reference) => expose(reference.try_clone()?),
            None => self.of,
        };
        Some(Self { kind: self.kind, of })
    }

    /// What it refers to, if it is a reference and not null.
    fn reference(&self) -> Option<&wasm_ref_t> {
        if self.kind < Kinds::EXTERNREF {
            return None;
        }
        let pointer = with_exposed_provenance::<wasm_ref_t>(self.of as usize);
        // SAFETY: as the header demands, a reference is null or a handle.
        unsafe { pointer.as_ref() }
    }

    /// Drops what it refers to.
    fn delete(&mut self) {
        if self.kind >= Kinds::EXTERNREF && self.of != 0 {
            let pointer = with_exposed_provenance_mut::<wasm_ref_t>(self.of as usize);
            self.of = 0;
            if is_no_memory(pointer) {
                return;
            }
            // SAFETY: as the header demands, it is a handle, which C gives up.
            drop(unsafe { Box::from_raw(pointer) });
        }
    }

    /// The value for the engine, where one of type `ty` is expected.
    pub(crate) fn to_val(&self, store: &StoreRef, ty: ValType) -> Result<Val> {
        if let ValType::Ref(wanted) = ty {
            if self.kind < Kinds::EXTERNREF {
                return Err(self.unexpected(ty));
            }
            return reference_to_val(store, self.reference(), wanted.heap_type());
        }
        match (self.kind, ty) {
            (Kinds::I32, ValType::I32) => Ok(Val::I32(self.of as u32 as i32)),
            (Kinds::I64, ValType::I64) => Ok(Val::I64(self.of as i64)),
            (Kinds::F32, ValType::F32) => Ok(Val::F32(self.of as u32)),
            (Kinds::F64, ValType::F64) => Ok(Val::F64(self.of)),
            _ => Err(self.unexpected(ty)),
        }
    }

    fn unexpected(&self, ty: ValType) -> Failure {
        if ty == ValType::V128 {
            return Failure::argument("a v128 has no room in wasm_val_t: use dunlin_numeric_func_call");
        }
        Failure::argument(format_args!("expected a value of type {ty}, not of kind {}", self.kind))
    }

    /// The value for C, who owns it.
    pub(crate) fn of_val(store: &StoreRef, val: Val) -> Result<Self> {
        Ok(match val {
            Val::I32(value) => Self { kind: Kinds::I32, of: u64::from(value as u32) },
            Val::I64(value) => Self { kind: Kinds::I64, of: value as u64 },
            Val::F32(bits) => Self { kind: Kinds::F32, of: bits.into() },
            Val::F64(bits) => Self { kind: Kinds::F64, of: bits },
            Val::V128(_) => {
                return Err(Failure::argument(
                    "a v128 has no room in wasm_val_t: use dunlin_numeric_func_call",
                ));
            }
            Val::FuncRef(_) => Self::of_reference(store, Kinds::FUNCREF, val)?,
            Val::ExternRef(_) => Self::of_reference(store, Kinds::EXTERNREF, val)?,
            Val::ExnRef(_) => Self::of_reference(store, Kinds::EXNREF, val)?,
        })
    }

    fn of_reference(store: &StoreRef, kind: u8, val: Val) -> Result<Self> {
        Ok(Self { kind, of: val_to_reference(store, val)?.map_or(0, expose) })
    }
}

fn expose(reference: Box<wasm_ref_t>) -> u64 {
    Box::into_raw(reference).expose_provenance() as u64
}

/// A value of the engine's for a handle, or for null.
pub(crate) fn reference_to_val(
    store: &StoreRef,
    reference: Option<&wasm_ref_t>,
    wanted: HeapType,
) -> Result<Val> {
    let Some(reference) = reference else { return Ok(Val::null(wanted)) };
    if reference.store.as_ref().is_some_and(|other| !store.same(other)) {
        return Err(Failure::argument("a reference belongs to another store"));
    }
    match (wanted, &reference.object) {
        (HeapType::Func | HeapType::ConcreteFunc(_), Object::Func(func)) => Ok(Val::FuncRef(Some(*func))),
        (HeapType::Exn, Object::Exception(exception)) => Ok(Val::ExnRef(Some(*exception))),
        (HeapType::Extern, object) => Ok(Val::ExternRef(Some(foreign::to_extern_ref(store, object)?))),
        _ => Err(Failure::argument(format_args!("a reference is not the {wanted:?} that is expected"))),
    }
}

/// A handle for a reference of the engine's; `None` for null.
pub(crate) fn val_to_reference(store: &StoreRef, val: Val) -> Result<Option<Box<wasm_ref_t>>> {
    let object = match val {
        Val::FuncRef(func) => func.map(Object::Func),
        Val::ExnRef(exception) => exception.map(Object::Exception),
        Val::ExternRef(reference) => reference.and_then(|it| foreign::of_extern_ref(store, it)),
        _ => None,
    };
    let Some(object) = object else { return Ok(None) };
    wasm_ref_t::try_new(Some(store.clone()), object).map(Some).ok_or(Failure::NO_MEMORY)
}

c_types! {
    wasm_val_t = "wasm_val_t";
}

exports! {
    fn wasm_val_delete(val: Option<&mut wasm_val_t>) {
        if let Some(val) = val {
            val.delete();
        }
    }

    fn wasm_val_copy(out: Out<'_, wasm_val_t>, val: Option<&wasm_val_t>) {
        let nothing = wasm_val_t { kind: Kinds::EXTERNREF, of: null_mut::<()>() as u64 };
        out.put(val.and_then(wasm_val_t::try_clone).unwrap_or(nothing));
    }
}

impl Drop for wasm_val_t {
    fn drop(&mut self) {
        self.delete();
    }
}

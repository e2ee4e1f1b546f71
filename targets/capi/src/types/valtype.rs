//! Types of values.

use crate::boundary::{c_types, exports};
use crate::own::try_box;
use dunlin::{HeapType, ValType};

/// The numbers of `wasm_valkind_t`, and those that `dunlin.h` adds.
pub(crate) struct Kinds;

impl Kinds {
    pub(crate) const I32: u8 = 0;
    pub(crate) const I64: u8 = 1;
    pub(crate) const F32: u8 = 2;
    pub(crate) const F64: u8 = 3;
    pub(crate) const V128: u8 = 4;
    pub(crate) const EXTERNREF: u8 = 128;
    pub(crate) const FUNCREF: u8 = 129;
    pub(crate) const EXNREF: u8 = 130;

    pub(crate) fn of(ty: ValType) -> u8 {
        match ty {
            ValType::I32 => Self::I32,
            ValType::I64 => Self::I64,
            ValType::F32 => Self::F32,
            ValType::F64 => Self::F64,
            ValType::V128 => Self::V128,
            ValType::Ref(ty) => match ty.heap_type() {
                HeapType::Extern => Self::EXTERNREF,
                HeapType::Exn => Self::EXNREF,
                _ => Self::FUNCREF,
            },
        }
    }

    fn ty(kind: u8) -> Option<ValType> {
        Some(match kind {
            Self::I32 => ValType::I32,
            Self::I64 => ValType::I64,
            Self::F32 => ValType::F32,
            Self::F64 => ValType::F64,
            Self::V128 => ValType::V128,
            Self::EXTERNREF => ValType::EXTERNREF,
            Self::FUNCREF => ValType::FUNCREF,
            Self::EXNREF => ValType::EXNREF,
            _ => return None,
        })
    }
}

/// The type of a value. Of a reference it is the exact one, which has no name in C.
pub struct wasm_valtype_t(pub(crate) ValType);

impl wasm_valtype_t {
    pub(crate) fn try_clone(&self) -> Option<Box<Self>> {
        try_box(Self(self.0))
    }
}

c_types! {
    wasm_valtype_t = "wasm_valtype_t";
}

exports! {
    fn wasm_valtype_new(kind: u8) -> Option<Box<wasm_valtype_t>> {
        try_box(wasm_valtype_t(Kinds::ty(kind)?))
    }

    fn wasm_valtype_delete(ty: Option<Box<wasm_valtype_t>>) {
        drop(ty);
    }

    fn wasm_valtype_copy(ty: Option<&wasm_valtype_t>) -> Option<Box<wasm_valtype_t>> {
        ty?.try_clone()
    }

    fn wasm_valtype_kind(ty: Option<&wasm_valtype_t>) -> u8 {
        ty.map_or(0, |ty| Kinds::of(ty.0))
    }
}
